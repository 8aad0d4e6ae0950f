"""The package as a wheel: what is in it, and that it works without its checkout."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from grover.runtime.version import version

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "resources/models"
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
REPORT = """
import runpy, sys
from pathlib import Path
import grover
from grover.report.page import build, render
from grover.runtime.version import version
from grover.report.parts import Results

folder = Path(sys.argv[2])
files = runpy.run_path(sys.argv[1])["write"](folder)
page = render(build(Results(folder, files), "run: demo", "okabe-ito"), "Report", "snakemake", lambda name, figure: None)
Path("report.html").write_text(page)
print(grover.__file__, version())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built without a network from a copy, since a build leaves files beside what it builds."""
    copy = tmp_path_factory.mktemp("copy")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    for name in ("grover", "tests", "workflow"):
        shutil.copytree(ROOT / name, copy / name)
    command = [*PIP, "wheel", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", copy / "dist", copy]
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    [made] = (copy / "dist").iterdir()
    return made


def test_it_holds_the_package_with_its_templates_and_nothing_else(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    files = {path for path in (ROOT / "grover").rglob("*") if path.suffix in (".py", ".html", ".js")}
    own = {name for name in names if not name.startswith(f"grover-{version()}.dist-info/")}
    models = {name for name in own if name.startswith("grover/models/")}
    shipped = {f"grover/models/{path.relative_to(MODELS)}" for path in MODELS.glob("*/*")}
    assert models == shipped
    assert own - models == {str(path.relative_to(ROOT)) for path in files}
    assert {Path(name).suffix for name in own - models} == {".py", ".html", ".js"}
    assert f"grover-{version()}.dist-info/licenses/LICENSE" in names


@pytest.mark.slow
def test_it_makes_a_report_far_from_the_checkout(wheel, tmp_path):
    folder = tmp_path / "site"
    command = [*PIP, "install", "--quiet", "--no-index", "--no-deps", "--target", folder, wheel]
    subprocess.run(list(map(str, command)), check=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", REPORT, ROOT / "tests/fakes/results.py", elsewhere / "results"],
        cwd=elsewhere,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{folder / 'grover/__init__.py'} {version()}\n"
    page = (elsewhere / "report.html").read_text()
    # text of the template, and the script of the map of regions
    assert page.startswith("<!doctype html>") and "</html>" in page
    assert (ROOT / "grover/report/scatter.js").read_text().strip()[:200] in page
