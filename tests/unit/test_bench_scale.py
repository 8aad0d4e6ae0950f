"""The rehearsal of bench/scale.py: what it simulates, how it measures a job, and its extrapolation."""

import gzip
import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from grover.genome.fasta import read_contigs
from grover.intervals.contigs import check
from grover.intervals.formats import read_bed, read_narrowpeak, read_rmsk
from grover.intervals.splice import read_junctions

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "bench"))

data, scale = map(importlib.import_module, ("scale_data", "scale"))
SCALE = 0.0008
OPPOSITE = str.maketrans("ACGT", "TGCA")


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated")
    generator = np.random.default_rng(2)
    letters = data.LETTERS[generator.integers(0, 4, 200_000)] | (generator.integers(0, 2, 200_000, np.uint8) * 32)
    data.simulate(folder, SCALE, letters)
    contigs = read_contigs(folder / data.NAMES["genome"])
    return folder, {name: bytes(sequence).decode() for name, sequence in contigs}


def test_the_assembly_has_its_contigs_and_its_length(simulated):
    _, contigs = simulated
    assert sum(name.startswith("chr") for name in contigs) == 24
    assert sum(map(len, contigs.values())) == pytest.approx(SCALE * data.BASES, rel=0.01)
    bases = "".join(contigs.values())
    assert 0.4 < sum(map(bases.count, "acgt")) / len(bases) < 0.6


def test_tables_are_read_and_lie_within_the_assembly(simulated):
    folder, contigs = simulated
    lengths = {name: len(sequence) for name, sequence in contigs.items()}
    readers = {"repeats": read_rmsk, "states": read_bed, "ctcf_peaks": read_narrowpeak, "cpg_islands": read_bed}
    for key, read in readers.items():
        table = read(folder / data.NAMES[key])
        assert len(check(table, lengths, key)) == len(table)
        assert len(table) == pytest.approx(SCALE * data.ROWS[key], rel=0.4)


def test_introns_begin_and_end_as_introns_do(simulated):
    folder, contigs = simulated
    introns = read_junctions(folder / data.NAMES["genes"])
    assert len(introns) > 50 and set(introns["strand"]) == {"+", "-"}
    for row in introns.itertuples():
        text = contigs[row.chrom][row.start : row.end].upper()
        text = text if row.strand == "+" else text[::-1].translate(OPPOSITE)
        assert (text[:2], text[-2:]) == ("GT", "AG")


def test_variants_have_the_bases_of_the_assembly(simulated):
    folder, contigs = simulated
    with gzip.open(folder / data.NAMES["variants"], "rt") as stream:
        rows = [line.split("\t") for line in stream if not line.startswith("#")]
    assert len(rows) == pytest.approx(SCALE * data.ROWS["variants"], rel=0.1)
    for chrom, pos, _, ref, alt, *_ in rows:
        assert contigs[chrom][int(pos) - 1 : int(pos) - 1 + len(ref)].upper() == ref != alt
    lengths = {(len(row[3]) > 1, len(row[4]) > 1) for row in rows}
    assert lengths == {(False, False), (True, False), (False, True)}


def test_a_stage_that_is_rehearsed_is_a_rule_with_a_request():
    rules = {stage.partition(".")[0] for stage in scale.STAGES}
    text = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    assert rules <= set(re.findall(r"^rule (\w+):", text, re.M))


def test_a_job_is_measured_in_the_place_of_python(tmp_path):
    script, log = tmp_path / "job.py", tmp_path / "logs/some_rule.a.b.log"
    log.parent.mkdir()
    script.write_text("import sys\nheld = bytearray(60_000_000)\nprint(sys.argv[1:])\nsys.exit(int(sys.argv[1]))\n")
    words = [sys.executable, ROOT / "bench/measured.py", tmp_path, script]
    ends = [subprocess.run(["bash", "-c", f"{' '.join(map(str, words))} {code} > {log}"]).returncode for code in (3, 0)]
    assert ends == [3, 0] and log.read_text() == "['0']\n"
    found = json.loads((tmp_path / "some_rule.a.b.json").read_text())
    assert 60 < found["peak_mb"] < 200 and set(found) == {"seconds", "cpu_seconds", "peak_mb", "own_mb"}


def test_straight_lines_are_extrapolated(capsys):
    def result(of):
        took = {"cpu_seconds": 2 + 100 * of, "own_mb": 200 + 1000 * of, "peak_mb": 300 + (40 * of) ** 2}
        return {"scale": of, "stages": {"some": took}}

    scale.extrapolate([result(of) for of in (0.02, 0.05, 0.125)])
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    found = {row[1]: dict(zip(rows[0], row, strict=True)) for row in rows[1:]}
    seconds, memory, other = (found[name] for name in ("cpu_seconds", "own_mb", "peak_mb"))
    assert (float(seconds["3.1 Gb"]), float(memory["17 Gb (wheat)"])) == (
        102.0,
        pytest.approx(200 + 17 / 3.1 * 1000, abs=0.1),
    )
    assert float(memory["power"]) == 1.0 and float(other["power"]) > 1.2
