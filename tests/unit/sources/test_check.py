"""The check of all sources before any long work."""

import re

import pandas as pd
import pybigtools
import pytest

from grover.intervals.contigs import Contigs
from grover.runtime.errors import InputError
from grover.sources import check

LENGTHS = {"chr1": 5_000, "chr2": 3_000, "chrM": 100}
MARKS = "chrom\tstart\tend\tmark\tname\nchr1\t0\t50\t1\ta\nchr2\t0\t50\t0\tNA\nchr1\t50\t100\t1\ta\n"


def table(rows, columns=("chrom", "start", "end")):
    return pd.DataFrame(rows, columns=list(columns))


def bigwig(path, values, sizes=LENGTHS):
    writer = pybigtools.open(str(path), "w")
    writer.write(sizes, values)
    return path


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
    found = check.check_sources(
        [check.Source.parse(text) for text in texts], SEGMENTS, Contigs(LENGTHS, {}), {"ctcf": 1}
    )
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
    found = check.check_sources(
        [check.Source.parse(text) for text in texts], SEGMENTS, Contigs(LENGTHS, {}), {"splice": 2}
    )
    assert found["rows"].tolist() == [2, 2, 1]
    assert found["rows_in_segments"].tolist()[:2] == [1, 2] and pd.isna(found["rows_in_segments"][2])
    with pytest.raises(InputError, match=r"ready \(source 'ready'\) has 1 rows, at least 5 are needed"):
        check.check_sources([check.Source.parse(texts[2])], SEGMENTS, Contigs(LENGTHS, {}), {"ready": 5})


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
        check.check_sources([check.Source.parse(text.format(path))], SEGMENTS, Contigs(LENGTHS, {}), minimum)


def test_a_bigwig_and_a_table_are_checked_as_sources(tmp_path, write):
    segments = pd.DataFrame({"chrom": ["chr1", "chr1", "chr2"], "start": [0, 60, 0], "end": [60, 90, 40]})
    path = bigwig(tmp_path / "a.bw", [("chr1", 10, 20, 2.0)])
    texts = [f"timing=bigwig={path}", f"marks=table={write(MARKS)}"]
    found = check.check_sources([check.Source.parse(text) for text in texts], segments, Contigs(LENGTHS, {}), {})
    assert found["rows"].tolist()[1] == 3 and pd.isna(found["rows"][0])
    assert found["rows_in_segments"].tolist() == [1, 3] and found["contigs"].tolist() == ["chr1", "chr1,chr2"]
    with pytest.raises(InputError, match="has values in 0 of 1 kept segments, at least 1 are needed"):
        check.check_sources([check.Source.parse(texts[0])], segments.tail(1), Contigs(LENGTHS, {}), {})
