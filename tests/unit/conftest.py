"""Fixtures that several files of tests share."""

from tests.rival_models import dnabert, nt, tiny  # noqa: F401
