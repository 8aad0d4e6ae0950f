"""The readers of all formats of intervals: whole files, and the columns asked for, by one set of rules."""

import re

import numpy as np
import pandas as pd
import pytest

from grover.intervals import contigs, formats, overlaps
from grover.intervals.contigs import ContigNames
from grover.intervals.formats import columns_of, read_columns, read_table
from grover.runtime.errors import InputError
from tests.fakes.intervals import row

LENGTHS = {"chr1": 5_000, "chr2": 3_000, "chrM": 100}
MARKS = "chrom\tstart\tend\tmark\tname\nchr1\t0\t50\t1\ta\nchr2\t0\t50\t0\tNA\nchr1\t50\t100\t1\ta\n"


def table(rows, columns=("chrom", "start", "end")):
    return pd.DataFrame(rows, columns=list(columns))


# Readers


@pytest.mark.parametrize("zipped", [False, True])
def test_bed_by_its_columns(write, zipped):
    text = "# made by hand\ntrack name=x\nbrowser position chr1\nchr1\t0\t5\n\nchr2\t7\t9\n"
    read = formats.read_bed(write(text, zipped=zipped))
    assert read.columns.tolist() == ["chrom", "start", "end"]
    assert read.to_numpy().tolist() == [["chr1", 0, 5], ["chr2", 7, 9]]
    nine = formats.read_bed(
        write("chr1\t0\t5\ta#1\t.\t-\t0\t0\t0,0,0\tmore\nchr1\t5\t9\t'b\"\t3.5\t+\t0\t0\t0\tmore\n")
    )
    assert nine.columns.tolist() == formats.BED
    assert nine["name"].tolist() == ["a#1", "'b\""]
    assert np.isnan(nine["score"][0]) and nine["score"][1] == 3.5
    assert formats.read_bed(write("chr1\t0\t5\tE1\n"), ["chrom", "start", "end", "state"])["state"][0] == "E1"


def test_comments_between_rows_and_windows_line_ends(write):
    read = formats.read_bed(write("chr1\t0\t5\r\n#chrom\tx\ty\r\n# three words here\r\nchr1\t5\t9\r\n"))
    assert read[["start", "end"]].to_numpy().tolist() == [[0, 5], [5, 9]]
    assert read.index.tolist() == [0, 1]


def test_narrowpeak_summits_stay_inside(write):
    row = "chr1\t100\t{}\t.\t0\t.\t1.5\t-1\t2\t{}\n"
    read = formats.read_narrowpeak(write(row.format(120, 7) + row.format(120, 20) + row.format(120, -1)))
    assert read["summit"].tolist() == [7, 19, 10]
    assert read[["signal", "qvalue"]].to_numpy().tolist() == [[1.5, 2.0]] * 3


def test_rmsk(write):
    row = "607\t12955\t105\t9\t10\tchr1\t10000\t10468\t-249240153\t+\t(CCCTAA)n\tSimple_repeat\tSimple_repeat"
    row += "\t1\t471\t0\t1\n"
    read = formats.read_rmsk(write(row, zipped=True))
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
    read = formats.read_gtf(
        write(f'#!genome\nchr1\tx\tgene\t11\t20\t{tail}chr1\tx\texon\t11\t12\t.\t-\t.\tgene_id "G2";\n')
    )
    assert read.iloc[0].tolist() == ["chr1", 10, 20, "gene", "+", "G1", "A B", "T.1", ""]
    assert read.iloc[1].tolist() == ["chr1", 10, 12, "exon", "-", "G2", "", "", ""]


def test_vcf_and_bedgraph(write):
    header = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL"
    (records,) = formats.vcf_blocks(write(f"{header}\nchr1\t3\trs1\tACG\tA\t.\n"))
    assert records.iloc[0].tolist() == ["chr1", 3, "rs1", "ACG", "A", ""]
    infos = ["EFFECT=break;AC=1", "XEFFECT=no", ".", "AC=2;EFFECT=a,b", "EFFECT"]
    rows = "".join(f"1\t3\trs1\tACG\tA\t.\tPASS\t{info}\tGT\t0/1\n" for info in infos)
    (records,) = formats.vcf_blocks(write(f"{header}\tFILTER\tINFO\tFORMAT\tS\n{rows}"), ContigNames("add-chr"))
    assert records["effect"].tolist() == ["break", "", "", "a,b", ""] and set(records["chrom"]) == {"chr1"}
    assert formats.read_bedgraph(write("chr1\t0\t5\t-0.25\n"))["value"][0] == -0.25


def test_rename(write):
    path = write("1\t0\t5\nMT\t0\t5\nchr2\t0\t5\n")
    assert formats.read_bed(path, contigs=ContigNames("add-chr"))["chrom"].tolist() == ["chr1", "chrM", "chr2"]
    path = write("chr1\t0\t5\nchrM\t0\t5\n2\t0\t5\n")
    assert formats.read_bed(path, contigs=ContigNames("strip-chr"))["chrom"].tolist() == ["1", "MT", "2"]


