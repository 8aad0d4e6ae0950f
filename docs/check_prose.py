"""Check the sentences of documentation, docstrings, comments and messages (`make lint`).

A sentence, or a clause between semicolons, has at most 25 words without numbers and citations. The terms are those of the field.
An exception is a line of `prose_allowed.tsv`: the file, a phrase of the sentence, and the reason.
"""

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
ALLOWED = HERE / "prose_allowed.tsv"

MOST_WORDS = 25
# fewer words, such as a label or a key, are no sentence
FEWEST_WORDS = 4

UNITS = "base|token|second|minute|hour|day|window|sequence|example|step|job|GPU|model|task|chromosome|contig|node|variant|region"
QUANTITIES = r"bits?|nats?|seconds?|minutes?|hours?|tokens?|windows?|bases?|values?|examples?|[kMG]B|\d"
WRITTEN = "file|page|table|report|script|rule|configuration|log|card|column|message|sentence|model|network|vocabulary|track|test|figure"
# what is wrong, and what to write
TERMS = [
    (r"\bfloors?\b", "baseline"),
    (r"\btwins?\b", "randomly initialised model"),
    (r"\b(rivals?|competitors?)\b", "external model"),
    (r"\bhidden tokens?\b", "masked token"),
    (r"\bocclusions?\b", "in-silico mutagenesis"),
    (rf"\b({QUANTITIES}) an? ({UNITS})\b", "per base, per token, per second"),
    (
        rf"\b({WRITTEN})s? (says?|said|tells?|told|knows?|knew|speaks?|hears?|wants?|thinks?|believes?|remembers?)\b",
        "a literal verb: files contain or state, models predict, tests detect",
    ),
    (r"^Of none of\b", "the subject first"),
    (r"\bwithout a word\b", "silently"),
    (r"\bsaid aloud\b", "printed"),
]


# a line that is a command, with the lines that continue it
COMMAND = re.compile(r"^\s*(?:[\w.]+/bin/)?(?:snakemake|python|make|grover) (?:.*\\\n)*.*$", re.MULTILINE)


class Passage(NamedTuple):
    """A piece of prose: the line where it begins, and its text without code and addresses."""

    line: int
    text: str


class Finding(NamedTuple):
    """A sentence to mend: file, line, what is wrong, the sentence."""

    path: str
    line: int
    fault: str
    sentence: str


def markdown_passages(text: str) -> Iterator[Passage]:
    """Yield paragraphs, headings, items and cells of a table of a Markdown page; fenced code is left out."""
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type == "inline":
            words = (_plain(child.type, child.content) for child in token.children or [])
            yield Passage((token.map or [0])[0] + 1, "".join(words))


def _plain(kind: str, content: str) -> str:
    if kind in ("softbreak", "hardbreak"):
        return " "
    return {"text": content, "code_inline": "CODE"}.get(kind, "")


