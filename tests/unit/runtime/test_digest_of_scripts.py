"""What reruns and what does not when the real code changes: copies of the package and of the scripts, edited."""

import ast
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from grover.runtime.digest import Code

ROOT = Path(__file__).resolve().parents[3]
SCRIPTS = "workflow/scripts"
# of every kind one, since a digest of all takes a second
COMMANDS = ("train_bpe", "build_dataset", "pretrain", "evaluate_pretraining", "embed", "write_report")


def digests(root: Path, commands: tuple[str, ...] = COMMANDS) -> dict[str, str]:
    """The digest of each command below a folder."""
    code = Code(root / "grover")
    return {name: code.digest(root / SCRIPTS / f"{name}.py") for name in commands}


@pytest.fixture(scope="module")
def before() -> dict[str, str]:
    return digests(ROOT)


@pytest.fixture
def copy(tmp_path) -> Path:
    for folder in ("grover", SCRIPTS):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "grover"))
    return tmp_path


@pytest.fixture
def changed(copy, before) -> Callable[..., set[str]]:
    """Replace a text where it first stands in a file of the copy; which commands have another digest then."""

    def change(file: str, old: str, new: str) -> set[str]:
        path = copy / file
        text = path.read_text()
        assert old in text, f"{file}: {old}"
        path.write_text(text.replace(old, new, 1))
        return {name for name, digest in digests(copy).items() if digest != before[name]}

    return change


class Reworded(ast.NodeTransformer):
    """Changes docstrings, help texts, descriptions of settings, and strings in errors and in what is printed."""

    def __init__(self):
        self.number = 0
        self.words = False

    def visit_Expr(self, node: ast.Expr):
        if isinstance(node.value, ast.Constant):
            node.value.value = "Other words."
        return self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise):
        return self._in_words(node)

    def visit_Call(self, node: ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name == "setting":
            node.args[1:] = [self._in_words(part) for part in node.args[1:]]
            return self.generic_visit(node)
        terminal = name == "print" and "file" not in [keyword.arg for keyword in node.keywords]
        return self._in_words(node) if terminal or name == "InputError" else self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword):
        return self._in_words(node) if node.arg == "help" else self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant):
        if self.words and isinstance(node.value, str):
            self.number += 1
            node.value = f"other words {self.number}"
        return node

    def _in_words(self, node: ast.AST):
        outside, self.words = self.words, True
        node = self.generic_visit(node)
        self.words = outside
        return node


def test_every_script_has_a_digest_of_its_own():
    names = [path.stem for path in (ROOT / SCRIPTS).glob("*.py")]
    assert len({*digests(ROOT, tuple(names)).values()}) == len(names) > 50


def test_other_docstrings_help_texts_errors_and_comments_everywhere_rerun_nothing(copy, before):
    number = 0
    for path in [*(copy / "grover").rglob("*.py"), *(copy / SCRIPTS).glob("*.py")]:
        reworded = Reworded()
        # what is unparsed has no comments, and another layout
        path.write_text("# a comment\n" + ast.unparse(reworded.visit(ast.parse(path.read_text()))) + "\n")
        number += reworded.number
    assert number > 800
    after = digests(copy)
    assert {name for name in before if before[name] != after[name]} == set()


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("workflow/scripts/pretrain.py", 'help="folder to keep checkpoints in', 'help="folder of the checkpoints'),
        ("grover/config/sections/pretraining.py", '"Highest learning rate."', '"The highest learning rate."'),
        ("grover/config/sections/pretraining.py", "ge=0, le=0.9", "ge=0, le=0.5"),
        ("grover/config/sections/run.py", "results: Place", "toy: int = setting(1, 'Toy.')\n    results: Place"),
        ("grover/annotation/motifs.py", '"scan motif", "bases"', '"motif sites", "bp"'),
        (
            "grover/runtime/cli.py",
            "def command(**arguments: Any) -> None:",
            "def command(**arguments: Any) -> None:\n        started = 0",
        ),
        (
            "grover/runtime/options.py",
            "Threads = Annotated[int,",
            "Sown = Annotated[str, Option()]\nThreads = Annotated[int,",
        ),
        ("grover/runtime/progress.py", "SECONDS_BETWEEN_LINES = 10.0", "SECONDS_BETWEEN_LINES = 5.0"),
        ("grover/intervals/contigs.py", "the end is not after the start", "the end must come after the start"),
        ("grover/tokenization/bpe.py", "\ndef ", "\ndef nobody_calls_this():\n    return 1\n\n\ndef "),
    ],
    ids=[
        "help",
        "description",
        "range",
        "setting of no script",
        "progress",
        "command wrapper",
        "another option",
        "bar",
        "reason handed on",
        "unused function",
    ],
)
def test_words_and_the_command_wrapper_rerun_nothing(changed, file, old, new):
    assert changed(file, old, new) == set()


