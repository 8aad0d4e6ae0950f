"""Settings that a script declares in its signature, read without importing the script, and their values as options of its command."""

import ast
import shlex
from functools import cache, reduce
from pathlib import Path
from typing import Any

from grover.config.configuration import Configuration, section_of
from grover.runtime.settings import SettingOption, flag, setting_options
from grover.runtime.syntax import bindings


@cache
def declared(script: Path) -> dict[str, str]:
    """Return the settings that the function of a script declares: dotted key of the configuration by name of the option.

    The function has the name of the script. Its groups and marks of single settings are imported from `grover.config`.
    """
    return {option.name: f"{section_of(option.group)}.{option.field}".lstrip(".") for option in _options(script)}


def render(script: Path, configuration: Configuration, **given: Any) -> dict[str, str]:
    """Return the text of each option that a script declares, such as `--mask-ratio 0.022`, quoted for the shell.

    given: values for options that do not have the value of the configuration.
    """
    return {name: option_text(name, value) for name, value in values(script, configuration, **given).items()}


def values(script: Path, configuration: Configuration, **given: Any) -> dict[str, Any]:
    """Return the value of each option that a script declares, of the configuration or as `given`.

    A setting of a section that the configuration leaves out is None.
    """
    keys = declared(script)
    if unknown := given.keys() - keys:
        raise TypeError(f"{script.name} declares no setting {', '.join(sorted(unknown))}; known are {', '.join(keys)}")
    return {name: given[name] if name in given else _value(configuration, key) for name, key in keys.items()}


def option_text(name: str, value: Any) -> str:
    """Return an option with its value: a flag, or an option that is repeated for each value of a list, empty for None.

    An empty list is one empty value, since without the option its default would count.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return flag(name) if value else flag(f"no-{name}")
    items = (list(value) or [""]) if isinstance(value, list) else [value]
    return " ".join(f"{flag(name)} {shlex.quote(str(item))}" for item in items)


def _value(configuration: Configuration, key: str) -> Any:
    """The value of a dotted key; None where the section that has it is left out."""
    return reduce(
        lambda section, name: None if section is None else getattr(section, name), key.split("."), configuration
    )


def _options(script: Path) -> list[SettingOption]:
    """The options that are settings. Of the script only what its signature names is executed."""
    tree = ast.parse(script.read_bytes())
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == script.stem]
    if len(functions) != 1:
        raise TypeError(f"{script}: one function {script.stem} was expected, which declares the options of the command")
    function = functions[0]
    function.body, function.returns = [ast.Pass(lineno=1, col_offset=0)], None
    named = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    needed = [node for node in tree.body if named.intersection(_bound(node))]
    found: dict[str, Any] = {}
    try:
        exec(compile(ast.Module([*needed, function], []), script, "exec"), found)
        return setting_options(found[script.stem])
    except (ImportError, AttributeError) as error:
        raise TypeError(f"{script}: {error}; correct the name, or declare it in grover/config/sections") from None


def _bound(statement: ast.stmt) -> set[str]:
    """The names that a statement binds or imports."""
    bound, imported, _ = bindings([statement])
    return bound.keys() | imported.keys()
