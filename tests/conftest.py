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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let workers begin with the tests of the workflow, which take longest, so that none waits for the other at the end."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: "workflow" not in item.path.parts)
