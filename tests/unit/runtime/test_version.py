"""Each copy of the package says its own version, which is written once."""

import tomllib
from pathlib import Path

import yaml

from grover.runtime.version import UNKNOWN, is_of, version

ROOT = Path(__file__).resolve().parents[3]


def installed(root: Path, number: str) -> None:
    """What pip leaves beside an installed package."""
    folder = root / f"grover-{number}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.4\nName: grover\nVersion: {number}\n")


def test_this_checkout_has_the_version_of_its_pyproject():
    assert version() == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert "version" not in yaml.safe_load((ROOT / "CITATION.cff").read_text())


def test_a_checkout_ignores_metadata_and_an_installed_package_the_pyproject_of_another_project(tmp_path):
    installed(tmp_path, "3.4.5")
    assert version(tmp_path) == "3.4.5"
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "another"\nversion = "1.0"\n')
    assert version(tmp_path) == "3.4.5"
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "grover"\nversion = "6.7"\n')
    assert version(tmp_path) == "6.7"


def test_a_bare_copy_does_not_take_the_version_of_what_is_installed(tmp_path):
    assert version(tmp_path) == UNKNOWN


def test_the_release_of_a_version():
    assert [is_of(found, "v0.2") for found in ("0.2", "0.2.1", "0.20.0", "1.0.2", "unknown")] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert is_of("0.2.1", "v0.2.1") and not is_of("0.2.10", "v0.2.1") and not is_of("0.2.1", "")
