"""Folds: the table is checked base by base, and the lookup against a plain loop."""

import re
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grover.config.sections.genome import Folds
from grover.genome.folds import block_folds, contig_folds, fold_of, read_folds
from grover.runtime.errors import InputError

SCRIPT = Path(__file__).resolve().parents[3] / "workflow/scripts/make_folds.py"
LENGTHS = {"b": 100_300, "a": 40_000, "c": 900}
SEGMENTS = pd.DataFrame(
    [("b", 5_000, 60_000), ("b", 61_000, 100_300), ("a", 0, 40_000), ("c", 100, 900)], columns=["chrom", "start", "end"]
)


def paint(folds, chrom):
    """Fold of every base of a contig; fails where rows leave a hole or overlap."""
    rows = folds[folds["chrom"] == chrom]
    assert rows["start"].iloc[0] == 0 and rows["end"].iloc[-1] == LENGTHS[chrom]
    assert (rows["start"].to_numpy()[1:] == rows["end"].to_numpy()[:-1]).all()
    return np.repeat(rows["fold"].to_numpy(dtype=str), rows["end"] - rows["start"])


def make(seed=1, block=2_000, gap=101, valid=0.1, test=0.2, segments=SEGMENTS):
    return block_folds(segments, LENGTHS, block, gap, valid, test, seed)


def test_every_border_between_folds_has_its_gap():
    folds = make()
    assert folds["chrom"].unique().tolist() == list(LENGTHS)
    for chrom in LENGTHS:
        rows = folds[folds["chrom"] == chrom].reset_index()
        paint(folds, chrom)
        gaps = rows.index[rows["fold"] == "gap"]
        assert (rows["end"] - rows["start"])[gaps].eq(101).all()
        for i in gaps:
            assert rows["fold"][i - 1] != rows["fold"][i + 1]
        # without its gaps, no two rows of one fold touch, since equal neighbours are merged
        assert gaps.tolist() == list(range(1, len(rows), 2))


def test_shares_hold_over_the_bases_and_contigs_spread():
    folds = make(gap=0)
    bases = {fold: 0 for fold in ("train", "valid", "test")}
    for chrom in ("b", "a"):
        painted = paint(folds, chrom)
        assert set(painted) == {"train", "valid", "test"}
        for _, start, end in SEGMENTS[SEGMENTS["chrom"] == chrom].itertuples(index=False):
            for fold in bases:
                bases[fold] += np.count_nonzero(painted[start:end] == fold)
    total = sum(bases.values())
    assert bases["valid"] / total == pytest.approx(0.1, abs=0.02)
    assert bases["test"] / total == pytest.approx(0.2, abs=0.02)


def test_the_seed_decides():
    assert make(seed=3).equals(make(seed=3))
    assert not make(seed=3).equals(make(seed=4))


def test_blocks_without_sequence_make_no_borders():
    segments = pd.DataFrame({"chrom": ["b", "b"], "start": [50_000, 80_000], "end": [56_000, 86_000]})
    folds = make(block=2_000, segments=segments, valid=0.3, test=0.3)
    middle = folds[(folds["chrom"] == "b") & (folds["start"] < 80_000) & (folds["end"] > 58_000)]
    assert (middle["fold"] == "gap").sum() <= 1
    assert folds.loc[folds["chrom"] == "b", "fold"].isin(["train", "valid", "test"]).sum() <= 6


