"""Copies in several folds against a plain search for repeated words, and on planted copies."""

import re
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grover.config.sections.genome import Folds
from grover.genome.assembly import Genome
from grover.genome.bases import decode, encode
from grover.genome.copies import BRIDGED, K, _words, keep_in_one_fold
from grover.genome.folds import close_circles, read_folds
from grover.runtime.errors import InputError

SCRIPT = Path(__file__).resolve().parents[3] / "workflow/scripts/make_folds.py"
FOLDS = pd.DataFrame(
    [
        ("a", 0, 4_000, "train"),
        ("a", 4_000, 4_100, "gap"),
        ("a", 4_100, 6_000, "test"),
        ("a", 6_000, 8_000, "valid"),
        ("b", 0, 2_000, "test"),
    ],
    columns=["chrom", "start", "end", "fold"],
)
SEGMENTS = "a\t0\t3000\ts0\na\t3010\t8000\ts1\nb\t0\t2000\ts2\n"


def opposite(text: str) -> str:
    return text[::-1].translate(str.maketrans("ACGT", "TGCA"))


def genome_of(folder, plant) -> tuple[Genome, dict[str, str]]:
    """A random genome into which `plant` writes copies, by contig; ten bases of `a` are no segment's."""
    rng = np.random.default_rng(5)
    bases = {name: rng.choice(list("ACGT"), size) for name, size in (("a", 8_000), ("b", 2_000))}
    plant(bases, lambda size: rng.choice(list("ACGT"), size))
    texts = {name: "".join(row) for name, row in bases.items()}
    joined = texts["a"][:3_000] + texts["a"][3_010:] + texts["b"]
    np.save(folder / "sequence.npy", encode(joined))
    (folder / "segments.bed").write_text(SEGMENTS)
    return Genome(folder / "sequence.npy", folder / "segments.bed"), texts


def cut_of(folds: pd.DataFrame) -> list[tuple]:
    """What was in a fold and is in the gap now."""
    old, new = ({name: _paint(table, name) for name in ("a", "b")} for table in (FOLDS, folds))
    found = []
    for name in ("a", "b"):
        places = np.flatnonzero(old[name] != new[name])
        assert set(new[name][places]) <= {"gap"}
        for run in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1) if len(places) else []:
            found.append((name, int(run[0]), int(run[-1]) + 1))
    return found


def _paint(folds: pd.DataFrame, chrom: str) -> np.ndarray:
    rows = folds[folds["chrom"] == chrom]
    assert (rows["start"].to_numpy()[1:] == rows["end"].to_numpy()[:-1]).all() and (rows["end"] > rows["start"]).all()
    assert (rows["fold"].to_numpy()[1:] != rows["fold"].to_numpy()[:-1]).all()
    return np.repeat(rows["fold"].to_numpy(dtype=str), rows["end"] - rows["start"])


def test_copies_stay_in_train_or_else_in_test(tmp_path):
    def plant(bases, random):
        copy = random(300)
        bases["a"][1_000:1_300] = bases["a"][4_500:4_800] = copy  # train and test: leaves test
        bases["b"][100:400] = list(opposite("".join(copy)))  # also on the other strand of another contig
        bases["a"][6_500:6_700] = bases["b"][700:900] = random(200)  # test and valid: leaves valid
        bases["a"][2_000:2_200] = bases["a"][2_500:2_700] = random(200)  # twice in train: stays
        bases["a"][1_500:1_540] = bases["a"][5_500:5_540] = random(40)  # too short

    genome, texts = genome_of(tmp_path, plant)
    folds, removed = keep_in_one_fold(FOLDS, genome, 100)
    assert [(name, round(start, -1), round(end, -1)) for name, start, end in cut_of(folds)] == [
        ("a", 4_500, 4_800),
        ("a", 6_500, 6_700),
        ("b", 100, 400),
    ]
    assert sum(removed.values()) == sum(end - start for _, start, end in cut_of(folds))
    assert _shared(texts, folds, 100) == set()
    assert _shared(texts, FOLDS, 100) != set()


