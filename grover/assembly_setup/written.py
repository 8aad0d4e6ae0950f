"""A configuration as YAML with comments."""

from collections.abc import Mapping
from typing import Any

import yaml

WIDTH = 130


def render(raw: Mapping[str, Any], comments: Mapping[str, str], head: list[str], tail: list[str]) -> str:
    """Return the text of a configuration.

    raw: keys in their order. comments: by dotted key, above which each is written. head, tail: lines of comment above and below all.
    """
    lines = [f"# {line}".rstrip() for line in head]
    for key, value in raw.items():
        if isinstance(value, Mapping):
            lines.append("")
        lines += _entry(key, value, key, comments)
    return "\n".join([*lines, *([""] if tail else []), *(f"# {line}".rstrip() for line in tail)]) + "\n"


def _entry(key: str, value: Any, path: str, comments: Mapping[str, str], depth: int = 0) -> list[str]:
    indent = "  " * depth
    lines = [f"{indent}# {line}" for line in comments.get(path, "").splitlines()]
    if not isinstance(value, Mapping):
        flow = isinstance(value, list)
        text = yaml.safe_dump(value if flow else {key: value}, default_flow_style=flow, width=WIDTH, allow_unicode=True)
        first, *rest = text.rstrip("\n").split("\n")
        lines.append(f"{indent}{key}: {first}" if flow else indent + first)
        return lines + [f"{indent}  {line}" if flow else indent + line for line in rest]
    lines.append(f"{indent}{key}:")
    for inner, item in value.items():
        lines += _entry(inner, item, f"{path}.{inner}", comments, depth + 1)
    return lines
