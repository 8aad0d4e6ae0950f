"""Files as no one should write them: both readers beside a simple parser.

A file is drawn as lines and written in one of many ways. They differ in ends of lines, encoding, compression, comments between the rows,
further columns, odd numbers and odd names. Held is that every reader gives the rows of the simple parser, or `InputError` with the line
that the simple parser blames; and that the two ways to read a file, whole and by columns, agree.
"""

import bz2
import gzip
import lzma
import math
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grover.intervals import blocks, formats
from grover.intervals.contigs import check
from grover.runtime.errors import InputError

LENGTHS = {"chr1": 10**6, "NA": 5_000, "nan": 5_000, "track1": 5_000, "browser2": 5_000, "007": 5_000, "1e5": 5_000}
LENGTHS |= {'"q': 5_000, "q'": 5_000, "c#1": 5_000, "contig é": 5_000, "tracks": 5_000}
OTHER = ["chr9", "null", "'x'", "chr1.1"]  # contigs that the assembly does not have

# columns: of a row, in its order; the places of chrom, start and end; a column of text and one of decimals that are compared
FORMS = {
    "bed": (["chrom", "start", "end", "name", "score", "strand"], "name", None),
    "bedgraph": (["chrom", "start", "end", "value"], None, "value"),
    "narrowPeak": (
        ["chrom", "start", "end", "name", "score", "strand", "signal", "pvalue", "qvalue", "summit"],
        "strand",
        "signal",
    ),
    "rmsk": (formats.RMSK, "class", None),
    "gtf": (formats.GTF, "feature", None),
    "table": (["mark", "chrom", "start", "end", "note"], "note", "mark"),
}
FILLED = {"score": "0", "strand": "+", "pvalue": "-1", "qvalue": "2", "summit": "0", "bin": "585", "feature": "gene"}
FILLED |= dict.fromkeys(["swScore", "milliDiv", "milliDel", "milliIns"], "7") | {"attributes": 'gene_id "G";'}

WHOLE = [
    "",
    "NA",
    ".",
    "+5",
    "1_0",
    "1e3",
    "5.0",
    " 7",
    "7 ",
    "-3",
    "0x1F",
    "007",
    "9" * 20,
    "9" * 18,
    "٣",
    '"7"',
    "7,000",
]
DECIMAL = [
    "",
    ".",
    "NA",
    "nan",
    "-nan",
    "inf",
    "-Infinity",
    "1e400",
    "+2",
    "1,5",
    "high",
    "nan(1)",
    "2.",
    ".5",
    " 3 ",
    "0x1p3",
]
DECIMAL += ["٣", "1e-3", "-0.0", "1e", "--1", "NULL", "na", "1 2", "1_0"]
COMMENTS = [
    "",
    " ",
    "#",
    "# made by hand",
    "#chr1",
    "track",
    "track name=x",
    "  browser position chr1",
    "\t",
    "#é",
    " \t ",
]
names = st.one_of(st.sampled_from([*LENGTHS]), st.sampled_from(["chr1"] * 9 + OTHER + ["chr1 ", " NA", "", " "]))
# two letters beyond ASCII make no character of UTF-8 where they are written in Latin-1
texts = st.text("ab1 .,;:#\"'\\\x0b\x1céüß", max_size=6)


@st.composite
def rows(draw, form, odd):
    """Draw the cells of a row; where `odd`, one of them may break a rule or be unusual."""
    columns, text, decimal = FORMS[form]
    start = draw(st.integers(0, 4_000))
    cells = {name: FILLED.get(name, "x") for name in columns} | {"chrom": draw(names)}
    cells |= {"start": str(start + (form == "gtf")), "end": str(start + draw(st.integers(0 if odd else 1, 900)))}
    if text and form not in ("gtf", "narrowPeak"):
        cells[text] = draw(texts)
    if decimal:
        cells[decimal] = str(draw(st.integers(-99, 99)) / 4)
    if odd:
        name = draw(st.sampled_from(["start", "end", *([decimal] if decimal else [])]))
        cells[name] = draw(st.sampled_from(DECIMAL if name == decimal else WHOLE))
    return [cells[name] for name in columns]


