"""Labelled sequences for a benchmark: windows of the genome with a label, each wholly in one fold.

A builder (`grover.benchmarks.builders`) turns annotation into windows: chrom, start, end, strand, label, score, dropped,
all of one length. `dropped` is the reason why a window leaves the benchmark, an empty text while it stays. Coordinates
are 0-based half-open. What comes of them is the table `COLUMNS`, the same for all builders; its `stratum` is the kind of a negative where
the builder tells several kinds apart, else empty.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from grover.genome.assembly import Genome
from grover.genome.bases import N, decode, reverse_complement
from grover.genome.folds import FOLDS, GAP, fold_of
from grover.intervals.overlaps import inside, overlaps
from grover.runtime.errors import InputError

COLUMNS = [
    "sequence",
    "label",
    "chrom",
    "start",
    "end",
    "strand",
    "fold",
    "score",
    "before",
    "after",
    "pieces",
    "stratum",
]
PLACE = ["chrom", "start", "end", "strand"]
OPPOSITE = str.maketrans("ACGT", "TGCA")
ROWS = 4096  # windows whose bases are looked up at a time
RARE = 0.4

# from the positives that stay to the positives as they are read and their negatives
Negatives = Callable[[pd.DataFrame], tuple[pd.DataFrame, pd.DataFrame]]


@dataclass(frozen=True)
class Limit:
    """How many examples are kept, drawn by the seed.

    maximum: per fold and label; 0 is no limit. proportional: keep the shares of the labels in each fold, where that one is rare is
    part of the task: as many examples as `maximum` allows of all labels together.
    """

    maximum: int = 0
    seed: int = 0
    proportional: bool = False


ALL = Limit()


def assemble(
    windows: pd.DataFrame,
    genome: Genome,
    folds: pd.DataFrame,
    *,
    context: int = 0,
    most: Limit = ALL,
    negatives: Negatives | None = None,
) -> tuple[pd.DataFrame, dict]:
    """The examples that windows of one length make, and how many windows there were and why some left.

    `folds` (chrom, start, end, fold) is `folds.bed`. A window is kept where it lies wholly in one segment and one fold. A sequence that
    several folds hold, on either strand, is kept in one of them: test before valid, valid before train.
    `context` bases of the segment on both sides come along as `before` and `after`. `most` limits the examples. `negatives`
    makes negatives of the positives that stay.

    Returns the table `COLUMNS`, the sequences read along the strand, in the order of `windows`, negatives behind; and
    sites_found, the number of windows, with dropped, how many left for each reason.
    """
    table = place(windows, genome, folds)
    found = len(table)
    table = read_sequences(table, genome, context).assign(pieces="")
    drop_leaking(table)
    limit(table, most)
    if negatives is not None:
        left = table[table["dropped"] != ""]
        positives, others = negatives(table[table["dropped"] == ""])
        table = pd.concat([left, positives, others], ignore_index=True)
        drop_leaking(table)
    stays = table["dropped"] == ""
    dataset = table.loc[stays, COLUMNS].reset_index(drop=True)
    check_separation(dataset)
    return dataset, {"sites_found": found, "dropped": table.loc[~stays, "dropped"].value_counts().to_dict()}


def place(windows: pd.DataFrame, genome: Genome, folds: pd.DataFrame) -> pd.DataFrame:
    """The windows with their fold; those that stand twice or not wholly in one segment and one fold are dropped."""
    windows = windows.reset_index(drop=True)
    windows = windows if "stratum" in windows else windows.assign(stratum="")
    staying = windows[windows["dropped"] == ""]
    drop(
        windows,
        windows.index.isin(staying.index[staying.groupby(PLACE)["label"].transform("nunique") > 1]),
        "two labels at one place",
    )
    drop(windows, windows.index.isin(staying.index[staying.duplicated(PLACE)]), "at the same place as another")
    drop(windows, ~inside(windows, genome.segments), "beyond its segment")
    windows["fold"] = fold_of(folds, windows["chrom"], windows["start"].to_numpy(), windows["end"].to_numpy())
    drop(windows, windows["fold"] == GAP, "in the gap between folds or across two")
    return windows


def read_sequences(windows: pd.DataFrame, genome: Genome, context: int) -> pd.DataFrame:
    """The windows with their sequence along the strand and up to `context` bases of the segment `before` and `after` it.

    Windows that are dropped get empty texts. All others are of one length and lie each in one segment.
    """
    kept = windows[windows["dropped"] == ""]
    parts = []
    for first in range(0, len(kept), ROWS):
        codes = _codes(kept.iloc[first : first + ROWS], genome, context)
        rows = [decode(row) for row in codes]
        end = codes.shape[1] - context
        texts = {
            "sequence": [row[context:end] for row in rows],
            "before": [row[:context].rpartition("N")[2] for row in rows],
            "after": [row[end:].partition("N")[0] for row in rows],
        }
        parts.append(pd.DataFrame(texts, kept.index[first : first + ROWS]))
    texts = pd.concat(parts) if parts else pd.DataFrame(columns=["sequence", "before", "after"], dtype=str)
    return windows.join(texts.reindex(windows.index, fill_value=""))


def drop(windows: pd.DataFrame, mask: np.ndarray | pd.Series, reason: str) -> None:
    """Give the windows of the mask a reason to leave, unless they have one."""
    windows.loc[np.asarray(mask) & (windows["dropped"] == "").to_numpy(), "dropped"] = reason


def drop_leaking(windows: pd.DataFrame) -> None:
    """Drop windows so that no sequence, on either strand, is in two folds.

    Test comes before valid, valid before train, so that the sequences which are tested do not depend on the others.
    """
    kept = windows[windows["dropped"] == ""]
    rank = kept["fold"].map({"test": 0, "valid": 1, "train": 2})
    first = rank.groupby(either_strand(kept["sequence"])).transform("min")
    drop(windows, windows.index.isin(kept.index[rank > first]), "its sequence is in another fold too")


def either_strand(sequences: pd.Series) -> pd.Series:
    """One key for both strands of each sequence: a digest of 128 bits, since the texts of a large data set need much memory."""
    keys = [hashlib.blake2b(canonical(text).encode(), digest_size=16).digest() for text in sequences]
    return pd.Series(keys, sequences.index, dtype=object)


def canonical(text: str) -> str:
    """The sequence or its reverse complement, whichever comes first in alphabetical order."""
    return min(text, text[::-1].translate(OPPOSITE))


def limit(examples: pd.DataFrame, most: Limit) -> None:
    """Drop the examples above the limit."""
    kept = examples[examples["dropped"] == ""]
    if not most.maximum:
        return
    shuffled = kept.iloc[np.random.default_rng(most.seed).permutation(len(kept))]
    groups = shuffled.groupby(["fold", "label"])
    rank, maximum, reason = groups.cumcount(), most.maximum, "above the maximum of its fold and label"
    if most.proportional:
        # how far down its label an example stands, so that the first of a fold hold its labels in their shares
        rank = ((rank + 0.5) / groups["label"].transform("size")).groupby(shuffled["fold"]).rank(method="first") - 1
        maximum, reason = maximum * kept["label"].nunique(), "above the maximum of its fold"
    drop(examples, rank.reindex(examples.index, fill_value=0) >= maximum, reason)


def limit_dataset(dataset: pd.DataFrame, maximum: int, seed: int) -> tuple[pd.DataFrame, dict]:
    """The same for ready examples: the dataset, and sites_found and dropped as `assemble` returns them."""
    table = dataset.assign(dropped="")
    limit(table, Limit(maximum, seed))
    left = table.loc[table["dropped"] != "", "dropped"]
    dataset = dataset[(table["dropped"] == "").to_numpy()].reset_index(drop=True)
    return dataset, {"sites_found": len(table), "dropped": left.value_counts().to_dict()}


def transfer(
    dataset: pd.DataFrame, labels: tuple[str, ...], other: pd.DataFrame, run: str
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Train and valid of one dataset, and all examples of another one, of the run `run`, as test.

    `other` says in its attrs what its labels are; they must be the same. Contigs of the other get the prefix `RUN:`, so that
    intervals of two assemblies never meet. A sequence that is tested leaves train and valid. Returns the dataset and
    what left for which reason.
    """
    theirs = tuple(other.attrs.get("labels", ()))
    if theirs != tuple(labels):
        raise InputError(
            f"the labels to train on are {', '.join(labels)}, those of the dataset of run {run} that is tested on "
            f"{', '.join(theirs) or 'none'}; take two tasks of the same builder with the same labels"
        )
    chrom = other["chrom"].where(other["chrom"] == "", run + ":" + other["chrom"])
    label = other["label"].astype(dataset["label"].dtype)
    # a data set of an earlier release has no strata
    tested = other.assign(fold="test", chrom=chrom, label=label, stratum=other.get("stratum", ""))
    table = pd.concat([dataset, tested], ignore_index=True).assign(dropped="")
    own = np.arange(len(table)) < len(dataset)
    drop(table, own & (table["fold"] == "test").to_numpy(), "fold test of the run that is trained on")
    drop_leaking(table)
    stays = table["dropped"] == ""
    return table.loc[stays, COLUMNS].reset_index(drop=True), table.loc[~stays, "dropped"].value_counts().to_dict()


