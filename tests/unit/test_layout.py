"""The order of imports between subpackages, no cycles, and what may stand where in `grover/`."""

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# a subpackage imports from itself and from those in front of it
ORDER = [
    "runtime",
    "config",
    "statistics",
    "intervals",
    "tokenization",
    "simulation",
    "genome",
    "network",
    "planning",
    "atlas",
    "annotation",
    "benchmarks",
    "external_models",
    "pretraining",
    "selection",
    "embeddings",
    "finetuning",
    "interpretation",
    "transfer",
    "sources",
    "assembly_setup",
    "report",
    "commands",
]
TOP = {"__init__.py", "__main__.py", "api.py"}


def imports(root: Path) -> dict[str, set[str]]:
    """For each module below `root`/grover, dotted, the modules of the package that it imports, anywhere in its code."""
    paths = {".".join(path.relative_to(root).with_suffix("").parts): path for path in root.glob("grover/**/*.py")}
    found = {}
    for name, path in paths.items():
        names = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0 and node.module, f"{name} has a relative import"
                # `from grover.genome import folds` names a module, `from grover.genome.folds import Folds` what is in one
                names |= {
                    whole if (whole := f"{node.module}.{alias.name}") in paths else node.module for alias in node.names
                }
        found[name] = {module for module in names if module in paths} - {name}
    return found


def upward(root: Path) -> list[str]:
    """Imports that go against the order, and subpackages that it lacks."""
    place = {name: number for number, name in enumerate(ORDER)}
    inside = {name: names for name, names in imports(root).items() if name.count(".") > 1}
    wrong = [f"{name} is not in the order" for name in inside if name.split(".")[1] not in place]
    for name, names in inside.items():
        own = place.get(name.split(".")[1], -1)
        wrong += [f"{name} imports {other}" for other in names if place.get(other.split(".")[1], len(ORDER)) > own]
    return sorted(wrong)


def misplaced(root: Path) -> list[str]:
    """Modules at the top level, and `__init__.py` that hold anything but one docstring or are not there."""
    folder = root / "grover"
    wrong = [path.name for path in folder.iterdir() if path.is_file() and path.name not in TOP]
    for place in {path.parent for path in folder.glob("**/*.py")}:
        init = place / "__init__.py"
        tree = ast.parse(init.read_text() if init.is_file() else "")
        if len(tree.body) != 1 or ast.get_docstring(tree) is None:
            wrong.append(str(init.relative_to(root)))
    return sorted(wrong)


def readers_of_the_report(root: Path) -> list[str]:
    """Stages that import the report; the commands and the modules at the top level may."""
    return sorted(
        name
        for name, names in imports(root).items()
        if name.count(".") > 1 and name.split(".")[1] not in ("report", "commands")
        if any(f"{other}.".startswith("grover.report.") for other in names)
    )


@pytest.fixture
def package(tmp_path):
    """Write a package from the text of each module; its `__init__.py` are in order."""

    def write(modules: dict[str, str]) -> Path:
        for name, text in modules.items():
            path = tmp_path / "grover" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            for folder in (path.parent, tmp_path / "grover"):
                (folder / "__init__.py").write_text('"""What belongs here."""\n')
            path.write_text(text)
        return tmp_path

    return write


def test_a_subpackage_imports_only_from_those_above_it(package):
    assert upward(ROOT) == []
    good = {"config/tables.py": "from grover.runtime import errors\n", "runtime/errors.py": ""}
    assert upward(package(good)) == []
    late = "def f():\n    from grover.config.tables import rows\n"
    root = package({"runtime/files.py": late, "runtime/errors.py": "import grover.api\n", "api.py": "", "new/x.py": ""})
    assert upward(root) == [
        "grover.new.__init__ is not in the order",
        "grover.new.x is not in the order",
        "grover.runtime.errors imports grover.api",
        "grover.runtime.files imports grover.config.tables",
    ]


def test_the_page_about_the_code_lists_the_subpackages_in_their_order():
    rows = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/reference/code.md").read_text(), re.MULTILINE)
    assert rows == ORDER
    assert {path.parent.name for path in (ROOT / "grover").glob("*/__init__.py")} == {*ORDER}


def test_modules_import_each_other_in_one_direction(package):
    TopologicalSorter(imports(ROOT)).prepare()
    round_trip = {"atlas/a.py": "from grover.atlas import b\n", "atlas/b.py": "def f():\n    import grover.atlas.a\n"}
    with pytest.raises(CycleError):
        TopologicalSorter(imports(package(round_trip))).prepare()


def test_no_module_stands_outside_of_a_subpackage_and_each_says_what_belongs_there(package):
    assert misplaced(ROOT) == []
    root = package({"atlas/a.py": "", "api.py": "", "config/b.py": "", "genome/c.py": ""})
    assert misplaced(root) == []
    (root / "grover/stray.py").touch()
    (root / "grover/atlas/__init__.py").write_text('"""Doc."""\n\nfrom grover import api\n')
    (root / "grover/config/__init__.py").write_text("")
    (root / "grover/genome/__init__.py").unlink()
    inits = [f"grover/{name}/__init__.py" for name in ("atlas", "config", "genome")]
    assert misplaced(root) == [*inits, "stray.py"]


def test_no_stage_imports_the_report(package):
    assert readers_of_the_report(ROOT) == []
    use = "from grover.report import page\n"
    root = package({"report/page.py": "", "commands/info.py": use, "__main__.py": use, "sources/check.py": use})
    assert readers_of_the_report(root) == ["grover.sources.check"]


def test_rules_take_local_files_by_content():
    """A path from `SOURCES` or `OUTSIDE` as an input is compared by its date; `source()` and `by_checksum()` compare contents."""
    for path in (ROOT / "workflow/rules").glob("*.smk"):
        inputs = re.findall(r"^    input:\n((?:        .*\n|\n)+)", path.read_text(), re.MULTILINE)
        assert inputs or path.name == "common.smk"
        for line in "".join(inputs).splitlines():
            taken = re.search(r"(SOURCES|OUTSIDE)[.\[]", line)
            assert not taken or "by_checksum(" in line, f"{path.name}: {line.strip()}"


def test_a_benchmark_file_has_the_name_of_its_rule_and_its_wildcards():
    """`grover usage` finds the job of a file by them, and `make plan` the rule."""
    named = re.compile(r'^rule (\w+):|^use rule \w+ as (\w+) with:|benchmark/([^"]+)\.tsv"', re.M)
    for path in (ROOT / "workflow/rules").glob("*.smk"):
        rule = ""
        for plain, used, file in named.findall(path.read_text()):
            rule = plain or used or rule
            if file:
                # the vocabulary of a rule without wildcards, which the plan reads
                assert re.fullmatch(rf"{rule}(\.\{{\{{\w+\}}\}})*|pretrain_scratch\.\{{CANDIDATES\[0\]\}}", file), (
                    path.name,
                    file,
                )
