"""Definitions of a module as canonical text: the syntax tree without words, in which each name of the package is a reference.

Words are what only people read: docstrings, help texts, the arguments of errors, of `assert`, of `print` to the terminal, of `warnings`
and of `logging`; whatever is handed on to such a place alone; the text of a variable that is used in no other place. All other
strings count: column names, keys, compared values, labels of a figure.
"""

import ast
import builtins
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
IMPORTS = (ast.Import, ast.ImportFrom)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
# calls whose named arguments describe an option of a command; its type and default stand in the signature
OPTIONS = {"Option", "Argument", "add_argument", "ArgumentParser"}
DEFAULTS = {"default", "default_factory", "parser", "callback", "type", "nargs", "action"}
DEFAULTS |= {"choices", "const", "dest", "clamp"}
SILENT = "runtime:"  # begins the text of what changes no result
SETTING = f"{SILENT}Setting"  # the mark of an option that is one field of a group of settings
# calls that declare a field: the default is the first argument, all others describe it
DECLARATIONS = {"setting", "Field"}
VALIDATORS = {"field_validator", "model_validator"}
# how many of the first arguments of these count, and their names; the others say how progress is shown
PROGRESS = {f"{SILENT}Progress": [], f"{SILENT}track": ["items"]}
LOGS = {"debug", "info", "warning", "error", "exception", "critical"}
TEXT_METHODS = {"format", "join", "strip", "removeprefix", "removesuffix"}
ERRORS = {name for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, Exception)}
ERRORS |= {"InputError", "WorkflowError", "BadParameter"}


@dataclass(frozen=True)
class Reference:
    """What a name stands for: the definition `name` of a module of the package, or with an empty name the whole module."""

    module: str
    name: str


@dataclass(frozen=True)
class Definition:
    """Canonical text of a definition, with its references in their order, and the parameters that reach words alone."""

    content: tuple[str | Reference, ...]
    word_parameters: frozenset[str] = frozenset()

    @property
    def references(self) -> list[Reference]:
        return [item for item in self.content if isinstance(item, Reference)]


@dataclass(frozen=True)
class Surroundings:
    """The names around a definition: `name(name)` is what a name of its module stands for, `attribute(module, name)` what a name of
    another module does; both give a reference, the text of something that has no definition here, or None for what is bound nowhere.
    `silent(reference)` gives the parameters of a function that have a place, in their order, and those of all that reach words alone;
    `settings(reference)` the members of a group of settings by name, None for anything else. `bare`: of `Annotated[type, ...]` the metadata
    count only where they are the mark of a setting, since limits and validators change no result.
    """

    name: Callable[[str], Reference | str | None]
    attribute: Callable[[str, str], Reference | str]
    silent: Callable[[Reference], tuple[list[str], frozenset[str]]]
    settings: Callable[[Reference], dict[str, Reference] | None]
    bare: bool = False


def define(statements: list[ast.stmt], surroundings: Surroundings) -> Definition:
    """Write the statements that bind one name, or any others, as canonical text."""
    reading = _read(statements, surroundings, frozenset())
    # the text of a variable that is used in words alone is a word; to leave it out takes a second reading
    if unused := reading.texts - reading.loaded:
        reading = _read(statements, surroundings, frozenset(unused))
    return Definition(tuple(reading.content), frozenset(parameters(statements)) - reading.loaded)


def _read(statements: list[ast.stmt], surroundings: Surroundings, unused: frozenset[str]) -> "_Reading":
    reading = _Reading(surroundings, unused)
    reading.write(statements)
    return reading


def parameters(statements: list[ast.stmt], placed: bool = False) -> list[str]:
    """Return the names of a function's parameters in their order, without `*` and `**`; none of anything else.

    placed: leave out those that are given by name alone. A function with decorators has none, since they may use its arguments.
    """
    if len(statements) != 1 or not isinstance(statements[0], FUNCTIONS) or statements[0].decorator_list:
        return []
    given = statements[0].args
    return [item.arg for item in (*given.posonlyargs, *given.args, *([] if placed else given.kwonlyargs))]


