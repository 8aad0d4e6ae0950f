"""One private SLURM cluster and one copy of the installation, for all tests of this folder, and the runs that they share."""

import subprocess
from pathlib import Path

import pytest

from tests.installation import install
from tests.slurm.runs import Run

HERE = Path(__file__).parent
# every rule of the test configuration, most of them for one job
EACH_RULE_ONCE = """
vocabulary: {candidates: [bpe-60]}
benchmarks: {baselines: [gc], table: tasks.tsv}
embeddings: {tracks: tracks.tsv, shards: 1}
interpretation: {variant_shards: 1, track_shards: 1}
"""
TASKS, TRACKS = ("ctcf",), ("chromatin_state", "cpg_island", "replication_timing", "noise")


@pytest.fixture(scope="session")
def cluster():
    """A SLURM cluster with the partitions cpu, gpu and urgent and the account grover; start-slurm.sh cleans up after its own failures."""
    started = subprocess.run(
        [HERE / "start-slurm.sh"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=180
    )
    assert started.returncode == 0, started.stdout
    yield
    subprocess.run([HERE / "stop-slurm.sh"], check=True, timeout=60)


@pytest.fixture(scope="session")
def root(tmp_path_factory) -> Path:
    """Root of a copy of the installation."""
    return install(tmp_path_factory.mktemp("slurm")).root


@pytest.fixture(scope="session")
def new_run(cluster, root):
    """A function that makes a working directory of the given name, for a driver with the given variables in its environment."""
    runs = []

    def new(name: str, **variables: str) -> Run:
        runs.append(Run(root, root.parent / "runs" / name, **variables))
        return runs[-1]

    yield new
    for run in runs:
        if run.process and run.process.poll() is None:
            run.kill()


@pytest.fixture(scope="session")
def prepared(new_run) -> Run:
    """The workflow up to what a pretraining needs, made without SLURM: what the runs that are disturbed begin with."""
    run = new_run("prepared").start("results/test/corpus/bpe-60/windows.parquet", "--cores", "2", slurm=False)
    assert run.finish() == 0 and not run.jobs(), run.said()
    return run


@pytest.fixture(scope="session")
def begun(new_run, root) -> Run:
    """The driver of the whole workflow, which goes on while other tests run."""
    run = new_run("whole").configure(EACH_RULE_ONCE)
    for table, original, rows in (("tasks", "benchmarks", TASKS), ("tracks", "tracks", TRACKS)):
        lines = (root / f"config/test.{original}.tsv").read_text().splitlines(keepends=True)
        kept = [line for line in lines if line.split("\t")[0] in (*rows, table.removesuffix("s"))]
        (run.folder / f"{table}.tsv").write_text("".join(kept))
    return run.start()


@pytest.fixture(scope="session")
def whole(begun) -> Run:
    """The whole workflow, each job on the cluster, once it has ended."""
    assert begun.finish(1800) == 0, begun.said()
    return begun