def count(dataset: pd.DataFrame, labels: Sequence[str]) -> dict[str, dict[str, int]]:
    """Number of examples by fold and name of the label."""
    numbers = dataset.groupby(["fold", "label"]).size()
    return {fold: {name: int(numbers.get((fold, label), 0)) for label, name in enumerate(labels)} for fold in FOLDS}


def call_of(counts: dict[str, dict[str, int]], usual: str) -> str:
    """Return how a probability becomes a call: `usual`, which the builder names, or `valid`, from what is best on that fold.

    It is `valid` where the rarer of two labels has less than the share `RARE` of fold train. A calibrated classifier hardly calls it at
    a threshold of 0.5.
    """
    sizes = list(counts["train"].values())
    return "valid" if len(sizes) == 2 and min(sizes) < RARE * sum(sizes) else usual


def check_counts(counts: dict[str, dict[str, int]], minimum: int) -> None:
    """Raise `InputError` where a fold has fewer than `minimum` of a label."""
    for fold, by_label in counts.items():
        for name, number in by_label.items():
            if number < minimum:
                raise InputError(
                    f"fold {fold} holds {number} {name} examples but at least {minimum} are needed; give an annotation "
                    "with more sites in the genome, a larger share for this fold, or a lower minimum"
                )


def check_separation(dataset: pd.DataFrame) -> None:
    """Raise `InputError` if windows of different folds share a base."""
    folds = [dataset[dataset["fold"] == fold] for fold in FOLDS]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        wrong = overlaps(folds[one], folds[other])
        if wrong.any():
            row = folds[one].iloc[np.flatnonzero(wrong)[0]]
            raise InputError(
                f"the window at {row['chrom']}:{row['start']:,} ({FOLDS[one]}) overlaps one of fold {FOLDS[other]}; the "
                "intervals of the folds overlap, make them anew"
            )


def _codes(windows: pd.DataFrame, genome: Genome, context: int) -> np.ndarray:
    """Codes (uint8 [windows, context + length + context]) along the strand; 4 beyond the segment of the window."""
    length = int((windows["end"] - windows["start"]).max()) if len(windows) else 1
    first = genome.positions(windows["chrom"], windows["start"].to_numpy())
    segment = np.searchsorted(genome.bounds[1:-1], first, side="right")
    low, high = genome.bounds[segment, None], genome.bounds[segment + 1, None]
    places = first[:, None] + np.arange(-context, length + context)
    within = (places >= low) & (places < high)
    codes = np.where(within, genome.codes[np.where(within, places, 0)], np.uint8(N))
    minus = (windows["strand"] == "-").to_numpy()
    codes[minus] = reverse_complement(codes[minus])
    return codes