@st.composite
def files(draw, form):
    """Draw the lines of a file, and how it is written."""
    more = ["m"] * (draw(st.integers(0, 2)) if form in ("bed", "bedgraph", "narrowPeak", "rmsk", "table") else 0)
    lines = []
    for cells in draw(st.lists(rows(form, False) | rows(form, False) | rows(form, True), max_size=6)):
        comments = draw(st.lists(st.sampled_from(COMMENTS), max_size=2))
        alike = draw(st.sampled_from(["", "#", "track"]))  # a comment with as many columns as the rows
        lines += [
            *comments,
            *(["\t".join([alike + cells[0] if alike == "#" else alike, *cells[1:], *more])] if alike else []),
        ]
        lines.append("\t".join([*cells, *more]))
    if draw(st.integers(0, 9)) == 0 and lines:
        lines[-1] += draw(st.sampled_from(["\tmore", "\t", " "]))
    if form in ("bed", "bedgraph") and draw(st.integers(0, 4)) == 0:
        lines = [line.replace("\t", draw(st.sampled_from([" ", "  "]))) for line in lines]
    if form == "table":
        header = "\t".join([*FORMS[form][0], *(f"more{i}" for i in range(len(more)))])
        lines = [
            *draw(st.lists(st.sampled_from(["", "# made by hand"]), max_size=2)),
            draw(st.sampled_from(["", "#"])) + header,
            *lines,
        ]
    return lines, draw(st.sampled_from(["\n", "\r\n", "\r"])), draw(st.booleans())


ENCODINGS = ["utf-8", "utf-8", "utf-8-sig", "latin-1", "utf-16"]
PACKS = [bytes, bytes, gzip.compress, bz2.compress, lzma.compress]


# The simple parser


def is_comment(line):
    words = line.replace("\t", " ").split(" ")
    words = [word for word in words if word]
    return line.startswith("#") or not words or words[0] in ("track", "browser")


def whole(text):
    digits = text.strip().removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and int(digits) < 10**18):
        raise ValueError
    return int(text.strip())


def decimal_number(text):
    text = text.strip()
    if text in ("", ".", "NA", "N/A", "NaN", "nan", "NULL", "null"):
        return math.nan
    if not text.isascii() or "_" in text:
        raise ValueError
    return float(text)  # Python's numbers are those of the formats but for _ and digits of other scripts


def parse(form, lines):
    """Return (number of the line, chrom, start, end, text, decimal) of each row, or the number of the first line that is wrong."""
    columns, text, decimal = FORMS[form]
    numbered = [*enumerate(lines, 1)]
    if form == "table":
        begin = next(i for i, line in numbered if line.removeprefix("#").startswith("mark\t"))
        columns, numbered = lines[begin - 1].removeprefix("#").split("\t"), numbered[begin:]
    found, width = [], len(columns) if form == "table" else 0
    for number, line in numbered:
        if is_comment(line):
            continue
        cells = line.split("\t") if "\t" in line else [cell for cell in line.split(" ") if cell]
        width = width or max(len(cells), 3 if form == "bed" else len(columns))
        if len(cells) != width or form == "gtf" and "\t" not in line:
            return number
        row = dict(zip(columns, cells, strict=False))
        try:
            numbers = {name: whole(row[name]) for name in ("start", "end")}
            value = decimal_number(row[decimal]) if decimal else None
        except ValueError:
            return number
        if not row["chrom"].strip(" "):
            return number
        start = numbers["start"] - (form == "gtf")
        found.append((number, row["chrom"].strip(" "), start, numbers["end"], row.get(text), value))
    wrong = (i for i, chrom, start, end, *_ in found if start < 0 or end <= start or end > LENGTHS.get(chrom, math.inf))
    return next(wrong, found) if all(row[1] in LENGTHS for row in found) else found