def dealt_one_by_one(segments, lengths, block, gap, shares, seed):
    """Folds by a plain loop over contigs and blocks, as lines of folds.bed."""
    generator, dealt, lines = np.random.default_rng(seed), np.zeros(3), []
    for chrom, length in lengths.items():
        edges = np.linspace(0, length, max(1, round(length / block)) + 1).astype(int)
        held = np.zeros(length, bool)
        for start, end in segments.loc[segments["chrom"] == chrom, ["start", "end"]].to_numpy():
            held[start:end] = True
        fold = [None] * (len(edges) - 1)
        for i in generator.permutation(np.arange(len(fold))):
            bases = np.count_nonzero(held[edges[i] : edges[i + 1]])
            if bases:
                fold[i] = np.argmax(np.where(np.array(shares) > 0, shares * (dealt.sum() + bases) - dealt, -np.inf))
                dealt[fold[i]] += bases
        fold = pd.Series(fold, dtype=float).ffill().bfill().fillna(0).astype(int).tolist()
        pieces = [[0, fold[0]]] + [[edges[i], fold[i]] for i in range(1, len(fold)) if fold[i] != fold[i - 1]]
        for i, (start, kind) in enumerate(pieces):
            end = pieces[i + 1][0] if i + 1 < len(pieces) else length
            first, last = start + (gap - gap // 2) * (i > 0), end - gap // 2 * (i + 1 < len(pieces))
            lines.append((chrom, first, last, ["train", "valid", "test"][kind]))
            if gap and i + 1 < len(pieces):
                lines.append((chrom, end - gap // 2, end + gap - gap // 2, "gap"))
    return lines


@pytest.mark.parametrize("seed", range(12))
def test_equal_a_plain_loop(seed):
    generator = np.random.default_rng([seed, 1])
    longest = 30_000 if seed % 2 else 1_500
    lengths = {f"c{i}": int(length) for i, length in enumerate(generator.integers(1, longest, 30))}
    rows = []
    for name, length in lengths.items():
        cuts = np.unique(generator.integers(0, length + 1, 2 * int(generator.integers(0, 4))))
        rows += [(name, start, end) for start, end in cuts[: len(cuts) // 2 * 2].reshape(-1, 2)]
    segments = pd.DataFrame(rows, columns=["chrom", "start", "end"])
    block, gap = int(generator.integers(300, 3_000)), int(generator.integers(0, 300)) * (seed % 3 > 0)
    folds = block_folds(segments, lengths, block, gap, 0.2, 0.3, seed)
    expected = dealt_one_by_one(segments, lengths, block, gap, np.array([1 - 0.2 - 0.3, 0.2, 0.3]), seed)
    assert list(folds.itertuples(index=False, name=None)) == expected


def test_whole_contigs():
    folds = contig_folds(LENGTHS, ["c"], ["a"])
    assert folds["fold"].tolist() == ["train", "test", "valid"]
    assert folds["end"].tolist() == list(LENGTHS.values())


@pytest.mark.parametrize("by_number", [True, False])
def test_fold_of_equals_a_loop(tmp_path, by_number):
    make().to_csv(tmp_path / "folds.bed", sep="\t", header=False, index=False)
    folds = read_folds(tmp_path / "folds.bed")
    painted = {chrom: paint(folds, chrom) for chrom in LENGTHS}
    generator = np.random.default_rng(0)
    codes = generator.integers(0, 3, 500)
    names = np.array(list(LENGTHS))[codes]
    start = generator.integers(0, [LENGTHS[name] for name in names])
    end = start + generator.integers(1, 3000, 500)
    found = fold_of(folds, codes if by_number else pd.Series(names), start, end)
    for name, s, e, fold in zip(names, start, end, found, strict=True):
        inside = set(painted[name][s:e]) if e <= LENGTHS[name] else {"gap"}
        assert fold == (inside.pop() if len(inside) == 1 else "gap")
    assert fold_of(folds, np.array(["z"]), [0], [5]).tolist() == ["gap"]
    assert fold_of(folds, np.array(["a"]), [-5], [5]).tolist() == ["gap"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"valid": 0.5, "test": 0.5}, "must leave something to train on"),
        ({"gap": 2_000}, "the gap between folds (2,000) must be shorter than a block (2,000)"),
        ({"block": 200_000, "segments": SEGMENTS.iloc[:2]}, "fold valid gets none of the 1 blocks"),
    ],
)
def test_bad_shares(options, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        make(**options)


@pytest.mark.parametrize(
    ("valid", "test", "sentence"),
    [
        (["z"], ["a"], "held-out contig z is not among"),
        (["a"], ["a"], "cannot be both"),
        (["a", "b"], ["c"], "every contig is held out"),
    ],
)
def test_bad_contigs(valid, test, sentence):
    with pytest.raises(InputError, match=sentence):
        contig_folds(LENGTHS, valid, test)


@pytest.fixture
def make_folds(tmp_path):
    """The command, with a genome of three contigs that are called by numbers."""
    (tmp_path / "segments.bed").write_text("".join(f"{name}\t0\t9000\ts{name}\n" for name in (1, 21, 22)))
    lengths = "".join(f"{name}\t9000\tkept\t\n" for name in (1, 21, 22))
    (tmp_path / "contigs.tsv").write_text(f"contig\tlength\tstatus\taliases\n{lengths}")
    places = [tmp_path / name for name in ("segments.bed", "contigs.tsv", "folds.bed")]
    return lambda **settings: runpy.run_path(str(SCRIPT))["make_folds"](*places, Folds(**settings), seed=1)


def test_the_command_holds_out_contigs_or_blocks(make_folds, tmp_path):
    make_folds(method="contigs", valid=["21"], test=["22"])
    assert read_folds(tmp_path / "folds.bed")["fold"].tolist() == ["train", "valid", "test"]
    make_folds(block=1000, gap=0, valid=0.25)
    assert {*read_folds(tmp_path / "folds.bed")["fold"]} == {"train", "valid", "test"}


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"method": "contigs"}, "--method contigs: --valid and --test need names of contigs, not 0.1 and 0.1"),
        (
            {"valid": ["21"]},
            "--method blocks: --valid and --test need one share above 0 and at most 0.5, not 21 and 0.1",
        ),
    ],
)
def test_the_command_names_options_that_do_not_fit_its_method(make_folds, settings, sentence):
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        make_folds(**settings)
