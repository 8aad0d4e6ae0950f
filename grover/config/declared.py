"""Settings that a script declares in its signature, read without importing the script, and their values as options of its command."""

import ast
import shlex
import sys
from collections.abc import Callable
from functools import cache, partial, reduce
from pathlib import Path
from typing import Any

from grover.config import options as ready  # so that names of this module are found
from grover.config.configuration import Configuration, section_of
from grover.config.fields import ordered_fields
from grover.runtime.settings import Setting, flag, is_group, refuse_repeated, setting_of
from grover.runtime.syntax import bindings

PACKAGE = ready.__name__.partition(".")[0]
CONFIG = f"{PACKAGE}.config"


@cache
def declared(script: Path) -> dict[str, str]:
    """Return the settings that the function of a script declares: dotted key of the configuration by name of the option.

    The function has the name of the script. Its groups and marks of single settings are imported from `grover.config`.
    """
    return {name: f"{section_of(group)}.{field}".lstrip(".") for name, (group, field) in _fields(script).items()}


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


def _fields(script: Path) -> dict[str, tuple[type[Any], str]]:
    """Group and field of each option that the function of a script declares."""
    tree = ast.parse(script.read_bytes())
    bound, imported, _ = bindings(tree.body)
    functions = [node for node in bound.get(script.stem, []) if isinstance(node, ast.FunctionDef)]
    if len(functions) != 1:
        raise TypeError(f"{script}: one function {script.stem} was expected, which declares the options of the command")
    arguments = functions[0].args
    resolve = partial(_resolve, script, imported)
    found: list[tuple[str, type[Any], str]] = []
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        declaration = _declaration(argument.annotation, resolve)
        if isinstance(declaration, type):
            found += [(field, declaration, field) for field in ordered_fields(declaration)]
        elif isinstance(declaration, Setting):
            found.append((argument.arg, declaration.group, declaration.field))
    refuse_repeated(script.stem, [name for name, _, _ in found])
    return {name: (group, field) for name, group, field in found}


def _declaration(annotation: ast.expr | None, resolve: Callable[[ast.expr], Any]) -> Any:
    """The group or the mark of a single setting that an annotation stands for; None where it stands for neither."""
    if annotation is None:
        return None
    value = resolve(annotation)
    if is_group(value) or setting_of(value):
        return value if is_group(value) else setting_of(value)
    for node in ast.walk(annotation):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "Setting":
            group, field = [*node.args, *(keyword.value for keyword in node.keywords)]
            return Setting(resolve(group), ast.literal_eval(field))
    for node in ast.walk(annotation):
        inner = resolve(node) if isinstance(node, (ast.Name, ast.Attribute)) else None
        if is_group(inner) or setting_of(inner):
            raise TypeError(
                f"{ast.unparse(annotation)}: a setting within another type; write the group alone, or "
                "Annotated[TYPE, Setting(GROUP, FIELD)]"
            )
    return None


def _resolve(script: Path, imported: dict[str, tuple[str, str]], node: ast.expr) -> Any:
    """What a name or dotted name stands for where it comes from `grover.config`, else None."""
    if isinstance(node, ast.Attribute):
        owner, name = _resolve(script, imported, node.value), node.attr
        if owner is None:
            return None
    elif isinstance(node, ast.Name) and node.id in imported:
        module, name = imported[node.id]
        if not f"{module}.".startswith(f"{CONFIG}.") and (module, name) != (PACKAGE, ""):
            return None
        owner = sys.modules.get(module)
    else:
        return None
    if owner is None or (name and not hasattr(owner, name)):
        raise TypeError(
            f"{script}: `{ast.unparse(node)}` is not in the modules that {Configuration.__module__} imports; correct the name, or declare "
            "it in grover/config/sections"
        )
    return getattr(owner, name) if name else owner
