"""Tables with a header, bigWig files, and the rows of any format with only the columns asked for."""

import gzip
import re

import numpy as np
import pandas as pd
import pybigtools
import pytest

from grover import coverage, inputs, intervals
from grover.bigwig import read_means
from grover.errors import InputError
from grover.interval_tables import columns_of, read_columns, read_table

LENGTHS = {"chr1": 5_000, "chr2": 3_000, "chrM": 100}
MARKS = "chrom\tstart\tend\tmark\tname\nchr1\t0\t50\t1\ta\nchr2\t0\t50\t0\tNA\nchr1\t50\t100\t1\ta\n"


@pytest.fixture
def write(tmp_path):
    def write(text, name="table", zipped=False):
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if zipped else text.encode())
        return path

    return write


def bigwig(path, values, sizes=LENGTHS):
    writer = pybigtools.open(str(path), "w")
    writer.write(sizes, values)
    return path


# The same rows as the readers of whole files give


def row(form, chrom, start, end, i):
    """A line of a format; columns that a test asks for differ from row to row."""
    strand, name = "+-"[i % 2], ["Alu", "L1", "NA"][i % 3]
    if form == "rmsk":
        fields = [1, 10 * i, 1, 1, 1, chrom, start, end, -5, strand, f"N{i}", name, f"{name}-f", 1, 2, 3, 4]
    elif form == "gtf":
        fields = [chrom, "x", ["gene", "exon"][i % 2], start + 1, end, ".", strand, ".", f'gene_id "{name}";']
    elif form == "bedgraph":
        fields = [chrom, start, end, i / 4]
    else:
        fields = [chrom, start, end, name, ".", strand, i / 4, -1, i / 2, 0][: 6 if form == "bed" else 10]
    return "\t".join(map(str, fields)) + "\n"


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
    table = read_columns(path, form, LENGTHS, "add-chr", text, numbers)
    expected = intervals.check(intervals.READERS[form](path, rename="add-chr"), LENGTHS, path)
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
    assert len(table) == 0 and intervals.overlap_bases(table, table).tolist() == []
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
    with pytest.raises(InputError, match=rf"^{path}: score must be a number, not 'much', at chr1:50-60"):
        read_columns(path, "bed", LENGTHS, numbers=["score"])


