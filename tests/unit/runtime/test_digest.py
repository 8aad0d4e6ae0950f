"""What changes the digest of a command: what it computes, and neither words nor the place of the code. On a small package."""

from pathlib import Path

import pytest

from grover.runtime.digest import Code

SCRIPT = "from grover.middle import g\n\n\nprint(g(1))\n"
LOW = '''"""Module."""

SCALE = 2
COLUMNS = ["chrom"]
COLUMNS += ["start"]


def f(x):
    """Doc."""
    return x * SCALE


def unreached(x):
    return x + 3
'''
MIDDLE = "from grover import low\n\n\ndef g(x):\n    return low.f(x)\n"


def digest(folder: Path, **modules: str) -> str:
    """Digest of SCRIPT, or of `script`, with these modules in the package; dots of their names are written as two underscores."""
    package = folder / f"{len(list(folder.iterdir()))}/grover"
    for name, text in ({"low": LOW, "middle": MIDDLE} | modules).items():
        path = package.joinpath(*name.split("__")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    script = package.parent / "script.py"
    (package / "script.py").replace(script) if "script" in modules else script.write_text(SCRIPT)
    return Code(package).digest(script)


@pytest.fixture
def plain(tmp_path):
    return digest(tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [("x * SCALE", "x + SCALE"), ("SCALE = 2", "SCALE = 3"), ("def f(x):", "def f(x, y=0):")],
    ids=["function", "constant", "parameter"],
)
def test_what_is_reached_through_two_imports_counts(tmp_path, plain, old, new):
    assert digest(tmp_path, low=LOW.replace(old, new)) != plain


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""Doc."""', '"""Another text."""'),
        ('"""Module."""', "# a comment"),
        ("return x * SCALE", "return (x  *  SCALE)  # why"),
        ("x + 3", "x + 4"),
        ('COLUMNS += ["start"]', 'COLUMNS += ["end"]'),
        ("SCALE = 2", "NEW = 5\nSCALE = 2"),
    ],
    ids=["docstring", "module docstring", "layout", "unreached function", "unreached constant", "new constant"],
)
def test_comments_docstrings_layout_and_what_is_not_reached_do_not_count(tmp_path, plain, old, new):
    assert digest(tmp_path, low=LOW.replace(old, new)) == plain


@pytest.mark.parametrize(
    "modules",
    [
        {
            "sub__other": LOW,
            "low": "",
            "middle": "from grover.sub import other\n\n\ndef g(x):\n    return other.f(x)\n",
        },
        {"middle": "from grover.low import f\n\n\ndef g(x):\n    return f(x)\n"},
        {"middle": "import grover.low\n\n\ndef g(x):\n    return grover.low.f(x)\n"},
        {"middle": "def g(x):\n    from grover.low import f as h\n\n    return h(x)\n"},
        {"low": "from grover.lower import f\n", "lower": LOW},
        {"script": "from grover.moved import g\n\n\nprint(g(1))\n", "moved": MIDDLE, "middle": ""},
    ],
    ids=["moved", "imported by name", "by its whole name", "within the function", "handed on", "renamed"],
)
def test_where_the_code_stands_and_how_it_is_imported_does_not_count(tmp_path, plain, modules):
    assert digest(tmp_path, **modules) == plain


def test_a_name_that_stands_for_another_definition_counts(tmp_path, plain):
    assert digest(tmp_path, middle=MIDDLE.replace("low.f", "low.unreached")) != plain
    other = LOW.replace("x * SCALE", "x - SCALE")
    assert digest(tmp_path, other=other, middle=MIDDLE.replace("import low", "import other as low")) != plain


def test_a_constant_that_is_changed_in_place_counts_with_its_changes(tmp_path):
    middle = "from grover.low import COLUMNS\n\n\ndef g(x):\n    return COLUMNS\n"
    before = digest(tmp_path, middle=middle)
    assert digest(tmp_path, middle=middle, low=LOW.replace('+= ["start"]', '+= ["end"]')) != before
    assert digest(tmp_path, middle=middle, low=LOW + 'COLUMNS[0] = "contig"\n') != before
    assert digest(tmp_path, middle=middle, low=LOW.replace("SCALE = 2", "SCALE = 3")) == before


def test_an_import_within_a_condition_is_followed(tmp_path):
    low = "try:\n    from grover.lower import f\nexcept ImportError:\n    f = None\n"
    before = digest(tmp_path, low=low, lower=LOW)
    assert digest(tmp_path, low=low, lower=LOW.replace("SCALE = 2", "SCALE = 3")) != before


def test_what_a_module_does_on_import_and_reads_beside_itself_counts(tmp_path, plain):
    assert digest(tmp_path, low=LOW + "import numpy\n\nnumpy.seterr(all='raise')\n") != plain
    assert digest(tmp_path, low=LOW + "import matplotlib\n\nmatplotlib.rcParams['x'] = 1\n") != plain
    package = tmp_path / "beside/grover"
    package.mkdir(parents=True)
    (package / "low.py").write_text(LOW)
    (package / "middle.py").write_text(MIDDLE)
    (package.parent / "script.py").write_text(SCRIPT)
    found = [Code(package).digest(package.parent / "script.py")]
    for name, text in (("low.html", "<p>"), ("low.html", "<b>"), ("low.js", "1"), ("low.py~", "left by an editor")):
        (package / name).write_text(text)
        found.append(Code(package).digest(package.parent / "script.py"))
    assert found[0] == plain and len({*found}) == 4 and found[3] == found[4]


def test_functions_that_call_one_another_have_digests_whichever_is_asked_first(tmp_path):
    low = "def f(x):\n    return h(x - 1) if x else 0\n\n\ndef h(x):\n    return f(x - 1) if x else 1\n"
    first = digest(tmp_path, low=low)
    assert digest(tmp_path, low=low.replace("else 1", "else 2")) != first
    package = tmp_path / "0/grover"
    scripts = [tmp_path / "f.py", tmp_path / "h.py"]
    for script in scripts:
        script.write_text(f"from grover.low import {script.stem}\n\n\nprint({script.stem}(1))\n")
    together, other = Code(package), Code(package)
    forward = [together.digest(script) for script in scripts]
    assert forward == [other.digest(script) for script in reversed(scripts)][::-1] and forward[0] != forward[1]


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        # a parameter, a variable or a target of a comprehension hides the name of the module; its default does not
        ("def g(SCALE):\n    return SCALE\n", False),
        ("def g(x):\n    SCALE = x\n    return SCALE\n", False),
        ("def g(x):\n    return [SCALE for SCALE in x]\n", False),
        ("def g(x=SCALE):\n    return x\n", True),
        ("def g(SCALE=SCALE):\n    return SCALE\n", True),
        ("def g(x):\n    return [SCALE for SCALE in SCALE]\n", True),
        ("def g(x):\n    def inner():\n        return SCALE\n    return inner()\n", True),
        ("class g:\n    def SCALE(self):\n        return SCALE\n", True),
        ("@SCALE\ndef g(x):\n    return x\n", True),
        ("def g(x: SCALE):\n    return x\n", True),
        ("def g(x):\n    global SCALE\n    SCALE = x\n", True),
    ],
)
def test_names_are_followed_by_the_rules_of_scopes(tmp_path, text, counts):
    middle = "from grover.low import SCALE\n\n\n" + text
    changed = LOW.replace("SCALE = 2", "SCALE = 3")
    assert (digest(tmp_path, middle=middle) != digest(tmp_path, middle=middle, low=changed)) == counts


WORDS = [
    'raise ValueError("old")',
    'raise ValueError(f"{x}: old")',
    'raise InputError("a" + "old")',
    'raise StopIteration("old")',
    'raise _error(x, "old")',
    'errors = [InputError("old")]',
    'message = "old"\n    raise InputError(f"{x}: {message}")',
    'message = "old" if x else "other"\n    raise InputError(message)',
    'print(f"old {x}")',
    'print("old", x, file=sys.stderr, flush=True)',
    'warnings.warn("old")',
    'logging.info("old", x)',
    'assert x, "old"',
    'refuse(x, "old")',
    'refuse(x, reason="old")',
    'twice(x, "old")',
    'with Progress(len(x), "old", "regions") as bar:\n        bar.update(1)',
    'for item in track(x, len(x), "old"):\n        item()',
    'option: Annotated[int, Option(help="old", min=1)] = 1',
    'parser.add_argument("--x", type=int, help="old")',
    '"""old"""',
]
DATA = [
    'return {"old": x}',
    'return x["old"]',
    'return x == "old"',
    'return f"{x}old"',
    'x.to_csv("old")',
    'print("old", file=x)',
    'write_text(x, "old")',
    'keep(x, "old")',
    'message = "old"\n    if x:\n        raise InputError(message)\n    return message',
    'raise Interrupted(x["old"])',
    'option: Annotated[int, Option("--old")] = 1',
    'option: Annotated[int, Option(help="x")] = "old"',
    'parser.add_argument("--x", default="old")',
    'return [item for item in x if item != "old"]',
]
HELPERS = """import logging
import sys
import warnings
from typing import Annotated

from typer import Option

from grover.runtime.errors import InputError
from grover.runtime.files import write_text
from grover.runtime.progress import Progress, track


class Interrupted(Exception):
    pass


def refuse(wrong, reason):
    if wrong:
        raise InputError(f"{wrong}: {reason}")


def twice(wrong, reason):
    refuse(wrong, f"really {reason}")


def keep(wrong, reason):
    if wrong:
        raise InputError(reason)
    return reason


def _error(x, reason):
    return InputError(reason)


def g(x, parser=None):
    BODY
"""
RUNTIME = {
    "runtime__errors": "class InputError(Exception):\n    pass\n",
    "runtime__files": "def write_text(path, text):\n    path.write_text(text)\n",
    "runtime__progress": "class Progress:\n    pass\n\n\ndef track(items, total, label):\n    return items\n",
}


@pytest.mark.parametrize(("body", "counts"), [(text, False) for text in WORDS] + [(text, True) for text in DATA])
def test_words_do_not_count_and_all_other_strings_do(tmp_path, body, counts):
    texts = [HELPERS.replace("BODY", body), HELPERS.replace("BODY", body.replace("old", "new"))]
    before, after = (digest(tmp_path, middle=text, **RUNTIME) for text in texts)
    assert (before != after) == counts


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # a parameter that is changed in place is no word, nor one whose place is shifted by `*`
        ("add(parser, x)", "add(x, x)"),
        ("spread(*x, parser)", "spread(*x, x)"),
        ("named(x, x, parser)", "named(x, x, x)"),
        ("track(items=x, total=1, label='a')", "track(items=parser, total=1, label='a')"),
        ("shown(parser)", "shown(x)"),
        # nor is a text of a global name or of a class
        ('global NAME\n    NAME = "old"', 'global NAME\n    NAME = "new"'),
        ('class Inner:\n        key = "old"\n    return Inner', 'class Inner:\n        key = "new"\n    return Inner'),
    ],
)
def test_what_only_looks_like_a_word_counts(tmp_path, old, new):
    more = "def add(total, x):\n    total += x\n\n\n"
    more += "def spread(x, reason, y):\n    if x:\n        raise InputError(reason)\n    return y\n\n\ndef g("
    more = "def named(x, *rest, reason=''):\n    if x:\n        raise InputError(reason)\n    return rest\n\n\n" + more
    more = "@warnings.deprecated\ndef shown(x):\n    raise InputError(x)\n\n\n" + more
    helpers = HELPERS.replace("def g(", more)
    before, after = (digest(tmp_path, middle=helpers.replace("BODY", body), **RUNTIME) for body in (old, new))
    assert before != after


@pytest.mark.parametrize("body", ["raise InputError(x)", "assert x", "print(x)", "twice(x, x)", "refuse(x, 'a')"])
def test_that_a_word_is_said_counts(tmp_path, body):
    texts = [HELPERS.replace("BODY", f"{body}\n    return 1"), HELPERS.replace("BODY", "return 1")]
    before, after = (digest(tmp_path, middle=text, **RUNTIME) for text in texts)
    assert before != after


def test_of_the_runtime_only_what_writes_artefacts_counts(tmp_path):
    middle = HELPERS.replace("BODY", 'write_text(x, "a")\n    raise InputError("b")')
    before = digest(tmp_path, middle=middle, **RUNTIME)
    longer = {name: text + "\n\ndef more():\n    return 1\n" for name, text in RUNTIME.items()}
    assert digest(tmp_path, middle=middle, **longer) == before
    errors = RUNTIME | {"runtime__errors": "class InputError(Exception):\n    code = 2\n"}
    assert digest(tmp_path, middle=middle, **errors) == before
    files = RUNTIME | {"runtime__files": "def write_text(path, text):\n    path.write_text(text.upper())\n"}
    assert digest(tmp_path, middle=middle, **files) != before


def test_imports_that_hide_what_they_bring_are_refused(tmp_path):
    with pytest.raises(SyntaxError, match="write out the module"):
        digest(tmp_path, middle="from grover.low import *\n\n\ndef g(x):\n    return f(x)\n")
    with pytest.raises(SyntaxError, match="write out the module"):
        digest(tmp_path, middle="from .low import f\n\n\ndef g(x):\n    return f(x)\n")
    with pytest.raises(ImportError, match=r"grover\.low has no missing"):
        digest(tmp_path, middle="from grover.low import missing\n\n\ndef g(x):\n    return missing(x)\n")