def test_empty_table(write):
    read = formats.read_bed(write("# nothing\n"))
    assert len(read) == 0 and read.columns.tolist() == ["chrom", "start", "end"]


@pytest.mark.parametrize(
    ("reader", "text", "sentence"),
    [
        ("bed", "chr1\t0\n", "line 1: expected 3 columns separated by tabs, found 2"),
        ("bed", "chr1 0\n", "line 1: expected 3 columns separated by tabs, found 2"),
        ("bed", "#c\nchr1\t0\t5\nchr1\tx\t5\n", "line 3: start must be a whole number, written out in digits, not 'x'"),
        ("bed", "chr1\t0\t5\nchr1\t0\t5\ta\n", "line 2: expected 3 columns separated by tabs, found 4"),
        ("bedgraph", "chr1\t0\t5\thigh\n", "line 1: value must be a number, or . where it is missing, not 'high'"),
        ("narrowPeak", "chr1\t0\t5\n", "line 1: expected 10 columns"),
        ("rmsk", "chr1\t0\t5\n", "line 1: expected 17 columns"),
    ],
)
def test_bad_rows_of_readers_are_named(write, reader, text, sentence):
    path = write(text)
    with pytest.raises(InputError, match=re.escape(f"{path}, {sentence}")):
        formats.READERS[reader](path)


def test_missing_and_truncated_files(write, tmp_path):
    with pytest.raises(InputError, match="none does not exist; correct the path"):
        formats.read_bed(tmp_path / "none")
    generator = np.random.default_rng(0)
    rows = "".join(f"chr1\t{start}\t{start + 5}\n" for start in generator.integers(0, 10**8, 5000))
    path = write(rows, zipped=True)
    for size in (30, 20_000):
        cut = write("", name="cut")
        cut.write_bytes(path.read_bytes()[:size])
        with pytest.raises(InputError, match="truncated or damaged gzip"):
            formats.read_bed(cut)


def test_a_bed_separated_by_blanks_is_read(tmp_path):
    path = tmp_path / "epd.bed"
    path.write_text("chr1 894625 894685 KLHL17_1 900 + 894674 894685\nchr1 895966 896026 PLEKHN1_1 900 - 1 2\n")
    table = formats.read_bed(path)
    assert table[["chrom", "start", "end", "name"]].to_numpy().tolist() == [
        ["chr1", 894625, 894685, "KLHL17_1"],
        ["chr1", 895966, 896026, "PLEKHN1_1"],
    ]


# The same rows as the readers of whole files give


@pytest.mark.parametrize(
    ("form", "text", "numbers"),
    [
        ("rmsk", ["class", "family", "strand"], ["swScore"]),
        ("bed", ["name", "strand"], ["score"]),
        ("bed", [], []),
        ("narrowPeak", ["strand"], ["signal", "qvalue"]),
        ("gtf", ["feature", "strand"], []),
        ("gtf", ["gene_id"], []),
        ("bedgraph", [], ["value"]),
    ],
)
@pytest.mark.parametrize("comment", ["", "# a comment in between\n"])
def test_columns_are_those_of_the_reader(write, form, text, numbers, comment):
    places = [("1", 0, 5), ("2", 3, 9), ("1", 5, 5_000), ("MT", 1, 2), ("9", 1, 7)]
    lines = [row(form, *place, i) for i, place in enumerate(places)]
    path = write("track name=x\n" + "".join(lines[:2]) + comment + "".join(lines[2:]), zipped=bool(comment))
    table = read_columns(path, form, LENGTHS, ContigNames("add-chr"), text, numbers)
    expected = contigs.check(formats.READERS[form](path, contigs=ContigNames("add-chr")), LENGTHS, path)
    assert len(table) == 4 and table["start"].dtype in ("int32", "int64")
    assert {*table} <= {*columns_of(path, form)}
    for name in table:
        kind = "float64" if name in numbers else "int64" if name in ("start", "end") else "str"
        pd.testing.assert_series_equal(
            table[name].astype(kind), expected[name].astype(kind).reset_index(drop=True), check_names=False
        )


def test_columns_of_a_table_with_a_header(write):
    for text in (MARKS, "#" + MARKS, "## made by hand\n" + MARKS.replace("\n", "\r\n")):
        path = write(text, zipped=text.startswith("#c"))
        table = read_columns(path, "table", LENGTHS, text=["name"], numbers=["mark"])
        assert table["start"].tolist() == [0, 0, 50] and table["mark"].tolist() == [1.0, 0.0, 1.0]
        assert table["name"].tolist() == ["a", "NA", "a"]
        assert read_table(path).columns.tolist() == columns_of(path, "table")


def test_coordinates_beyond_four_bytes_are_kept(write):
    path = write(f"chr1\t0\t5\nchr1\t{1 << 40}\t{(1 << 40) + 3}\n")
    assert read_columns(path, "bed", {"chr1": 1 << 41})["end"].tolist() == [5, (1 << 40) + 3]


