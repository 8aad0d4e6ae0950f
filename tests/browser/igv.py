"""igv.js for the browser tests: fetched once from the registry of npm, never part of the project."""

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

VERSION = "3.8.10"
PLACE = Path(__file__).resolve().parents[2] / ".npm"  # ignored by git, as .venv


def igv_script() -> Path:
    """Return the file igv.esm.js of this version. Without npm, or where npm cannot fetch it, the test fails and says so."""
    script = PLACE / f"igv-{VERSION}/igv.esm.js"
    if script.is_file():
        return script
    if shutil.which("npm") is None:
        pytest.fail(f"npm is missing, which fetches igv {VERSION} for this test; on Debian: sudo apt-get install npm")
    PLACE.mkdir(exist_ok=True)
    command = ["npm", "pack", "--silent", "--pack-destination", str(PLACE), f"igv@{VERSION}"]
    done = subprocess.run(command, cwd=PLACE, capture_output=True, text=True, timeout=300)
    archive = PLACE / f"igv-{VERSION}.tgz"
    if done.returncode or not archive.is_file():
        pytest.fail(
            f"npm could not fetch igv {VERSION}, which this test opens the session with: {done.stderr.strip()[-500:]}"
        )
    script.parent.mkdir(exist_ok=True)
    with tarfile.open(archive) as opened:
        content = opened.extractfile("package/dist/igv.esm.js")
        assert content is not None
        temporary = script.with_name(f"{os.getpid()}.js")
        temporary.write_bytes(content.read())
    temporary.replace(script)
    archive.unlink()
    return script
