"""A data set with planted elements and an oracle that answers by their rule, with its table of in-silico mutagenesis: no network."""

import numpy as np
import pandas as pd

from grover.genome.bases import decode, encode, reverse_complement

ELEMENT = "TTACGCAATCGGA"
LENGTH, PLACE = 90, (50, 70)  # the element is right of the middle in examples of label 1, from one of these bases on
FOLDS = {"train": (40, 10), "test": (60, 60)}  # examples of label 1 and 0


def best_element(codes: np.ndarray, element: str = ELEMENT) -> np.ndarray:
    """Most bases of the element that any place right of the middle has, on the strand as it is: int64 [sequences]."""
    target = encode(element)
    windows = np.lib.stride_tricks.sliding_window_view(np.atleast_2d(codes)[:, LENGTH // 2 - 5 :], len(target), axis=1)
    return (windows == target).sum(axis=2).max(axis=1)


def answer(codes: np.ndarray) -> np.ndarray:
    """The margin of label 1, float64 [sequences]: it rises with the best match of the element, steeply near a full one."""
    return 8.0 * np.maximum(best_element(codes) - 7, 0) / 6 - 4


def dataset(seed: int = 0, placed: bool = True) -> pd.DataFrame:
    """Random sequences, half of them with the element; sites on both strands where they are placed."""
    rng = np.random.default_rng(seed)
    rows = []
    for fold, (ones, zeros) in FOLDS.items():
        for label in [1] * ones + [0] * zeros:
            codes = rng.integers(0, 4, LENGTH, dtype=np.uint8)
            if label:
                start = rng.integers(*PLACE)
                codes[start : start + len(ELEMENT)] = encode(ELEMENT)
            start = 1_000 * len(rows)
            strand = str(rng.choice(["+", "-"]))
            place = ("chr1", start, start + LENGTH, strand) if placed else ("", 0, 0, ".")
            rows.append((decode(codes), label, *place, fold))
    return pd.DataFrame(rows, columns=["sequence", "label", "chrom", "start", "end", "strand", "fold"])


def importance(table: pd.DataFrame, rows: np.ndarray, opposite: bool = False) -> pd.DataFrame:
    """The importance table of some rows by the oracle; `opposite`: written as sites of the opposite strand."""
    found = []
    for row in rows:
        site = table.iloc[row]
        codes = encode(site["sequence"])
        versions, place, base = [], [], []
        for at in range(LENGTH):
            for other in {0, 1, 2, 3} - {int(codes[at])}:
                changed = codes.copy()
                changed[at] = other
                versions.append(changed)
                place.append(at)
                base.append(other)
        at = np.array(place)
        delta = answer(np.stack(versions)) - answer(codes)
        pos = at if not site["chrom"] else site["end"] - 1 - at if site["strand"] == "-" else site["start"] + at
        ref, base = codes[at], np.array(base, np.uint8)
        strand = site["strand"]
        if opposite:
            ref, base = (reverse_complement(each[::-1]) for each in (ref, base))
            strand = "+" if strand == "-" else "-"
        found.append(
            pd.DataFrame(
                {
                    "task": "planted",
                    "method": "ism",
                    "example": row,
                    "chrom": site["chrom"],
                    "pos": pos,
                    "strand": strand,
                    "ref": list(decode(ref)),
                    "base": list(decode(base)),
                    "delta": delta.astype(np.float32),
                }
            )
        )
    return pd.concat(found, ignore_index=True)


def train_rows(table: pd.DataFrame) -> np.ndarray:
    """Rows of fold train with label 1."""
    return np.flatnonzero((table["fold"] == "train") & (table["label"] == 1))