@pytest.mark.parametrize(
    ("form", "text", "sentence"),
    [
        ("bed", "1\t0\t5\n", "names its contigs like '1', the assembly like 'chr1'; set `rename: add-chr`"),
        ("bed", "scaffold1\t0\t5\n", "lies on scaffold1, none of which the assembly has (chr1, chr2, chrM)"),
        ("bed", "chr1\t0\t5\nchr2\t0\t3001\n", "line 2: the end lies beyond chr2 (3,000 bases)"),
        ("bed", "chr1\t0\t5\nchr1\t9\t8\n", "line 2: the end is not after the start"),
        ("bed", "chr1\t0\t5\nchr1\tx\t8\n", "line 2: start must be a number, not 'x'"),
        ("rmsk", "chr1\t0\t5\n", "line 1: expected 17 columns"),
        ("table", "chr1\t0\t5\n", "line 1: expected a header with the columns chrom, start, end and others"),
        ("table", MARKS + "chr1\t1\n", "line 5: expected 5 columns separated by tabs, as the header has, found 2"),
        ("table", MARKS + "chr1\t1\tx\t1\ta\n", "line 5: end must be a whole number, not 'x'"),
        ("table", MARKS + "chr1\t8\t5\t1\ta\n", "line 5: the end is not after the start"),
        ("table", "#" + MARKS + "chr1\t8\t5\t1\ta\n", "line 5: the end is not after the start"),
        ("table", MARKS + "chr1\t1\t5\tmuch\ta\n", "mark must be a number, not 'much', at chr1:1-5"),
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


# bigWig


def test_means_of_a_bigwig_are_those_of_its_intervals(tmp_path):
    generator = np.random.default_rng(3)
    values = pd.DataFrame({"chrom": np.repeat(["chr1", "chr2"], 30), "start": [*range(0, 3_000, 100)] * 2})
    values = values.assign(end=values["start"] + generator.integers(1, 100, 60))
    values = values.assign(value=generator.normal(size=60).astype(np.float32).astype(float))
    bigwig(tmp_path / "signal.bigWig", values.itertuples(index=False, name=None)).rename(
        tmp_path / "signal"
    )  # the format is not told by the suffix
    start = generator.integers(0, 2_900, 80)
    regions = pd.DataFrame({"chrom": generator.choice(["chr1", "chr2", "chrM"], 80), "start": start})
    regions = regions.assign(end=start + generator.integers(1, 400, 80))
    regions.loc[regions["chrom"] == "chrM", ["start", "end"]] = [10, 90]
    regions["end"] = np.minimum(regions["end"], regions["chrom"].map(LENGTHS))
    found = read_means(tmp_path / "signal", regions, LENGTHS)
    np.testing.assert_allclose(found, coverage.weighted_mean(regions, values), rtol=1e-12)
    assert np.isnan(found[regions["chrom"] == "chrM"]).all() and not np.isnan(found).all()


def test_contigs_of_a_bigwig_are_renamed(tmp_path):
    path = bigwig(tmp_path / "a.bw", [("1", 10, 20, 2.0)], {"1": 5_000, "9": 7})
    regions = pd.DataFrame({"chrom": ["chr1", "chr2"], "start": [0, 0], "end": [100, 100]})
    np.testing.assert_array_equal(read_means(path, regions, LENGTHS, "add-chr"), [2.0, np.nan])
    with pytest.raises(InputError, match="names its contigs like '1', the assembly like 'chr1'; set `rename: add-chr`"):
        read_means(path, regions, LENGTHS)


def test_a_bigwig_of_another_assembly_is_refused(tmp_path):
    path = bigwig(tmp_path / "a.bw", [("chr2", 10, 20, 2.0)], {"chr1": 5_000, "chr2": 2_000})
    regions = pd.DataFrame({"chrom": ["chr1"], "start": [0], "end": [100]})
    sentence = "gives chr2 2,000 bases, the assembly has 3,000; give the bigWig of this assembly"
    with pytest.raises(InputError, match=sentence):
        read_means(path, regions, LENGTHS)
    with pytest.raises(InputError, match=sentence):
        inputs.check_sources([inputs.Source.parse(f"timing=bigwig={path}")], regions, LENGTHS, {})


@pytest.mark.parametrize("content", [b"chr1\t0\t5\n", b"", None])
def test_what_is_no_bigwig_is_refused(tmp_path, content):
    path = bigwig(tmp_path / "a.bw", [("chr1", i, i + 1, 2.0) for i in range(200)])
    path.write_bytes(path.read_bytes()[:100] if content is None else content)
    regions = pd.DataFrame({"chrom": ["chr1"], "start": [0], "end": [100]})
    with pytest.raises(InputError, match="cannot be read as a bigWig"):
        read_means(path, regions, LENGTHS)


def test_a_bigwig_and_a_table_are_checked_as_sources(tmp_path, write):
    segments = pd.DataFrame({"chrom": ["chr1", "chr1", "chr2"], "start": [0, 60, 0], "end": [60, 90, 40]})
    path = bigwig(tmp_path / "a.bw", [("chr1", 10, 20, 2.0)])
    texts = [f"timing=bigwig={path}", f"marks=table={write(MARKS)}"]
    found = inputs.check_sources([inputs.Source.parse(text) for text in texts], segments, LENGTHS, {})
    assert found["rows"].tolist()[1] == 3 and pd.isna(found["rows"][0])
    assert found["rows_in_segments"].tolist() == [1, 3] and found["contigs"].tolist() == ["chr1", "chr1,chr2"]
    with pytest.raises(InputError, match="has values in 0 of 1 kept segments, at least 1 are needed"):
        inputs.check_sources([inputs.Source.parse(texts[0])], segments.tail(1), LENGTHS, {})
