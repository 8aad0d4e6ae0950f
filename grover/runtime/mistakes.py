"""What is wrong with a value that pydantic refused, in words for the user."""

from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Any

from pydantic_core import ErrorDetails

LONGEST = 100  # characters of a value in a sentence

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
    kind, found = error["type"], clipped(error["input"])
    context: dict[str, Any] = error.get("ctx", {})
    for prefix, expected in TYPES.items():
        if kind in (f"{prefix}_type", f"{prefix}_from_float"):
            return f"is {found}, but {expected} was expected{_without_quotes(error['input'], prefix)}"
    if kind == "literal_error":
        return f"is {found}, but one of {context['expected'].replace(' or ', ', ')} was expected"
    if kind in BROKEN:
        limit = LIMITS[BROKEN[kind]].format(short(context[BROKEN[kind]]))
        return f"is {found}, but a number {limit} was expected"
    if kind == "string_too_short":
        return f"is {found}, but a text was expected"
    if kind == "finite_number":
        return f"is {found}, but a finite number was expected"
    if kind == "string_pattern_mismatch":
        return f"is {found}, which does not match {context['pattern']}; correct it"
    if kind in ("too_short", "too_long"):
        limit, bound = ("at least", "min_length") if kind == "too_short" else ("at most", "max_length")
        return f"has {context['actual_length']} entries, but {limit} {context[bound]} were expected"
    if kind == "value_error":
        return f"is {found}, but {context['error']} was expected"
    return f"is {found}: {error['msg']}; correct it"


def clipped(value: Any) -> str:
    """Return a value as a mistake shows it: without the rest of a long one."""
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _without_quotes(found: Any, expected: str) -> str:
    """What to write instead of a text that looks like the value; YAML reads `1e-4` as a text, and all in `--config KEY={...}`."""
    meant = ""
    if isinstance(found, str) and expected in ("int", "float"):
        with suppress(InvalidOperation, OverflowError):
            number = Decimal(found)
            whole = number.is_finite() and number == number.to_integral_value()
            if number.is_finite() and abs(number.adjusted()) < 20 and (whole or expected == "float"):
                meant = f"{number.to_integral_value():f}" if whole else f"{number:f}"
    elif isinstance(found, str) and expected == "bool" and found.lower() in ("true", "false"):
        meant = found.lower()
    return f"; write {meant}, without quotes, in a file given to --configfile" if meant else ""


def short(number: float) -> str:
    """Return a limit without needless decimals: `0` of 0.0."""
    return f"{number:g}" if isinstance(number, float) else str(number)
