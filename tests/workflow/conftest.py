"""One finished run of the test configuration, from a copy of the installation, shared by the tests of the workflow."""

import fcntl
from pathlib import Path

import pytest

from grover.runtime.files import checksum
from tests.installation import Installation, install


@pytest.fixture
def installation(tmp_path) -> Installation:
    """A fresh copy in which nothing has run."""
    return install(tmp_path)


@pytest.fixture(scope="session")
def finished(tmp_path_factory, request) -> Installation:
    """A copy in which the whole test configuration has run; tests may change its files if they put them back.

    Of workers side by side the first one runs it, the others wait for it, and each has a copy of its own.
    """
    own = tmp_path_factory.mktemp("finished")
    if not hasattr(request.config, "workerinput"):
        return run_in(own)
    shared = tmp_path_factory.getbasetemp().parent / "finished"  # the folder of all workers
    with open(shared.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return run_in(shared).copy_to(own)


def run_in(folder: Path) -> Installation:
    """Run the test configuration in a folder, or fail with what an earlier run there said; nothing may be written beside it."""
    copy, said = Installation(folder / "installation", folder / "work"), folder / "failed.txt"
    if not folder.exists() or not any(folder.iterdir()):
        folder.mkdir(parents=True, exist_ok=True)
        said.write_text("the run in this folder was interrupted; see the messages of the other worker")
        install(folder)
        before = contents(copy.root)
        done = copy.snakemake()
        if done.returncode:
            said.write_text(done.stdout)
        elif contents(copy.root) != before:
            said.write_text("the run wrote into its installation")
        else:
            said.unlink()
    assert not said.exists(), said.read_text()
    return copy


def contents(root: Path) -> dict[str, str]:
    """Checksums of the files of an installation, without what Python and numba compiled."""
    files = (path for path in root.rglob("*") if path.is_file() and path.parent.name != "__pycache__")
    return {str(path.relative_to(root)): checksum(path) for path in files}
