"""Fixtures that several files of tests share."""

from tests.fakes.external_models import dnabert, nt, tiny  # noqa: F401
