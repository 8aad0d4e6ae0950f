"""Matched negatives: where they lie is looked up base by base, what they are like is counted base by base."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from grover.benchmarks.matched_negatives import GC_TOLERANCE, REPEAT_TOLERANCE, Background, genomic_matched
from grover.genome.assembly import Genome
from grover.genome.bases import decode

LENGTH = 300


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """600 kb in five segments on two contigs: GC drifts between 0.3 and 0.7, a third of the bases are repeats."""
    folder = tmp_path_factory.mktemp("genome")
    rng = np.random.default_rng(0)
    segments = pd.DataFrame(
        [("chr1", 1000, 151_000), ("chr1", 151_500, 300_500), ("chr2", 0, 200_000), ("chr2", 210_000, 310_900)],
        columns=["chrom", "start", "end"],
    ).assign(name="s")
    size = int((segments["end"] - segments["start"]).sum())
    gc = 0.5 + 0.2 * np.sin(np.arange(size) / 4000)
    codes = np.where(rng.random(size) < gc, rng.integers(1, 3, size), rng.choice([0, 3], size)).astype(np.uint8)
    np.save(folder / "sequence.npy", codes)
    segments.to_csv(folder / "segments.bed", sep="\t", header=False, index=False)
    starts = np.concatenate([np.arange(0, 310_000, 900) + rng.integers(0, 500, 345) for _ in range(2)])
    repeats = pd.DataFrame({"chrom": np.repeat(["chr1", "chr2"], 345), "start": starts, "end": starts + 320})
    edges = np.arange(0, 320_000, 40_000)
    names = ["train", "train", "valid", "test", "train", "gap", "train", "test"]
    folds = pd.concat(
        [pd.DataFrame({"chrom": c, "start": edges, "end": edges + 40_000, "fold": names}) for c in ("chr1", "chr2")],
        ignore_index=True,
    )
    genome = Genome(folder / "sequence.npy", folder / "segments.bed")
    return genome, folds, repeats


def sites(rng, genome: Genome, folds: pd.DataFrame, number: int, length: int = LENGTH) -> pd.DataFrame:
    """Windows that lean to GC, in segments and folds."""
    rows = []
    while len(rows) < number:
        fold = folds.iloc[rng.integers(len(folds))]
        start = int(rng.integers(fold["start"], fold["end"] - length))
        codes = genome.fetch(fold["chrom"], start, start + length)
        if fold["fold"] != "gap" and codes.max() < 4 and np.isin(codes, [1, 2]).mean() > rng.uniform(0.3, 0.7):
            rows.append((fold["chrom"], start, start + length, "+", fold["fold"]))
    return pd.DataFrame(rows, columns=["chrom", "start", "end", "strand", "fold"])


def bases(table: pd.DataFrame) -> list[set[tuple[str, int]]]:
    return [{(row.chrom, i) for i in range(row.start, row.end)} for row in table.itertuples()]


def measured(table: pd.DataFrame, genome: Genome, repeats: pd.DataFrame) -> np.ndarray:
    masked = set().union(*bases(repeats))
    texts = [decode(genome.fetch(row.chrom, row.start, row.end)) for row in table.itertuples()]
    shares = [len(window & masked) / len(window) for window in bases(table)]
    return np.array(
        [((text.count("G") + text.count("C")) / len(text), s) for text, s in zip(texts, shares, strict=True)]
    )


def test_negatives_lie_in_their_fold_clear_of_all_else_and_look_like_their_positives(world):
    genome, folds, repeats = world
    rng = np.random.default_rng(1)
    positives = sites(rng, genome, folds, 200).sample(frac=1, random_state=0)
    blacklist = pd.DataFrame({"chrom": ["chr1", "chr2", "chrX"], "start": [20_000, 5000, 1], "end": [29_000, 9000, 50]})
    made = genomic_matched(positives, Background(genome, folds, positives, repeats, blacklist), seed=4)

    assert list(made.columns) == ["chrom", "start", "end", "strand", "fold"] and made.index.equals(positives.index)
    assert made["fold"].equals(positives["fold"])
    matched = made["chrom"] != ""
    assert matched.mean() > 0.95
    assert (made.loc[~matched, ["start", "end"]] == -1).all(axis=None)
    kept, theirs = made[matched], positives[matched]
    assert (kept["end"] - kept["start"] == LENGTH).all() and set(kept["strand"]) == {"+", "-"}

    windows = bases(kept)
    assert len(set().union(*windows)) == LENGTH * len(kept)  # no two share a base
    assert not set().union(*windows) & set().union(*bases(positives), *bases(blacklist))
    fold_of = {(row.chrom, block): row.fold for row in folds.itertuples() for block in [row.start // 40_000]}
    for row in kept.itertuples():
        assert {fold_of[row.chrom, i // 40_000] for i in (row.start, row.end - 1)} == {row.fold}
        assert genome.fetch(row.chrom, row.start, row.end).max() < 4
        assert genome.position(row.chrom, [row.end - 1]) - genome.position(row.chrom, [row.start]) == LENGTH - 1

    ours, others = measured(kept, genome, repeats), measured(theirs, genome, repeats)
    assert (np.abs(ours - others) <= [GC_TOLERANCE + 1e-9, REPEAT_TOLERANCE + 1e-9]).all()
    assert np.abs(ours.mean(axis=0) - others.mean(axis=0)).max() < 0.01
    assert all(ks_2samp(ours[:, i], others[:, i], method="asymp").pvalue > 0.5 for i in range(2))


def test_matching_is_what_makes_them_alike(world):
    """Windows at random are told from the positives by their GC."""
    genome, folds, repeats = world
    positives = sites(np.random.default_rng(1), genome, folds, 200)
    starts = np.random.default_rng(2).integers(1000, 140_000, 200)
    anywhere = pd.DataFrame({"chrom": "chr1", "start": starts, "end": starts + LENGTH})
    assert ks_2samp(*(measured(table, genome, repeats)[:, 0] for table in (positives, anywhere))).pvalue < 1e-3


def test_negatives_are_seeded(world):
    genome, folds, repeats = world
    positives = sites(np.random.default_rng(1), genome, folds, 60)
    first, again, other = (
        genomic_matched(positives, Background(genome, folds, positives, repeats), seed) for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(first, again)
    assert (first["start"] != other["start"]).mean() > 0.9


def test_windows_of_several_lengths_do_not_overlap_either(world):
    genome, folds, _ = world
    rng = np.random.default_rng(3)
    positives = pd.concat([sites(rng, genome, folds, 100, length) for length in (70, 300, 501)], ignore_index=True)
    made = genomic_matched(positives, Background(genome, folds, positives), seed=0)
    kept = made[made["chrom"] != ""]
    assert len(kept) > 285
    size = (kept["end"] - kept["start"]).to_numpy()
    np.testing.assert_array_equal(size, (positives["end"] - positives["start"])[kept.index])
    assert len(set().union(*bases(kept))) == size.sum()


def test_positives_without_a_like_or_a_place_have_no_negative(world):
    genome, folds, repeats = world
    positives = pd.DataFrame(
        {
            "chrom": ["chr1", "chr1", "chr9", "chr2"],
            "start": [150_900, 5000, 5000, 205_000],
            "end": [151_600, 5300, 5300, 205_300],  # over the end of a segment, fitting, on no contig, in no segment
            "strand": "+",
            "fold": ["test", "train", "train", "train"],
        }
    )
    made = genomic_matched(positives, Background(genome, folds, positives, repeats), seed=0)
    assert (made["chrom"] == "").tolist() == [True, False, True, True]
    everything = pd.DataFrame({"chrom": ["chr1", "chr2"], "start": 0, "end": 400_000})
    assert (genomic_matched(positives, Background(genome, folds, everything, repeats), seed=0)["chrom"] == "").all()
    assert len(genomic_matched(positives[:0], Background(genome, folds, positives, repeats), seed=0)) == 0
