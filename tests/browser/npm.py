"""Scripts of the browser tests: one file of a package of npm, fetched once from its registry, never part of the project."""

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

PLACE = Path(__file__).resolve().parents[2] / ".npm"  # ignored by git, as .venv


def fetch(package: str, version: str, member: str) -> Path:
    """Return a file of this version of a package. Without npm, or where npm cannot fetch it, the test fails and says so."""
    script = PLACE / f"{package}-{version}" / Path(member).name
    if script.is_file():
        return script
    if shutil.which("npm") is None:
        pytest.fail(
            f"npm is missing, which fetches {package} {version} for this test; on Debian: sudo apt-get install npm"
        )
    PLACE.mkdir(exist_ok=True)
    command = ["npm", "pack", "--silent", "--pack-destination", str(PLACE), f"{package}@{version}"]
    done = subprocess.run(command, cwd=PLACE, capture_output=True, text=True, timeout=300)
    archive = PLACE / f"{package}-{version}.tgz"
    if done.returncode or not archive.is_file():
        pytest.fail(f"npm could not fetch {package} {version}, which this test needs: {done.stderr.strip()[-500:]}")
    script.parent.mkdir(exist_ok=True)
    with tarfile.open(archive) as opened:
        content = opened.extractfile(f"package/{member}")
        assert content is not None
        temporary = script.with_name(f"{os.getpid()}.js")
        temporary.write_bytes(content.read())
    temporary.replace(script)
    archive.unlink()
    return script


def igv_script() -> Path:
    """Return igv.js, which opens the sessions of the tracks."""
    return fetch("igv", "3.8.10", "dist/igv.esm.js")


def axe_script() -> Path:
    """Return axe, which checks the report for contrast, landmarks and names."""
    return fetch("axe-core", "4.14.1", "axe.min.js")
