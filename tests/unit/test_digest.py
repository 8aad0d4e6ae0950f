"""A changed function changes the digest of the scripts that reach it; a comment or docstring does not."""

import shutil
from pathlib import Path

import pytest

from grover import digest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "grover").mkdir()
    (tmp_path / "grover/__init__.py").touch()
    (tmp_path / "grover/low.py").write_text('def f(x):\n    """Doc."""\n    return x + 1\n')
    (tmp_path / "grover/middle.py").write_text("from grover import low\n\n\ndef g(x):\n    return low.f(x)\n")
    (tmp_path / "grover/other.py").write_text("def h():\n    return 0\n")
    (tmp_path / "script.py").write_text("from grover.middle import g\n\nprint(g(1))\n")
    monkeypatch.setattr(digest, "__file__", str(tmp_path / "grover/digest.py"))
    return tmp_path


def of(project: Path) -> str:
    digest._parse.cache_clear()
    return digest.code_digest(project / "script.py")


def test_a_function_reached_through_two_imports_counts(project):
    before = of(project)
    (project / "grover/low.py").write_text('def f(x):\n    """Doc."""\n    return x + 2\n')
    assert of(project) != before


def test_comments_docstrings_layout_and_unreached_modules_do_not_count(project):
    before = of(project)
    (project / "grover/low.py").write_text('# why\ndef f(x):\n    """Another text."""\n\n    return (x + 1)\n')
    (project / "grover/other.py").write_text("def h():\n    return 1\n")
    assert of(project) == before
    shutil.copy(project / "script.py", project / "copy.py")
    (project / "copy.py").replace(project / "script.py")
    assert of(project) == before


def test_a_template_beside_a_module_counts(project):
    before = of(project)
    (project / "grover/low.html").write_text("<p>")
    with_template = of(project)
    (project / "grover/low.html").write_text("<b>")
    assert len({before, with_template, of(project)}) == 3
    changed = of(project)
    (project / "grover/low.py~").write_text("what an editor leaves behind")
    assert of(project) == changed


def test_every_script_has_a_digest_and_reaches_its_modules():
    scripts = sorted((ROOT / "workflow/scripts").glob("*.py"))
    digests = {script.name: digest.code_digest(script) for script in scripts}
    assert len(set(digests.values())) == len(scripts) > 20
