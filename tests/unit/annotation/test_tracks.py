"""Annotation of regions against bedtools and hand-made examples."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pybedtools
import pybigtools
import pytest

from grover.annotation import tracks
from grover.annotation.tracks import annotate, each_track, in_order, read_tracks
from grover.intervals.formats import read_columns
from grover.runtime.errors import InputError

LENGTHS = {"chr1": 10_000, "chr2": 5_000}
HEADER = "track\tsource\tformat\tkind\tcolumn\n"


def intervals(rng, n, longest):
    chrom = rng.choice(list(LENGTHS), n)
    start = np.array([rng.integers(0, LENGTHS[name] - longest) for name in chrom])
    table = pd.DataFrame({"chrom": chrom, "start": start, "end": start + rng.integers(20, longest, n)})
    return table.sort_values(["chrom", "start"]).reset_index(drop=True)


def tracks_of(tmp_path, *rows, header=HEADER):
    path = tmp_path / "tracks.tsv"
    path.write_text("# a comment\n" + header + "".join("\t".join(row) + "\n" for row in rows))
    return read_tracks(path)


def bed(tmp_path, name, table):
    table.to_csv(tmp_path / name, sep="\t", header=False, index=False)
    return tmp_path / name


def test_category_and_presence_agree_with_bedtools(tmp_path):
    rng = np.random.default_rng(4)
    regions, states = intervals(rng, 60, 800), intervals(rng, 80, 400)
    states["name"] = rng.choice(["active", "quiet", "other"], 80)
    path = bed(tmp_path, "states.bed", states)
    rows = [("state", "states", "bed", "category", "name"), ("marked", "states", "bed", "presence", "-")]
    table = annotate(regions, tracks_of(tmp_path, *rows), {"states": path}, LENGTHS, {}, 0.3)

    query = pybedtools.BedTool.from_dataframe(regions)
    assert table["marked"].tolist() == [
        feature.count > 0 for feature in query.intersect(pybedtools.BedTool(path), c=True)
    ]
    covered = {}
    for name in ("active", "other", "quiet"):
        part = pybedtools.BedTool.from_dataframe(states[states["name"] == name])
        covered[name] = [float(feature.fields[-1]) for feature in query.coverage(part)]
    shares = pd.DataFrame(covered)
    expected = shares.idxmax(axis=1).where(shares.max(axis=1) >= 0.3, "none")
    assert table["state"].tolist() == expected.tolist()
    assert table["state"].nunique() == 4


def test_quantity_is_the_mean_over_covered_bases(tmp_path):
    regions = pd.DataFrame({"chrom": ["chr1", "chr1"], "start": [0, 500], "end": [100, 600]})
    values = pd.DataFrame({"chrom": "chr1", "start": [0, 50], "end": [10, 80], "value": [4.0, 1.0]})
    path = bed(tmp_path, "timing.bedgraph", values)
    tracks = tracks_of(tmp_path, ("timing", "replication", "bedgraph", "quantity", "-"))
    table = annotate(regions, tracks, {"replication": path}, LENGTHS, {}, 0.2)
    assert table["timing"][0] == pytest.approx((10 * 4 + 30 * 1) / 40)
    assert np.isnan(table["timing"][1])


def test_a_track_without_source_is_left_out(tmp_path):
    regions = pd.DataFrame({"chrom": ["chr1"], "start": [0], "end": [100]})
    path = bed(tmp_path, "states.bed", regions.assign(name="x"))
    row = ("gene", "genes", "gtf", "presence", "-")
    assert annotate(regions, tracks_of(tmp_path, row), {"states": path}, LENGTHS, {}, 0.2).shape == (1, 0)


def test_strand_of_a_region_that_features_of_one_strand_cover(tmp_path):
    regions = pd.DataFrame({"chrom": "chr1", "start": range(0, 600, 100), "end": range(100, 700, 100)})
    rows = [
        (0, 40, "+"),
        (100, 125, "-"),
        (120, 190, "-"),
        (200, 240, "+"),
        (230, 290, "-"),
        (300, 319, "+"),
        (400, 480, "."),
    ]
    genes = pd.DataFrame(rows, columns=["start", "end", "strand"]).assign(chrom="chr1", name="g", score=0)
    path = bed(tmp_path, "genes.bed", genes[["chrom", "start", "end", "name", "score", "strand"]])
    tracks = tracks_of(tmp_path, ("gene_strand", "genes", "bed", "strand", "-"))
    table = annotate(regions, tracks, {"genes": path}, LENGTHS, {}, 0.2)
    # both strands, too little, no strand and nothing at all are left out
    assert table["gene_strand"].tolist() == ["+", "-", "", "", "", ""]


def repeats(tmp_path, rows):
    lines = [
        [1, 9, 1, 1, 1, "chr1", start, end, -1, strand, name, group, family, 1, 2, 3, 4]
        for start, end, strand, name, group, family in rows
    ]
    return bed(tmp_path, "rmsk.txt", pd.DataFrame(lines))


REPEATS = [
    (0, 50, "+", "AluY", "SINE", "Alu"),
    (40, 60, "-", "L1", "LINE", "L1"),
    (110, 130, "-", "L2", "LINE", "L2"),
    (220, 230, "+", "MER", "DNA", "hAT"),
]


def test_where_selects_rows_and_repeats_are_measured_whole(tmp_path):
    regions = pd.DataFrame({"chrom": "chr1", "start": [0, 100, 200], "end": [100, 200, 300]})
    rows = [
        ("line", "repeats", "rmsk", "presence", "-", "class=LINE"),
        ("line_strand", "repeats", "rmsk", "strand", "-", "class=LINE"),
        ("family", "repeats", "rmsk", "category", "family", "class=LINE|DNA"),
        ("again", "repeats", "rmsk", "category", "class", "-"),
    ]
    path = repeats(tmp_path, REPEATS)
    tracks = tracks_of(tmp_path, *rows, header=HEADER[:-1] + "\twhere\n")
    table = annotate(regions, tracks, {"repeats": path}, LENGTHS, {}, 0.1)
    assert table["line"].tolist() == [True, True, False]
    assert table["line_strand"].tolist() == ["-", "-", ""]
    assert table["family"].tolist() == ["L1", "L2", "hAT"]
    assert table["again"].tolist() == ["SINE", "LINE", "DNA"]
    assert table["repeat_share"].tolist() == [0.6, 0.2, 0.1]
    assert list(table) == ["line", "line_strand", "family", "again", "repeat_share"]
    assert "repeat_share" not in annotate(regions, tracks, {}, LENGTHS, {}, 0.1)


def test_intervals_of_each_track_whose_source_is_read_once(tmp_path, monkeypatch):
    read = []
    monkeypatch.setattr(tracks, "read_columns", lambda path, *rest: read.append(path) or read_columns(path, *rest))
    states = bed(tmp_path, "states.bed", pd.DataFrame({"chrom": ["chr2"], "start": [7], "end": [9], "name": ["x"]}))
    rows = [
        ("line", "repeats", "rmsk", "presence", "-", "class=LINE"),
        ("state", "states", "bed", "category", "name", "-"),
        ("family", "repeats", "rmsk", "category", "family", "class=LINE|DNA"),
        ("gene", "genes", "gtf", "presence", "-", "-"),
    ]
    table = tracks_of(tmp_path, *rows, header=HEADER[:-1] + "\twhere\n")
    sources = {"repeats": repeats(tmp_path, REPEATS), "states": states}
    found = {track.track: part for track, part in each_track(table, sources, LENGTHS, {})}
    assert list(found) == ["line", "family", "state"] and sorted(read) == sorted(sources.values())
    assert found["line"]["start"].tolist() == [40, 110] and found["state"]["start"].tolist() == [7]
    assert found["family"]["family"].tolist() == ["L1", "L2", "hAT"]
    parts = {(name, "a"): number for number, name in enumerate(found)}
    assert list(in_order(parts, table)) == [("line", "a"), ("state", "a"), ("family", "a")]


def test_features_of_a_gtf_and_columns_of_a_table(tmp_path):
    regions = pd.DataFrame({"chrom": "chr1", "start": [0, 100, 200], "end": [100, 200, 300]})
    features = [("gene", 1, 150), ("exon", 101, 150)]
    lines = [["chr1", "x", feature, start, end, ".", "+", ".", "gene_id G;"] for feature, start, end in features]
    genes = bed(tmp_path, "genes.gtf", pd.DataFrame(lines))
    marks = tmp_path / "marks.tsv"
    marks.write_text("chrom\tstart\tend\tH3K4me3\tDnase\nchr1\t0\t100\t1\t0\nchr1\t100\t150\t0\t1\n")
    rows = [
        ("gene", "genes", "gtf", "presence", "-", "feature=gene"),
        ("exon", "genes", "gtf", "presence", "-", "feature=exon"),
        ("gene_strand", "genes", "gtf", "strand", "-", "feature=gene"),
        ("mark", "marks", "table", "quantity", "H3K4me3", "-"),
        ("open", "marks", "table", "quantity", "Dnase", "Dnase=1"),
    ]
    tracks = tracks_of(tmp_path, *rows, header=HEADER[:-1] + "\twhere\n")
    table = annotate(regions, tracks, {"genes": genes, "marks": marks}, LENGTHS, {}, 0.2)
    assert table["gene"].tolist() == [True, True, False] and table["exon"].tolist() == [False, True, False]
    assert table["gene_strand"].tolist() == ["+", "+", ""]
    np.testing.assert_array_equal(table["mark"], [1, 0, np.nan])
    np.testing.assert_array_equal(table["open"], [np.nan, 1, np.nan])


def test_a_bigwig_track(tmp_path):
    path = tmp_path / "timing.bigWig"
    pybigtools.open(str(path), "w").write(LENGTHS, [("chr1", 0, 10, 4.0), ("chr1", 50, 80, 1.0)])
    regions = pd.DataFrame({"chrom": "chr1", "start": [0, 500], "end": [100, 600]})
    tracks = tracks_of(tmp_path, ("timing", "replication", "bigwig", "quantity", "-"))
    table = annotate(regions, tracks, {"replication": path}, LENGTHS, {}, 0.2)
    np.testing.assert_allclose(table["timing"], [70 / 40, np.nan])


def test_chromosomes_are_a_category_and_a_where_like_others(tmp_path):
    regions = pd.DataFrame({"chrom": ["chr1", "chr2"], "start": [0, 0], "end": [100, 100]})
    path = bed(tmp_path, "states.bed", regions.assign(name="x"))
    rows = [("on", "states", "bed", "category", "chrom", "-"), ("two", "states", "bed", "presence", "-", "chrom=chr2")]
    tracks = tracks_of(tmp_path, *rows, header=HEADER[:-1] + "\twhere\n")
    table = annotate(regions, tracks, {"states": path}, LENGTHS, {}, 0.2)
    assert table["on"].tolist() == ["chr1", "chr2"] and table["two"].tolist() == [False, True]


def test_faults_of_a_quantity_name_file_and_track(tmp_path):
    regions = pd.DataFrame({"chrom": ["chr1"], "start": [0], "end": [100]})
    marks = tmp_path / "marks.tsv"
    rows = [("mark", "marks", "table", "quantity", "v", "-"), ("high", "marks", "table", "presence", "-", "v=1")]
    tracks = tracks_of(tmp_path, *rows, header=HEADER[:-1] + "\twhere\n")
    for second, sentence in (
        ("20\t30\toops", "v must be a number, or . where it is missing, not 'oops'"),
        ("5\t30\t1", "two intervals with a v"),
    ):
        marks.write_text(f"chrom\tstart\tend\tv\nchr1\t0\t10\t1\nchr1\t{second}\n")
        with pytest.raises(InputError, match=f"marks.tsv, track mark: {sentence}"):
            annotate(regions, tracks, {"marks": marks}, LENGTHS, {}, 0.2)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            ("state", "states", "bed", "category", "class", "-"),
            "no column class for track state; it has chrom, start, end, name",
        ),
        (("state", "states", "bed", "presence", "-", "kind=a"), "no column kind for track state"),
        (("state", "states", "bed", "strand", "-", "-"), "no column strand for track state"),
    ],
)
def test_what_the_source_does_not_hold_is_named(tmp_path, row, message):
    regions = pd.DataFrame({"chrom": ["chr1"], "start": [0], "end": [100]})
    path = bed(tmp_path, "states.bed", regions.assign(name="x"))
    tracks = tracks_of(tmp_path, row, header=HEADER[:-1] + "\twhere\n")
    with pytest.raises(InputError, match=re.escape(message)):
        annotate(regions, tracks, {"states": path}, LENGTHS, {}, 0.2)


def test_a_where_that_no_row_matches_leaves_the_track_empty_and_says_so(tmp_path, capsys):
    regions = pd.DataFrame({"chrom": ["chr1"], "start": [0], "end": [100]})
    path = bed(tmp_path, "states.bed", regions.assign(name="x"))
    tracks = tracks_of(
        tmp_path, ("state", "states", "bed", "presence", "-", "name=y|z"), header=HEADER[:-1] + "\twhere\n"
    )
    table = annotate(regions, tracks, {"states": path}, LENGTHS, {}, 0.2)
    assert table["state"].tolist() == [False]
    said = capsys.readouterr().out
    assert "track state is empty" in said and "has no row with name=y|z; its name is x" in said


def test_a_track_of_another_assembly_says_which_names_differ(tmp_path):
    regions = pd.DataFrame({"chrom": ["chr1"], "start": [0], "end": [100]})
    tracks = tracks_of(tmp_path, ("state", "states", "bed", "presence", "-"))
    path = bed(tmp_path, "states.bed", regions.assign(chrom="1"))
    with pytest.raises(InputError, match="names its contigs like '1', the assembly like 'chr1'"):
        annotate(regions, tracks, {"states": path}, LENGTHS, {}, 0.2)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            ("a", "s", "bed", "colour", "-", "-"),
            "line 3: kind is 'colour', but something like category|presence|quantity|strand",
        ),
        (("a", "s", "xls", "presence", "-", "-"), "line 3: format is 'xls'"),
        (
            ("a", "s", "bed", "presence", "-"),
            "line 3: 6 columns were expected (track, source, format, kind, column, where), between tabs, found 5",
        ),
        (
            ("a", "s", "rmsk", "presence", "-", "class:LINE"),
            "line 3: where is 'class:LINE'; expected - for all rows, or COLUMN=VALUE",
        ),
        (("gc", "s", "bed", "presence", "-", "-"), "line 3: the name gc is taken"),
        (("a", "s", "bigwig", "category", "-", "-"), "line 3: a bigWig holds numbers alone"),
        (("a", "s", "bigwig", "quantity", "value", "-"), "line 3: a bigWig holds numbers alone"),
        (("a", "s", "table", "quantity", "end", "-"), "line 3: chrom, start and end are where track a lies"),
        (("a", "s", "bed", "presence", "-", "start=0"), "line 3: chrom, start and end are where track a lies"),
        (("a", "s", "bedgraph", "strand", "-", "-"), "line 3: bedgraph has no strand"),
        (("a", "s", "rmsk", "category", "-", "-"), "line 3: track a of kind category needs the name of a column"),
        (("a", "s", "table", "quantity", "-", "-"), "line 3: track a of kind quantity needs the name of a column"),
    ],
)
def test_wrong_tables_of_tracks_are_refused(tmp_path, row, message):
    with pytest.raises(InputError, match=re.escape(message)):
        tracks_of(tmp_path, row, header=HEADER[:-1] + "\twhere\n")


def test_two_tracks_of_one_name_are_refused(tmp_path):
    row = ("a", "s", "bed", "presence", "-")
    with pytest.raises(InputError, match="line 4: track a stands there twice"):
        tracks_of(tmp_path, row, row)


def test_the_tables_that_are_shipped_can_be_read():
    for path in (Path(__file__).parents[3] / "config").glob("*tracks.tsv"):
        kinds = read_tracks(path).set_index("track")["kind"]
        if path.name == "test.tracks.tsv":  # a few, since each costs the tests of the workflow a job
            assert {"category", "presence", "quantity", "strand"} == {*kinds}
            continue
        if path.name == "ecoli.tracks.tsv":  # a bacterium has neither exons nor LINEs
            assert {"gene", "gene_strand", "rRNA", "mobile_element"} <= {*kinds.index}
            continue
        assert {"repeat_class", "gene", "exon", "promoter", "cpg_island", "replication_timing"} <= {*kinds.index}
        assert kinds[["gene_strand", "line_strand"]].tolist() == ["strand", "strand"]
