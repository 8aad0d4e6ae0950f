"""Options of a command that are settings: their type, default, range and description stand in a pydantic class.

A parameter whose type is such a class, a *group*, becomes one option for each field. A parameter marked with `Setting` becomes the
option of a single field. `grover.config` holds the groups, and ready types of single settings.
"""

import inspect
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeGuard, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, TypeAdapter, ValidationError, create_model
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from typer import Option

from grover.runtime.errors import InputError
from grover.runtime.mistakes import LIMITS, mistake, short

EMPTY = object()  # what the value '' of a repeated option stands for


@dataclass(frozen=True)
class Setting:
    """Mark of a parameter that is one field of a group: `seed: Annotated[int, Setting(Run, "seed")]`."""

    group: type[BaseModel]
    field: str


@dataclass(frozen=True)
class SettingOption:
    """One option of a command, the field of the group that declares it, and the parameter of the function that takes it.

    whole: the parameter takes the group, not the single field.
    """

    name: str
    group: type[BaseModel]
    field: str
    parameter: str
    whole: bool

    @property
    def info(self) -> FieldInfo:
        """Return what the group declares of the field."""
        return self.group.model_fields[self.field]


def setting_of(annotation: Any) -> Setting | None:
    """Return the mark of an annotation `Annotated[TYPE, Setting(...)]`, None for any other."""
    return next((item for item in get_args(annotation)[1:] if isinstance(item, Setting)), None)


def is_group(annotation: Any) -> TypeGuard[type[BaseModel]]:
    """Return True for a class of settings."""
    return inspect.isclass(annotation) and issubclass(annotation, BaseModel)


def setting_options(function: Callable[..., Any]) -> list[SettingOption]:
    """Return the options that the groups and single settings in the signature of a function become, in their order.

    Raises TypeError where two options have one name, where the signature repeats a default, and for types that no option can have.
    """
    options = []
    parameters = inspect.signature(function).parameters
    types = get_type_hints(function, include_extras=True)
    for name, annotation in ((name, types.get(name)) for name in parameters):
        if is_group(annotation):
            options += [SettingOption(field, annotation, field, name, True) for field in annotation.model_fields]
        elif mark := setting_of(annotation):
            if mark.field not in mark.group.model_fields:
                raise TypeError(f"{function.__name__}: {name}: {mark.group.__name__} has no field {mark.field}")
            options.append(SettingOption(name, mark.group, mark.field, name, False))
        elif any(is_group(part) or setting_of(part) for part in get_args(annotation)):
            raise TypeError(
                f"{function.__name__}: {name} has a setting within another type; write the group alone, or "
                "Annotated[TYPE, Setting(GROUP, FIELD)]"
            )
        else:
            continue
        if parameters[name].default is not inspect.Parameter.empty:
            raise TypeError(f"{function.__name__}: {name} has a default; leave it to the configuration")
    plain = [name for name in parameters if name not in {option.parameter for option in options}]
    for name, number in Counter([*plain, *(option.name for option in options)]).items():
        if number > 1:
            raise TypeError(
                f"{function.__name__}: two options are called {flag(name)}; rename one parameter or split the group"
            )
    return options


def flag(name: str) -> str:
    """Return the option of a name: `--mask-ratio` of `mask_ratio`."""
    return f"--{name.replace('_', '-')}"


