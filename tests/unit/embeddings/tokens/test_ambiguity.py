"""Lexical ambiguity: a token with two planted meanings is found with its annotation, others are not; tests against simulation."""

import numpy as np
import pandas as pd
import pytest

from grover.annotation.tracks import read_tracks
from grover.embeddings.tokens import ambiguity, two_groups
from grover.embeddings.tokens.states import occurrences, open_contexts
from grover.embeddings.vectors import Writer
from grover.genome.assembly import Genome
from grover.runtime.errors import InputError

LENGTHS = {"chr1": 400_000, "chr2": 150_000}
TWO_MEANINGS, ONE_MEANING, BY_COMPOSITION, FEW = 1, 2, 3, 4
STATISTICS = pd.DataFrame({"id": range(5), "token": ["[PAD]", "AAA", "TTT", "ATA", "GGG"], "length": [0, 3, 3, 3, 3]})
METADATA = {"name": "chosen", "model": "a" * 64, "initial": "pretrained", "layers": [0, 3], "hidden": 24}


@pytest.fixture(scope="module")
def genome(tmp_path_factory) -> Genome:
    """Two contigs, the second with a hole; rich in G and C in every second stretch of 1,000 bases."""
    folder = tmp_path_factory.mktemp("genome")
    rng = np.random.default_rng(0)
    segments = [("chr1", 0, 400_000, "a"), ("chr2", 0, 50_000, "b"), ("chr2", 60_000, 150_000, "c")]
    rich = np.arange(540_000) // 1000 % 2
    codes = np.where(rng.random(540_000) < 0.3 + 0.4 * rich, rng.integers(1, 3, 540_000), rng.choice([0, 3], 540_000))
    np.save(folder / "sequence.npy", codes.astype(np.uint8))
    pd.DataFrame(segments).to_csv(folder / "segments.bed", sep="\t", header=False, index=False)
    return Genome(folder / "sequence.npy", folder / "segments.bed")


@pytest.fixture(scope="module")
def annotation(tmp_path_factory):
    """Repeats with strand and name, half of the genome each; genes; and numbers, which are no category."""
    folder = tmp_path_factory.mktemp("tracks")
    rng = np.random.default_rng(1)
    starts = np.arange(0, 400_000, 500)
    repeats = pd.DataFrame({"chrom": "chr1", "start": starts, "end": starts + 500})
    repeats["name"] = rng.choice(["LINE", "SINE"], len(starts))
    repeats["score"], repeats["strand"] = 0, rng.choice(["+", "-", "."], len(starts))
    genes = repeats[rng.random(len(repeats)) < 0.4][["chrom", "start", "end"]]
    numbers = repeats[["chrom", "start", "end"]].assign(value=1.5)
    tables = {"repeats": repeats, "genes": genes, "numbers": numbers}
    files = {name: folder / name for name in tables}
    for name, table in tables.items():
        table.to_csv(files[name], sep="\t", header=False, index=False)
    rows = [
        ("repeat_class", "repeats", "bed", "category", "name"),
        ("gene", "genes", "bed", "presence", "-"),
        ("timing", "numbers", "bedgraph", "quantity", "-"),
        ("lad", "absent", "bed", "presence", "-"),
    ]
    names = ["track", "source", "format", "kind", "column"]
    pd.DataFrame(rows, columns=names).to_csv(folder / "tracks.tsv", sep="\t", index=False)
    return read_tracks(folder / "tracks.tsv"), files, repeats