def _shared(texts: dict[str, str], folds: pd.DataFrame, length: int) -> set[str]:
    """Stretches of so many bases, as the smaller strand, that stand in two folds."""
    found: dict[str, set[str]] = {}
    for name, text in texts.items():
        for _, start, end, fold in folds[(folds["chrom"] == name) & (folds["fold"] != "gap")].itertuples(index=False):
            for place in range(start, end - length + 1):
                word = text[place : place + length]
                found.setdefault(min(word, opposite(word)), set()).add(fold)
    return {word for word, where in found.items() if len(where) > 1}


def test_copies_that_differ_are_bridged(tmp_path):
    def plant(bases, random):
        bases["a"][1_000:1_400] = copy = random(400)
        changed = copy.copy()
        changed[[60, 150, 190, 300]] = [{"A": "C"}.get(base, "A") for base in changed[[60, 150, 190, 300]]]
        bases["a"][5_000:5_400] = changed

    genome, _ = genome_of(tmp_path, plant)
    ((_, start, end),) = cut_of(keep_in_one_fold(FOLDS, genome, 300)[0])
    assert abs(start - 5_000) < 4 and abs(end - 5_400) < 4
    assert cut_of(keep_in_one_fold(FOLDS, genome, 500)[0]) == []
    assert K == 32 and BRIDGED == 100


def test_words_are_those_of_a_plain_reading(tmp_path):
    genome, _ = genome_of(tmp_path, lambda bases, random: None)
    starts, words = _words(genome)
    text = decode(genome.codes)
    whole = [place for place in range(len(text) - K + 1) if not any(place < edge < place + K for edge in genome.bounds)]
    assert starts.tolist() == whole
    for place in (0, 700, 2_968, 3_000, len(text) - K):
        number = min(
            int("".join(str("ACGT".index(base)) for base in word), 4)
            for word in (text[place : place + K], opposite(text[place : place + K]))
        )
        assert int(words[np.searchsorted(starts, place)]) == number


def test_a_genome_shorter_than_a_word_has_no_copies(tmp_path):
    np.save(tmp_path / "sequence.npy", encode("ACGT"))
    (tmp_path / "segments.bed").write_text("a\t0\t4\ts0\n")
    genome = Genome(tmp_path / "sequence.npy", tmp_path / "segments.bed")
    folds = pd.DataFrame([("a", 0, 4, "train")], columns=FOLDS.columns)
    assert keep_in_one_fold(folds, genome, 32)[0].equals(folds)


def test_the_ends_of_a_circular_contig_are_neighbours():
    table = FOLDS.iloc[:4]
    closed = close_circles(table, ["a"], 100)
    assert closed.to_numpy().tolist() == [
        ["a", 0, 50, "gap"],
        ["a", 50, 4_000, "train"],
        ["a", 4_000, 4_100, "gap"],
        ["a", 4_100, 6_000, "test"],
        ["a", 6_000, 7_950, "valid"],
        ["a", 7_950, 8_000, "gap"],
    ]
    assert close_circles(table, [], 100).equals(table) and close_circles(table, ["a"], 0).equals(table)
    alike = table.assign(fold=["train", "gap", "test", "train"])
    assert close_circles(alike, ["a"], 100).equals(alike)
    assert close_circles(FOLDS, ["b"], 100).equals(FOLDS)
    with pytest.raises(InputError, match="`folds.circular` names the contig c, which is not among those kept"):
        close_circles(table, ["c"], 100)


def test_the_command_cuts_copies_and_closes_circles(tmp_path):
    def plant(bases, random):
        bases["b"][:] = bases["a"][:2_000]

    genome, _ = genome_of(tmp_path, plant)
    (tmp_path / "contigs.tsv").write_text("contig\tlength\tstatus\taliases\na\t8000\tkept\t\nb\t2000\tkept\t\n")
    places = [tmp_path / name for name in ("segments.bed", "contigs.tsv", "folds.bed")]
    make_folds = runpy.run_path(str(SCRIPT))["make_folds"]
    settings = Folds(block=1_000, gap=10, valid=0.2, test=0.3, copies=50, circular=["a"])
    with pytest.raises(InputError, match=re.escape("--copies needs the sequence")):
        make_folds(*places, settings, seed=1)
    make_folds(*places, settings, seed=1, sequence=tmp_path / "sequence.npy")
    folds = read_folds(places[2])
    assert folds["end"].sub(folds["start"]).sum() == 10_000 and "gap" in set(folds["fold"])
