"""What is asked of a new configuration, and what is chosen for it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ORIGIN = "the new configuration"


@dataclass(frozen=True)
class Wish:
    """What the run is to fit: device, hours to its report, cores, number format, and GPUs of a type (empty: that of `budget.gpu`)."""

    device: str = "cpu"
    hours: float = 2.0
    cores: int = 2
    precision: str = "auto"
    gpus: int = 1
    gpu: str = ""


@dataclass
class Configured:
    """Values by key, comments by dotted key, texts of the files beside the configuration, and lines that say what was chosen."""

    raw: dict[str, Any]
    comments: dict[str, str] = field(default_factory=dict)
    beside: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)


def beside(output: Path, ending: str) -> str:
    """Return the path of a file beside the configuration."""
    return str(output.with_name(f"{output.stem}.{ending}"))


def count(number: int, thing: str) -> str:
    """Return a number with what it counts."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
