"""Disks, quotas, caches, clock and programs of a machine, each problem one sentence."""

import os
from pathlib import Path

import pytest

from grover.runtime import site
from grover.runtime.site import (
    Need,
    cache_problems,
    clock_problems,
    disk_problems,
    program_problems,
    quota_left,
    torch_problems,
)
from tests.fakes.slurm import program

# where no user can make a file, root included
CLOSED = Path("/proc/grover")


def test_folders_on_one_disk_need_their_sum(tmp_path, monkeypatch):
    monkeypatch.setattr(site, "room", lambda folder: 3_000_000_000)
    monkeypatch.setattr(site, "quota_left", lambda folder: None)
    needs = [Need("results", tmp_path / "not/yet", 2e9), Need("downloads", tmp_path, 0.5e9)]
    assert disk_problems(needs) == []
    (said,) = disk_problems([*needs, Need("TMPDIR", tmp_path, 1e9)])
    assert said == (
        f"results ({tmp_path}/not/yet) and downloads ({tmp_path}) and TMPDIR ({tmp_path}): 3 GB free on the disk of {tmp_path}, "
        "but the plan needs 3.5 GB; make room there, or set `results` to a folder on another disk"
    )


def test_a_folder_that_cannot_be_written_is_named_with_the_reason():
    (said,) = disk_problems([Need("TMPDIR", CLOSED, 5.0)])
    assert said.startswith(f"TMPDIR ({CLOSED}): /proc cannot be written (")
    assert said.endswith("); make it writable, or export TMPDIR=FOLDER on another disk")


def test_a_quota_counts_beside_the_room_of_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(site, "quota_left", lambda folder: 1000)
    (said,) = disk_problems([Need("results", tmp_path, 5000)])
    assert ": 1 kB left of the quota of " in said and "but the plan needs 5 kB" in said


@pytest.mark.parametrize(
    ("numbers", "left"),
    [
        ("  600  0  1000  0 5 0 0", 400),
        ("1200* 1000 1500 6days 5 0 0", 300),
        ("600 900 0 0 5 0 0", 300),
        ("5 0 0 0 1 0 0", None),
    ],
)
def test_the_quota_of_the_file_system_of_a_folder(tmp_path, monkeypatch, numbers, left):
    # as the manual of quota shows it
    lines = (
        "Disk quotas for user me (uid 7):",
        "Filesystem blocks quota limit grace files quota limit grace",
        f"/ {numbers}",
    )
    program(tmp_path / "bin", "quota", "\n".join(f"echo '{line}'" for line in lines) + "\nexit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    monkeypatch.setattr(Path, "is_mount", lambda path: path == Path("/"))
    assert quota_left(tmp_path) == (left * 1024 if left else None)


def test_a_machine_without_quotas(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert quota_left(tmp_path) is None


def test_caches_that_cannot_be_written(tmp_path, monkeypatch):
    for name in site.CACHES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "models"))
    assert cache_problems() == []
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(CLOSED))
    monkeypatch.setenv("HOME", str(CLOSED))
    said = cache_problems()
    assert [each.partition(" ")[0] for each in said] == ["NUMBA_CACHE_DIR", "XDG_CACHE_HOME"]
    assert said[0].endswith("; export NUMBA_CACHE_DIR=FOLDER, on a disk that all nodes can write")
    assert f"XDG_CACHE_HOME ({CLOSED}/.cache) cannot be written" in said[1]


def test_a_clock_that_is_behind_that_of_the_disk(tmp_path, monkeypatch):
    assert clock_problems(tmp_path) == []
    now = site.time.time()
    monkeypatch.setattr(site.time, "time", lambda: now - 300)
    (said,) = clock_problems(tmp_path)
    assert said.startswith("the clock of this machine is 300 s behind that of the disk of ")


def test_bedtools_and_the_build_of_torch(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    (said,) = program_problems()
    assert said.startswith("bedtools is missing")
    program(tmp_path, "bedtools", "")
    assert program_problems() == []
    monkeypatch.setattr(site.metadata, "version", lambda name: "2.9.1+cpu")
    assert torch_problems("cpu") == [] and "torch 2.9.1+cpu is built for the CPU" in torch_problems("cuda")[0]
    monkeypatch.setattr(site.metadata, "version", lambda name: "2.9.1")
    assert torch_problems("cuda") == []


def test_the_clock_test_leaves_nothing(tmp_path):
    clock_problems(tmp_path)
    disk_problems([Need("results", tmp_path)])
    assert list(tmp_path.iterdir()) == []
