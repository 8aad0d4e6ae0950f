"""Digest of the code that a command reaches, so that a changed function reruns its stage and a changed word does not.

Snakemake sees the text of a command, not the program behind it. A rule therefore carries, as a parameter, the digest of its script: a
Merkle hash over the definitions (functions, classes, constants) that the script reaches. A name of the package counts as the digest of
the definition that it stands for. So moving, renaming or splitting a module changes nothing. Neither does a changed definition
that the script does not reach. Words do not count (`grover.runtime.syntax`).

Of a group of settings, a class of `grover.config`, the names, types and defaults of the fields count. Their descriptions, units,
limits, validators and order do not. Of `Annotated[int, Setting(Group, "field")]` this one field counts.

Of `grover.runtime` only two modules count: `files`, which writes the bytes of artefacts and finds the files that options name; and `text`,
which opens files of text. The command-line wrapper, progress, provenance, shared options and errors do not change a result.
"""

import ast
import hashlib
from functools import cache, partial
from pathlib import Path

from grover.runtime.syntax import (
    SILENT,
    Definition,
    Reference,
    Surroundings,
    bindings,
    define,
    members,
    parameters,
)

PACKAGE = Path(__file__).resolve().parents[1]
# a name of this subpackage counts as the name alone, except those of some modules
RUNTIME, COUNTED = "runtime", ("files", "text")
CONFIG, SECTION = "config", "Section"  # the subpackage of the settings, and the class that all groups derive from
BESIDE = (".html", ".css", ".js")  # files that count as code of the module of the same name
DEPTH = 2  # functions through which an argument is followed to an error or a message
WHOLE, EFFECTS = "", "<effects>"  # all of a module, and what it does when it is imported


def code_digest(script: Path | str, package: Path = PACKAGE) -> str:
    """Return sixteen hexadecimal digits that change when the code reached by `script` changes.

    package: the folder of `grover`, read once in a process. A template or script beside a module (`MODULE.html`, `MODULE.css`, `MODULE.js`)
    counts as its code.
    """
    return _code(package).digest(Path(script))


@cache
def _code(package: Path) -> "Code":
    return Code(package)


class _Module:
    """A file of Python: its definitions by name, its imports, what it does besides, and the bytes of the files that go with it."""

    def __init__(self, name: str, path: Path):
        self.name = name
        self.body = ast.parse(path.read_bytes()).body
        self.bound, self.imported, self.effects = bindings(self.body)
        beside = [file for file in map(path.with_suffix, BESIDE) if file.is_file()]
        self.beside = [hashlib.sha256(file.read_bytes()).hexdigest() for file in beside]


