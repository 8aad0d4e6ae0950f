"""Commands that tests start import `grover` from this checkout, and tests run side by side: a file on one core."""

import os
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # every core has a worker already
    sys.argv[0] = __file__  # a worker has no script of its own, which provenance records


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let workers begin with the tests of the workflow, which take longest, so that none waits for another at the end.

    The file with most tests of the finished run is the first and makes that run; the other files that need it come after those
    that do not, when it is there.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return
    readers = Counter(item.path for item in items if "finished" in getattr(item, "fixturenames", ()))
    first = max(readers, key=readers.__getitem__, default=None)

    def place(item: pytest.Item) -> tuple[bool, bool, bool]:
        return item.path != first, "workflow" not in item.path.parts, item.path in readers

    items.sort(key=place)
