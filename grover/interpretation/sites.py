"""The examples of a benchmark that are explained: which they are, their bases with what lies beside them, and their places."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from grover.genome.bases import decode, encode, reverse_complement
from grover.runtime.errors import InputError


@dataclass(frozen=True)
class Site:
    """One example: its row in the dataset, its label, and its bases along its strand with those `before` and `after` it.

    `pieces` are the tokens of a shuffle, as in the dataset. `start` and `end` are coordinates of the contig `chrom`, which is empty
    where an example has no place.
    """

    example: int
    label: int
    codes: np.ndarray
    before: np.ndarray
    after: np.ndarray
    pieces: tuple[str, ...] = ()
    chrom: str = ""
    start: int = 0
    end: int = 0
    strand: str = "."

    @property
    def positions(self) -> np.ndarray:
        """Coordinate of each base on the plus strand, 0-based, int64; its place in the sequence where the example has no place."""
        offsets = np.arange(len(self.codes))
        if not self.chrom:
            return offsets
        return self.end - 1 - offsets if self.strand == "-" else self.start + offsets

    def with_codes(self, codes: np.ndarray) -> "Site":
        """The same place with other bases, which no pieces describe."""
        return replace(self, codes=codes, pieces=())

    def reversed(self) -> "Site":
        """The site as the opposite strand reads it."""
        before, after = reverse_complement(self.after), reverse_complement(self.before)
        strand = {"+": "-", "-": "+"}.get(self.strand, ".")
        codes = reverse_complement(self.codes)
        return replace(self, codes=codes, before=before, after=after, pieces=(), strand=strand)


def choose_examples(dataset: pd.DataFrame, fold: str, number: int, seed: int) -> np.ndarray:
    """Rows of the dataset (int64, ascending) to explain: at most `number` of a fold, drawn by the seed.

    Of two classes they have label 1, of several as many of each as there are. Raises InputError where there is none.
    """
    labels = dataset["label"].to_numpy()
    explained = [1] if labels.max(initial=0) == 1 else sorted(set(labels.tolist()))
    rng = np.random.default_rng(seed)
    inside = (dataset["fold"] == fold).to_numpy()
    drawn = [rng.permutation(np.flatnonzero(inside & (labels == label))) for label in explained]
    # first one of each label, then the second ones, and so on
    ranks = np.concatenate([np.arange(len(rows)) * len(drawn) + place for place, rows in enumerate(drawn)])
    rows = np.concatenate(drawn)[np.argsort(ranks, kind="stable")][:number]
    if not len(rows):
        task = dataset.attrs.get("task", "the dataset")
        raise InputError(
            f"{task}: fold {fold} has no example of label {explained[0]} to explain; give a dataset with such examples"
        )
    return np.sort(rows)


def sites_of(dataset: pd.DataFrame, rows: np.ndarray) -> list[Site]:
    """The sites of some rows of a dataset."""
    table = dataset.iloc[rows]
    texts = {
        name: table[name] if name in table else pd.Series("", table.index) for name in ("before", "after", "pieces")
    }
    placed = (table["chrom"].astype(str) != "").to_numpy()
    return [
        Site(
            int(row),
            int(table["label"].iloc[i]),
            encode(table["sequence"].iloc[i]),
            encode(texts["before"].iloc[i]),
            encode(texts["after"].iloc[i]),
            tuple(texts["pieces"].iloc[i].split()),
            *(
                (str(table["chrom"].iloc[i]), int(table["start"].iloc[i]), int(table["end"].iloc[i]))
                if placed[i]
                else ("", 0, 0)
            ),
            str(table["strand"].iloc[i]),
        )
        for i, row in enumerate(rows)
    ]


def is_stranded(dataset: pd.DataFrame) -> bool:
    """Whether the examples are read along the strand of a feature, so that the opposite strand is no equivalent input.

    Tasks without strands have `.` everywhere, and scans read all windows along +.
    """
    return {"+", "-"} <= set(dataset["strand"])


def rows_of(site: Site, offsets: np.ndarray) -> dict[str, np.ndarray | str | int]:
    """Columns that say where bases of a site lie: example, chrom, pos, strand, ref (along the strand of the site)."""
    return {
        "example": site.example,
        "chrom": site.chrom,
        "pos": site.positions[offsets],
        "strand": site.strand,
        "ref": np.array(list(decode(site.codes)), object)[offsets],
    }