class Code:
    """The modules of a package, read as far as scripts reach them."""

    def __init__(self, package: Path):
        self.package = package
        self._modules: dict[str, _Module | None] = {}
        self._definitions: dict[tuple[Reference, int], Definition] = {}
        self._digests: dict[Reference, str] = {}

    def digest(self, script: Path) -> str:
        """Return the digest of all statements of a script and of what they reach."""
        module = _Module("", script)
        definition = define(module.body, self._surroundings(module, DEPTH))
        for reference in definition.references:
            self._connect(reference)
        return _hash(definition, self._digests)[:16]

    def _module(self, name: str) -> _Module | None:
        """A module of the package by its dotted name; None where there is none of this name."""
        if name not in self._modules:
            first, *rest = name.split(".")
            stem = self.package.joinpath(*rest)
            paths = [path for path in (stem.with_suffix(".py"), stem / "__init__.py") if path.is_file()]
            self._modules[name] = _Module(name, paths[0]) if first == self.package.name and paths else None
        return self._modules[name]

    def _attribute(self, module: str, name: str) -> Reference | str:
        """What a name of a module stands for, or for an empty name the module itself."""
        first, *path = module.split(".")
        if first != self.package.name:
            return f"{module}.{name}".rstrip(".")
        if path[:1] == [RUNTIME] and [*path, name][1] not in ("", *COUNTED):
            return f"{SILENT}{name or path[-1]}"
        if not name or self._module(f"{module}.{name}"):
            return Reference(f"{module}.{name}".rstrip("."), WHOLE)
        found = self._module(module)
        if found and name in found.bound:
            return Reference(module, name)
        if found and name in found.imported:
            return self._attribute(*found.imported[name])
        raise ImportError(f"{module} has no {name}, which the code names")

    def _surroundings(self, module: _Module, depth: int) -> Surroundings:
        """How names are read in a module. depth: through how many calls a word is followed into functions."""

        def silent(reference: Reference) -> tuple[list[str], frozenset[str]]:
            found = self._module(reference.module)
            statements = found.bound.get(reference.name, []) if found else []
            if not depth or not parameters(statements):
                return [], frozenset()
            return parameters(statements, placed=True), self._define(reference, depth - 1).word_parameters

        bare = module.name.startswith(f"{self.package.name}.{CONFIG}.")
        return Surroundings(partial(self._name, module), self._attribute, silent, self._settings, bare)

    def _name(self, module: _Module, name: str) -> Reference | str | None:
        """What a name stands for at the top of a module."""
        if name in module.imported:
            return self._attribute(*module.imported[name])
        return Reference(module.name, name) if module.name and name in module.bound else None

    def _settings(self, reference: Reference) -> dict[str, Reference] | None:
        """What counts of a group of settings, by name and with what its bases declare; None for anything else."""
        found = self._module(reference.module)
        statements = found.bound.get(reference.name, []) if found else []
        if not reference.module.startswith(f"{self.package.name}.{CONFIG}."):
            return None
        if not found or len(statements) != 1 or not isinstance(statements[0], ast.ClassDef):
            return None
        if reference.name == SECTION:
            return {}
        targets = [self._target(found, base) for base in reversed(statements[0].bases)]
        inherited = [self._settings(target) for target in targets if isinstance(target, Reference)]
        groups = [settings for settings in inherited if settings is not None]
        if not groups:
            return None
        own = {name: Reference(reference.module, f"{reference.name}.{name}") for name in members(statements[0])}
        return {name: member for settings in [*groups, own] for name, member in settings.items()}

    def _target(self, module: _Module, node: ast.expr) -> Reference | str | None:
        """What a name or dotted name at the top of a module stands for."""
        if isinstance(node, ast.Name):
            return self._name(module, node.id)
        if isinstance(node, ast.Attribute):
            target = self._target(module, node.value)
            return self._attribute(target.module, node.attr) if isinstance(target, Reference) else None
        return None

    def _define(self, reference: Reference, depth: int) -> Definition:
        """The definition behind a reference, with what its module does on import."""
        key = reference, depth
        if key not in self._definitions:
            module = self._module(reference.module)
            if module is None:
                raise ImportError(f"{self.package} has no module {reference.module}, which the code names")
            self._definitions[key] = self._define_in(module, reference, depth)
        return self._definitions[key]

    def _define_in(self, module: _Module, reference: Reference, depth: int) -> Definition:
        surroundings = self._surroundings(module, depth)
        besides = [Reference(module.name, EFFECTS)] if module.effects or module.beside else []
        if reference.name == EFFECTS:
            made = define(module.effects, surroundings)
            return Definition((*made.content, *module.beside))
        if reference.name == WHOLE:
            return Definition((*(Reference(module.name, name) for name in sorted(module.bound)), *besides))
        if "." in reference.name:
            name, member = reference.name.split(".")
            group = next(statement for statement in module.bound[name] if isinstance(statement, ast.ClassDef))
            made = define([members(group)[member]], surroundings)
            return Definition((member, *made.content))
        if (settings := self._settings(reference)) is not None:
            return Definition(("settings", *(settings[name] for name in sorted(settings))))
        made = define(module.bound[reference.name], surroundings)
        return Definition((*made.content, *besides), made.word_parameters)

    def _connect(self, start: Reference) -> None:
        """Compute the digests of a definition and of all that it reaches; those that reach one another are hashed together.

        Tarjan, Depth-first search and linear graph algorithms, SIAM Journal on Computing 1 (1972).
        """
        number: dict[Reference, int] = {}
        lowest: dict[Reference, int] = {}
        open_ones: list[Reference] = []

        def visit(reference: Reference) -> None:
            number[reference] = lowest[reference] = len(number)
            open_ones.append(reference)
            for other in self._define(reference, DEPTH).references:
                if other in self._digests:
                    continue
                if other not in number:
                    visit(other)
                lowest[reference] = min(lowest[reference], lowest[other])
            if lowest[reference] == number[reference]:
                place = open_ones.index(reference)
                self._close(open_ones[place:])
                del open_ones[place:]

        if start not in self._digests:
            visit(start)

    def _close(self, together: list[Reference]) -> None:
        """Give digests to definitions that reach one another, or to one alone."""
        known = self._digests | {reference: f"@{reference.name}" for reference in together}
        own = {reference: _hash(self._define(reference, DEPTH), known) for reference in together}
        shared = "".join(sorted(own.values()))
        self._digests |= {reference: _text_hash(digest + shared) for reference, digest in own.items()}


def _hash(definition: Definition, digests: dict[Reference, str]) -> str:
    return _text_hash("\0".join(digests[item] if isinstance(item, Reference) else item for item in definition.content))


def _text_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
