"""Validation of a configuration: each mistake in one sentence with key, value found, what was expected and what to do."""

import difflib
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from grover.config.fields import Section, ordered_fields
from grover.config.renamed import RENAMED
from grover.runtime.mistakes import mistake

Model = TypeVar("Model", bound=Section)
Path = tuple[Any, ...]  # keys and positions that lead to a value


@dataclass(frozen=True)
class Mistake:
    """A sentence, and the keys (dotted paths) whose values it is about."""

    keys: tuple[str, ...]
    sentence: str


def validate(model: type[Model], raw: dict[str, Any], required: dict[str, Any]) -> tuple[Model, list[Mistake]]:
    """Validate what is valid: mistaken keys are reported, and their defaults or those of `required` take their place."""
    raw = deepcopy(raw)
    mistakes = {mistake.keys[0]: mistake for mistake in _without_odd_keys(raw)}
    while True:
        try:
            return model.model_validate(raw), list(mistakes.values())
        except ValidationError as error:
            found = error.errors(include_url=False)
        paths = [_path(details, raw) for details in found]
        for details, path in zip(found, paths, strict=True):
            key = ".".join(map(str, path))
            mistakes.setdefault(key, Mistake((key,), _sentence(details, key, path, model)))
        for path in paths:
            _remove(raw, path, required)


def _without_odd_keys(raw: Any, path: str = "") -> Iterator[Mistake]:
    """Remove keys that are no texts, which YAML makes of `3:`, `yes:` or `null:`."""
    if not isinstance(raw, dict):
        return
    for key in list(raw):
        inner = f"{path}.{key}".lstrip(".")
        if isinstance(key, str):
            yield from _without_odd_keys(raw[key], inner)
        else:
            del raw[key]
            place = f"`{path}`" if path else "the top level"
            yield Mistake(
                (inner,), f"{place} has the key {key!r}, but a text was expected; correct it or put it in quotes"
            )


def _remove(raw: dict[str, Any], path: Path, required: dict[str, Any]) -> None:
    """Remove a mistaken key, a list with a mistaken entry, or a section that lacks a key."""
    if path[0] in required and len(path) == 1:
        raw[str(path[0])] = required[str(path[0])]
        return
    place = raw
    for step in path[:-1]:
        inner = place.get(step)
        if not isinstance(inner, dict) or (step == path[-2] and path[-1] not in inner):
            place.pop(step, None)
            return
        place = inner
    place.pop(path[-1], None)


def _path(error: Any, raw: Any) -> Path:
    """The keys and positions in `raw` that lead to the error; pydantic adds the branches of unions and the marks of keys."""
    path: list[Any] = []
    for step in error["loc"]:
        listed = isinstance(raw, list) and isinstance(step, int)
        if listed or (isinstance(raw, dict) and step in raw):
            raw = raw[step]
        elif error["type"] == "missing" and step == error["loc"][-1]:
            return (*path, step)
        else:
            break
        path.append(step)
    return tuple(path)


def _sentence(error: Any, key: str, path: Path, model: type[Section]) -> str:
    if error["type"] == "extra_forbidden":
        return _unknown(key, path, model)
    if error["type"] == "missing":
        return f"key `{key}` is missing; add it (docs/reference/configuration.md lists every key)"
    if error["loc"][-1] == "[key]":
        return f"`{key.rpartition('.')[0]}`: {error['input']!r} does not match {error.get('ctx', {}).get('pattern')}; choose another name"
    return f"`{key}` {mistake(error)}"


def _unknown(key: str, path: Path, model: type[Section]) -> str:
    """Name the nearest known key, or the new name of an old one."""
    if key in RENAMED:
        return f"`{key}` is now `{RENAMED[key]}`; rename it"
    known = list(ordered_fields(section_at(path[:-1], model)))
    near = difflib.get_close_matches(str(path[-1]), known, 1)
    hint = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(known)}"
    return f"unknown key `{key}`; {hint}"


def section_at(path: Path, model: type[Section]) -> type[Section]:
    """The class of the section at a path; the names of a mapping lead to the class of its values."""
    for step in path:
        section = sections_of(model.model_fields[str(step)].annotation) if step in model.model_fields else model
        model = section or model
    return model


def sections_of(annotation: Any) -> type[Section] | None:
    """The section class in a type such as `Genome`, `Simulation | None` or `dict[str, Source]`."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    found = [sections_of(part) for part in getattr(annotation, "__args__", ())]
    return next((section for section in found if section), None)
