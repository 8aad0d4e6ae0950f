"""Commands that tests start import `grover` from this checkout, and tests run side by side: a file on one core."""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # every core has a worker already
    sys.argv[0] = __file__  # a worker has no script of its own, which provenance records


@pytest.hookimpl(tryfirst=True)  # before the plugin reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a file on one worker, and those of the finished run, which is expensive, as well.

    Workers begin with what takes longest, so that none of them waits for the other at the end.
    """
    for item in items:
        item.add_marker(pytest.mark.xdist_group("finished" if _shares_the_run(item) else item.path.stem))
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: (not _shares_the_run(item), "workflow" not in item.path.parts))


def _shares_the_run(item: pytest.Item) -> bool:
    return "finished" in getattr(item, "fixturenames", ())
