"""The dry runs of `make bundle` and `make image`."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from grover.runtime.errors import InputError
from workflow.scripts.bundle import _clear, bundle, torch_pin

ROOT = Path(__file__).parents[2]
PACKAGES = [line.partition("#")[0].strip() for line in (ROOT / "envs/debian.txt").read_text().splitlines()[1:]]


def shown(*arguments: str) -> list[str]:
    """The commands that a dry run prints, of which none is run: the folder of the bundle does not exist."""
    command = ["bash", ROOT / "envs/image.sh", "nowhere/bundle", "nowhere/grover-9.8.7-cpu.oci.tar", *arguments]
    done = subprocess.run(
        list(map(str, command)), env={"PATH": "/usr/bin:/bin", "DRY": "1"}, text=True, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def packages_of(commands: list[str]) -> list[str]:
    [line] = (line for line in commands if "apt-get install" in line)
    return line.split("--no-install-recommends ")[1].split()


def test_each_debian_package_says_why_and_is_named_in_no_other_file_of_the_image():
    lines = (ROOT / "envs/debian.txt").read_text().splitlines()
    assert all(line.startswith("# ") or re.fullmatch(r"[a-z0-9.+-]+  # \S.*", line) for line in lines)
    for name in ("envs/image.sh", "envs/install.sh"):
        assert not set(re.findall(r"[\w.+-]+", (ROOT / name).read_text())) & {*PACKAGES} - {"python3.11"}


def test_an_image_from_debian_has_the_packages_and_installs_a_bundle():
    commands = shown()
    assert "debootstrap --variant=minbase bookworm BUILDAH" in commands
    assert packages_of(commands) == PACKAGES
    [install] = (line for line in commands if "install.sh" in line)
    assert re.search(r"--volume \S+/nowhere/bundle:/bundle:ro BUILDAH -- bash /bundle/install.sh /opt/grover$", install)
    [commit] = (line for line in commands if line.startswith("buildah commit"))
    assert commit.endswith("oci-archive:nowhere/grover-9.8.7-cpu.oci.tar:grover:9.8.7-cpu")
    assert not any("pip.conf" in line for line in commands) and not Path("nowhere").exists()


def test_an_image_from_a_registry_brings_its_own_python():
    commands = shown("python:3.11-slim-bookworm")
    assert not any("debootstrap" in line or "/etc/apt" in line for line in commands)
    assert packages_of(commands) == [name for name in PACKAGES if not name.startswith("python3")]


def test_the_user_of_an_image_is_ordinary_and_its_caches_lie_in_the_folder_that_is_mounted():
    [config] = (line for line in shown() if line.startswith("buildah config"))
    assert "--user grover --workingdir /work --env HOME=/work " in config
    assert "--env PATH=/opt/grover/.venv/bin:" in config


def test_the_build_of_torch_is_the_pin_of_the_lock():
    from packaging.requirements import Requirement
    from packaging.version import Version

    [line] = re.findall(r"^torch==\S+$", (ROOT / "envs/lock.txt").read_text(), re.M)
    [pin] = Requirement(line).specifier
    for torch, local, other in (("cpu", "+cpu", ""), ("cuda", "", "+cpu")):
        wanted = Requirement(torch_pin(torch)).specifier
        assert wanted.contains(f"{pin.version}{local}") and not wanted.contains(f"{pin.version}{other}")
        assert pin.version == Version(pin.version).public


def test_a_dry_run_of_a_bundle_lists_and_writes_nothing(tmp_path, capsys):
    bundle(output=tmp_path / "b", configfile=[ROOT / "config/config.yaml"], torch="cuda", dry_run=True)
    lines = capsys.readouterr().out.splitlines()
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert lines[0].startswith(f"project: grover {version}, commit ")
    assert lines[1] == f"wheels: lock.txt, {torch_pin('cuda')}"
    assert "fetched: downloads/genome/hg19.fa.gz" in lines
    assert {"copied: files/config/config.yaml", "copied: files/config/tracks.tsv"} <= {*lines}
    assert not [*tmp_path.iterdir()]


def test_a_configuration_does_not_replace_one_of_the_project(tmp_path):
    own = tmp_path / "test.yaml"
    own.write_text("run: mine\n")
    for files in ([own], [ROOT / "config/test.yaml", ROOT / "config/test.yaml"]):
        with pytest.raises(InputError, match="the bundle has another configuration of this name; rename it"):
            bundle(output=tmp_path / "b", configfile=files, dry_run=True)


def test_a_bundle_is_not_written_over_another_one(tmp_path):
    with pytest.raises(InputError, match="exists; remove it, or name another folder"):
        bundle(output=tmp_path)


def test_an_interrupted_bundle_keeps_its_downloads_alone(tmp_path):
    for name in ("downloads/genome/hg19.fa.gz.part", "wheels/old.whl", "README.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    _clear(tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / "downloads/genome/hg19.fa.gz.part"]
