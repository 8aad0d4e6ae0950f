"""One private SLURM cluster and one copy of the installation, for all tests of this folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.installation import install

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def cluster():
    """A SLURM cluster with the partitions cpu and gpu and the account grover; start-slurm.sh cleans up after its own failures."""
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
def typed(cluster, root):
    """`snakemake` and what is given, typed at the root of the copy."""
    snakemake = Path(sys.executable).with_name("snakemake")
    own = ("GROVER_", "SLURM", "SBATCH", "SACCT", "SQUEUE")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(own)}
    # as on a site that names the account and the CPU partition; a GPU that this machine may have is hidden from the jobs
    environment |= {"GROVER_SLURM_ACCOUNT": "grover", "GROVER_CPU_PARTITION": "cpu", "CUDA_VISIBLE_DEVICES": ""}
    environment |= {"XDG_CACHE_HOME": str(root.parent / "cache")}

    def run(*arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [snakemake, *arguments],
            cwd=root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )

    return run
