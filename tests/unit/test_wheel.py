"""The package as a wheel: what is in it, and that it works without its checkout."""

import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pytest

from grover.api import load
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
    files = {path for path in (ROOT / "grover").rglob("*") if path.suffix in (".py", ".html", ".css", ".js")}
    own = {name for name in names if not name.startswith(f"grover-{version()}.dist-info/")}
    models = {name for name in own if name.startswith("grover/models/")}
    shipped = {f"grover/models/{path.relative_to(MODELS)}" for path in MODELS.glob("*/*")}
    assert models == shipped
    assert own - models == {str(path.relative_to(ROOT)) for path in files}
    assert {Path(name).suffix for name in own - models} == {".py", ".html", ".css", ".js"}
    assert f"grover-{version()}.dist-info/licenses/LICENSE" in names


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """A folder with the wheel alone; what it depends on is that of the environment of the tests."""
    folder = tmp_path_factory.mktemp("site")
    command = [*PIP, "install", "--quiet", "--no-index", "--no-deps", "--target", folder, wheel]
    subprocess.run(list(map(str, command)), check=True)
    return folder


@pytest.fixture
def elsewhere(installed, tmp_path):
    """An empty folder, and what runs a line of a shell there with the command of the wheel."""

    def shell(line: str, **options) -> subprocess.Popen:
        paths = {"PYTHONPATH": str(installed), "PATH": f"{installed / 'bin'}:{os.environ['PATH']}"}
        return subprocess.Popen(["bash", "-c", line], cwd=tmp_path, env=os.environ | paths, text=True, **options)

    return tmp_path, shell


@pytest.mark.site
def test_its_command_answers_in_an_empty_folder_as_the_functions_do(elsewhere):
    folder, shell = elsewhere
    sequence = "".join(np.random.default_rng(0).choice(list("ACGT"), 900))
    (folder / "x.fa").write_text(f">chrX\n{sequence}\n")
    (folder / "x.bed").write_text("chrX\t100\t160\tone\t0\t-\nchrX\t0\t899\ttwo\t0\t+\n")
    alleles = [(pos, sequence[pos - 1], "ACGT".replace(sequence[pos - 1], "")[0]) for pos in (200, 451)]
    rows = "".join(f"chrX\t{pos}\t.\t{ref}\t{alt}\n" for pos, ref, alt in alleles)
    (folder / "x.vcf").write_text(f"##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\n{rows}")
    lines = (
        "grover embed -m hg19-mini -f x.fa -b x.bed -o e.parquet",
        "grover variants -m hg19-mini -f x.fa x.vcf -o out.vcf.gz",
        "cat x.bed | grover score -m hg19-mini -f x.fa -b - -o - > scores.tsv",
    )
    for line in lines:
        done = shell(f"set -e -o pipefail; {line}", stderr=subprocess.PIPE)
        assert done.wait() == 0, done.stderr.read()
    model, files = load(MODELS / "hg19-mini"), [str(folder / name) for name in ("x.bed", "x.fa", "x.vcf")]
    vectors, expected = pd.read_parquet(folder / "e.parquet"), model.embed(*files[:2])
    np.testing.assert_allclose(np.stack(vectors["mean_3"]), np.stack(expected["mean_3"]), atol=1e-4)
    scores = pd.read_csv(folder / "scores.tsv", sep="\t")
    np.testing.assert_allclose(scores["bits"], model.score(*files[:2])["bits"], atol=1e-4)
    with pysam.VariantFile(str(folder / "out.vcf.gz")) as stream:
        found = [record.info["GROVER_LLR"][0] for record in stream.fetch("chrX")]
    np.testing.assert_allclose(found, model.variants(files[2], files[1])["llr"], atol=1e-3)


@pytest.mark.site
def test_a_killed_command_goes_on_to_the_same_file(elsewhere):
    folder, shell = elsewhere
    (folder / "x.fa").write_text(f">chrX\n{'ACGTTGCATGCA' * 100}\n")
    (folder / "x.bed").write_text("".join(f"chrX\t{start % 1100}\t{start % 1100 + 20}\n" for start in range(9_000)))
    line = "exec grover embed -m hg19-mini -f x.fa -b x.bed --context 0 -q -o"
    assert shell(f"{line} whole.parquet").wait() == 0
    killed = shell(f"{line} half.parquet")
    kept = folder / ".partial-half.parquet.parts/progress.json"
    while killed.poll() is None and not kept.exists():
        time.sleep(0.01)
    killed.kill()
    assert killed.wait() == -signal.SIGKILL and kept.exists() and not (folder / "half.parquet").exists()
    assert shell(f"{line} half.parquet --resume").wait() == 0
    assert (folder / "half.parquet").read_bytes() == (folder / "whole.parquet").read_bytes()
    assert not kept.exists()


@pytest.mark.slow
def test_it_makes_a_report_far_from_the_checkout(installed, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", REPORT, ROOT / "tests/fakes/results.py", elsewhere / "results"],
        cwd=elsewhere,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{installed / 'grover/__init__.py'} {version()}\n"
    page = (elsewhere / "report.html").read_text()
    # text of the template, and the script of the map of regions
    assert page.startswith("<!doctype html>") and "</html>" in page
    assert (ROOT / "grover/report/scatter.js").read_text().strip()[:200] in page
