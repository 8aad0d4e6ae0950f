"""Digest of the code that a command reaches, so that a changed function reruns its stage and a comment does not.

Snakemake sees the text of a command, not the program behind it. A rule therefore carries, as a parameter, the digest of its
script and of the modules of this package that the script reaches by import, taken from the syntax tree without comments and docstrings.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = "grover"


def code_digest(script: Path) -> str:
    """Sixteen hexadecimal digits that change when the code reached by `script` changes.

    A template or a script beside a module (`MODULE.html`, `MODULE.js`) counts as its code.
    """
    root = Path(__file__).resolve().parent.parent
    reached: dict[Path, str] = {}
    waiting = [Path(script).resolve()]
    while waiting:
        path = waiting.pop()
        if path in reached:
            continue
        reached[path], imports = _parse(path)
        for name in imports:
            stem = root.joinpath(*name.split("."))
            waiting += [found for found in (stem.with_suffix(".py"), stem / "__init__.py") if found.is_file()]
    summary = "".join(f"{path.name}:{reached[path]}\n" for path in sorted(reached))
    return hashlib.sha256(summary.encode()).hexdigest()[:16]


@cache
def _parse(path: Path) -> tuple[str, tuple[str, ...]]:
    """Digest of one module without comments and docstrings, and the modules of the package that it imports."""
    tree = ast.parse(path.read_bytes())
    imports = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            # `from grover import bpe` and `from grover.bpe import train` both name a module
            imports += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and _has_docstring(node):
            node.body = node.body[1:]
    content = hashlib.sha256(ast.dump(tree).encode())
    for beside in (path.with_suffix(".html"), path.with_suffix(".js")):
        if beside.is_file():
            content.update(beside.read_bytes())
    return content.hexdigest(), tuple(name for name in imports if name.split(".")[0] == PACKAGE)


def _has_docstring(node) -> bool:
    first = node.body[0] if node.body else None
    return isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
