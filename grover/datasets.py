"""Labelled sequences for a benchmark: sites with a label become windows of one length, each wholly in one fold.

A builder turns annotation into sites (chrom, start, end, strand, score, label, dropped) and is one row of `BUILDERS`;
windows, folds, caps and the audit for leaks are the same for all. `dropped` is the reason why a site leaves the
benchmark, an empty text while it stays. Coordinates are 0-based half-open.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from grover.errors import InputError
from grover.folds import FOLDS, GAP, fold_of
from grover.genome import C, G, Genome, decode, reverse_complement
from grover.intervals import inside, overlaps

COLUMNS = ["sequence", "label", "chrom", "start", "end", "strand", "fold", "score"]


def motif_bound(
    hits: pd.DataFrame, peaks: pd.DataFrame, accessible: pd.DataFrame | None = None, summit: int | None = None
) -> pd.DataFrame:
    """Matches of a motif, label 1 where the centre lies in a peak (or within `summit` nt of a peak's summit), else 0.

    With `summit`, a match elsewhere in a peak is neither bound nor free and is dropped. With `accessible`, unbound
    matches outside it are dropped, so that the label says more than open or closed chromatin.
    """
    if not len(hits):
        raise InputError("the motif has no match in the genome; raise the p-value threshold or choose another motif")
    middle = (hits["start"] + hits["end"]) // 2
    centres = pd.DataFrame({"chrom": hits["chrom"], "start": middle, "end": middle + 1})
    in_peak = overlaps(centres, peaks)
    bound = in_peak
    if summit is not None:
        place = peaks["start"] + peaks["summit"]
        near = pd.DataFrame({"chrom": peaks["chrom"], "start": place - summit, "end": place + summit + 1})
        bound = overlaps(centres, near)
    sites = hits.assign(label=bound.astype(np.int8), dropped="")
    _drop(sites, in_peak & ~bound, "in a peak, far from its summit")
    if accessible is not None:
        _drop(sites, ~bound & ~overlaps(centres, accessible), "unbound and not accessible")
    return sites


@dataclass(frozen=True)
class Builder:
    """How a kind of benchmark gets its sites.

    The function, the tables that it cannot do without, further tables that it takes, its settings, and the names of the
    labels 0 and 1.
    """

    sites: Callable[..., pd.DataFrame]
    needs: tuple[str, ...]
    takes: tuple[str, ...]
    settings: tuple[str, ...]
    labels: tuple[str, str]


BUILDERS = {
    "motif-bound": Builder(motif_bound, ("hits", "peaks"), ("accessible",), ("summit",), ("unbound", "bound")),
}


def choose_builder(name: str, sources: list[str]) -> Builder:
    """The builder `name`; raises `InputError` where it is unknown or `sources` are not the tables that it works on."""
    if name not in BUILDERS:
        raise InputError(f"unknown benchmark builder {name!r}; choose one of {', '.join(BUILDERS)}")
    builder = BUILDERS[name]
    for need in builder.needs:
        if need not in sources:
            raise InputError(f"the benchmark builder {name} needs --{need}")
    for given in sources:
        if given not in builder.needs + builder.takes:
            raise InputError(f"the benchmark builder {name} has no use for --{given}; leave it out")
    return builder


def assemble(
    sites: pd.DataFrame,
    genome: Genome,
    folds: pd.DataFrame,
    length: int,
    labels: tuple[str, str] = ("0", "1"),
    maximum: int | None = None,
    balance: bool = False,
    minimum: int = 10,
    seed: int = 0,
) -> tuple[pd.DataFrame, dict]:
    """Windows of `length` bases around labelled sites, and the card that counts them.

    `folds` (chrom, start, end, fold) is `folds.bed`. A window stays where it lies wholly in one segment
    and one fold, and where no other fold holds the same sequence on either strand (test keeps it before valid, valid
    before train). `maximum` keeps at most so many a fold and label, `balance` as many of one label as of the other in
    each fold, both by a seeded draw. Returns the table `COLUMNS` in the order of `sites`, the sequence read along the
    strand, and the card as a dictionary. Raises `InputError` where a fold has fewer than `minimum` of a label.
    """
    sites = _windows(sites, length)
    _drop(sites, ~inside(sites, genome.segments), "beyond its segment")
    sites["fold"] = fold_of(folds, sites["chrom"], sites["start"].to_numpy(), sites["end"].to_numpy())
    _drop(sites, sites["fold"] == GAP, "in the gap between folds or across two")

    kept = sites["dropped"] == ""
    codes = _oriented(sites[kept], genome, length)
    sites.loc[kept, "sequence"] = _letters(codes)
    sites.loc[kept, "opposite"] = _letters(reverse_complement(codes))
    sites.loc[kept, "gc"] = np.isin(codes, (C, G)).mean(axis=1)
    duplicates, leaking = _duplicates(sites[kept])
    _drop(sites, sites.index.isin(leaking), "its sequence is in another fold too")
    _subsample(sites, maximum, balance, np.random.default_rng(seed))

    stays = sites["dropped"] == ""
    dataset = sites.loc[stays, COLUMNS].reset_index(drop=True)
    check_separation(dataset)
    counts = _counts(dataset, labels)
    _check_counts(counts, minimum)
    gc = sites[stays].groupby("label")["gc"].agg(["mean", "std"]).to_dict("index")
    card = {
        "examples": len(dataset),
        "length": length,
        "labels": dict(enumerate(labels)),
        "counts": counts,
        "positive_share": dataset.groupby("fold")["label"].mean().to_dict(),
        "gc": {labels[label]: values for label, values in gc.items()},
        "sites": len(sites),
        "dropped": sites.loc[~stays, "dropped"].value_counts().to_dict(),
        "duplicates": duplicates,
        "windows_overlapping_the_next": int(_overlapping_next(dataset)[1].sum()),
        "maximum": maximum,
        "balance": balance,
        "seed": seed,
    }
    return dataset, card


def blocks(dataset: pd.DataFrame, size: int) -> np.ndarray:
    """Number (int64) of the block of `size` bases that holds the middle of each window, counted over all contigs.

    Windows of one block are resampled together in an interval that allows for neighbours which share bases.
    """
    middle = (dataset["start"] + dataset["end"]) // 2
    return (dataset["chrom"].astype(str) + ":" + (middle // size).astype(str)).factorize()[0].astype(np.int64)


def check_separation(dataset: pd.DataFrame) -> None:
    """Raise `InputError` if windows of different folds share a base; the windows are of one length."""
    table, overlap = _overlapping_next(dataset)
    wrong = np.flatnonzero(overlap & (table["fold"].to_numpy()[1:] != table["fold"].to_numpy()[:-1]))
    if wrong.size:
        one, other = table.iloc[wrong[0]], table.iloc[wrong[0] + 1]
        raise InputError(
            f"the windows at {one['chrom']}:{one['start']:,} ({one['fold']}) and {other['start']:,} ({other['fold']}) "
            f"overlap; the intervals of the folds overlap, make them anew"
        )


def _drop(sites: pd.DataFrame, mask, reason: str) -> None:
    """Give the sites of the mask a reason to leave, unless they have one."""
    sites.loc[np.asarray(mask) & (sites["dropped"] == ""), "dropped"] = reason


def _windows(sites: pd.DataFrame, length: int) -> pd.DataFrame:
    """Windows centred on the sites; read along its strand, each shows its site at the same place."""
    width = sites["end"] - sites["start"]
    if (width > length).any():
        raise InputError(f"windows of {length} nt are shorter than their sites of {width.max()}; give a larger length")
    before = (length - width) // 2
    start = (sites["start"] - before).where(sites["strand"] != "-", sites["end"] + before - length)
    return sites.assign(start=start, end=start + length).reset_index(drop=True)


def _oriented(windows: pd.DataFrame, genome: Genome, length: int) -> np.ndarray:
    """Codes (uint8 [windows, length]) along the strand of each window."""
    codes = np.empty((len(windows), length), dtype=np.uint8)
    for row, (chrom, start, end) in enumerate(zip(windows["chrom"], windows["start"], windows["end"], strict=True)):
        codes[row] = genome.fetch(chrom, start, end)
    minus = (windows["strand"] == "-").to_numpy()
    codes[minus] = reverse_complement(codes[minus])
    return codes


def _letters(codes: np.ndarray) -> list[str]:
    text, length = decode(codes), codes.shape[1]
    return [text[start : start + length] for start in range(0, len(text), length)]


def _duplicates(windows: pd.DataFrame) -> tuple[dict[str, int], pd.Index]:
    """Counts of repeated sequences, and the windows to leave out so that no sequence is in two folds.

    Both strands of a sequence are one: the alphabetically smaller stands for the two.
    """
    table = windows[["sequence", "fold"]].copy()
    table["either"] = windows["sequence"].where(windows["sequence"] <= windows["opposite"], windows["opposite"])
    # test comes before valid, valid before train, so that the sequences which are tested do not depend on the others
    table["rank"] = table["fold"].map({"test": 0, "valid": 1, "train": 2})
    first = table.groupby("either")["rank"].transform("min")
    leaking = table.index[table["rank"] > first]
    same_strand = table.groupby("sequence")["rank"].transform("min")
    counts = {
        "within_folds": int(table.duplicated(["either", "fold"]).sum()),
        "across_folds_same_strand": int((table["rank"] > same_strand).sum()),
        "across_folds_either_strand": len(leaking),
    }
    return counts, leaking


def _subsample(sites: pd.DataFrame, maximum: int | None, balance: bool, rng: np.random.Generator) -> None:
    kept = sites[sites["dropped"] == ""]
    shuffled = kept.iloc[rng.permutation(len(kept))]
    rank = shuffled.groupby(["fold", "label"]).cumcount().reindex(sites.index, fill_value=0)
    if maximum is not None:
        _drop(sites, rank >= maximum, "above the maximum of its fold and label")
    if balance:
        kept = sites[sites["dropped"] == ""]
        rarer = kept.groupby(["fold", "label"]).size().unstack(fill_value=0).min(axis=1)
        _drop(sites, rank >= sites["fold"].map(rarer).fillna(0), "left out to balance the labels")


def _counts(dataset: pd.DataFrame, labels: tuple[str, str]) -> dict[str, dict[str, int]]:
    numbers = dataset.groupby(["fold", "label"]).size()
    return {fold: {name: int(numbers.get((fold, label), 0)) for label, name in enumerate(labels)} for fold in FOLDS}


def _check_counts(counts: dict[str, dict[str, int]], minimum: int) -> None:
    for fold, by_label in counts.items():
        for name, number in by_label.items():
            if number < minimum:
                raise InputError(
                    f"fold {fold} holds {number} {name} examples but at least {minimum} are needed; give an annotation "
                    "with more sites in the genome, a larger share for this fold, or a lower minimum"
                )


def _overlapping_next(dataset: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """The windows sorted by place, and for all but the last whether it overlaps its successor."""
    table = dataset.sort_values(["chrom", "start"])
    chrom, start, end = (table[name].to_numpy() for name in ("chrom", "start", "end"))
    return table, (chrom[1:] == chrom[:-1]) & (start[1:] < end[:-1])
