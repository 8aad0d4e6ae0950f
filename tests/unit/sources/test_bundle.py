"""What a bundle contains, and its installer, which verifies every file before it installs one."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from grover.config.configuration import complete
from grover.runtime.errors import InputError
from grover.sources.bundle import MANIFEST, fetched, local_parts, write_manifest

ROOT = Path(__file__).resolve().parents[3]
PIPES = {"capture_output": True, "text": True}


@pytest.fixture
def bundle(tmp_path) -> Path:
    """A bundle with the installer of the project and a few other files."""
    folder = tmp_path / "a bundle"
    (folder / "wheels").mkdir(parents=True)
    shutil.copy(ROOT / "envs/install.sh", folder)
    for name in ("project.tar", "wheels/one-1.0-py3-none-any.whl", "wheels/two two.whl", "README.txt"):
        (folder / name).write_text(name)
    write_manifest(folder)
    return folder


def install(bundle: Path, target: Path, python: str = "/nowhere/python3.11") -> str:
    """The one sentence with which an installation ends; without a Python it ends after the verification at the latest."""
    command = ["bash", bundle / "install.sh", target]
    done = subprocess.run(list(map(str, command)), env={"PATH": "/usr/bin:/bin", "PYTHON": python}, **PIPES)
    assert done.returncode == 1 and done.stdout == "" and not target.exists()
    [line] = done.stderr.splitlines()
    return line


def test_the_manifest_is_one_of_sha256sum_and_lists_every_file(bundle):
    done = subprocess.run(["sha256sum", "--check", "--strict", MANIFEST], cwd=bundle, **PIPES)
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 5, done.stderr
    found = subprocess.run(["sha256sum", MANIFEST], cwd=bundle, **PIPES).stdout
    assert found.startswith(write_manifest(bundle))


def test_a_file_name_that_sha256sum_writes_otherwise_is_refused(bundle):
    (bundle / "a\nb").touch()
    with pytest.raises(InputError, match="no line break in its name"):
        write_manifest(bundle)


def test_a_whole_bundle_passes_the_verification(bundle, tmp_path):
    assert "/nowhere/python3.11 is not Python 3.11 with its module venv" in install(bundle, tmp_path / "there")


def test_a_changed_file_is_named_and_nothing_installed(bundle, tmp_path):
    (bundle / "wheels/two two.whl").write_text("two twO")
    said = install(bundle, tmp_path / "there", sys.executable)
    assert (
        said == f"error: {bundle}/wheels/two two.whl has another SHA-256 than {MANIFEST} lists; copy the bundle again"
    )


def test_a_damaged_line_of_the_manifest_is_no_verified_file(bundle, tmp_path):
    manifest = bundle / MANIFEST
    lines = manifest.read_text().splitlines()
    lines[0] = "g" + lines[0][1:]
    manifest.write_text("\n".join(lines) + "\n")
    said = install(bundle, tmp_path / "there", sys.executable)
    assert said == f"error: {bundle}/{MANIFEST} is damaged; copy the bundle again"


def test_a_changed_installer_is_named(bundle, tmp_path):
    with open(bundle / "install.sh", "a") as stream:
        stream.write("\n# changed\n")
    assert "install.sh has another SHA-256" in install(bundle, tmp_path / "there", sys.executable)


def test_a_missing_file_is_named_and_nothing_installed(bundle, tmp_path):
    (bundle / "wheels/one-1.0-py3-none-any.whl").unlink()
    assert f"{bundle}/wheels/one-1.0-py3-none-any.whl is missing" in install(bundle, tmp_path / "there", sys.executable)


@pytest.mark.parametrize("link", [False, True])
def test_an_extra_file_is_named_and_nothing_installed(bundle, tmp_path, link):
    extra = bundle / "wheels/extra.whl"
    extra.symlink_to(bundle / "README.txt") if link else extra.touch()
    assert f"{extra} is not listed in {MANIFEST}" in install(bundle, tmp_path / "there", sys.executable)


def test_a_missing_manifest_is_named(bundle, tmp_path):
    (bundle / MANIFEST).unlink()
    assert f"{bundle}/{MANIFEST} is missing" in install(bundle, tmp_path / "there", sys.executable)


def test_a_folder_with_files_is_left_alone(bundle, tmp_path):
    target = tmp_path / "there"
    target.mkdir()
    (target / "own").touch()
    done = subprocess.run(["bash", str(bundle / "install.sh"), str(target)], **PIPES)
    assert done.returncode == 1 and f"{target} is not an empty folder" in done.stderr
    assert [path.name for path in target.iterdir()] == ["own"]


def settings(**sections):
    """A configuration with these sections."""
    raw = {"run": "x", "simulate": {"bases": 600_000}} | sections
    return complete(raw, "my.yaml")


def test_sources_and_external_models_are_fetched_by_targets_of_the_workflow(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("peaks.bed").touch()
    sources = {
        "genome": {"url": "https://example.org/a/hg19.fa.gz"},
        "ctcf_peaks": {"url": "peaks.bed"},
        "genes": {"simulated": "genes.gtf.gz"},
    }
    models = {"dnabert": {"model": "zhihan1996/DNA_bert_6", "adapter": "dnabert"}}
    configuration = settings(sources=sources, downloads="d", benchmarks={"external_models": models})
    assert fetched(configuration, ROOT, {}) == [
        "d/genome/hg19.fa.gz",
        "results/x/sources/ctcf_peaks/peaks.bed",
        "d/external/dnabert/external.json",
    ]
    assert fetched(configuration, ROOT, {"dnabert": tmp_path})[2:] == []


def test_local_files_keep_the_path_by_which_the_configuration_names_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kept = ("disk/a.json", "own/b.json")
    for name in ("own/peaks.bed", "disk/genome.fa", "tables/tracks.tsv", "own/dnabert/config.json", *kept):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    sources = {"genome": {"file": "genome.fa", "url": "https://x.org/g.fa"}, "ctcf_peaks": {"url": "own/peaks.bed"}}
    configuration = settings(
        sources=sources,
        data=str(tmp_path / "disk"),
        embeddings={"tracks": "tables/tracks.tsv"},
        vocabulary={"outside": {"one": "a.json", "two": "own/b.json"}, "candidates": ["one", "two"]},
        benchmarks={"external_models": {"dnabert": {"model": "own/dnabert", "adapter": "dnabert"}}},
    )
    assert local_parts(configuration, ROOT, {"dnabert": Path("own/dnabert")}, "my.yaml") == {
        "data/genome.fa": tmp_path / "disk/genome.fa",
        "files/own/peaks.bed": Path("own/peaks.bed"),
        "files/config/benchmarks.tsv": ROOT / "config/benchmarks.tsv",
        "files/tables/tracks.tsv": Path("tables/tracks.tsv"),
        "files/own/dnabert": Path("own/dnabert"),
        "data/a.json": tmp_path / "disk/a.json",
        "files/own/b.json": Path("own/b.json"),
    }


@pytest.mark.parametrize("place", ["{}/peaks.bed", "file://{}/peaks.bed", "../peaks.bed"])
def test_a_path_that_another_machine_lacks_is_refused(tmp_path, monkeypatch, place):
    (tmp_path / "peaks.bed").touch()
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    sources = {"genome": {"simulated": "genome.fa.gz"}, "ctcf_peaks": {"url": place.format(tmp_path)}}
    with pytest.raises(InputError, match="my.yaml: `sources.ctcf_peaks.url` is .*another machine lacks; name it by"):
        local_parts(settings(sources=sources), ROOT, {}, "my.yaml")