def test_a_bed_separated_by_blanks_has_its_columns(write):
    path = write("chr1 10 20 A 900 +\nchr1 30 40 B 900 -\n")
    assert read_columns(path, "bed", LENGTHS, text=["strand"])["strand"].tolist() == ["+", "-"]


@pytest.mark.parametrize("form", ["bed", "table", "rmsk"])
def test_an_empty_file_has_no_rows(write, form):
    path = write("chrom\tstart\tend\tname\tstrand\n" if form == "table" else "# nothing\n")
    text = ["name", "strand"]
    assert {*text} <= {*columns_of(path, form)}
    table = read_columns(path, form, LENGTHS, text=text, numbers=[])
    assert len(table) == 0 and overlaps.overlap_bases(table, table).tolist() == []
    assert table.columns.tolist() == ["chrom", "start", "end", *text]


SCORED = "chr1\t0\t50\ta\t.\nchr1\t50\t60\tb\t1000\nchr1\t60\t70\tc\t9\n"


@pytest.mark.parametrize("header", ["", "#chrom\tstart\tend\tname\tscore\n", "# made by hand\n"])
@pytest.mark.parametrize("blanks", [False, True])
def test_a_header_and_blanks_change_no_value(write, header, blanks):
    text = SCORED.replace("\t", " ") if blanks else SCORED
    table = read_columns(write(header + text), "bed", LENGTHS, text=["score"])
    assert table["score"].tolist() == [".", "1000", "9"] and table["end"].tolist() == [50, 60, 70]
    numbers = read_columns(write(header + text), "bed", LENGTHS, numbers=["score"])["score"]
    np.testing.assert_array_equal(numbers, [np.nan, 1000, 9])


@pytest.mark.parametrize("header", ["", "#chrom\tstart\tend\tvalue\n"])
def test_what_is_no_number_is_missing_or_refused_with_and_without_a_header(write, header):
    path = write(header + "chr1\t0\t5\tNA\nchr1\t5\t9\t2.5\n")
    np.testing.assert_array_equal(read_columns(path, "bedgraph", LENGTHS, numbers=["value"])["value"], [np.nan, 2.5])
    path = write(header + SCORED.replace("1000", "much"))
    with pytest.raises(
        InputError,
        match=rf"^{path}, line {2 + bool(header)}: score must be a number, or . where it is missing, not 'much'",
    ):
        read_columns(path, "bed", LENGTHS, numbers=["score"])


@pytest.mark.parametrize(
    ("form", "text", "sentence"),
    [
        ("bed", "1\t0\t5\n", "names its contigs like '1', the assembly like 'chr1'; set `rename: add-chr`"),
        (
            "bed",
            "scaffold1\t0\t5\n",
            "has 1 of its 1 rows on scaffold1, none of which the assembly has (chr1, chr2, chrM)",
        ),
        ("bed", "chr1\t0\t5\nchr2\t0\t3001\n", "line 2: the end lies beyond chr2 (3,000 bases)"),
        ("bed", "chr1\t0\t5\nchr1\t9\t8\n", "line 2: the end is not after the start"),
        ("bed", "chr1\t0\t5\nchr1\tx\t8\n", "line 2: start must be a whole number, written out in digits, not 'x'"),
        ("rmsk", "chr1\t0\t5\n", "line 1: expected 17 columns"),
        ("table", "chr1\t0\t5\n", "line 1: expected a header with the columns chrom, start, end and others"),
        ("table", MARKS + "chr1\t1\n", "line 5: expected 5 columns separated by tabs, found 2"),
        ("table", MARKS + "chr1\t1\tx\t1\ta\n", "line 5: end must be a whole number, written out in digits, not 'x'"),
        ("table", MARKS + "chr1\t8\t5\t1\ta\n", "line 5: the end is not after the start"),
        ("table", "#" + MARKS + "chr1\t8\t5\t1\ta\n", "line 5: the end is not after the start"),
        (
            "table",
            MARKS + "chr1\t1\t5\tmuch\ta\n",
            "line 5: mark must be a number, or . where it is missing, not 'much'",
        ),
        ("table", "", "line 1: expected a header"),
    ],
)
def test_bad_rows_are_named(write, form, text, sentence):
    numbers = ["mark"] if form == "table" else []
    with pytest.raises(InputError, match=re.escape(sentence)):
        read_columns(write(text), form, LENGTHS, numbers=numbers)


def test_a_truncated_file_is_named(write):
    generator = np.random.default_rng(0)
    rows = "".join(f"chr1\t{start}\t{start + 5}\t1\n" for start in generator.integers(0, 10**8, 5000))
    for form, header in (("bed", ""), ("table", "chrom\tstart\tend\tmark\n")):
        path = write(header + rows, zipped=True)
        cut = write("", name="cut")
        for size in (30, 20_000):
            cut.write_bytes(path.read_bytes()[:size])
            with pytest.raises(InputError, match="truncated or damaged gzip"):
                read_columns(cut, form, {"chr1": 10**9})
