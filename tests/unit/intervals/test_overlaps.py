"""Overlaps against bedtools, and the check of all sources."""

import gzip
import re

import numpy as np
import pandas as pd
import pybedtools
import pytest

from grover.intervals import overlaps
from grover.runtime.errors import InputError
from grover.sources import check

LENGTHS = {"chr1": 5_000, "chr2": 3_000, "chrM": 100}


@pytest.fixture
def write(tmp_path):
    def write(text, name="table", zipped=False):
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if zipped else text.encode())
        return path

    return write


def table(rows, columns=("chrom", "start", "end")):
    return pd.DataFrame(rows, columns=list(columns))


def random_table(seed, rows, longest):
    generator = np.random.default_rng(seed)
    start = generator.integers(0, 2_800, rows)
    end = start + generator.integers(1, longest, rows)
    return pd.DataFrame(
        {
            "chrom": generator.choice(["chr1", "chr2", f"only{seed}"], rows),
            "start": start,
            "end": end,
            "name": generator.choice(["x", "y", "z"], rows),
        }
    )


def bedtool(frame):
    return pybedtools.BedTool.from_dataframe(frame)


def column(result, number):
    return np.array([int(row.fields[number]) for row in result])


# Overlaps


@pytest.mark.parametrize("seed", range(4))
def test_overlap_equals_bedtools(seed):
    regions, others = random_table(seed, 60, 200), random_table(seed + 10, 80, 90)
    covered = bedtool(regions).coverage(bedtool(others))
    covered = column(covered, 5)
    assert overlaps.overlap_bases(regions, others).tolist() == covered.tolist()
    assert overlaps.overlaps(regions, others).tolist() == (covered > 0).tolist()
    widths = (regions["end"] - regions["start"]).to_numpy()
    assert overlaps.inside(regions, others).tolist() == (covered == widths).tolist()
    merged = [[row.chrom, row.start, row.end] for row in bedtool(others).sort().merge()]
    assert overlaps.merge(others).to_numpy().tolist() == merged


def test_nothing_to_overlap():
    regions, nothing = table([("chr1", 0, 5)]), random_table(0, 0, 5)
    assert overlaps.overlap_bases(regions, nothing).tolist() == [0]
    assert overlaps.overlap_bases(nothing, regions).tolist() == []
    assert len(overlaps.merge(nothing)) == 0


# All sources before any long work

SEGMENTS = table([("chr1", 100, 1000), ("chr2", 0, 500)])
PEAK = "chr1\t{}\t{}\t.\t0\t.\t1\t-1\t1\t{}\n"


def test_inputs_table(write):
    bed = write("1\t0\t100\n1\t99\t101\n2\t3\t5\n", "a=b.bed")
    peaks = write(PEAK.format(50, 150, 10) + PEAK.format(50, 150, 60), "peaks")
    motifs = write(
        "MEME version 4\n\nMOTIF M1 one\nletter-probability matrix: alength= 4 w= 1 nsites= 20 E= 0\n1 0 0 0\n",
        "motifs",
    )
    texts = [f"genes=bed={bed}=add-chr", f"ctcf=narrowPeak={peaks}", f"motifs=meme={motifs}"]
    found = check.check_sources([check.Source.parse(text) for text in texts], SEGMENTS, LENGTHS, {"ctcf": 1})
    assert found["key"].tolist() == ["genes", "ctcf", "motifs"]
    assert found["rows"].tolist() == [3, 2, 1]
    assert found["rows_in_segments"].tolist()[:2] == [2, 1]
    assert found["contigs"].tolist() == ["chr1,chr2", "chr1", ""]
    assert found["file"][0] == str(bed)


def test_inputs_of_benchmarks(write):
    starts = write("chr1\t50\t110\ta\t9\t+\t99\t110\nchr1\t100\t101\tb\t9\t-\t100\t101\n", "starts")
    header = "gene\tchrom\tstrand\ttx_start\ttx_end\tdonors\tacceptors\n"
    splice = write(header + "G\tchr1\t+\t101\t400\t110,210,\t201,301,\n", "splice")
    ready = write("sequence,label\nACGT,1\n", "ready", zipped=True)
    texts = [f"tss=tss={starts}", f"splice=splice={splice}", f"ready=csv={ready}"]
    found = check.check_sources([check.Source.parse(text) for text in texts], SEGMENTS, LENGTHS, {"splice": 2})
    assert found["rows"].tolist() == [2, 2, 1]
    assert found["rows_in_segments"].tolist()[:2] == [1, 2] and pd.isna(found["rows_in_segments"][2])
    with pytest.raises(InputError, match=r"ready \(source 'ready'\) has 1 rows, at least 5 are needed"):
        check.check_sources([check.Source.parse(texts[2])], SEGMENTS, LENGTHS, {"ready": 5})


@pytest.mark.parametrize(
    ("text", "minimum", "sentence"),
    [
        ("ctcf=narrowPeak={}", {"ctcf": 3}, "has 1 of its 2 peaks in the kept segments, at least 3 are needed"),
        ("ctcf=wig={}", {}, "is not of the form KEY=FORMAT=PATH"),
        ("ctcf=narrowPeak={}=strip-chr", {}, "set `rename: add-chr`"),
        ("ctcf=narrowPeak={}", {"dnase": 3}, "a minimum is given for dnase"),
        ("ctcf=narrowPeak={}.none", {}, "does not exist; correct the path of the source 'ctcf'"),
        ("ctcf=meme={}.none", {}, "does not exist"),
        ("genes=splice={}", {}, "expected a table with the header gene chrom strand"),
        ("gue=csv={}", {}, "expected a header and rows with a sequence and a label"),
    ],
)
def test_inputs_refused(write, text, minimum, sentence):
    path = write(PEAK.format(50, 150, 10) + PEAK.format(50, 150, 60))
    with pytest.raises(InputError, match=re.escape(sentence)):
        check.check_sources([check.Source.parse(text.format(path))], SEGMENTS, LENGTHS, minimum)