def test_a_module_that_moves_under_another_name_reruns_nothing(copy, before):
    (copy / "grover/learning").mkdir()
    (copy / "grover/tokenization/bpe.py").rename(copy / "grover/learning/byte_pairs.py")
    number = 0
    for path in [*(copy / "grover").rglob("*.py"), *(copy / SCRIPTS).glob("*.py")]:
        text = path.read_text()
        text, by_name = re.subn(
            r"from grover\.tokenization\.bpe import", "from grover.learning.byte_pairs import", text
        )
        text, whole = re.subn(
            r"from grover\.tokenization import bpe\b", "from grover.learning import byte_pairs as bpe", text
        )
        path.write_text(text)
        number += by_name + whole
    assert number > 3
    assert digests(copy) == before


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("grover/config/sections/pretraining.py", "setting(0.0004,", "setting(0.0005,", {"pretrain"}),
        ("grover/config/sections/pretraining.py", "learning_rate: float", "learning_rate: int", {"pretrain"}),
        (
            "grover/config/sections/pretraining.py",
            "    steps: int",
            "    toy: int = setting(1, 'Toy.')\n    steps: int",
            {"pretrain"},
        ),
        (
            "workflow/scripts/pretrain.py",
            "threads: Threads = 0,",
            "threads: Threads = 0,\n    toy: int = 1,",
            {"pretrain"},
        ),
        ("workflow/scripts/pretrain.py", "threads: Threads = 0,", "threads: Threads = 1,", {"pretrain"}),
        ("grover/report/sections/strands.py", "The model reads one of", "It reads one of", {"write_report"}),
        ("grover/report/page.html", "<main", "<main lang='en'", {"write_report"}),
        ("grover/report/page.css", "margin: 0;", "margin: 1px;", {"write_report"}),
        ("grover/tokenization/bpe.py", "READ = 1 << 25", "READ = 1 << 24", {"train_bpe"}),
        ("grover/pretraining/scores.py", '"bits_per_base"', '"bits"', {"evaluate_pretraining"}),
        ("grover/runtime/files.py", "index=False", "index=True", {*COMMANDS} - {"embed", "write_report"}),
        ("grover/runtime/files.py", "else path.parent", "else path", {"pretrain", "evaluate_pretraining", "embed"}),
    ],
    ids=[
        "default of a setting",
        "type of a setting",
        "new setting",
        "new option",
        "default of an option",
        "report",
        "template",
        "style sheet",
        "constant",
        "key of a dictionary",
        "bytes written",
        "option read",
    ],
)
def test_what_changes_a_result_reruns_the_commands_that_reach_it_and_no_other(changed, file, old, new, expected):
    assert changed(file, old, new) == expected


# what names a definition by a text, or acts when a module is imported: the digest cannot follow it
UNSEEN_CALLS = {"eval", "exec", "globals", "locals", "__import__"}
UNSEEN_METHODS = {"import_module", "__subclasses__"}


def unseen(tree: ast.Module) -> list[str]:
    """Return what the digest would miss in a module."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            method, name = getattr(node.func, "attr", ""), getattr(node.func, "id", "")
            query = method == "query" and "@" in ast.unparse(node)  # names a variable in its text
            if method in UNSEEN_METHODS or name in UNSEEN_CALLS or query:
                found.append(f"line {node.lineno}: {method or name}")
    for statement in tree.body:
        if not isinstance(statement, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)):
            inner = [node for node in ast.walk(statement) if isinstance(node, (ast.Import, ast.ImportFrom))]
            found += [f"line {node.lineno}: conditional import" for node in inner]
    return sorted(found)


def test_the_code_has_no_form_that_the_digest_cannot_follow():
    paths = {*(ROOT / "grover").rglob("*.py"), *(ROOT / SCRIPTS).glob("*.py")}
    # executes the signatures of scripts when the workflow is put together; no command reaches it
    paths.remove(ROOT / "grover/config/declared.py")
    assert {path.name for path in paths if "config.declared" in path.read_text()} == {"rule_params.py"}
    assert not [path for path in paths if "config.rule_params" in path.read_text()]
    assert {path.name: found for path in paths if (found := unseen(ast.parse(path.read_text())))} == {}
    wrong = "try:\n    import x\nexcept ImportError:\n    x = importlib.import_module('y')\ndata.query('a == @b')\nmodel.eval()\n"
    assert unseen(ast.parse(wrong)) == ["line 2: conditional import", "line 4: import_module", "line 5: query"]
