"""Copies of the installation, in which tests run the workflow and may change files."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PARTS = (
    "CITATION.cff",
    "Snakefile",
    "config",
    "envs",
    "grover",
    "profiles",
    "pyproject.toml",
    "resources",
    "slurm",
    "workflow",
)


@dataclass
class Installation:
    """A copy of the workflow and a working directory beside it."""

    root: Path
    work: Path

    def snakemake(
        self, *arguments: str, config: str = "config/test.yaml", **variables: str
    ) -> subprocess.CompletedProcess:
        """Run Snakemake in the working directory; output and errors come back as one text in `stdout`."""
        command = [
            sys.executable,
            "-m",
            "snakemake",
            "--snakefile",
            str(self.root / "Snakefile"),
            "--directory",
            str(self.work),
        ]
        command += ["--configfile", str(self.root / config), "--cores", "2", *arguments]
        environment = {**os.environ, "XDG_CACHE_HOME": str(self.work.parent / "cache"), **variables}
        environment.pop("PYTEST_CURRENT_TEST", None)
        return subprocess.run(
            command, cwd=self.work, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def planned(self, *arguments: str, **options: str) -> set[str]:
        """Rules that a dry run would run, without the targets that only gather."""
        done = self.snakemake("--dry-run", *arguments, **options)
        assert done.returncode == 0, done.stdout
        return set(re.findall(r"^(?:local)?rule (\w+):", done.stdout, re.MULTILINE)) - {"all"}


def install(folder: Path) -> Installation:
    """Copy the installation, links as links and with what numba compiled, and make a working directory."""
    root, work = folder / "installation", folder / "work"
    work.mkdir(parents=True)
    root.mkdir()
    for part in PARTS:
        source = ROOT / part
        if source.is_dir() and not source.is_symlink():
            shutil.copytree(source, root / part, symlinks=True)
        else:
            shutil.copy2(source, root / part, follow_symlinks=False)
    return Installation(root, work)