def members(group: ast.ClassDef) -> dict[str, ast.stmt]:
    """Return what counts of a group of settings, by name: fields with their type and default, and methods that are no validators."""
    found: dict[str, ast.stmt] = {}
    for statement in group.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            default = statement.value
            if isinstance(default, ast.Call) and _last_name(default.func) in DECLARATIONS:
                named = [keyword.value for keyword in default.keywords if keyword.arg in DEFAULTS]
                default = next(iter([*default.args[:1], *named]), None)
            parts = [statement.annotation, *([default] if default else [])]
            found[statement.target.id] = ast.Expr(ast.Tuple(parts, ast.Load()))
        elif isinstance(statement, FUNCTIONS):
            calls = [node.func if isinstance(node, ast.Call) else node for node in statement.decorator_list]
            if not VALIDATORS.intersection(map(_last_name, calls)):
                found[statement.name] = statement
    return found


def bindings(body: list[ast.stmt]) -> tuple[dict[str, list[ast.stmt]], dict[str, tuple[str, str]], list[ast.stmt]]:
    """Return what a module binds: statements by name, imports as (module, name or "") by name, and statements that do something else."""
    bound: dict[str, list[ast.stmt]] = {}
    imported: dict[str, tuple[str, str]] = {}
    effects = []
    for statement in body:
        if isinstance(statement, DEFINITIONS):
            bound.setdefault(statement.name, []).append(statement)
        elif isinstance(statement, IMPORTS):
            imported |= imports(statement)
        elif not _is_word(statement):
            for node in ast.walk(statement):  # `if` and `try` may hold imports
                imported |= imports(node) if isinstance(node, IMPORTS) else {}
            names = _bound_names(statement)
            for name in names:
                bound.setdefault(name, []).append(statement)
            changed = imported.keys() & names  # what another module has bound
            if not names or changed or not isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
                effects.append(statement)
    return bound, imported, effects


def imports(statement: ast.Import | ast.ImportFrom) -> dict[str, tuple[str, str]]:
    """Return what an import binds: (module, name in it, or "" for the module itself) by name.

    Raises `SyntaxError` for relative imports and `*`, which do not name what they bring.
    """
    if isinstance(statement, ast.Import):
        return {
            alias.asname or alias.name.split(".")[0]: (alias.name if alias.asname else alias.name.split(".")[0], "")
            for alias in statement.names
        }
    if statement.level or statement.names[0].name == "*":
        raise SyntaxError(f"write out the module and the names that are imported: {ast.unparse(statement)}")
    module = statement.module or ""  # which only a relative import leaves out
    return {alias.asname or alias.name: (module, alias.name) for alias in statement.names}


def _bound_names(statement: ast.stmt) -> list[str]:
    """Names that a statement of a module binds or changes in place, those of `X[...] = value` included."""
    stored = [node for node in ast.walk(statement) if isinstance(node, (ast.Name, ast.Subscript, ast.Attribute))]
    roots = [_root(node) for node in stored if isinstance(node.ctx, ast.Store)]
    inner = [node.name for node in ast.walk(statement) if isinstance(node, DEFINITIONS)]
    return list(dict.fromkeys([*filter(None, roots), *inner]))


