"""What is wrong with a value that pydantic refused, in words for the user."""

from typing import Any

from pydantic_core import ErrorDetails

TYPES = {
    "int": "a whole number",
    "float": "a number",
    "string": "a text",
    "list": "a list",
    "dict": "a mapping",
    "model": "a mapping",
    "bool": "true or false",
}
# limits of a number by the name of the constraint, and the errors where one is broken
LIMITS = {"ge": "at least {}", "gt": "above {}", "le": "at most {}", "lt": "below {}"}
BROKEN = {"greater_than_equal": "ge", "greater_than": "gt", "less_than_equal": "le", "less_than": "lt"}


def mistake(error: ErrorDetails) -> str:
    """Return the rest of a sentence that begins with the name of a setting: `is 0.7, but a number at most 0.5 was expected`.

    A validator raises a ValueError that says what it expected, such as `a list that names X only once`.
    """
    kind, found = error["type"], error["input"]
    context: dict[str, Any] = error.get("ctx", {})
    for prefix, expected in TYPES.items():
        if kind in (f"{prefix}_type", f"{prefix}_from_float"):
            return f"is {found!r}, but {expected} was expected"
    if kind == "literal_error":
        return f"is {found!r}, but one of {context['expected'].replace(' or ', ', ')} was expected"
    if kind in BROKEN:
        limit = LIMITS[BROKEN[kind]].format(short(context[BROKEN[kind]]))
        return f"is {found!r}, but a number {limit} was expected"
    if kind == "string_pattern_mismatch":
        return f"is {found!r}, which does not match {context['pattern']}; correct it"
    if kind in ("too_short", "too_long"):
        limit, bound = ("at least", "min_length") if kind == "too_short" else ("at most", "max_length")
        return f"has {context['actual_length']} entries, but {limit} {context[bound]} were expected"
    if kind == "value_error":
        return f"is {found!r}, but {context['error']} was expected"
    return f"is {found!r}: {error['msg']}; correct it"


def short(number: float) -> str:
    """Return a limit without needless decimals: `0` of 0.0."""
    return f"{number:g}" if isinstance(number, float) else str(number)
