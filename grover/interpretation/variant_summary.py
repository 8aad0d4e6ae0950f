"""The variants that are judged, those of fold test first, and counts of all of them."""

from collections import Counter
from dataclasses import dataclass, field

import pandas as pd

from grover.interpretation.labels import NEGATIVE, POSITIVE
from grover.interpretation.variant_samples import Sample
from grover.interpretation.vcf import OK

MOST = 20_000  # variants of each label that are judged, and substitutions that are correlated
SHOWN = 3_000  # rows of each kind that a figure shows
NAMES = {POSITIVE: "positive", NEGATIVE: "negative"}


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
        scored = table[table["status"] == OK]
        self.labels.update(scored.value_counts(["fold", "label"]).to_dict())
        for label, sample in self.labelled.items():
            rows = scored[scored["label"] == label]
            sample.add(rows, (rows["fold"] == "test").to_numpy())
        self.substitutions.add(scored[scored["substitution"].isin(["transition", "transversion"])])

    def judged(self) -> pd.DataFrame:
        """Return the sampled variants of both labels, those of fold test before those of other folds."""
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
