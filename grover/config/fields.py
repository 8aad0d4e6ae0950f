"""Building blocks of the typed configuration: a section, a setting, and lists and mappings with rules of their own."""

import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetJsonSchemaHandler
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue

Value = TypeVar("Value")


class Section(BaseModel):
    """Settings that belong together: frozen, without unknown keys, and without conversion of types.

    A whole number is accepted where a number is expected; the text `"3"` is no number, and `true` is not 1.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        validate_default=True,
        allow_inf_nan=False,
        protected_namespaces=(),
        serialize_by_alias=True,
    )

    @classmethod
    def summary(cls) -> str:
        """Return the one sentence that describes the section."""
        return (cls.__doc__ or "").partition("\n")[0]


def subsection(section: type[Section]) -> Any:
    """Declare a section with its defaults."""
    return Field(section(), description=section.summary())


def setting(default: Any, description: str, *, unit: str = "", paper: str = "", **limits: Any) -> Any:
    """Declare a setting; `...` as default makes it required.

    unit: of its value, such as `bases`. paper: publication that the default is taken from.
    limits: `ge`, `gt`, `le`, `lt`, `pattern`, `min_length`, `max_length`; `alias`, a key that Python does not allow as a name.
    """
    return Field(default, description=description, json_schema_extra={"unit": unit, "paper": paper}, **limits)


def ordered_fields(section: type[Section]) -> dict[str, FieldInfo]:
    """Return the fields by key, in the order in which they are read: those of each group, from the left, then the section's own.

    pydantic collects inherited fields from the right.
    """
    fields = {field.alias or name: field for name, field in section.model_fields.items()}
    keys: dict[str, None] = {}
    for base in section.__bases__:
        if issubclass(base, Section):
            keys |= dict.fromkeys(ordered_fields(base))
    keys |= dict.fromkeys(fields)
    return {key: fields[key] for key in keys}


@dataclass(frozen=True)
class Schema:
    """Add keywords to the JSON schema of a type, for what its validators check."""

    keywords: tuple[tuple[str, Any], ...]

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), **dict(self.keywords)}


def _without_repeats(values: list[Any]) -> list[Any]:
    for value, number in Counter(values).items():
        if number > 1:
            raise ValueError(f"a list that names {value} only once")
    return values


# a list in which each value occurs once
Distinct = Annotated[list[Value], AfterValidator(_without_repeats), Schema((("uniqueItems", True),))]


# `$NAME`, `${NAME}`, and `$$`, which stands for a dollar sign
VARIABLE = re.compile(r"\$(?:\$|(\w+)|\{(\w+)\})")


def _expanded(text: str) -> str:
    """A path with its variables and `~`, and without a slash at its end; an address as it is."""
    if not text or "://" in text:
        return text

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if name and name not in os.environ:
            raise ValueError(f"a path whose variables are set (${name} is not; $$ stands for a dollar sign)")
        return os.environ[name] if name else "$"

    path = os.path.expanduser(VARIABLE.sub(value, text))
    if path.startswith("~"):
        raise ValueError("a path in the home folder of a user who exists (./~ stands for a name with a tilde)")
    if "{" in path or "}" in path:
        raise ValueError("a path without braces")
    return str(PurePosixPath(path))


# a path of this machine, or the address of a file
Place = Annotated[str, AfterValidator(_expanded)]
