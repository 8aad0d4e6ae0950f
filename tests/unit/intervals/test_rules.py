"""One set of rules for every format of intervals, by the readers of whole files and by columns."""

import numpy as np
import pytest

from grover.intervals import blocks, contigs, formats
from grover.intervals.formats import read_columns, read_table
from grover.runtime.errors import InputError
from tests.fakes.intervals import row

LENGTHS = {"chr1": 5_000, "chr2": 3_000, "chrM": 100}
MARKS = "chrom\tstart\tend\tmark\tname\nchr1\t0\t50\t1\ta\nchr2\t0\t50\t0\tNA\nchr1\t50\t100\t1\ta\n"

FORMS = ["bed", "narrowPeak", "bedgraph", "rmsk", "gtf", "table"]
TEXTS = {"bed": ["name", "strand"], "narrowPeak": ["strand"], "rmsk": ["class"], "gtf": ["feature", "gene_id"]}
TEXTS |= {"table": ["name"], "bedgraph": []}
DECIMALS = {"narrowPeak": ["signal", "qvalue"], "bedgraph": ["value"], "table": ["mark"]}
KNOWN = {"chr1": 5_000, "track1": 700, "browser2": 700}


def fields(form, chrom, start, end, value="0.5"):
    """The cells of a row; where the format has a decimal number it is `value`."""
    if form == "table":
        return ["a", chrom, str(start), str(end), value]
    cells = row(form, chrom, start, end, 0).rstrip("\n").split("\t")
    return cells[:3] + [value] if form == "bedgraph" else cells[:6] + [value, *cells[7:]] if len(cells) == 10 else cells


def write_rows(write, form, rows, between=()):
    """A file whose rows are cells separated by tabs, with these lines after its first row."""
    lines = ["\t".join(cells) if isinstance(cells, list) else cells for cells in rows]
    header = ["name\tchrom\tstart\tend\tmark"] if form == "table" else []
    return write("\n".join([*header, lines[0], *between, *lines[1:]]) + "\n")


def both_ways(path, form):
    """What the reader of whole files and `read_columns` make of a file: rows as lists of texts, or the sentence."""
    columns = [*intervals_columns(form)]
    found = []
    for read in (by_reader, by_columns):
        try:
            table = read(path, form)
            found.append(table[columns].astype(str).to_numpy().tolist())
        except InputError as error:
            found.append(str(error))
    return found


def intervals_columns(form):
    return ["chrom", "start", "end", *TEXTS[form], *DECIMALS.get(form, [])]


def by_reader(path, form):
    table = ({"table": read_table} | formats.READERS)[form](path)
    for name in DECIMALS["table"] if form == "table" else []:
        table[name] = formats.to_numbers(table, name)
    return contigs.check(table, KNOWN, path)


def by_columns(path, form):
    return read_columns(path, form, KNOWN, contigs.UNCHANGED, TEXTS[form], DECIMALS.get(form, []))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("comment", ["#chr1", "#", "track", "browser position", "track name=x", "  browser", "", "  "])
def test_comments_between_rows_are_no_rows(write, form, comment):
    rows = [fields(form, chrom, i, i + 9) for i, chrom in enumerate(["track1", "browser2", "chr1", "track1"])]
    expected = [[chrom, str(i), str(i + 9)] for i, chrom in enumerate(["track1", "browser2", "chr1", "track1"])]
    cells = [comment, *[""] * (len(rows[0]) - 1)]
    alike = "\t".join(cells if comment.strip(" #") == "" else [comment, *rows[0][1:]])  # as many columns as a row
    for lines in ((alike,), (comment, "# three words here", alike), ()):
        path = write_rows(write, form, rows, lines)
        for found in both_ways(path, form):
            assert [cells[:3] for cells in found] == expected
        bad = [*rows, fields(form, "chr1", 4_990, 5_001)]
        path = write_rows(write, form, bad, lines)
        line = len(bad) + len(lines) + (form == "table")
        for found in both_ways(path, form):
            assert found.startswith(f"{path}, line {line}: the end lies beyond chr1 (5,000 bases)")
            assert found.endswith(f"({' '.join(bad[-1])[:80]})")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("7", 7),
        (" 7", 7),
        ("007", 7),
        *[(text, None) for text in ("", "NA", ".", "nan", "x", "1e3", "+7", "1_0", "7.0", "7,000", "9" * 20)],
    ],
)
def test_whole_numbers_by_one_rule(write, form, text, start):
    place, name = {"rmsk": (6, "start"), "gtf": (3, "start"), "table": (2, "start")}.get(form, (1, "start"))
    good, changed = fields(form, "chr1", 3, 9), fields(form, "chr1", 3, 9)
    changed[place] = text
    for lines in ((), ("#" + "\t".join(good),)):
        path = write_rows(write, form, [good, changed, good], lines)
        line = 2 + len(lines) + (form == "table")
        sentence = f"{path}, line {line}: {name} must be a whole number, written out in digits, not {text.strip()!r} ("
        for found in both_ways(path, form):
            if start is None:
                assert found.startswith(sentence)
            else:
                assert [cells[1] for cells in found] == ["3", str(start - (form == "gtf")), "3"]


