"""One read-only installation serves other users, each in a directory of their own; one environment serves several copies."""

import json
import os
import pwd
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.installation import Installation, install, python_for_everyone

pytestmark = pytest.mark.workflow


def own(path: Path, user: int, group: int) -> None:
    """Give a folder and all in it to a user."""
    for each in (path, *path.rglob("*")):
        os.chown(each, user, group, follow_symlinks=False)


@pytest.mark.slow
def test_another_user_trains_and_reports_from_a_read_only_clone(finished, tmp_path):
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    nobody = pwd.getpwnam("nobody")
    copy, home = finished.copy_to(tmp_path), tmp_path / "home"
    for parent in (copy.root, *copy.root.parents):
        if parent.stat().st_uid == 0 and str(parent) != "/":
            os.chmod(parent, os.stat(parent).st_mode | 0o055)
    home.mkdir()
    for folder in (home, copy.work):
        own(folder, nobody.pw_uid, nobody.pw_gid)
    for path in copy.root.rglob("*"):
        if not path.is_symlink():
            os.chmod(path, 0o555 if path.is_dir() else 0o444)
    before = {path: path.lstat().st_mtime_ns for path in copy.root.rglob("*")}

    python, variables = python_for_everyone()
    caches = {
        name: str(home / name.lower()) for name in ("NUMBA_CACHE_DIR", "HF_HOME", "MPLCONFIGDIR", "XDG_CACHE_HOME")
    }

    def snakemake(*arguments: str, work: Path = copy.work) -> str:
        done = subprocess.run(
            [python, "-m", "snakemake", "--snakefile", copy.root / "Snakefile", "--directory", work]
            + ["--configfile", copy.root / "config/test.yaml", "--cores", "2", *arguments],
            cwd=work,
            user=nobody.pw_uid,
            group=nobody.pw_gid,
            extra_groups=[],
            env={"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", **variables, **caches},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    # everything in a folder of the user's own
    assert "rule write_report:" in snakemake("--dry-run", work=home)
    # the last job, from results that are there; then a vocabulary, its tokens and its model
    report, model = (copy.work / f"results/test/{name}" for name in ("report.html", "models/kmer-3/model.safetensors"))
    for target, rule in ((report, "write_report"), (model, "build_vocabulary")):
        old = target.stat().st_ino
        said = snakemake(str(target.relative_to(copy.work)), "--forcerun", rule)
        assert target.stat().st_uid == nobody.pw_uid and target.stat().st_ino != old, said
    rules = re.findall(r"^(?:local)?rule (\w+):", said, re.MULTILINE)
    assert sorted(rules) == ["build_vocabulary", "make_windows", "pretrain", "tokenise_genome"]
    assert {path: path.lstat().st_mtime_ns for path in copy.root.rglob("*")} == before


GENOME = "results/test/simulated/genome.fa.gz"
APPTAINER = """#!/bin/sh
# a container without the environment around it, which this machine's own programs stand in for
[ "$1" = --version ] && exec echo "apptainer version 1.3.0"
until [ "$1" = "$GROVER_IMAGE" ]; do shift; done
shift
exec env -i PATH="$PATH" "$@"
"""


def marked(folder: Path, mark: str) -> Installation:
    """A copy whose version is `mark`, and whose simulation prints it."""
    copy = install(folder)
    project = copy.root / "pyproject.toml"
    project.write_text(project.read_text().replace('\nversion = "', f'\nversion = "{mark}+'))
    with open(copy.root / "grover/simulation/simulate.py", "a") as stream:
        stream.write(f"\nprint({mark!r})\nassert {mark}\n")  # a printed text alone is no change of the code
    return copy


def check_mark(copy: Installation, mark: str) -> None:
    """Raise AssertionError where another code than that of the copy made the genome."""
    assert (copy.work / "results/test/logs/simulate_genome.log").read_text().splitlines()[0] == mark
    record = json.loads((copy.work / f"{GENOME}.provenance.json").read_text())
    assert record["versions"]["grover"].startswith(f"{mark}+")


@pytest.mark.slow
def test_copies_side_by_side_run_their_own_code_in_one_environment(tmp_path):
    one, two = (marked(tmp_path / mark, mark) for mark in ("1", "2"))
    # what somebody set for the first copy does not lead the second one astray
    for copy, mark in ((one, "1"), (two, "2")):
        done = copy.snakemake(GENOME, PYTHONPATH=str(one.root))
        assert done.returncode == 0, done.stdout
        check_mark(copy, mark)
    # the rules saw their own code, too: to the second copy the genome of the first one is outdated
    one.root, two.root = two.root, one.root
    assert one.planned(GENOME) == two.planned(GENOME) == {"simulate_genome"}


def test_jobs_in_a_container_without_the_environment_run_the_code_of_the_copy(tmp_path):
    copy = marked(tmp_path / "3", "3")
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "apptainer").write_text(APPTAINER)
    (programs / "apptainer").chmod(0o755)
    (tmp_path / "image.sif").touch()
    done = copy.snakemake(
        GENOME,
        "--software-deployment-method",
        "apptainer",
        PATH=f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        GROVER_IMAGE=str(tmp_path / "image.sif"),
    )
    assert done.returncode == 0, done.stdout
    check_mark(copy, "3")


def test_the_standard_place_of_the_snakefile_plans_the_same_jobs(installation):
    done = installation.snakemake("--dry-run", "--snakefile", str(installation.root / "workflow/Snakefile"))
    assert done.returncode == 0 and "rule everything:" in done.stdout, done.stdout
    rules = set(re.findall(r"^(?:local)?rule (\w+):", done.stdout, re.MULTILINE))
    assert rules - {"everything"} == installation.planned()


def test_an_installation_in_a_folder_with_a_space_makes_the_genome(tmp_path):
    copy = install(tmp_path / "in a folder")
    done = copy.snakemake(GENOME)
    assert done.returncode == 0, done.stdout
    assert "report.html" in copy.snakemake("--dry-run").stdout


def test_a_workflow_without_its_package_is_refused(installation):
    shutil.rmtree(installation.root / "grover")
    done = installation.snakemake("--dry-run")
    assert done.returncode == 1
    assert f"but this workflow lies in {installation.root}; run a complete copy of the project" in done.stdout
