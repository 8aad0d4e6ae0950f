"""Windows against plain strings, folds and leaks against hand-made examples."""

import numpy as np
import pandas as pd
import pytest

from grover.benchmarks import datasets
from grover.genome.assembly import Genome
from grover.genome.bases import encode
from grover.runtime.errors import InputError

LENGTH = 20


def random_bases(rng, size: int) -> str:
    return "".join(rng.choice(list("ACGT"), size))


def opposite(sequence: str) -> str:
    return sequence[::-1].translate(str.maketrans("ACGT", "TGCA"))


def genome_of(folder, contigs: dict[str, str]) -> Genome:
    """A genome of contigs written as bases with N between their segments."""
    codes, rows = [], []
    for chrom, text in contigs.items():
        start = 0
        for piece in text.split("N"):
            if piece:
                rows.append(f"{chrom}\t{start}\t{start + len(piece)}\ts{len(rows)}\n")
                codes.append(encode(piece))
            start += len(piece) + 1
    np.save(folder / "sequence.npy", np.concatenate(codes))
    (folder / "segments.bed").write_text("".join(rows))
    return Genome(folder / "sequence.npy", folder / "segments.bed")


def folds_of(chrom: str, borders: list[int], names: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"chrom": chrom, "start": borders[:-1], "end": borders[1:], "fold": names})


def windows_of(chrom: str, starts, strands="+", labels=0) -> pd.DataFrame:
    starts = np.asarray(starts)
    table = pd.DataFrame({"chrom": chrom, "start": starts, "end": starts + LENGTH, "strand": strands, "score": 1.0})
    return table.assign(label=labels, dropped="")


def test_windows_follow_the_strand_and_keep_to_segments_and_folds(tmp_path):
    rng = np.random.default_rng(1)
    chromosome = random_bases(rng, 300) + "N" * 10 + random_bases(rng, 300)
    genome = genome_of(tmp_path, {"chr1": chromosome})
    folds = folds_of("chr1", [0, 200, 220, 400, 610], ["train", "gap", "valid", "test"])
    starts = [10, 53, -4, 289, 283, 183, 198, 223, 389, 413, 489, 592]
    strands = list("+-+-+-+-+-+-")
    windows = windows_of("chr1", starts, strands, [0, 1] * 6)
    table, found = datasets.assemble(windows, genome, folds, context=15)
    expected = []
    for left, strand in zip(starts, strands, strict=True):
        window = chromosome[max(left, 0) : left + LENGTH]
        fold = "train" if left + LENGTH <= 200 else "valid" if 220 <= left < left + LENGTH <= 400 else "test"
        if len(window) == LENGTH and "N" not in window and left not in (183, 198, 389):
            before = chromosome[max(0, left - 15) : left].rpartition("N")[2]
            after = chromosome[left + LENGTH : left + LENGTH + 15].partition("N")[0]
            texts = [window, before, after] if strand == "+" else [opposite(text) for text in (window, after, before)]
            expected.append((*texts, left, fold))
    columns = ["sequence", "before", "after", "start", "fold"]
    assert list(table[columns].itertuples(index=False, name=None)) == expected
    assert min(len(row[1]) for row in expected) < 15 == max(len(row[1]) for row in expected)
    assert found["dropped"] == {"beyond its segment": 4, "in the gap between folds or across two": 3}
    assert found["sites_found"] == 12 and table.columns.tolist() == datasets.COLUMNS


def test_windows_that_stand_twice_or_with_two_labels_leave(tmp_path):
    genome = genome_of(tmp_path, {"chr1": random_bases(np.random.default_rng(1), 200)})
    folds = folds_of("chr1", [0, 200], ["train"])
    windows = windows_of("chr1", [0, 0, 40, 40, 40, 80, 80], list("+++++-+"), [0, 0, 0, 1, 1, 0, 1])
    windows.loc[4, "dropped"] = "left before"
    table, found = datasets.assemble(windows, genome, folds)
    assert table[["start", "strand"]].to_numpy().tolist() == [[0, "+"], [80, "-"], [80, "+"]]
    assert found["dropped"] == {"two labels at one place": 2, "at the same place as another": 1, "left before": 1}


def test_no_sequence_is_in_two_folds_on_either_strand(tmp_path):
    rng = np.random.default_rng(2)
    first, second, third = (random_bases(rng, LENGTH) for _ in range(3))
    # train holds all three, one of them twice; valid the second backwards; test the first, and the second as it is
    pieces = [first, second, third, third, opposite(second), random_bases(rng, LENGTH), first, second]
    genome = genome_of(tmp_path, {"chr1": "".join(pieces)})
    folds = folds_of("chr1", [0, 80, 120, 160], ["train", "valid", "test"])
    table, found = datasets.assemble(windows_of("chr1", LENGTH * np.arange(8)), genome, folds)
    left = [[40, "train"], [60, "train"], [100, "valid"], [120, "test"], [140, "test"]]
    assert table[["start", "fold"]].to_numpy().tolist() == left
    assert found["dropped"] == {"its sequence is in another fold too": 3}


def many(tmp_path):
    genome = genome_of(tmp_path, {"chr1": random_bases(np.random.default_rng(3), 9000)})
    folds = folds_of("chr1", [0, 3000, 6000, 9000], ["train", "valid", "test"])
    starts = 10 + 25 * np.arange(350)
    return windows_of("chr1", starts, labels=(np.arange(350) % 5 == 0).astype(int)), genome, folds