@pytest.mark.parametrize("form", sorted(DECIMALS))
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2", 2.0),
        (" 2.5", 2.5),
        ("+2.5", 2.5),
        ("-1e-3", -0.001),
        (".5", 0.5),
        ("inf", np.inf),
        ("Infinity", np.inf),
        *[(text, np.nan) for text in ("", ".", "NA", " NA", "nan", "-nan", "NULL")],
        *[(text, None) for text in ("high", "1,5", "1_0", "0x1F", "na", "٣")],
    ],
)
def test_decimal_numbers_by_one_rule(write, form, text, value):
    good, changed = fields(form, "chr1", 3, 9), fields(form, "chr1", 3, 9, text)
    for lines in ((), ("#" + "\t".join(good),)):
        path = write_rows(write, form, [good, changed, good], lines)
        line = 2 + len(lines) + (form == "table")
        name = DECIMALS[form][0]
        reader, columns = both_ways(path, form)
        if value is None:
            sentence = f"{path}, line {line}: {name} must be a number, or . where it is missing, not {text.strip()!r} ("
            assert columns.startswith(sentence)
            # of a table the numbers are told only by who asks for them
            assert reader.startswith(f"{name} must be a number, or . where" if form == "table" else sentence)
        else:
            assert reader == columns
            np.testing.assert_equal([float(cells[columns_at(form)]) for cells in columns], [0.5, value, 0.5])


def columns_at(form):
    return intervals_columns(form).index(DECIMALS[form][0])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_ends_of_lines_and_a_byte_order_mark_change_nothing(write, form, ends, mark):
    rows = [fields(form, "chr1", i, i + 9) for i in range(3)]
    for lines in ((), ("#" + "\t".join(rows[0]),)):
        expected = both_ways(write_rows(write, form, rows, lines), form)
        text = write_rows(write, form, rows, lines).read_text()
        for above in ("", "" if form == "table" else "track name=x\n"):
            path = write(mark + (above + text).replace("\n", ends), "other", zipped=bool(above))
            assert both_ways(path, form) == expected and len(expected[0]) == 3


@pytest.mark.parametrize("form", FORMS)
def test_rows_of_another_width_are_named(write, form):
    rows = [fields(form, "chr1", i, i + 9) for i in range(4)]
    for width in (rows[3][:-1], [*rows[3], "more"]):
        for lines in ((), ("#" + "\t".join(rows[0]),)):
            path = write_rows(write, form, [*rows[:3], width, rows[0]], lines)
            line, sentence = 4 + len(lines) + (form == "table"), f"columns separated by tabs, found {len(width)} ("
            for found in both_ways(path, form):
                assert found.startswith(f"{path}, line {line}: expected {len(rows[0])} {sentence}")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("chrom", ["chr1 ", " chr1", "  chr1  ", "", " "])
def test_blanks_do_not_belong_to_the_name_of_a_contig(write, form, chrom):
    good, place = fields(form, "chr1", 3, 9), {"rmsk": 5, "table": 1}.get(form, 0)
    changed = [*good[:place], chrom, *good[place + 1 :]]
    for lines in ((), ("#" + "\t".join(good),)):
        path = write_rows(write, form, [good, changed, good], lines)
        line = 2 + len(lines) + (form == "table")
        for found in both_ways(path, form):
            if chrom.strip():
                assert [cells[0] for cells in found] == ["chr1"] * 3
            else:
                assert found.startswith(f"{path}, line {line}: the name of the contig is empty (")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("text", ["0x1F", "0X1F", "-0x1", "1" + "0" * 18, str(2**63 - 1)])