# The two ways to read a file


def by_reader(path, form):
    table = (formats.READERS | {"table": formats.read_table})[form](path)
    if form == "table":
        table["mark"] = formats.to_numbers(table, "mark")
    return check(table, LENGTHS, path)


def by_columns(path, form):
    text, decimal = FORMS[form][1:]
    given = formats.columns_of(path, form)
    text, decimal = ([name] if name in given else [] for name in (text, decimal))
    # names of genes are asked for since the reader of a whole file reads them
    return formats.read_columns(path, form, LENGTHS, text=[*text, *["gene_id"] * (form == "gtf")], numbers=decimal)


def result(read, path, form):
    """Return the rows, or the sentence; any other exception fails the test."""
    try:
        table = read(path, form)
    except InputError as error:
        return str(error)
    text, decimal = FORMS[form][1:]
    columns = [table["chrom"].astype(str), table["start"], table["end"]]
    columns += [table[name].astype(str) if name in table else [None] * len(table) for name in [text]]
    columns += [table[name] if name in table else [None] * len(table) for name in [decimal]]
    return [*zip(*map(list, columns), strict=True)]


def alike(found, expected):
    """Whether rows are equal, where NaN is NaN."""
    return repr(found) == repr(expected)


@pytest.mark.parametrize("form", FORMS)
def test_both_readers_and_a_simple_parser_agree(tmp_path, form):
    count = 0

    @settings(
        max_examples=60, derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    @given(files(form), st.sampled_from(ENCODINGS), st.sampled_from(PACKS), st.sampled_from([16, 200, 1 << 22]))
    def compare(file, encoding, pack, block):
        nonlocal count
        lines, end, ended = file
        path = tmp_path / f"file{count}"
        count += 1
        path.write_bytes(pack((end.join(lines) + end * ended).encode(encoding, "replace")))
        if encoding == "latin-1":  # which has not all characters
            lines = [line.encode(encoding, "replace").decode(encoding) for line in lines]
        with mock.patch.object(blocks, "BLOCK", block):
            found = {read: result(read, path, form) for read in (by_reader, by_columns)}
        agree(path, form, lines, *found.values())

    compare()


def agree(path, form, lines, reader, columns):
    expected = parse(form, lines)
    if isinstance(expected, int):
        assert isinstance(reader, str) and columns.startswith(f"{path}, line {expected}: ")
        # the numbers of a table are told only by who asks for them
        assert reader == columns or form == "table" and ": mark must be a number" in columns
        return
    names = {row[1] for row in expected}
    if isinstance(reader, str) and names - {*LENGTHS}:  # most rows lie elsewhere, or one of them is wrong
        assert reader == columns and reader.startswith(str(path))
        return
    rows = [row[1:] for row in expected if row[1] in LENGTHS]
    rows = [(*row[:4], None if row[4] is None else float(row[4])) for row in rows]
    assert alike(reader, rows) and alike(columns, rows)


def test_the_parser_of_blocks_takes_no_number_that_the_rules_refuse(tmp_path):
    """pyarrow may refuse what the rules take, since the block then goes line by line; but it takes nothing else."""
    digits = st.text("0123456789+-.eExXnNaAiIfFtTyY()_ ", min_size=1, max_size=5)

    @settings(max_examples=400, derandomize=True, database=None, deadline=None)
    @given(st.sampled_from([blocks.WHOLE, blocks.DECIMAL]), digits | st.sampled_from(WHOLE + DECIMAL))
    def compare(kind, text):
        block = f"chr1\t{text}\t1\n".encode()
        table = blocks._parse(block, ["chrom", "number", "more"], {"chrom": blocks.TEXT, "number": kind})
        if table is not None:
            layout = blocks.Layout(["chrom", "number", "more"], {}, {})
            line = blocks._parse_lines(block, layout, {"chrom": blocks.TEXT, "number": kind})
            assert alike(table.to_pydict(), line.to_pydict())

    compare()