def _root(node: ast.expr) -> str | None:
    while isinstance(node, (ast.Subscript, ast.Attribute)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _is_word(statement: ast.AST) -> bool:
    """Return True for a docstring, or another constant that stands alone."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _is_text(node: ast.expr) -> bool:
    """Return True for an expression that makes a text, as far as its form shows."""
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, (ast.Add, ast.Mod)) and (_is_text(node.left) or _is_text(node.right))
    if isinstance(node, ast.IfExp):
        return _is_text(node.body) or _is_text(node.orelse)
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute) and node.func.attr in TEXT_METHODS and _is_text(node.func.value)
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _targets(comprehension: Comprehension) -> set[str]:
    """Names that a comprehension binds itself."""
    targets = [generator.target for generator in comprehension.generators]
    return {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}


def _locals(function: Function) -> tuple[set[str], dict[str, tuple[str, str]]]:
    """Names that a function binds itself, and what it imports; those of inner functions are not its own."""
    names: set[str] = set()
    imported: dict[str, tuple[str, str]] = {}
    given = function.args
    for item in (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg):
        if item:
            names.add(item.arg)
    waiting: list[ast.AST] = [function.body] if isinstance(function, ast.Lambda) else [*function.body]
    elsewhere: set[str] = set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.Lambda, *COMPREHENSIONS)):
            continue
        if isinstance(node, DEFINITIONS):
            names.add(node.name)
            continue
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Store):
                names.add(node.id)
        elif isinstance(node, IMPORTS):
            imported |= imports(node)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            elsewhere |= {*node.names}
        elif not isinstance(node, ast.Constant):
            if isinstance(node, ast.ExceptHandler) and node.name:
                names.add(node.name)
            waiting += ast.iter_child_nodes(node)
    return names - elsewhere, imported


@dataclass
class _Reading:
    """Writes the canonical text of statements, node by node."""

    surroundings: Surroundings
    unused: frozenset[str]
    content: list[str | Reference] = field(default_factory=list)
    loaded: set[str] = field(default_factory=set)  # names that are used for more than words
    texts: set[str] = field(default_factory=set)  # variables of functions that a text is assigned to
    scopes: list[tuple[set[str], dict[str, tuple[str, str]]]] = field(default_factory=list)

    def write(self, node: object) -> None:
        """Append the text of a node, a list of nodes or a plain value."""
        if isinstance(node, list):
            self.content.append("[")
            for part in node:
                if not isinstance(part, IMPORTS) and not _is_word(part):
                    self.write(part)
            self.content.append("]")
        elif writer := WRITERS.get(type(node)):
            writer(self, node)
        elif isinstance(node, ast.AST):
            self._fields(node, [name for name in node._fields if name not in ("ctx", "type_comment", "kind")])
        else:
            self.content.append(repr(node))

    def _fields(self, node: ast.AST, names: list[str]) -> None:
        self.content.append(f"{type(node).__name__}(")
        for name in names:
            self.write(getattr(node, name))
        self.content.append(")")

    def _write_function(self, node: Function) -> None:
        # defaults, annotations and decorators belong to the scope around
        self._fields(node, [name for name in node._fields if name not in ("body", "type_comment", "type_params")])
        self.scopes.append(_locals(node))
        self.write(node.body)
        self.scopes.pop()

    def _write_class(self, node: ast.ClassDef) -> None:
        self.scopes.append((set(), {}))  # what a class binds is no variable of the function around it
        self._fields(node, [name for name in node._fields if name != "type_params"])
        self.scopes.pop()

    def _write_comprehension(self, node: Comprehension) -> None:
        self.write(node.generators[0].iter)  # which belongs to the scope around
        self.scopes.append((_targets(node), {}))
        self._fields(node, list(node._fields))
        self.scopes.pop()

    def _target(self, name: str) -> Reference | str | None:
        """What a name stands for here, from the innermost scope outwards."""
        for names, imported in reversed(self.scopes):
            if name in imported:
                return self.surroundings.attribute(*imported[name])
            if name in names:
                return None
        return self.surroundings.name(name)

    def _named(self, node: ast.expr) -> Reference | str | None:
        """What a name or a dotted name stands for, None for anything local."""
        if isinstance(node, ast.Name):
            return self._target(node.id)
        if isinstance(node, ast.Attribute):
            target = self._named(node.value)
            if isinstance(target, Reference) and not target.name:
                return self.surroundings.attribute(target.module, node.attr)
        return None

    def _write_name(self, node: ast.Name) -> None:
        target = self._target(node.id)
        if isinstance(node.ctx, ast.Load):
            self.loaded.add(node.id)
        self.content.append(node.id if target is None else target)

    def _write_subscript(self, node: ast.Subscript) -> None:
        if self.surroundings.bare and _last_name(node.value) == "Annotated" and isinstance(node.slice, ast.Tuple):
            kind, *metadata = node.slice.elts
            marks = [item for item in metadata if isinstance(item, ast.Call) and self._named(item.func) == SETTING]
            for part in (kind, *marks):
                self.write(part)
        else:
            self._fields(node, ["value", "slice"])

    def _write_attribute(self, node: ast.Attribute) -> None:
        target = self._named(node)
        if target is None:
            self._fields(node, ["value", "attr"])
        else:
            self.content.append(target)

    def _write_assert(self, node: ast.Assert) -> None:
        self.content.append("Assert")
        self.write(node.test)

    def _write_assign(self, node: ast.Assign) -> None:
        names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        own = self.scopes[-1][0] if self.scopes else set()
        if len(names) == len(node.targets) and own.issuperset(names) and _is_text(node.value):
            self.texts |= {*names}
            if self.unused.issuperset(names):
                self.content.append("words")
                return
            before = self.loaded.intersection(names)
            self._fields(node, ["targets", "value"])
            self.loaded -= {*names} - before  # that a text is made of itself is no use of it
            return
        self._fields(node, ["targets", "value"])

    def _write_changed(self, node: ast.AugAssign) -> None:
        if name := _root(node.target):
            self.loaded.add(name)
        self._fields(node, ["target", "op", "value"])

    def _write_raise(self, node: ast.Raise) -> None:
        self.content.append("Raise")
        if isinstance(node.exc, ast.Call):
            self._call(node.exc, words=True)
        elif node.exc is not None:
            self.write(node.exc)
        self.write(node.cause)

    def _write_call(self, node: ast.Call) -> None:
        if self._named(node.func) == SETTING:
            self._write_setting(node)
        else:
            self._call(node, words=_writes_message(node))

    def _write_setting(self, node: ast.Call) -> None:
        """Write the one field that a mark names."""
        group, field = [*node.args, *(keyword.value for keyword in node.keywords)]
        target = self._named(group)
        settings = self.surroundings.settings(target) if isinstance(target, Reference) else None
        if not settings or not isinstance(field, ast.Constant) or field.value not in settings:
            raise SyntaxError(f"write out a group of settings and the name of one of its fields: {ast.unparse(node)}")
        self.content += [SETTING, settings[field.value]]

    def _call(self, node: ast.Call, words: bool) -> None:
        """Write a call without the arguments that are words; `words`: all texts among them are."""
        target, name = self._named(node.func), _last_name(node.func)
        order, silent = self.surroundings.silent(target) if isinstance(target, Reference) else ([], frozenset())
        words = words or (isinstance(target, str) and target.startswith(SILENT))
        counted = [] if name in ERRORS else PROGRESS.get(target) if isinstance(target, str) else None
        starred = next((place for place, argument in enumerate(node.args) if isinstance(argument, ast.Starred)), None)
        self.content.append("Call(")
        self.write(node.func)
        for place, argument in enumerate(node.args if counted is None else node.args[: len(counted)]):
            name_of_place = order[:starred][place : place + 1]
            if not (words and _is_text(argument)) and not silent.intersection(name_of_place):
                self.write(argument)
        for keyword in node.keywords:
            described = name in OPTIONS and keyword.arg not in DEFAULTS
            shown = counted is not None and keyword.arg not in counted
            if not shown and not described and not (words and _is_text(keyword.value)) and keyword.arg not in silent:
                self.write(keyword)
        self.content.append(")")


WRITERS: dict[type, Callable[[_Reading, Any], None]] = {
    **dict.fromkeys(FUNCTIONS, _Reading._write_function),
    **dict.fromkeys(COMPREHENSIONS, _Reading._write_comprehension),
    ast.Name: _Reading._write_name,
    ast.Subscript: _Reading._write_subscript,
    ast.Attribute: _Reading._write_attribute,
    ast.Assert: _Reading._write_assert,
    ast.Assign: _Reading._write_assign,
    ast.AugAssign: _Reading._write_changed,
    ast.ClassDef: _Reading._write_class,
    ast.Raise: _Reading._write_raise,
    ast.Call: _Reading._write_call,
}


def _last_name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _writes_message(call: ast.Call) -> bool:
    """Return True for a call that writes to the terminal or a log."""
    name, owner = _last_name(call.func), _root(call.func)
    if name == owner == "print":
        streams = [ast.unparse(keyword.value) for keyword in call.keywords if keyword.arg == "file"]
        return not streams or streams[0] in ("sys.stderr", "sys.stdout")
    return (owner in ("logging", "logger", "log") and name in LOGS) or (owner == "warnings" and name == "warn")