def python_passages(text: str) -> Iterator[Passage]:
    """Yield docstrings, string literals and comments of Python code."""
    inner: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.JoinedStr):
            inner.update(id(value) for value in node.values)
            pieces = (value.value if isinstance(value, ast.Constant) else "VALUE" for value in node.values)
            yield from _paragraphs(node.lineno, "".join(map(str, pieces)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
            yield from _paragraphs(node.lineno, node.value)
    yield from _python_comments(text)


def docstring_passages(text: str) -> Iterator[Passage]:
    """Yield docstrings and comments of Python code whose other strings are data."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            expression = node.body[0]
            assert isinstance(expression, ast.Expr) and isinstance(expression.value, ast.Constant)
            yield from _paragraphs(expression.lineno, str(expression.value.value))
    yield from _python_comments(text)


def _python_comments(text: str) -> Iterator[Passage]:
    """Yield the comments of Python code: one behind code alone, those on lines of their own joined."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and not token.line.lstrip().startswith("#"):
            yield from _comments([(token.start[0], token.string)])
    yield from hash_passages(text)


def hash_passages(text: str) -> Iterator[Passage]:
    """Yield the blocks of lines that are comments, as YAML files and Snakefiles have them."""
    lines = enumerate(text.splitlines(), start=1)
    yield from _comments([(number, line.strip()) for number, line in lines if line.lstrip().startswith("#")])


def _comments(lines: list[tuple[int, str]]) -> Iterator[Passage]:
    """Join comments on neighbouring lines."""
    block: list[tuple[int, str]] = []
    for number, line in [*lines, (0, "")]:
        if block and number != block[-1][0] + 1:
            yield from _paragraphs(block[0][0], "\n".join(piece for _, piece in block))
            block = []
        block.append((number, line.lstrip("# ")))


def _paragraphs(line: int, text: str) -> Iterator[Passage]:
    """Leave out commands to copy; split at blank lines, and before the items `- ` and the entries `name: ` or "`name`  " of a docstring."""
    text = COMMAND.sub("\n", text)
    start = 0
    for piece in re.split(r"(\n\s*\n|\n(?=\s*(?:- |\| |[\w, ]+: |(?:`[^`\n]+`(?:, `[^`\n]+`)*|\S+) {2,})))", text):
        yield Passage(line + start, re.sub(r"`[^`]*`", "CODE", re.sub(r"<[^<>]*>", "", piece)))
        start += piece.count("\n")


def sentences(text: str) -> list[str]:
    """Split a passage at full stops, question and exclamation marks, and at semicolons, which part the entries of a list."""
    whole = re.sub(r"\s+", " ", text).strip()
    # the next sentence may also be an entry of a docstring, such as `seeds: ` or `opens (bool): `
    return (
        re.split(r"(?<=[.!?])['\")]* (?=[A-Z\d*'\"(\[]|[a-z]+/|[\w-]+(?:, [\w-]+)*(?: \(\w+\))?: )|; ", whole)
        if whole
        else []
    )


def faults(sentence: str) -> list[str]:
    """Return what is wrong with a sentence."""
    uncited = re.sub(r"\([^()]*\b(19|20)\d\d\b[^()]*\)", "", sentence)
    words = len(re.findall(r"\b(?!VALUE\b)[^\W\d][\w'-]*", uncited))  # a value is most often a number
    if words < FEWEST_WORDS:
        return []
    found = [f'"{hit[0]}": write {instead}' for term, instead in TERMS if (hit := re.search(term, sentence))]
    if words > MOST_WORDS:
        found.append(f"{words} words, at most {MOST_WORDS}: split it")
    return found


READERS = {".md": markdown_passages, ".py": python_passages, ".smk": hash_passages, ".yaml": hash_passages}


def check(path: str, text: str) -> list[Finding]:
    """Return the findings of one file."""
    tested = path.startswith("tests/") and path.endswith(".py")
    reader = docstring_passages if tested else READERS[Path(path).suffix]
    return [
        Finding(path, passage.line, fault, sentence)
        for passage in reader(text)
        for sentence in sentences(passage.text)
        for fault in faults(sentence)
    ]


def main() -> int:
    """Print the findings of the files that git tracks; 1 where there are some."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    paths = [path for path in tracked if Path(path).suffix in READERS and (ROOT / path).is_file()]
    asked = [path for path in paths if not sys.argv[1:] or any(path.startswith(prefix) for prefix in sys.argv[1:])]
    findings = [finding for path in asked for finding in check(path, (ROOT / path).read_text("utf-8"))]
    rows = [line.split("\t") for line in ALLOWED.read_text("utf-8").splitlines()[1:]]
    used = {
        (path, phrase)
        for path, phrase, _ in rows
        for found in findings
        if found.path == path and phrase in found.sentence
    }
    left = [
        found
        for found in findings
        if not any(found.path == path and phrase in found.sentence for path, phrase, _ in rows)
    ]
    for found in left:
        print(f"{found.path}:{found.line}: {found.fault}: {found.sentence}")
    idle = [] if sys.argv[1:] else [(path, phrase) for path, phrase, _ in rows if (path, phrase) not in used]
    for path, phrase in idle:
        print(f"{ALLOWED.relative_to(ROOT)}: no sentence of {path} needs {phrase!r}; remove the line")
    return 1 if left or idle else 0


if __name__ == "__main__":
    sys.exit(main())
