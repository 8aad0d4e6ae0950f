"""Two users of one read-only installation at the same time; the jobs of one go first and push those of the other back into the queue."""

import csv
import shutil
import stat
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from tests.installation import install
from tests.slurm.runs import MODEL, start_again
from tests.slurm.users import UserRun, add_user, contents, exists, remove_user

pytestmark = [pytest.mark.slurm, pytest.mark.slurm_slow]

FIRST, SECOND = "grover-ada", "grover-bob"
WINDOWS = "results/test/corpus/bpe-60/windows.parquet"
TRAINING = "pretraining: {steps: 3000, checkpoint_minutes: 0.02}\n"
ALONE = ("--set-resources", "pretrain:mem_mb=60000")  # two such jobs do not fit on the node


@pytest.fixture(scope="module")
def site(cluster):
    """A folder that everybody can enter, with the two homes, and the installation that nobody but root can write."""
    folder = Path(tempfile.mkdtemp(prefix="grover-site-"))
    folder.chmod(0o755)
    root = install(folder / "software").root
    subprocess.run(["chmod", "-R", "a+rX,go-w", folder / "software"], check=True)
    for user in (FIRST, SECOND):
        if exists(user):  # left by a test that was killed
            remove_user(user)
        add_user(user, folder / user)
    try:
        yield root
    finally:
        for user in (FIRST, SECOND):
            remove_user(user)
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def ended(site):
    """The two runs after both ended, and what the installation contained before they began.

    SECOND starts twice: up to the windows, and with a training that takes the node as soon as FIRST trains there.
    """
    before = contents(site)
    ada = UserRun(site, FIRST, 0o077, GROVER_CPU_PARTITION="background")
    bob = UserRun(site, SECOND, 0o022, GROVER_CPU_PARTITION="foreground")
    runs = (ada, bob)
    try:
        for run in runs:
            run.configure(TRAINING)
        ada.start(MODEL, *ALONE)
        bob.start(WINDOWS)
        job, _ = ada.halt()
        assert bob.finish() == 0, bob.said()
        bob.start(MODEL, *ALONE)
        start_again(job)
        for run in runs:
            assert run.finish() == 0, run.said()
        yield ada, bob, before
    finally:
        for run in runs:
            if run.process and run.process.poll() is None:
                run.kill()


def usage(run: UserRun, *arguments: str | Path) -> list[dict[str, str]]:
    done = run.command("-m", "grover", "usage", *arguments)
    assert done.returncode == 0, done.stdout
    return list(csv.DictReader(done.stdout.splitlines(), delimiter="\t"))


def test_both_end_with_the_same_weights_although_one_was_pre_empted(ended):
    ada, bob, _ = ended
    trainings = ada.jobs("pretrain")
    assert [job["State"] for job in trainings] == ["PREEMPTED", "COMPLETED"]
    assert len({job["JobID"] for job in trainings}) == 1 and "resumed at step" in ada.log()
    assert [job["State"] for job in bob.jobs("pretrain")] == ["COMPLETED"] and "resumed" not in bob.log()
    assert ada.model() == bob.model()


def test_each_job_ran_as_its_user_and_wrote_below_their_home_alone(ended, site):
    ada, bob, before = ended
    assert contents(site) == before
    for run in (ada, bob):
        home = run.folder.parent
        assert {path.owner() for path in home.rglob("*")} == {run.identity["user"]}, run.identity
        assert (home / ".cache/numba").is_dir() and (home / ".cache/snakemake").is_dir()


def test_the_files_have_the_rights_that_each_user_asked_for(ended):
    ada, bob, _ = ended
    results = [
        {stat.S_IMODE(path.stat().st_mode) for path in (run.folder / "results").rglob("*")} for run in (ada, bob)
    ]
    assert results == [{0o600, 0o700}, {0o644, 0o755}]
    done = bob.command("-m", "grover", "usage", ada.folder / "results")
    sentence = f"error: {ada.folder}/results: Permission denied; expected a folder of results that you may read, such as results\n"
    assert (done.returncode, done.stdout) == (1, sentence)


def test_the_usage_of_each_agrees_with_their_jobs(ended):
    for run, retries in zip(ended[:2], ("1", "0"), strict=True):
        jobs = run.jobs()
        rows = {row["rule"]: row for row in usage(run, "results") if row["source"] == "sacct"}
        assert {rule: int(row["jobs"]) + int(row["retries"]) for rule, row in rows.items()} == Counter(
            job["rule"] for job in jobs
        )
        assert rows["pretrain"]["retries"] == retries
        seconds = sum(float(row["wall_hours"]) for row in rows.values()) * 3600
        assert seconds == pytest.approx(sum(float(job["ElapsedRaw"]) for job in jobs), rel=0.01)
