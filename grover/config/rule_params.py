"""Settings as `params:` of rules: one text for the command, and one value per setting that Snakemake compares."""

from collections.abc import Callable, Iterable
from inspect import signature
from pathlib import Path
from typing import Any

from grover.config.configuration import Configuration
from grover.config.declared import render, values

# names of the parameters of a function that depends on files or resources: Snakemake does not compare its value
DERIVED = {"input", "output", "threads", "resources", "attempt"}


def options(script: Path, configuration: Configuration, **given: Any) -> Callable[[Any, Any], str]:
    """Return a function for `params:` of a rule that gives the options which a script declares, as one text.

    given: values, or functions of wildcards, for options that do not have the value of the configuration.
    The function takes `input`, so that Snakemake does not compare the text; `named_params` adds a param for each setting of its
    attribute `named`, so that keys which the script does not declare rerun nothing.
    """
    named = values(script, configuration, **given)

    def text(wildcards: Any, input: Any) -> str:
        now = {name: _of(value, wildcards) for name, value in named.items()}
        return " ".join(filter(None, render(script, configuration, **now).values()))

    text.named = named  # type: ignore[attr-defined]
    return text


def named_params(params: Iterable[tuple[str | None, Any]]) -> dict[str, Callable[[Any], str]]:
    """Return one more param `NAME=VALUE` for each of a rule's params but the code, and for each setting of its `options`.

    A function whose text is not to be compared, such as the path of a file, may say by its attribute `compared` what is.

    Snakemake compares the values of params as a set. Without these, a change from layers 4 and heads 2 to layers 2 and heads 4 would
    rerun nothing. Nor would a change to a value that another param has too. With them, a reason to rerun names the changed setting.
    """
    compared: dict[str, Any] = {}
    for name, value in params:
        derived = callable(value) and DERIVED.intersection(signature(value).parameters)
        if hasattr(value, "named"):
            compared |= value.named
        elif hasattr(value, "compared"):
            compared[str(name)] = value.compared
        elif name and name != "code" and not derived:
            compared[name] = value
    return {f"named_{name}": _named(name, value) for name, value in compared.items()}


def _named(name: str, value: Any) -> Callable[[Any], str]:
    return lambda wildcards: f"{name}={_of(value, wildcards)}"


def _of(value: Any, wildcards: Any) -> Any:
    return value(wildcards) if callable(value) else value