def test_whole_numbers_that_the_parser_of_blocks_would_take_are_refused(write, form, text):
    cells = fields(form, "chr1", 3, 9)
    place = {"rmsk": 7, "gtf": 4, "vcf": 1, "table": 3}.get(form, 2)
    path = write_rows(write, form, [cells, [*cells[:place], text, *cells[place + 1 :]]])
    for found in both_ways(path, form):
        assert (
            f"line {2 + (form == 'table')}: " in found
            and f" must be a whole number, written out in digits, not '{text}'" in found
        )


def test_lines_are_counted_through_all_blocks(write, monkeypatch):
    """The number of a line counts those above its block, comments and blank lines among them."""
    monkeypatch.setattr(blocks, "BLOCK", 1 << 14)
    lines = [f"chr1\t{i}\t{i + 1}\t{i:060}" for i in range(2_000)]
    lines[7], lines[11] = "", "#chr1\t1\t2\tx"
    for number in (8, 1_000, 2_000):
        path = write("\n".join([*lines[: number - 1], "chr1\t1e3\t2000\tx", *lines[number:]]))
        for read in (formats.read_bed, lambda path: read_columns(path, "bed", LENGTHS)):
            with pytest.raises(InputError, match=f"line {number}: start must be a whole number, .*, not '1e3'"):
                read(path)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_line_longer_than_a_block_is_read(write, end):
    long = "x" * (blocks.BLOCK + 7)
    path = write(f"chr1\t1\t2\ta{end}chr1\t3\t4\t{long}{end}# {long}{end}chr1\t5\t6\tb{end}")
    assert formats.read_bed(path)["name"].str.len().tolist() == [1, len(long), 1]


def test_a_comment_far_behind_the_first_block_loses_no_row(write, monkeypatch):
    """What was read before the comment is neither lost nor read twice."""
    monkeypatch.setattr(blocks, "BLOCK", 1 << 20)
    lines = [f"chr1\t{i}\t{i + 1}\t{i:060}" for i in range(30_000)]
    text = "\n".join([*lines[:22_500], "#chr1\t7\t8\tx", *lines[22_500:]]) + "\n"
    path = write(text)
    assert len(text) > 2 << 20
    for table in (formats.read_bed(path), read_columns(path, "bed", {"chr1": 1 << 20}, text=["name"])):
        np.testing.assert_array_equal(table["start"], np.arange(30_000))
        assert table["name"].tolist() == [f"{i:060}" for i in range(30_000)]
    path = write(text + "chr1\t5\t5\tbad\n")
    for read in (
        lambda: contigs.check(formats.read_bed(path), {"chr1": 1 << 20}, path),
        lambda: read_columns(path, "bed", {"chr1": 1 << 20}),
    ):
        with pytest.raises(InputError, match="line 30002: the end is not after the start"):
            read()


def test_names_of_a_header_that_come_twice_are_told_apart(write):
    path = write("chrom\tstart\tend\ta\ta\nchr1\t1\t2\tx\ty\n")
    assert read_table(path).iloc[0].to_dict() == {"chrom": "chr1", "start": 1, "end": 2, "a": "x", "a.5": "y"}


def test_renaming_is_counted_in_rows(write):
    """More rows, not more names, decide whether `rename` would help."""
    path, lengths = write("X1\t0\t5\n" * 3 + "chr2\t0\t5\nchr3\t0\t5\n"), {"chrX1": 9, "2": 9, "3": 9}
    for read in (
        lambda: read_columns(path, "bed", lengths),
        lambda: contigs.check(formats.read_bed(path), lengths, path),
    ):
        with pytest.raises(InputError, match="names its contigs like 'X1'.* `rename: add-chr`"):
            read()


@pytest.mark.parametrize("form", FORMS)
def test_comments_with_as_many_columns_as_the_rows_do_not_slow_the_reader(write, monkeypatch, form):
    def line_by_line(*_):
        raise AssertionError("the file was read line by line")

    monkeypatch.setattr(blocks, "_parse_lines", line_by_line)
    rows = [fields(form, "chr1", 3, 9)] * 2
    above, between = "#" + "\t".join(rows[0]) + "\n\n", ["#" + "\t".join(rows[0]), "# three words here", "track name=x"]
    text = write_rows(write, form, rows, between).read_text()
    for found in both_ways(write(text if form == "table" else above + text), form):
        assert [cells[1] for cells in found] == ["3", "3"]