def as_parameter(option: SettingOption) -> inspect.Parameter:
    """Return the parameter that typer makes an option of: with type, help, default and choices from the class."""
    info = option.info
    kind = _plain(info.annotation, option)
    described: dict[str, Any] = {"help": _help(info, bool(_items(kind))), "rich_help_panel": option.group.__name__}
    default: Any = ... if info.is_required() else info.get_default(call_default_factory=True)
    declarations: list[str] = [flag(option.name)]
    if kind is bool:
        declarations = [f"{flag(option.name)}/{flag(f'no-{option.name}')}"]
    elif items := _items(kind):
        described |= {"parser": _item_parser(items), "metavar": _metavar(items)}
        kind = list[Any]
        if default is not ...:
            default = default if isinstance(default, list) else [default]
            described["show_default"] = ", ".join(map(str, default)) or "none"
    annotation = Annotated[kind, Option(*declarations, **described)]  # type: ignore[valid-type]
    default = inspect.Parameter.empty if default is ... else default
    return inspect.Parameter(option.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def validated(options: list[SettingOption], values: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of the function: groups and single settings made of the values of the options (`value_of`).

    Raises an InputError that names the options whose values are out of their range.
    """
    arguments: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for parameter in dict.fromkeys(option.parameter for option in options):
        own = [option for option in options if option.parameter == parameter]
        given = {option.field: values[option.name] for option in own}
        names = {option.field: option.name for option in own}
        try:
            whole = own[0].whole
            arguments[parameter] = own[0].group(**given) if whole else _single(own[0], given[own[0].field])
        except ValidationError as error:
            # of a value that fits none of several types the first mistake is enough
            for detail in error.errors():
                wrong.setdefault(f"{parameter}.{detail['loc'][:1]}", _sentence(detail, names))
    if wrong:
        raise InputError("; ".join(wrong.values()))
    return arguments


def value_of(option: SettingOption, value: Any) -> Any:
    """Return what typer read as the field takes it: a list may be empty, or be one value where the field allows both."""
    if not isinstance(value, list):
        return value
    values = [item for item in value if item is not EMPTY]
    annotation = option.info.annotation
    kinds = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    for kind in kinds if len(values) == 1 else ():
        plain = _plain(kind, option)
        if not _items(plain):
            # digits that are out of range are a name: a contig may be called 21
            adapter: TypeAdapter[Any] = TypeAdapter(kind if str(values[0]).isdigit() else plain)
            try:
                return adapter.validate_python(values[0])
            except ValidationError:
                continue
    return values


def _single(option: SettingOption, value: Any) -> Any:
    """The value of one field, checked as in its group."""
    name, info = option.field, option.info
    field: dict[str, Any] = {name: (info.annotation, info)}
    alone = create_model(option.group.__name__, __config__=option.group.model_config, **field)
    return getattr(alone(**{name: value}), name)


def _sentence(error: ErrorDetails, names: dict[str, str]) -> str:
    """A mistake with the option that has it; one of a whole group names what it is about itself."""
    name = names.get(str(error["loc"][0])) if error["loc"] else None
    return f"{flag(name)} {mistake(error)}" if name else error["msg"].removeprefix("Value error, ")


def _help(info: FieldInfo, repeated: bool) -> str:
    """The description of a field, with its unit and range."""
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    limits = [
        words.format(short(getattr(item, name)))
        for item in info.metadata
        for name, words in LIMITS.items()
        if hasattr(item, name)
    ]
    several = "repeat the option for each value" if repeated else ""
    details = "; ".join(filter(None, [str(extra.get("unit") or ""), ", ".join(limits), several]))
    return f"{info.description or ''} ({details})" if details else info.description or ""


def _plain(annotation: Any, option: SettingOption) -> Any:
    """The type without constraints; a TypeError for one that no option can have."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _plain(inner[0], option)
    if annotation in (bool, int, float, str) or origin is Literal:
        return annotation
    if origin is list:
        return list[_plain(inner[0], option)]  # type: ignore[misc]
    if origin in (Union, UnionType):
        kinds = [_plain(kind, option) for kind in inner if kind is not NoneType]
        if any(map(_items, kinds)):
            return list[str]  # of one value or of several
        if len(kinds) == 1:
            return kinds[0] | None
    raise TypeError(
        f"{flag(option.name)}: an option cannot be {annotation}, the type of {option.group.__name__}.{option.field}; "
        "expected a number, a text, a choice, true or false, or a list of these"
    )


def _items(kind: Any) -> Any:
    """The type of the items of a list, None for another type."""
    return get_args(kind)[0] if get_origin(kind) is list else None


def _metavar(items: Any) -> str:
    choices = get_args(items)
    return f"<{'|'.join(map(str, choices)) or items.__name__}>"


def _item_parser(items: Any) -> Callable[[Any], Any]:
    """A function that reads one value of a repeated option; '' stands for an empty list."""
    choices = {str(choice): choice for choice in get_args(items)}

    def item(text: Any) -> Any:
        if not isinstance(text, str):
            return text
        if text == "":
            return EMPTY
        if not choices:
            return items(text)
        if text not in choices:
            raise ValueError(f"{text!r} is none of {', '.join(choices)}")
        return choices[text]

    item.__name__ = _metavar(items)
    return item
