"""Annotation of regions against bedtools and hand-made examples."""

import numpy as np
import pandas as pd
import pybedtools
import pytest

from grover.errors import InputError
from grover.tracks import annotate, read_tracks

LENGTHS = {"chr1": 10_000, "chr2": 5_000}
HEADER = "track\tsource\tformat\tkind\tcolumn\n"


def intervals(rng, n, longest):
    chrom = rng.choice(list(LENGTHS), n)
    start = np.array([rng.integers(0, LENGTHS[name] - longest) for name in chrom])
    table = pd.DataFrame({"chrom": chrom, "start": start, "end": start + rng.integers(20, longest, n)})
    return table.sort_values(["chrom", "start"]).reset_index(drop=True)


def tracks_of(tmp_path, *rows):
    path = tmp_path / "tracks.tsv"
    path.write_text("# a comment\n" + HEADER + "".join("\t".join(row) + "\n" for row in rows))
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


def test_a_track_without_source_is_left_out_and_a_wrong_column_is_named(tmp_path):
    regions = pd.DataFrame({"chrom": ["chr1"], "start": [0], "end": [100]})
    path = bed(tmp_path, "states.bed", regions.assign(name="x"))
    one, two = ("state", "states", "bed", "category", "class"), ("gene", "genes", "gtf", "presence", "-")
    assert annotate(regions, tracks_of(tmp_path, two), {"states": path}, LENGTHS, {}, 0.2).shape == (1, 0)
    with pytest.raises(InputError, match="no column class for track state; it has chrom, start, end, name"):
        annotate(regions, tracks_of(tmp_path, one), {"states": path}, LENGTHS, {}, 0.2)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("a", "s", "bed", "colour", "-"), "kind 'colour'; expected category, presence, quantity"),
        (("a", "s", "xls", "presence", "-"), "format 'xls'; expected bed"),
    ],
)
def test_wrong_tables_of_tracks_are_refused(tmp_path, row, message):
    with pytest.raises(InputError, match=message):
        tracks_of(tmp_path, row)
