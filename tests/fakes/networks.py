"""Sizes of small encoders."""

from grover.config.sections.pretraining import Architecture

NAMES = ("layers", "hidden", "heads", "intermediate", "positions", "dropout", "start")


def architecture(*values: float | str, **named: float | str) -> Architecture:
    """Return a size from values in the order of `NAMES`, or by name."""
    return Architecture(**dict(zip(NAMES, values, strict=False)), **named)
