"""One finished run of the test configuration, from a copy of the installation, shared by the tests of the workflow."""

import pytest

from tests.installation import Installation, install


@pytest.fixture
def installation(tmp_path) -> Installation:
    """A fresh copy in which nothing has run."""
    return install(tmp_path)


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Installation:
    """A copy in which the whole test configuration has run; tests may change its files if they put them back."""
    copy = install(tmp_path_factory.mktemp("finished"))
    done = copy.snakemake()
    assert done.returncode == 0, done.stdout
    return copy
