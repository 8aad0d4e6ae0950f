"""`grover new` in a folder of one's own. The configurations of five kinds of assembly pass a dry run as they are; a plan is printed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes import genome_servers as servers

pytestmark = pytest.mark.workflow
# one process for all dry runs, since half of the time of one is the import of Snakemake
DRY_RUNS = """
import sys
from snakemake.cli import main

snakefile, *configurations = sys.argv[1:]
for path in configurations:
    try:
        main(["--snakefile", snakefile, "--configfile", path, "--cores", "1", "--dry-run", "--quiet", "rules"])
    except SystemExit as end:
        print(path, end.code, flush=True)
"""


def typed(installation, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the folder of a user, with the package of the installation."""
    environment = os.environ | {"PYTHONPATH": str(installation.root), "NO_PROXY": "127.0.0.1"}
    return subprocess.run(
        [sys.executable, *words], cwd=installation.work, env=environment, capture_output=True, text=True
    )


def test_the_configuration_of_a_bacterium_passes_a_dry_run(installation, tmp_path):
    servers.ncbi(tmp_path / "site")
    with servers.serve(tmp_path / "site") as address:
        words = [
            "new",
            servers.ACCESSION,
            "-o",
            "own.yaml",
            "--cores",
            "2",
            "--hours",
            "0.1",
            "--mirror",
            f"ncbi={address}",
        ]
        done = typed(installation, "-m", "grover", *words)
    assert done.returncode == 0, done.stderr
    assert "defaults for 0.1 Mb (`genome.bases`) on the CPU" in done.stdout
    stages = {line.split()[0] for line in done.stdout.splitlines() if line.strip()}
    assert {"genome", "tokenization", "pretraining", "selection", "embeddings", "report", "all"} <= stages
    assert not (installation.work / "results").exists()


def test_four_other_assemblies_pass_a_dry_run(installation, tmp_path):
    """A fungus of Ensembl, a mammal of UCSC, a FASTA with genes, and a draft of 5,000 scaffolds."""
    servers.ensembl(tmp_path / "site")
    servers.ucsc(tmp_path / "site")
    servers.put(installation.work / "plain.fa", servers.fasta({"a": 140_000, "b": 30_000}))
    servers.put(installation.work / "genes.gff3", servers.spliced(["a"], 300))
    scaffolds = {f"scaffold_{number}": 80 + number * 37 % 300 for number in range(5000)}
    servers.put(installation.work / "draft.fa", servers.fasta(scaffolds))
    whats = {
        "fungus": ["ensembl:saccharomyces_cerevisiae"],
        "mammal": ["ucsc:hg38", "--device", "cuda"],
        "plain": ["plain.fa", "--genes", "genes.gff3"],
        "draft": ["draft.fa"],
    }
    with servers.serve(tmp_path / "site") as address:
        mirrors = [word for mirror in servers.mirrors(address) for word in ("--mirror", mirror)]
        for name, what in whats.items():
            done = typed(installation, "-m", "grover", "new", *what, "-o", f"{name}.yaml", "--no-plan", *mirrors)
            assert done.returncode == 0, done.stderr
    files = [f"{name}.yaml" for name in whats]
    written = {name: Path(installation.work, name).read_bytes() for name in files}
    done = typed(installation, "-c", DRY_RUNS, str(installation.root / "Snakefile"), *files)
    ended = [line.split() for line in done.stdout.splitlines() if line.split()[:1] and line.split()[0] in files]
    assert ended == [[name, "0"] for name in files], done.stdout + done.stderr
    assert written == {name: Path(installation.work, name).read_bytes() for name in files}
