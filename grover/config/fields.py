"""Building blocks of the typed configuration: a section and a setting."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """Settings that belong together: frozen, without unknown keys, and without conversion of types.

    A whole number is accepted where a number is expected; the text `"3"` is no number, and `true` is not 1.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, validate_default=True, allow_inf_nan=False, protected_namespaces=()
    )


def setting(default: Any, description: str, *, unit: str = "", paper: str = "", **limits: Any) -> Any:
    """Declare a setting; `...` as default makes it required.

    unit: of its value, such as `bases`. paper: publication that the default is taken from.
    limits: `ge`, `gt`, `le`, `lt`, `pattern`, `min_length`, `max_length`.
    """
    return Field(default, description=description, json_schema_extra={"unit": unit, "paper": paper}, **limits)
