"""One read-only installation serves other users, each in a directory of their own."""

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.workflow


def python_for_everyone() -> tuple[str, dict[str, str]]:
    """A Python that an ordinary user may start, and what it needs to find the installed packages."""
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    own = Path(sys.executable).resolve()
    if all(os.stat(parent).st_mode & 0o005 == 0o005 for parent in own.parents):
        return sys.executable, {}
    system = shutil.which("python3.11", path="/usr/bin:/usr/local/bin")
    assert system, "neither this Python nor /usr/bin/python3.11 can be started by another user"
    return system, {"PYTHONPATH": packages}


@pytest.mark.slow
def test_another_user_runs_the_test_workflow_from_a_read_only_clone(installation, tmp_path_factory):
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    nobody = pwd.getpwnam("nobody")
    for parent in (installation.root, *installation.root.parents):
        if parent.stat().st_uid == 0 and str(parent) != "/":
            os.chmod(parent, os.stat(parent).st_mode | 0o055)
    home = installation.work.parent / "home"
    home.mkdir()
    for folder in (home, installation.work):
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    for path in installation.root.rglob("*"):
        if not path.is_symlink():
            os.chmod(path, 0o555 if path.is_dir() else 0o444)
    before = {path: path.lstat().st_mtime_ns for path in installation.root.rglob("*")}

    python, variables = python_for_everyone()
    caches = {
        name: str(home / name.lower()) for name in ("NUMBA_CACHE_DIR", "HF_HOME", "MPLCONFIGDIR", "XDG_CACHE_HOME")
    }
    done = subprocess.run(
        [python, "-m", "snakemake", "--snakefile", installation.root / "Snakefile", "--directory", installation.work]
        + ["--configfile", installation.root / "config/test.yaml", "--cores", "2"],
        cwd=installation.work,
        user=nobody.pw_uid,
        group=nobody.pw_gid,
        extra_groups=[],
        env={"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", **variables, **caches},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    report = installation.work / "results/test/report.html"
    assert report.stat().st_uid == nobody.pw_uid
    assert {path: path.lstat().st_mtime_ns for path in installation.root.rglob("*")} == before
