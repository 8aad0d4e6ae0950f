"""Files of intervals as they come from Excel, old Macs, R, UCSC and the like: the right rows, or a sentence with what to do."""

import re

import pytest

from grover.intervals.contigs import check
from grover.intervals.formats import READERS, read_columns, read_table
from grover.intervals.sites import read_tss
from grover.intervals.splice import read_junctions
from grover.runtime.errors import InputError

LENGTHS = {
    "chr1": 200_000,
    "chr2": 100_000,
    "track1": 3_000,
    "browser2": 3_000,
    "NA": 3_000,
    "nan": 3_000,
    '"q1': 3_000,
}
NAMED = "chr1\t10000\t10100\ta\t0\t+\nchr2\t20000\t20500\tb\t0\t-\n"
BOTH = [["chr1", 10_000, 10_100, "a"], ["chr2", 20_000, 20_500, "b"]]
WHOLE = "must be a whole number, written out in digits, not"
GTF = 'chr1\tx\texon\t{}\t{}\t.\t+\t.\tgene_id "é"; transcript_id "t";\n'


@pytest.fixture
def save(tmp_path):
    """Write text in an encoding; \\n stands for the end of a line."""

    def save(text, encoding="utf-8", end="\n"):
        path = tmp_path / "file"
        path.write_bytes(text.replace("\n", end).encode(encoding))
        return path

    return save


def rows(path, form="bed", column="name"):
    """Rows as the reader of the whole file gives them, which are those that the reader of columns gives."""
    table = check((READERS | {"table": read_table})[form](path), LENGTHS, path)
    given = [column] if column in table else []
    columns = read_columns(path, form, LENGTHS, text=given)
    found = table[["chrom", "start", "end", *given]].to_numpy().tolist()
    assert columns[["chrom", "start", "end", *given]].to_numpy().tolist() == found
    return found


@pytest.mark.parametrize(
    ("encoding", "end"), [("utf-8-sig", "\n"), ("utf-8", "\r\n"), ("utf-8", "\r"), ("utf-16", "\r\n")]
)
@pytest.mark.parametrize("above", ["", "track name=x\n", "track name=x\n#c\n"])
def test_marks_and_ends_of_lines(save, encoding, end, above):
    assert rows(save(above + NAMED, encoding, end)) == BOTH
    header = "chrom\tstart\tend\tname\n"
    table = header + "".join("\t".join(map(str, row)) + "\n" for row in BOTH)
    assert rows(save(table, encoding, end), "table") == BOTH


def test_contigs_that_are_named_like_missing_values_quotes_and_comments(save):
    places = [[name, 100, 200] for name in ("NA", "nan", '"q1', "track1", "browser2", "chr1")]
    text = "\n".join("\t".join(map(str, place)) for place in places)
    for between in ("", "# x\ty\tz\n", "track name=x\n", "browser position chr1\n"):
        assert rows(save(between + text.replace("nan", between + "nan"))) == places


@pytest.mark.parametrize(
    "number", ["1e+05", "1.86e+08", "10000.0", "+10000", "10_000", "10,000", "9" * 20, '"10000"', "", "NA"]
)
def test_a_number_that_is_not_written_out_is_quoted(save, number):
    for form, text in (
        ("bed", f"chr1\t5000\t6000\nchr1\t{number}\t120000\n"),
        ("bed", f"chr1\t5000\t6000\n#chr1\t1\t2\nchr1\t{number}\t120000\n"),
        ("table", f"chrom\tstart\tend\tmark\nchr1\t5000\t6000\ta\nchr1\t{number}\t120000\ta\n"),
    ):
        line = text.count("\n")
        with pytest.raises(InputError, match=re.escape(f"line {line}: start {WHOLE} {number!r} (chr1 {number} 120000")):
            rows(save(text), form)


def test_blanks_before_a_number_are_no_part_of_it(save):
    assert rows(save("chr1\t5000\t6000\nchr1\t 10000\t120000\n")) == [["chr1", 5_000, 6_000], ["chr1", 10_000, 120_000]]


@pytest.mark.parametrize("missing", [".", "NA", "nan", ""])
def test_missing_values_of_a_bedgraph_are_read_and_count_as_absent(save, missing):
    path = save(f"track type=bedGraph\nchr1\t100\t200\t1.5\nchr1\t200\t300\t{missing}\nchr1\t300\t400\t4\n")
    assert len(rows(path, "bedgraph")) == 3
    values = read_columns(path, "bedgraph", LENGTHS, numbers=["value"])["value"]
    assert values.isna().tolist() == [False, True, False] and values.sum() == 5.5


