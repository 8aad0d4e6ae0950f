"""Read JSON objects that commands have written. Nothing heavy is imported."""

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

from grover.runtime.errors import InputError


def read_json(path: Path | str, remedy: str = "remove the file and make it again") -> dict[str, Any]:
    """Read a JSON object. Raises an InputError, which ends with the remedy, where the file is not whole or holds anything else."""
    try:
        return _json_object(Path(path).read_bytes())
    except ValueError as error:
        raise InputError(f"{path}: expected a JSON object, but {error}; {remedy}") from None


def read_record(path: Path | str, silent: bool = False) -> dict[str, Any] | None:
    """Read a JSON object that the work can do without; None where there is no such file.

    A damaged file, such as one that a crash has left empty, counts as absent, which is printed once unless the caller does.
    """
    try:
        return _json_object(Path(path).read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        if not silent:
            _say_once(f"{path} is damaged ({error}) and counts as absent")
        return None


def _json_object(content: bytes) -> dict[str, Any]:
    """Parse a JSON object; raises a ValueError that says what is there instead."""
    if not content.strip(b"\0 \r\n\t"):
        raise ValueError("it is empty")
    try:
        found = json.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f"it is JSON of another kind, a {type(found).__name__}")
    return found


@cache
def _say_once(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
