"""Readers on hand-made files, overlaps against bedtools."""

import gzip
import re

import numpy as np
import pandas as pd
import pybedtools
import pytest

from grover import inputs, intervals
from grover.errors import InputError

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


# Readers


@pytest.mark.parametrize("zipped", [False, True])
def test_bed_by_its_columns(write, zipped):
    text = "# made by hand\ntrack name=x\nbrowser position chr1\nchr1\t0\t5\n\nchr2\t7\t9\n"
    read = intervals.read_bed(write(text, zipped=zipped))
    assert read.columns.tolist() == ["chrom", "start", "end"]
    assert read.to_numpy().tolist() == [["chr1", 0, 5], ["chr2", 7, 9]]
    nine = intervals.read_bed(
        write("chr1\t0\t5\ta#1\t.\t-\t0\t0\t0,0,0\tmore\nchr1\t5\t9\t'b\"\t3.5\t+\t0\t0\t0\tmore\n")
    )
    assert nine.columns.tolist() == intervals.BED
    assert nine["name"].tolist() == ["a#1", "'b\""]
    assert np.isnan(nine["score"][0]) and nine["score"][1] == 3.5
    assert intervals.read_bed(write("chr1\t0\t5\tE1\n"), ["chrom", "start", "end", "state"])["state"][0] == "E1"


def test_comments_between_rows_and_windows_line_ends(write):
    read = intervals.read_bed(write("chr1\t0\t5\r\n#chrom\tx\ty\r\n# three words here\r\nchr1\t5\t9\r\n"))
    assert read[["start", "end"]].to_numpy().tolist() == [[0, 5], [5, 9]]
    assert read.index.tolist() == [0, 1]


def test_narrowpeak_summits_stay_inside(write):
    row = "chr1\t100\t{}\t.\t0\t.\t1.5\t-1\t2\t{}\n"
    read = intervals.read_narrowpeak(write(row.format(120, 7) + row.format(120, 20) + row.format(120, -1)))
    assert read["summit"].tolist() == [7, 19, 10]
    assert read[["signal", "qvalue"]].to_numpy().tolist() == [[1.5, 2.0]] * 3


def test_rmsk(write):
    row = "607\t12955\t105\t9\t10\tchr1\t10000\t10468\t-249240153\t+\t(CCCTAA)n\tSimple_repeat\tSimple_repeat"
    row += "\t1\t471\t0\t1\n"
    read = intervals.read_rmsk(write(row, zipped=True))
    assert read.iloc[0].tolist() == [
        "chr1",
        10000,
        10468,
        "+",
        "(CCCTAA)n",
        "Simple_repeat",
        "Simple_repeat",
        12955,
        105,
    ]


def test_gtf_becomes_half_open(write):
    tail = '.\t+\t.\tgene_id "G1"; transcript_id "T.1"; gene_name "A B";\n'
    read = intervals.read_gtf(
        write(f'#!genome\nchr1\tx\tgene\t11\t20\t{tail}chr1\tx\texon\t11\t12\t.\t-\t.\tgene_id "G2";\n')
    )
    assert read.iloc[0].tolist() == ["chr1", 10, 20, "gene", "+", "G1", "A B", "T.1"]
    assert read.iloc[1].tolist() == ["chr1", 10, 12, "exon", "-", "G2", "", ""]


def test_vcf_and_bedgraph(write):
    sites = intervals.read_vcf(
        write("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\nchr1\t3\trs1\tACG\tA\t.\n")
    )
    assert sites.iloc[0].tolist() == ["chr1", 2, 5, "rs1", "ACG", "A"]
    assert intervals.read_bedgraph(write("chr1\t0\t5\t-0.25\n"))["value"][0] == -0.25


def test_rename(write):
    path = write("1\t0\t5\nMT\t0\t5\nchr2\t0\t5\n")
    assert intervals.read_bed(path, rename="add-chr")["chrom"].tolist() == ["chr1", "chrM", "chr2"]
    path = write("chr1\t0\t5\nchrM\t0\t5\n2\t0\t5\n")
    assert intervals.read_bed(path, rename="strip-chr")["chrom"].tolist() == ["1", "MT", "2"]


def test_empty_table(write):
    read = intervals.read_bed(write("# nothing\n"))
    assert len(read) == 0 and read.columns.tolist() == ["chrom", "start", "end"]


@pytest.mark.parametrize(
    ("reader", "text", "sentence"),
    [
        ("bed", "chr1\t0\n", "line 1: expected 3 columns separated by tabs, found 2"),
        ("bed", "chr1 0\n", "line 1: expected 3 columns separated by tabs, found 2"),
        ("bed", "#c\nchr1\t0\t5\nchr1\tx\t5\n", "line 3: start must be a number, not 'x'"),
        ("bed", "chr1\t0\t5\nchr1\t0\t5\ta\n", "line 2: expected 3 columns separated by tabs, found 4"),
        ("bedgraph", "chr1\t0\t5\thigh\n", "line 1: value must be a number, not 'high'"),
        ("narrowPeak", "chr1\t0\t5\n", "line 1: expected 10 columns"),
        ("rmsk", "chr1\t0\t5\n", "line 1: expected 17 columns"),
    ],
)
def test_bad_rows_are_named(write, reader, text, sentence):
    path = write(text)
    with pytest.raises(InputError, match=re.escape(f"{path}, {sentence}")):
        intervals.READERS[reader](path)


