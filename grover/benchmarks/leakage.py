"""What may make the scores of a benchmark better than they are: leaks between its folds, and labels that give themselves away.

A leak is an example of fold valid or test that training has seen. It is, or nearly is, a sequence of training on either
strand, shares bases with one in the genome, or was part of pretraining. Scores are also given on the test set without them.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from grover.benchmarks.datasets import count, either_strand
from grover.benchmarks.exact_matches import locate
from grover.benchmarks.minhash import nearest
from grover.benchmarks.tokenise import read_tokens
from grover.genome.assembly import Genome
from grover.genome.folds import FOLDS
from grover.genome.token_windows import places_of
from grover.intervals.overlaps import merge, overlaps, share_covered
from grover.runtime.errors import InputError
from grover.tokenization.genome_tokens import TokenisedGenome
from grover.tokenization.vocabulary import Vocabulary

TRAIN, VALID, TEST = FOLDS
PAIRS = ((TRAIN, VALID), (TRAIN, TEST), (VALID, TEST))
LEAKS = ("duplicate", "near-duplicate", "overlap", "pretraining")
K = 11
ENDS = 2  # special tokens around a sequence
# what is limited, the key of its number in the card, and the words for it
LIMITS = {
    "duplicates": "are in fold {first} too, on one of the strands",
    "near_duplicates": "share {similarity:.0%} of their k-mers with one of fold {first}, or more",
    "overlaps": "share bases with one of fold {first}",
}


def audit(
    dataset: pd.DataFrame,
    labels: Sequence[str],
    genome: Genome,
    pretraining: pd.DataFrame,
    repeats: pd.DataFrame | None,
    similarity: float,
    seed: int,
) -> tuple[pd.DataFrame, dict]:
    """The leaks of a dataset by example, and the numbers of its card.

    dataset: sequence, label, chrom, start, end, fold; start is -1 where a sequence has no interval. labels: their names, in order.
    pretraining: intervals (chrom, start, end) on which the model was trained; repeats: intervals, or None where there are none.
    similarity: from which estimated Jaccard index of canonical 11-mers on two sequences are near-duplicates.
    Returns a table example (int64), leak ("" or the first of `LEAKS` that holds; always "" in fold train), nearest (float32, the highest
    similarity to an example of fold train; NaN for those), pretraining (float32, share of the bases on which the model was trained;
    NaN where unknown); and the card's counts, duplicates, near_duplicates, overlaps, pretraining, clean, balance and telling.
    Duplicates and near-duplicates are counted in examples, and a duplicate is a near-duplicate too; `sequences` counts different ones.
    """
    fold = dataset["fold"].to_numpy()
    # numbers of the different sequences, and of those that a strand of another one counts as
    same, either = (texts.factorize()[0] for texts in (dataset["sequence"], either_strand(dataset["sequence"])))
    near = _nearest_of_train(dataset, seed)
    share, how = pretrained_share(dataset, genome, pretraining)
    found = {name: np.zeros(len(dataset), bool) for name in LEAKS}
    duplicates, overlapping = {}, {}
    for first, second in PAIRS:
        rows = np.flatnonzero(fold == second)
        twice = np.isin(either[rows], either[fold == first])
        duplicates[f"{first}-{second}"] = {
            "same_strand": int(np.isin(same[rows], same[fold == first]).sum()),
            "either_strand": int(twice.sum()),
            "sequences": len(np.intersect1d(same[rows], same[fold == first])),
        }
        # examples without an interval share none
        earlier = dataset[(fold == first) & (dataset["start"] >= 0)]
        shared = overlaps(dataset.iloc[rows], earlier) & (dataset["start"].iloc[rows] >= 0).to_numpy()
        overlapping[f"{first}-{second}"] = int(shared.sum())
        found["duplicate"][rows] |= twice
        found["overlap"][rows] |= shared
    found["near-duplicate"] = near >= similarity
    found["pretraining"] = (fold != TRAIN) & (share > 0.5)

    leak = np.select([found[name] for name in LEAKS], LEAKS, default="")
    known = (fold == TEST) & ~np.isnan(share)
    bases = dataset["sequence"].str.len().to_numpy(np.float64)
    repeated = _repeats(dataset, repeats)
    card = {
        "examples": len(dataset),
        "counts": count(dataset, labels),
        "duplicates": {
            "within": {name: int(pd.Series(either[fold == name]).duplicated().sum()) for name in FOLDS},
            "across": duplicates,
        },
        "near_duplicates": {
            "similarity": similarity,
            "k": K,
            **{f"{TRAIN}-{name}": int(found["near-duplicate"][fold == name].sum()) for name in (VALID, TEST)},
        },
        "overlaps": overlapping,
        "pretraining": {
            "known": bool(known.any()),
            "share_of_test_bases": float(np.average(share[known], weights=bases[known])) if known.any() else None,
            "how": how,
        },
        "clean": count(dataset[leak == ""], labels),
        "balance": balance(dataset, labels, repeated),
        "telling": telling(dataset, repeated),
    }
    examples = pd.DataFrame(
        {
            "example": np.arange(len(dataset)),
            "leak": leak,
            "nearest": near.astype(np.float32),
            "pretraining": share.astype(np.float32),
        }
    )
    return examples, card


def longest_tokens(dataset: pd.DataFrame, vocabulary: Vocabulary) -> int:
    """Tokens that the longest example of a dataset is for a model, the two special ones at its ends among them."""
    return max((len(tokens) for tokens in read_tokens(dataset, vocabulary)), default=0) + ENDS


def check_positions(task: str, longest: int, vocabulary: str, positions: int) -> None:
    """Raise `InputError` where the longest example of a task, in tokens as `longest_tokens` counts, has no room in a model."""
    if longest > positions:
        raise InputError(
            f"task {task}: its longest example is {longest:,} tokens of {vocabulary} with the special ones at both ends, but the model has "
            f"{positions:,} positions; give the task a shorter length, or raise pretraining.positions and corpus.longest"
        )


def training_intervals(windows: pd.DataFrame, split: str, tokenised: TokenisedGenome, genome: Genome) -> pd.DataFrame:
    """Where the windows lie that pretraining under `split` is trained on: sorted, disjoint rows chrom, start, end."""
    if split not in windows:
        raise InputError(f"the windows have no column {split!r}; the split is one of random and region")
    chosen = windows[windows[split] == TRAIN]
    return merge(places_of(chosen, genome, tokenised)).astype({"chrom": object})


def pretrained_share(dataset: pd.DataFrame, genome: Genome, pretraining: pd.DataFrame) -> tuple[np.ndarray, str]:
    """Share of the bases of each example on which the model was pretrained (float64), and how it is known for fold test.

    Examples with an interval of this genome are answered by it, so a shuffled sequence as the one it was made from. The others are searched
    in the genome, base by base on both strands, and take the place that was seen the most; those without a place were not seen.
    NaN where an example has neither an interval nor A, C, G, T alone. How: "intervals", "search" where any was searched, or "".
    """
    at_home = (dataset["chrom"].isin(genome.chroms) & (dataset["start"] >= 0)).to_numpy()
    share = np.full(len(dataset), np.nan)
    share[at_home] = share_covered(dataset[at_home], pretraining)

    readable = dataset["sequence"].str.fullmatch("[ACGT]+").to_numpy(bool)
    searched = np.flatnonzero(~at_home & readable)
    share[searched] = 0
    sequences = dataset["sequence"].iloc[searched].to_list()
    row, start, _ = locate(sequences, genome.codes, genome.bounds)
    contigs, start = genome.locate(start)
    lengths = np.fromiter(map(len, sequences), np.int64, len(sequences))
    places = {"chrom": np.array(genome.chroms, object)[contigs], "start": start, "end": start + lengths[row]}
    np.maximum.at(share, searched[row], share_covered(pd.DataFrame(places), pretraining))

    test = (dataset["fold"] == TEST).to_numpy()
    how = "" if not test.any() else "intervals" if at_home[test].all() else "search"
    return share, how


def balance(dataset: pd.DataFrame, labels: Sequence[str], repeats: np.ndarray) -> dict[str, dict]:
    """Mean and standard deviation of the GC share, mean share of bases in repeats and mean length of the examples of each label."""
    numbers = _numbers(dataset, repeats).assign(label=dataset["label"].to_numpy())
    found = {}
    for label, name in enumerate(labels):
        rows = numbers[numbers["label"] == label]
        found[name] = {
            "gc": _plain(rows["gc"].mean()),
            "gc_sd": _plain(rows["gc"].std(ddof=0)),
            "repeats": _plain(rows["repeats"].mean()),
            "length": _plain(rows["length"].mean()),
        }
    return found


def telling(dataset: pd.DataFrame, repeats: np.ndarray) -> dict[str, float | None]:
    """How well GC share, share of bases in repeats and length tell the label, each alone: AUROC over all examples.

    Whichever of high and low values goes with the label counts, so 0.5 is nothing and 1 is all. Of several classes the highest of one
    against the rest. None where the number is unknown or there is one class.
    """
    numbers, label = _numbers(dataset, repeats), dataset["label"].to_numpy()
    found = {}
    for name in ("gc", "repeats", "length"):
        known = numbers[name].notna().to_numpy()
        ranks, of = rankdata(numbers[name][known]), label[known]
        areas = [_area(ranks, of == one) for one in np.unique(of)] if len(np.unique(of)) > 1 else []
        found[name] = max(areas, default=None)
    return found


def check_limits(card: dict, limits: dict[str, float]) -> None:
    """Raise `InputError` where more of the test set leaks than `limits` allow.

    card: with task, counts, duplicates, near_duplicates and overlaps; limits: largest shares of the test set by `duplicates` and
    `near_duplicates` of fold train, and by `overlaps` with any earlier fold; of fold valid its own share.
    """
    similarity = card["near_duplicates"]["similarity"]
    above = []
    for name, says in LIMITS.items():
        across = card["duplicates"]["across"] if name == "duplicates" else card[name]
        for first, second in PAIRS if name == "overlaps" else [(TRAIN, TEST)]:
            number = across[f"{first}-{second}"]
            number = number["either_strand"] if name == "duplicates" else number
            whole = sum(card["counts"][second].values())
            if number > limits[name] * whole:
                says_so = says.format(first=first, similarity=similarity)
                above.append(
                    f"{number:,} of the {whole:,} examples of fold {second} ({number / whole:.1%}) {says_so}, and the limit is "
                    f"{limits[name]:.1%}"
                )
    if above:
        raise InputError(
            f"task {card['task']}: {'; '.join(above)}; split it another way, leave these examples out, or raise the limit"
        )


def _nearest_of_train(dataset: pd.DataFrame, seed: int) -> np.ndarray:
    train = (dataset["fold"] == TRAIN).to_numpy()
    found = np.full(len(dataset), np.nan)
    sequences = dataset["sequence"]
    found[~train], _ = nearest(sequences[~train].to_list(), sequences[train].to_list(), K, seed)
    return found


def _repeats(dataset: pd.DataFrame, repeats: pd.DataFrame | None) -> np.ndarray:
    """Share of the bases of each example in repeats, by its interval; NaN where it has none or lies on a contig without any."""
    found = np.full(len(dataset), np.nan)
    if repeats is not None:
        placed = ((dataset["start"] >= 0) & dataset["chrom"].isin(repeats["chrom"].unique())).to_numpy()
        found[placed] = share_covered(dataset[placed], repeats)
    return found


def _numbers(dataset: pd.DataFrame, repeats: np.ndarray) -> pd.DataFrame:
    sequences = dataset["sequence"]
    gc = [
        (text.count("G") + text.count("C")) / bases if (bases := len(text) - text.count("N")) else np.nan
        for text in sequences
    ]
    return pd.DataFrame({"gc": gc, "repeats": repeats, "length": sequences.str.len().to_numpy(np.float64)})


def _area(ranks: np.ndarray, positive: np.ndarray) -> float:
    """AUROC from ranks (Mann and Whitney's U), in the better direction."""
    number = int(positive.sum())
    area = (ranks[positive].sum() - number * (number + 1) / 2) / number / (len(ranks) - number)
    return float(max(area, 1 - area))


def _plain(number: float) -> float | None:
    """JSON has no NaN."""
    return None if np.isnan(number) else float(number)
