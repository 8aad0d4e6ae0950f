"""Five problems of a site, each a sentence of the check and, where it would stop the run, of a start under the SLURM profile."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.fakes.slurm import site

pytestmark = pytest.mark.workflow
ROOT = Path(__file__).resolve().parents[2]
# a disk of 300 kB for the results and one that is read-only for the cache, in a name space of the process alone
DISKS = 'mount -t tmpfs -o size=300k none "$RESULTS" && mount -t tmpfs -o ro none "$CACHE" && exec "$@"'
REFUSED = (
    " kB free on the disk of ",
    "NUMBA_CACHE_DIR ({cache}) cannot be written (Read-only file system); export NUMBA_CACHE_DIR=FOLDER",
    "SLURM has no partition nowhere; set GROVER_CPU_PARTITION to one of cpu, long, a100, mixed",
    "partition a100 has no GPU of type h100; its types are a100; set GROVER_GPU_TYPE to one of them, or unset GROVER_GPU_TYPE",
)


@pytest.fixture
def broken(tmp_path):
    """A function that runs a Python command where all five problems are; its exit code and what it said."""
    results, cache, programs = tmp_path / "results", tmp_path / "cache", site(tmp_path / "bin")
    for folder in (results, cache):
        folder.mkdir()
    settings = yaml.safe_load((ROOT / "config/test.yaml").read_text())
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(settings | {"device": "cuda", "results": str(results)}))
    for program in Path("/usr/bin").iterdir():
        if program.name != "bedtools" and not (programs / program.name).exists():
            (programs / program.name).symlink_to(program)
    variables = {"RESULTS": results, "CACHE": cache, "NUMBA_CACHE_DIR": cache, "PATH": programs}
    variables |= {"GROVER_CPU_PARTITION": "nowhere", "GROVER_GPU_PARTITION": "a100", "GROVER_GPU_TYPE": "h100"}
    environment = os.environ | {name: str(value) for name, value in variables.items()}
    spaces = [shutil.which("unshare"), "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    if subprocess.run([*spaces, shutil.which("mount"), "-t", "tmpfs", "none", cache], capture_output=True).returncode:
        pytest.skip("this machine lets no process mount a file system of its own")

    def run(*command: str) -> tuple[int, str]:
        mounted = [*spaces, "sh", "-c", DISKS.replace("mount", str(shutil.which("mount"))), "sh", sys.executable]
        done = subprocess.run(
            [*mounted, *command, "--configfile", str(tmp_path / "own.yaml")],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return done.returncode, done.stdout

    run.refused = [sentence.format(cache=cache) for sentence in REFUSED]
    return run


def test_five_problems_are_a_sentence_each(broken):
    code, said = broken("workflow/scripts/doctor.py", "--profile", "slurm")
    assert code == 1 and "Traceback" not in said, said
    for sentence in [*broken.refused, "programs: bedtools is missing"]:
        assert sentence in said, said
    assert "clock: no problem" in said and "problems, named above; correct them and check again" in said


def test_a_start_is_refused_before_anything_is_submitted(broken):
    code, said = broken("-m", "snakemake", "--profile", "slurm", "--nolock")
    assert code == 1 and "Traceback" not in said and "bedtools" not in said, said
    for sentence in broken.refused:
        assert sentence in said, said
    assert "Error in rule" not in said
