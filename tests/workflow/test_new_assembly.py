"""`grover new` in a folder of one's own: the configuration passes a dry run as it is, and its plan is printed."""

import os
import subprocess
import sys

import pytest

from tests.fakes import genome_servers as servers

pytestmark = pytest.mark.workflow


def test_the_configuration_of_a_bacterium_passes_a_dry_run(installation, tmp_path):
    servers.ncbi(tmp_path / "site")
    with servers.serve(tmp_path / "site") as address:
        words = ["new", servers.ACCESSION, "-o", "own.yaml", "--cores", "2", "--mirror", f"ncbi={address}"]
        done = subprocess.run(
            [sys.executable, "-m", "grover", *words],
            cwd=installation.work,
            env=os.environ | {"PYTHONPATH": str(installation.root), "NO_PROXY": "127.0.0.1"},
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    assert "defaults for 0.1 Mb (`genome.bases`) on the CPU" in done.stdout
    stages = {line.split()[0] for line in done.stdout.splitlines() if line.strip()}
    assert {"genome", "tokenization", "pretraining", "selection", "embeddings", "report", "all"} <= stages
    assert not (installation.work / "results").exists()
