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

    def copy_to(self, folder: Path) -> "Installation":
        """Copy the installation and the working directory, links as links and with times, so that nothing reruns."""
        copy = Installation(folder / "installation", folder / "work")
        shutil.copytree(self.root, copy.root, symlinks=True)
        shutil.copytree(self.work, copy.work, symlinks=True)
        return copy


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


def python_for_everyone() -> tuple[str, dict[str, str]]:
    """A Python that an ordinary user may start, and what it needs to find the installed packages."""
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    own = Path(sys.executable).resolve()
    if all(os.stat(parent).st_mode & 0o005 == 0o005 for parent in own.parents):
        return sys.executable, {}
    system = shutil.which("python3.11", path="/usr/bin:/usr/local/bin")
    assert system, "neither this Python nor /usr/bin/python3.11 can be started by another user"
    return system, {"PYTHONPATH": packages}
