"""Fixtures that several files of tests share."""

import gzip

import pytest

from tests.fakes.external_models import dnabert, nt, tiny  # noqa: F401


@pytest.fixture
def write(tmp_path):
    """Write a text to a file, plain or gzip-compressed, and return its path."""

    def write(text, name="table", zipped=False):
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if zipped else text.encode())
        return path

    return write