def test_the_maximum_of_each_fold_and_label_is_drawn_by_the_seed(tmp_path):
    windows, genome, folds = many(tmp_path)
    everything, _ = datasets.assemble(windows, genome, folds)
    few, _ = datasets.assemble(windows, genome, folds, most=datasets.Limit(30))
    whole, counts = (datasets.count(table, ("no", "yes")) for table in (everything, few))
    for fold, by_label in whole.items():
        assert counts[fold] == {label: min(number, 30) for label, number in by_label.items()}
        assert max(by_label.values()) > 30
    assert set(few["start"]) < set(everything["start"])
    again, _ = datasets.assemble(windows, genome, folds, most=datasets.Limit(30))
    other, _ = datasets.assemble(windows, genome, folds, most=datasets.Limit(30, seed=1))
    pd.testing.assert_frame_equal(few, again)
    assert set(other["start"]) != set(few["start"])
    ready, found = datasets.limit_dataset(everything, 30, 0)
    assert len(ready) == len(few) and found["sites_found"] == len(everything)


def test_where_a_rare_label_is_part_of_the_task_the_maximum_keeps_the_shares(tmp_path):
    windows, genome, folds = many(tmp_path)
    everything, _ = datasets.assemble(windows, genome, folds)
    few, found = datasets.assemble(windows, genome, folds, most=datasets.Limit(30, proportional=True))
    whole, counts = (datasets.count(table, ("no", "yes")) for table in (everything, few))
    for fold, by_label in whole.items():
        assert sum(counts[fold].values()) == 60 < sum(by_label.values())
        assert abs(counts[fold]["yes"] - 60 * by_label["yes"] / sum(by_label.values())) <= 1
    assert found["dropped"]["above the maximum of its fold"] == len(everything) - len(few)
    limits = (datasets.Limit(30, seed, proportional=True) for seed in (0, 1))
    again, other = (datasets.assemble(windows, genome, folds, most=most)[0] for most in limits)
    pd.testing.assert_frame_equal(few, again)
    assert set(other["start"]) != set(few["start"])
    most = datasets.assemble(windows, genome, folds, most=datasets.Limit(200, proportional=True))[0]
    pd.testing.assert_frame_equal(most, everything)


@pytest.mark.parametrize(
    ("train", "usual", "call"),
    [
        ((39, 61), "half", "valid"),
        ((40, 60), "half", "half"),
        ((61, 39), "half", "valid"),
        ((50, 50), "valid", "valid"),
    ],
)
def test_a_rare_label_is_called_from_a_threshold_of_fold_valid(train, usual, call):
    counts = {"train": dict(zip(("no", "yes"), train, strict=True)), "valid": {"no": 1, "yes": 9}}
    assert datasets.call_of(counts, usual) == call
    assert datasets.call_of({"train": {**counts["train"], "other": 1}}, "half") == "half"


def test_too_few_examples_are_refused(tmp_path):
    table, _ = datasets.assemble(*many(tmp_path))
    counts = datasets.count(table, ("unbound", "bound"))
    datasets.check_counts(counts, 22)
    with pytest.raises(InputError, match="fold train holds 24 bound examples but at least 50 are needed"):
        datasets.check_counts(counts, 50)


def test_overlap_between_folds_is_refused():
    windows = pd.DataFrame({"chrom": "chr1", "start": [0, 30, 45, 100], "fold": ["train", "train", "test", "test"]})
    windows["end"] = windows["start"] + 20
    with pytest.raises(InputError, match=r"the window at chr1:30 \(train\) overlaps one of fold test"):
        datasets.check_separation(windows)
    datasets.check_separation(windows.assign(chrom=["chr1", "chr1", "chr2", "chr2"]))


@pytest.mark.parametrize("seed", range(3))
def test_no_base_is_in_two_folds_whatever_the_windows(tmp_path, seed):
    rng = np.random.default_rng(seed)
    genome = genome_of(
        tmp_path, {"chr1": random_bases(rng, 2000) + "N" * 30 + random_bases(rng, 2000), "chr2": random_bases(rng, 900)}
    )
    borders = [*range(0, 4000, 250), 4030]
    folds = [
        folds_of(name, borders, list(rng.choice(["train", "valid", "test", "gap"], 16))) for name in ("chr1", "chr2")
    ]
    windows = windows_of("chr1", rng.integers(-10, 4030, 600), rng.choice(["+", "-", "."], 600))
    windows["chrom"] = rng.choice(["chr1", "chr2"], 600)
    table, _ = datasets.assemble(windows, genome, pd.concat(folds))
    assert set(table["fold"]) == {"train", "valid", "test"}
    painted = {(row.chrom, base, row.fold) for row in table.itertuples() for base in range(row.start, row.end)}
    assert len(painted) == len({place[:2] for place in painted})


def test_another_run_takes_the_place_of_fold_test(tmp_path):
    own, _ = datasets.assemble(*many(tmp_path))
    labels = ("no", "yes")
    other = own.assign(sequence=[random_bases(np.random.default_rng(row), LENGTH) for row in range(len(own))])
    train = own.index[own["fold"] == "train"]
    other.loc[3, "sequence"] = opposite(own.loc[train[5], "sequence"])
    other.attrs["labels"] = list(labels)
    table, left = datasets.transfer(own, labels, other, "mouse")
    tested = table[table["fold"] == "test"]
    assert tested["sequence"].tolist() == other["sequence"].tolist() and set(tested["chrom"]) == {"mouse:chr1"}
    kept = own[(own["fold"] != "test") & (own.index != train[5])]
    pd.testing.assert_frame_equal(table[table["fold"] != "test"].reset_index(drop=True), kept.reset_index(drop=True))
    tests = int((own["fold"] == "test").sum())
    assert left == {"fold test of the run that is trained on": tests, "its sequence is in another fold too": 1}
    other.attrs["labels"] = ["no", "maybe"]
    with pytest.raises(InputError, match="the labels to train on are no, yes, those .* of run mouse .* no, maybe"):
        datasets.transfer(own, labels, other, "mouse")