def test_text_in_latin1(save):
    assert rows(save("chr1\t100\t200\tInterféron\n", "latin-1")) == [["chr1", 100, 200, "Interféron"]]
    path = save("chrom\tstart\tend\tgène\tname\nchr1\t100\t200\tx\té\n", "latin-1")
    assert rows(path, "table") == [["chr1", 100, 200, "é"]] and "gène" in read_table(path)
    assert read_tss(save("chr1\t100\t101\té\t0\t+\n", "latin-1"))["name"].tolist() == ["é"]
    exons = save(GTF.format(101, 200) + GTF.format(301, 400), "latin-1")
    found = read_junctions(exons)
    assert found[["start", "end", "gene"]].to_numpy().tolist() == [[200, 300, "é"]]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "#chr1\t1\t2\nchr1\t10000\t10100\n#chr1\t5\t6\nchr1\t20000\t20100\nchr1\t30000\t29000\n",
            "line 5: the end is not after",
        ),
        (
            "chr1\t100\t200\n#chr1\t5\t6\nchr1\t300\t400\nchr1\t190000\t290000\nchr1\t1\t2\n",
            "line 4: the end lies beyond chr1",
        ),
        ("chr1\t100\t200\n\n   \nchr1\t-5\t100\n", "line 4: the start is negative (chr1 -5 100)"),
        ("chr1,10000,10100\n", "line 1: expected 3 columns separated by tabs, found 1 (chr1,10000,10100)"),
        ("chr1\t10000\t10100\tx\nchr1\t20000\t20100\n", "line 2: expected 4 columns separated by tabs, found 3"),
        ("chr1 10000 10100 other\nchr1 20000 20100 my peak\n", "line 2: expected 4 columns separated by tabs, found 5"),
        ("chr1\t10,000\t10,100\n", f"line 1: start {WHOLE} '10,000'"),
        ('"chr1"\t"10000"\t"10100"\n', f"line 1: start {WHOLE} '\"10000\"'"),
        ('"chr1"\t10000\t10100\n', 'has 1 of its 1 rows on "chr1", none of which the assembly has'),
        ("chrom\tstart\tend\nchr1\t10000\t10100\n", f"line 1: start {WHOLE} 'start'"),
        ("<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head>\n", "is a web page (HTML)"),
        ("\t10000\t10100\nchr1\t10000\t10100\n", "line 1: the name of the contig is empty"),
    ],
)
def test_the_line_and_what_was_found_are_said(save, text, sentence):
    path = save(text)
    with pytest.raises(InputError, match=re.escape(sentence)) as error:
        rows(path)
    assert str(error.value).startswith(str(path))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("chr1\t10000\t10100\n   \nchr1\t20000\t20100\n", [["chr1", 10_000, 10_100], ["chr1", 20_000, 20_100]]),
        ("chr1 \t10000\t10100\nchr1\t20000\t20100\n", [["chr1", 10_000, 10_100], ["chr1", 20_000, 20_100]]),
        ("chr1\t10000\t10100\t\nchr1\t20000\t20100\t\n", [["chr1", 10_000, 10_100, ""], ["chr1", 20_000, 20_100, ""]]),
        ("chr1  10000 10100  a\n", [["chr1", 10_000, 10_100, "a"]]),
        ("chr1\t10000\t10100\tmy peak\n", [["chr1", 10_000, 10_100, "my peak"]]),
    ],
)
def test_rows_that_are_read(save, text, expected):
    assert rows(save(text)) == expected


def test_peaks_commented_out_above_the_rows(save):
    peak = "chr1\t{}\t{}\tp\t100\t.\t5\t3\t2\t{}\n"
    text = "".join("#" + peak.format(1_000 * i, 1_000 * i + 300, 100) for i in range(3))
    text += "".join(peak.format(1_000 * i, 1_000 * i + 300, -1 if i == 7 else 100) for i in range(5, 9))
    path = save(text)
    assert [row[1] for row in rows(path, "narrowPeak")] == [5_000, 6_000, 7_000, 8_000]
    assert READERS["narrowPeak"](path)["summit"].tolist() == [100, 100, 150, 100]


def test_starts_of_transcription_with_a_row_commented_out(save):
    start = "chr1\t{}\t{}\ta\t0\t{}\n"
    path = save(start.format(100, 101, "+") + "#" + start.format(150, 190, "+") + start.format(200, 201, "-"))
    assert read_tss(path)["start"].tolist() == [100, 200]
    path = save(start.format(100, 101, "+") + "#" + start.format(150, 190, "+") + start.format(200, 202, "-"))
    with pytest.raises(InputError, match="line 3: expected a BED6 row of one base"):
        read_tss(path)
