"""Pieces of tracks from the model to bigWigs that are read back."""

import numpy as np
import pandas as pd
import pybigtools
import pytest

from grover.genome.assembly import Genome
from grover.interpretation.base_tracks import Reading
from grover.interpretation.track_files import TrackWriter, read_track, track_names
from grover.interpretation.track_regions import pieces, stretches
from grover.interpretation.track_shards import read_piece, score_piece, train_counts
from grover.interpretation.track_values import TRACKS, track_values
from grover.interpretation.track_views import best_window, importance_stretches, scored_regions
from grover.intervals.bigwig_writer import write_bigwig
from tests.unit.interpretation.test_base_tracks import BPE, reader

READING = Reading(window=30, context=4, share=0.2)
REGIONS = pd.DataFrame({"chrom": "c", "start": [150, 900], "end": [260, 1_100]})


@pytest.fixture
def genome(tmp_path):
    codes = np.random.default_rng(0).integers(0, 4, 900, dtype=np.uint8)
    np.save(tmp_path / "sequence.npy", codes)
    (tmp_path / "segments.bed").write_text("c\t100\t700\ts0\nc\t800\t1100\ts1\n")
    return Genome(tmp_path / "sequence.npy", tmp_path / "segments.bed")


def test_tracks_are_absent_where_nothing_is_scored(genome, tmp_path):
    asked = reader(BPE)
    expected = np.full((6, 1_200), np.nan)
    for shard in range(2):
        with TrackWriter(tmp_path / f"{shard}.parquet", absolute=False) as writer:
            for number, piece in enumerate(pieces(stretches(REGIONS, genome), shard, 2)):
                values, rows = score_piece(asked, genome, piece, READING, False, number)
                writer.write(piece.chrom, piece.start, values)
                expected[:, piece.start : piece.end] = [values[name] for name in TRACKS]
                assert [(row["run"], row["strands"]) for row in rows] == [
                    (1, "plus"),
                    (1, "minus"),
                    (1, "both"),
                    (2, "plus"),
                    (4, "plus"),
                    (8, "plus"),
                ]
                assert {row["bases"] for row in rows} == {piece.end - piece.start}
    paths = [tmp_path / "0.parquet", tmp_path / "1.parquet"]
    assert track_names(paths[0]) == TRACKS
    for name, values in zip(TRACKS, expected, strict=True):
        assert write_bigwig(tmp_path / "a.bw", {"c": 1_200}, read_track(paths, name)) == 310
        with open(tmp_path / "a.bw", "rb") as stream:
            found = pybigtools.open(stream).values("c", 0, 1_200, fillna=np.nan)
        assert np.array_equal(found.astype(np.float32), values.astype(np.float32), equal_nan=True)
    assert scored_regions(paths).values.tolist() == [["c", 150, 260, "c:151"], ["c", 900, 1_100, "c:901"]]

    shown = best_window(paths, genome)
    sums = np.convolve(np.nan_to_num(expected[5], nan=-99), np.ones(100), "valid")
    assert shown["pos"].iloc[0] == sums.argmax() and len(shown) == 100
    assert np.array_equal(
        ["ACGT".index(base) for base in shown["base"]], genome.fetch("c", *shown["pos"].iloc[[0, -1]] + [0, 1])
    )


def test_a_piece_averages_the_strands(genome):
    (piece, _) = pieces(stretches(REGIONS, genome), 0, 1)
    asked = reader(BPE)
    model, frequency, codes = read_piece(asked, genome, piece, READING)
    values, _ = score_piece(asked, genome, piece, READING, True, 99)
    expected = track_values((model[0] + model[1]) / 2, (frequency[0] + frequency[1]) / 2, codes, True)
    assert values.keys() == expected.keys()
    for name, column in values.items():
        np.testing.assert_allclose(column, expected[name], atol=1e-7)


def test_tokens_of_overlapping_windows_count_once():
    tokens = np.random.default_rng(1).integers(5, 9, 100).astype(np.uint16)
    windows = pd.DataFrame({"first": [50, 0, 5], "length": [10, 10, 20]})
    expected = np.bincount(np.concatenate([tokens[:25], tokens[50:60]]), minlength=9)
    assert np.array_equal(train_counts(tokens, windows, 9), expected)


def test_importance_becomes_stretches_of_neighbouring_bases():
    table = pd.DataFrame(
        {"chrom": ["b", "b", "a", "", "b", "b"], "pos": [4, 5, 7, 0, 5, 9], "importance": [1.0, 2, 3, 9, 4, 5]}
    ).assign(method="ism")
    table = pd.concat([table, table.assign(method="ig", importance=77.0)])
    found = [(chrom, start, values.tolist()) for chrom, start, values in importance_stretches(table)]
    assert found == [("a", 7, [3]), ("b", 4, [1, 3]), ("b", 9, [5])]