@pytest.fixture(scope="module")
def stored(tmp_path_factory, genome, annotation):
    """Contexts whose last layer separates LINE from SINE for one token, GC content for another and nothing for a third."""
    rng = np.random.default_rng(2)
    ids = np.repeat([TWO_MEANINGS, ONE_MEANING, BY_COMPOSITION, FEW], [200, 200, 200, 30])
    start = rng.integers(100, 399_000, len(ids))
    line = annotation[2]["name"].to_numpy()[(start + 1) // 500] == "LINE"
    shift = np.where(ids == TWO_MEANINGS, line, 0) + np.where(ids == BY_COMPOSITION, start // 1000 % 2, 0)
    states = rng.normal(size=(2, len(ids), 24))
    states[1] += 6 * shift[:, None] * rng.normal(size=24) / np.sqrt(24)
    path = tmp_path_factory.mktemp("shards") / "0.contexts.parquet"
    order = rng.permutation(len(ids))
    with Writer(path, METADATA | {"shard": 0, "shards": 1, "regions": "b" * 64}) as writer:
        columns = {"token": ids.astype(np.int32), "chrom": np.full(len(ids), "chr1"), "start": start, "end": start + 3}
        columns |= {f"state_{layer}": states[i].astype(np.float16) for i, layer in enumerate(METADATA["layers"])}
        writer.write({name: values[order] for name, values in columns.items()})
    return open_contexts([path])


@pytest.fixture(scope="module")
def table(stored, genome, annotation):
    tracks, files, _ = annotation
    annotated = ambiguity.annotate(occurrences(stored), tracks, files, LENGTHS, {}, 0)
    return ambiguity.distinguish(stored, STATISTICS, genome, annotated, minimum=60, resamples=100, seed=0)


def test_a_token_with_two_planted_meanings_is_found_with_its_annotation(table):
    best = table.iloc[0]
    assert (best["token"], best["track"]) == ("AAA", "repeat_class") and best["n"] == 200
    assert best["q"] < 1e-6 and abs(best["difference"]) > 0.8 and best["low"] * best["high"] > 0
    assert best["share_first"] - best["share_second"] == pytest.approx(best["difference"])
    assert best["silhouette"] > best["silhouette_expected"] + 0.1 and 0.5 <= best["share"] < 0.65
    assert abs(best["gc_auroc"] - 0.5) < 0.15
    assert set(table[table["token"] == "AAA"]["category"]) == {"LINE", "SINE"}


def test_a_token_with_one_meaning_is_not_and_has_one_row_with_its_best_category(table):
    row = table[table["token"] == "TTT"]
    assert len(row) == 1 and row["q"].iloc[0] > 0.05
    assert abs(row["silhouette"] - row["silhouette_expected"]).iloc[0] < 0.05


def test_groups_that_are_only_composition_are_seen_as_that(table):
    row = table[table["token"] == "ATA"]
    assert len(row) == 1 and row["q"].iloc[0] > 0.05 and abs(row["gc_auroc"].iloc[0] - 0.5) > 0.45


def test_tokens_with_few_contexts_are_left_out(table):
    assert set(table["token"]) == {"AAA", "TTT", "ATA"}


def test_without_annotation_groups_have_no_category(stored, genome):
    found = occurrences(stored)
    annotated = ambiguity.Annotated(found, [], np.zeros((len(found), 0), bool))
    table = ambiguity.distinguish(stored, STATISTICS, genome, annotated, minimum=60, resamples=10, seed=0)
    assert (
        len(table) == 3
        and table[["track", "category", "q"]].isna().all(axis=None)
        and table["silhouette"].notna().all()
    )
    assert ambiguity.distinguish(stored, STATISTICS, genome, annotated, minimum=999, resamples=300, seed=0).empty


@pytest.mark.filterwarnings("error:invalid value", "error:divide by zero")
def test_contexts_that_are_all_alike_have_no_groups():
    second, *silhouettes = ambiguity.find_groups(np.ones((80, 6), np.float16), 0)
    assert not second.any() and np.isnan(silhouettes).all() and np.isnan(two_groups.auroc(second, np.arange(80)))
    member = np.arange(80)[:, None] % 2 == 0
    found = two_groups.compare(second, member, np.arange(80), 20, 0)
    assert found["share_first"] == 0.5 and np.isnan(found["p"]).all()
    assert np.isnan(two_groups.within_strata(second, member, np.arange(80.0))).all()


def test_an_occurrence_is_where_its_middle_base_is(annotation):
    tracks, files, repeats = annotation
    places = pd.DataFrame({"chrom": ["chr1", "chr1", "chr2"], "start": [497, 496, 0], "end": [502, 500, 3]})
    annotated = ambiguity.annotate(places, tracks, files, LENGTHS, {}, 0)
    assert annotated.categories == [("repeat_class", "LINE"), ("repeat_class", "SINE"), ("gene", "gene")]
    first = [name == repeats["name"][0] for name in ("LINE", "SINE")]
    # both middles, 499 and 497, lie in the first repeat
    assert annotated.member[:, :2].tolist() == [first, first, [False, False]]


def test_the_strand_of_a_track_is_two_categories(annotation):
    _, files, repeats = annotation
    track = pd.DataFrame(
        [("strand", "repeats", "bed", "strand", "-")], columns=["track", "source", "format", "kind", "column"]
    ).assign(where="-")
    annotated = ambiguity.annotate(repeats, track, files, LENGTHS, {}, 0)
    assert annotated.categories == [("strand", "+"), ("strand", "-")]
    assert (annotated.member == (repeats["strand"].to_numpy()[:, None] == ["+", "-"])).all()


def test_gc_is_that_of_a_hundred_bases_within_the_segment(genome):
    around = genome.codes[1000 - 50 : 1000 + 50]
    # the second place is the last base before the hole
    assert np.allclose(
        ambiguity.gc_around(genome, np.array([1000, 450_000 - 1])),
        [np.isin(around, (1, 2)).mean(), np.isin(genome.codes[450_000 - 51 : 450_000], (1, 2)).mean()],
    )


def test_auroc_is_the_share_of_pairs_in_their_order():
    rng = np.random.default_rng(0)
    second, values = rng.random(80) < 0.4, rng.integers(0, 9, 80).astype(float)
    pairs = values[~second][:, None] - values[second]
    assert two_groups.auroc(second, values) == pytest.approx(((pairs > 0) + (pairs == 0) / 2).mean())


def test_shares_and_differences_are_those_of_the_groups():
    rng = np.random.default_rng(0)
    second, member = rng.random(300) < 0.4, rng.random((300, 3)) < [0.1, 0.5, 0.002]
    found = two_groups.compare(second, member, rng.integers(0, 40, 300) * 7, 100, 0)
    assert np.allclose(found["share_first"], member[~second].mean(0))
    assert np.allclose(found["difference"], member[~second].mean(0) - member[second].mean(0))
    assert (found["low"][:2] < found["difference"][:2]).all() and (found["difference"][:2] < found["high"][:2]).all()
    # too rare for a test
    assert np.isnan([found[name][2] for name in ("low", "high", "p")]).all()


def test_what_only_follows_gc_is_gone_among_occurrences_of_like_gc():
    rng = np.random.default_rng(0)
    gc = rng.random(2000)
    second, by_gc = rng.random(2000) < gc**2, rng.random(2000) < gc**2
    beyond = np.where(second, rng.random(2000) < 0.7, rng.random(2000) < 0.4)
    member = np.stack([by_gc, beyond], axis=1)
    raw = two_groups.compare(second, member, np.arange(2000) // 20, 50, 0)["difference"]
    within = two_groups.within_strata(second, member, gc)
    assert abs(raw[0]) > 0.2 and abs(within[0]) < 0.08
    assert within[1] == pytest.approx(-0.3, abs=0.07)


def test_a_category_in_few_blocks_has_no_test():
    block = np.repeat(np.arange(20), 20)
    second, member = np.arange(400) % 2 == 0, (block < 5)[:, None]
    assert np.isnan(two_groups.compare(second, member, block, 50, 0)["p"][0])
    assert np.isfinite(two_groups.compare(second, (block < 10)[:, None], block, 50, 0)["p"][0])


def test_a_group_that_lies_in_one_place_has_no_test():
    rng = np.random.default_rng(0)
    block = np.append(rng.integers(0, 100, 200), [7] * 60 + [8, 9, 10])
    second = np.arange(263) >= 200
    member = (second | (rng.random(263) < 0.3))[:, None]
    found = two_groups.compare(second, member, block, 50, 0)
    assert found["difference"][0] < -0.5 and np.isnan(found["p"][0])
    block[200:] = rng.integers(0, 100, 63)
    assert two_groups.compare(second, member, block, 50, 0)["p"][0] < 1e-6
    assert two_groups.count_blocks(np.array([5, 5, 0, 5])) == 3 and two_groups.count_blocks(np.array([90, 1, 1])) < 1.1


@pytest.mark.parametrize("clumped", [False, True])
def test_nothing_is_found_where_groups_and_annotation_are_independent(clumped):
    rng = np.random.default_rng(4)
    block = np.repeat(np.arange(60), 5)
    p = []
    for trial in range(40):
        # clumped: occurrences of a block are alike in both, as neighbours are
        by_block, cells = rng.random(60) < 0.5, rng.random((60, 8)) < 0.4
        second = by_block[block] if clumped else rng.random(300) < 0.5
        member = cells[block] if clumped else rng.random((300, 8)) < 0.4
        p.append(two_groups.compare(second, member, block, 60, trial)["p"])
    p = np.concatenate(p)
    assert 0.01 < (p < 0.05).mean() < 0.09 and np.isfinite(p).all()


def test_contexts_of_another_genome_are_refused(genome):
    elsewhere = pd.DataFrame({"chrom": ["chr1", "chr2"], "start": [5, 55_000], "end": [8, 55_003]})
    with pytest.raises(InputError, match="an occurrence at chr2:55,000, which is in no segment"):
        ambiguity.places(genome, elsewhere)
