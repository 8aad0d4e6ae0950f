"""The checker of sentences: what it finds in examples of the house style, and where it looks."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_spec = importlib.util.spec_from_file_location("check_prose", ROOT / "docs/check_prose.py")
assert _spec and _spec.loader
prose = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(prose)

LONG = "The quick brown fox " + "jumps over the lazy dog " * 5 + "at last"  # 31 words


def found(path: str, text: str) -> list[tuple[int, str]]:
    """Line and beginning of the fault of each finding."""
    return [(each.line, each.fault.split(":")[0]) for each in prose.check(path, text)]


@pytest.mark.parametrize(
    ("sentence", "fault"),
    [
        (LONG + ".", "31 words, at most 25"),
        ("A model reaches 1.6 bits a base here.", '"bits a base"'),
        ("It computes 30 windows a second here.", '"windows a second"'),
        ("The page says what it has learnt.", '"page says"'),
        ("It is compared with the floors of counts.", '"floors"'),
        ("It would load as plain BERT without a word.", '"without a word"'),
        ("Of none of these is a score known.", '"Of none of"'),
    ],
)
def test_a_fault_is_found(sentence, fault):
    assert found("x.md", sentence) == [(1, fault)]


@pytest.mark.parametrize(
    "sentence",
    [
        "A model reaches 1.6 bits per base here.",
        "Files contain, models predict, tests detect.",
        f"{LONG[:80]}. {LONG[:80]}.",
        f"{LONG[:80]}; {LONG[:80]}.",
        "`" + LONG + "`",
        # numbers and a citation are no words
        f"{LONG[:95]} 1 2 3 4 5 6 7 8 9 10 11 (Sanabria, Hirsch, Joubert and Poetsch, Nature Machine Intelligence 2024).",
        "```\n" + LONG + "\n```",
    ],
)
def test_what_is_right_passes(sentence):
    assert not found("x.md", sentence)


def test_findings_name_the_line():
    assert found("x.md", f"# Title\n\nShort is good.\n\n- An item.\n- {LONG}.\n") == [(6, "31 words, at most 25")]
    assert found("x.py", f'"""Short."""\n\nA = 1\n# {LONG}\n') == [(4, "31 words, at most 25")]
    assert found("x.py", f'def f():\n    """Short.\n\n    {LONG}.\n    """\n') == [(4, "31 words, at most 25")]
    assert found("x.py", f'raise E(f"{{1}} {LONG}")\n') == [(1, "31 words, at most 25")]
    assert found("x.yaml", f"a: 1\n# {LONG}\n") == [(2, "31 words, at most 25")]


def test_lists_of_a_docstring_and_commands_are_no_sentences():
    half = LONG[:80]
    assert not found(
        "x.py", f'"""Short.\n\nfirst: {half}\nsecond: {half}\n- {half}\n- {half}\n`c`  {half}\n`d`  {half}\n"""\n'
    )
    assert not found("x.py", f'"""Short.\n\n    python x.py {LONG} \\\n      --a {LONG}\n"""\n')


def test_strings_of_tests_are_data():
    text = f'"""Short."""\nA = "{LONG}"\n# {LONG}\n'
    assert found("tests/test_x.py", text) == [(3, "31 words, at most 25")]
    assert found("x.py", text) == [(2, "31 words, at most 25"), (3, "31 words, at most 25")]


def test_each_exception_has_a_reason():
    for line in prose.ALLOWED.read_text("utf-8").splitlines()[1:]:
        path, phrase, reason = line.split("\t")
        assert (ROOT / path).is_file() and phrase and reason