def test_missing_and_truncated_files(write, tmp_path):
    with pytest.raises(InputError, match="none cannot be read"):
        intervals.read_bed(tmp_path / "none")
    generator = np.random.default_rng(0)
    rows = "".join(f"chr1\t{start}\t{start + 5}\n" for start in generator.integers(0, 10**8, 5000))
    path = write(rows, zipped=True)
    for size in (30, 20_000):
        cut = write("", name="cut")
        cut.write_bytes(path.read_bytes()[:size])
        with pytest.raises(InputError, match="truncated or damaged gzip"):
            intervals.read_bed(cut)


# Check against the assembly


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1\t0\t5\n2\t0\t5\n", "names its contigs like '1', the assembly like 'chr1'; set `rename: add-chr`"),
        ("scaffold1\t0\t5\n", "lies on scaffold1, none of which the assembly has (chr1, chr2, chrM)"),
        ("chr1\t0\t5\nchr1\t9\t8\n", "line 2: the end is not after the start (chr1 9 8)"),
        ("chr1\t-1\t5\n", "line 1: the start is negative"),
        ("chr1\t0\t5\n#c\nchr2\t0\t3001\n", "line 3: the end lies beyond chr2 (3,000 bases)"),
    ],
)
def test_check_refuses(write, text, sentence):
    path = write(text)
    with pytest.raises(InputError, match=re.escape(sentence)):
        intervals.check(intervals.read_bed(path), LENGTHS, path)


def test_check_offers_to_strip(write):
    path = write("chr1\t0\t5\n")
    with pytest.raises(InputError, match="rename: strip-chr"):
        intervals.check(intervals.read_bed(path), {"1": 10}, path)


def test_check_keeps_rows_of_known_contigs_and_regions(write):
    path = write("chr1\t0\t5\nchr9\t0\t99999\nchr2\t10\t20\n")
    kept = intervals.check(intervals.read_bed(path), LENGTHS, path)
    assert kept["chrom"].tolist() == ["chr1", "chr2"]
    kept = intervals.check(intervals.read_bed(path), LENGTHS, path, regions=table([("chr2", 19, 30), ("chr1", 5, 9)]))
    assert kept["chrom"].tolist() == ["chr2"]


# Overlaps


@pytest.mark.parametrize("seed", range(4))
def test_overlap_equals_bedtools(seed):
    regions, others = random_table(seed, 60, 200), random_table(seed + 10, 80, 90)
    covered = bedtool(regions).coverage(bedtool(others))
    covered = column(covered, 5)
    assert intervals.overlap_bases(regions, others).tolist() == covered.tolist()
    assert intervals.overlaps(regions, others).tolist() == (covered > 0).tolist()
    widths = (regions["end"] - regions["start"]).to_numpy()
    assert intervals.inside(regions, others).tolist() == (covered == widths).tolist()
    merged = [[row.chrom, row.start, row.end] for row in bedtool(others).sort().merge()]
    assert intervals.merge(others).to_numpy().tolist() == merged


def test_nothing_to_overlap():
    regions, nothing = table([("chr1", 0, 5)]), random_table(0, 0, 5)
    assert intervals.overlap_bases(regions, nothing).tolist() == [0]
    assert intervals.overlap_bases(nothing, regions).tolist() == []
    assert len(intervals.merge(nothing)) == 0


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
    found = inputs.check_sources([inputs.Source.parse(text) for text in texts], SEGMENTS, LENGTHS, {"ctcf": 1})
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
    found = inputs.check_sources([inputs.Source.parse(text) for text in texts], SEGMENTS, LENGTHS, {"splice": 2})
    assert found["rows"].tolist() == [2, 2, 1]
    assert found["rows_in_segments"].tolist()[:2] == [1, 2] and pd.isna(found["rows_in_segments"][2])
    with pytest.raises(InputError, match=r"ready \(source 'ready'\) has 1 rows, at least 5 are needed"):
        inputs.check_sources([inputs.Source.parse(texts[2])], SEGMENTS, LENGTHS, {"ready": 5})


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
        inputs.check_sources([inputs.Source.parse(text.format(path))], SEGMENTS, LENGTHS, minimum)


def test_a_bed_separated_by_blanks_is_read(tmp_path):
    path = tmp_path / "epd.bed"
    path.write_text("chr1 894625 894685 KLHL17_1 900 + 894674 894685\nchr1 895966 896026 PLEKHN1_1 900 - 1 2\n")
    table = intervals.read_bed(path)
    assert table[["chrom", "start", "end", "name"]].to_numpy().tolist() == [
        ["chr1", 894625, 894685, "KLHL17_1"],
        ["chr1", 895966, 896026, "PLEKHN1_1"],
    ]
