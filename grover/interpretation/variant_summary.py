"""The variants that are judged: few, drawn at random while all of them pass by, and counts of the rest."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from grover.interpretation.labels import NEGATIVE, POSITIVE
from grover.interpretation.variant_baselines import SCORED

MOST = 20_000  # variants of each label that are judged, and substitutions that are correlated
SHOWN = 3_000  # rows of each kind that a figure shows
NAMES = {POSITIVE: "positive", NEGATIVE: "negative"}


class Sample:
    """At most `most` rows of the tables that are added, each row with the same chance, in their order."""

    def __init__(self, most: int, seed: int):
        self.most, self._rng = most, np.random.default_rng(seed)
        self._parts: list[pd.DataFrame] = []
        self._first = 0

    def add(self, table: pd.DataFrame) -> None:
        drawn = table.assign(_key=self._rng.random(len(table)), _row=np.arange(self._first, self._first + len(table)))
        self._first += len(table)
        self._parts.append(drawn)
        if sum(map(len, self._parts)) > 2 * self.most:  # memory does not grow with the file
            self._parts = [self._kept()]

    def table(self) -> pd.DataFrame:
        """Return the rows drawn so far."""
        return self._kept().drop(columns=["_key", "_row"]).reset_index(drop=True)

    def _kept(self) -> pd.DataFrame:
        table = pd.concat(self._parts, ignore_index=True)
        return table.nsmallest(self.most, "_key").sort_values("_row")


@dataclass
class Collected:
    """What is kept of all variants: counts of alleles by status, of labels by fold, and samples of labelled variants and substitutions."""

    seed: int
    status: Counter = field(default_factory=Counter)
    labels: Counter = field(default_factory=Counter)  # of (fold, label) of the alleles that have a score

    def __post_init__(self) -> None:
        self.labelled = {label: Sample(MOST, self.seed + label) for label in NAMES}
        self.substitutions = Sample(MOST, self.seed + 2)

    def add(self, table: pd.DataFrame) -> None:
        """table: a block of variants with label, status, fold, the strata and all scores."""
        self.status.update(table["status"].value_counts().to_dict())
        scored = table[table["status"] == SCORED]
        self.labels.update(scored.value_counts(["fold", "label"]).to_dict())
        for label, sample in self.labelled.items():
            sample.add(scored[scored["label"] == label])
        self.substitutions.add(scored[scored["substitution"].isin(["transition", "transversion"])])

    def judged(self) -> pd.DataFrame:
        """Return the sampled variants of both labels in all folds."""
        return pd.concat([sample.table() for sample in self.labelled.values()], ignore_index=True)

    def counts(self) -> dict:
        """Return alleles by status, and those with a score by fold and label."""
        folds: dict[str, dict[str, int]] = {}
        for (fold, label), number in sorted(self.labels.items()):
            if label in NAMES:
                folds.setdefault(fold, dict.fromkeys(NAMES.values(), 0))[NAMES[label]] = number
        return {"alleles": sum(self.status.values()), "status": dict(self.status), "labelled": folds}


def shown(judged: pd.DataFrame, substitutions: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return rows for figures: up to 3,000 of each label and fold test or not, and of substitutions, which `shown` tells apart."""
    parts = [
        group.sample(min(len(group), SHOWN), random_state=seed).sort_index().assign(shown="labelled")
        for _, group in judged.groupby(["label", judged["fold"] == "test"])
    ]
    some = substitutions.sample(min(len(substitutions), SHOWN), random_state=seed).sort_index()
    return pd.concat([*parts, some.assign(shown="substitutions")], ignore_index=True)
