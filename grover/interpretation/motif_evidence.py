"""All that is known of discovered motifs: one row each, and which of them two tests support."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from grover.config.sections.interpretation import Motifs
from grover.interpretation.contributions import Contributions
from grover.interpretation.insertion import (
    Predict,
    insertion_profile,
    insertion_test,
    neutral_windows,
    usual_placement,
)
from grover.interpretation.motif_association import Examples, Resampling, association
from grover.interpretation.motif_discovery import Motif, discover
from grover.interpretation.motif_files import motif_names

SIGNIFICANT = 0.05
PROFILE = ["motif", "offset", "orientation", "effect", "low", "high", "windows"]


def discover_by_class(contributions: Contributions, labels: np.ndarray, settings: Motifs) -> list[tuple[Motif, int]]:
    """Return the motifs of each class with its label, those of most windows first.

    labels: int64, of all rows of the data set. Of two classes the contributions are to label 1, whatever the label of the example; of
    several they are to the label of the example, so that each class has motifs of its own.
    """
    if labels.max(initial=0) <= 1:
        return [(motif, 1) for motif in discover(contributions, settings)]
    own = labels[contributions.example]
    found = [
        (motif, label)
        for label in np.unique(own).tolist()
        for motif in discover(contributions.take(np.flatnonzero(own == label)), settings)
    ]
    return sorted(found, key=lambda each: -len(each[0].seqlets))


def evidence(
    contributions: Contributions,
    motifs: Sequence[tuple[Motif, int]],
    examples: Examples,
    predict: Callable[[int], Predict],
    settings: Motifs,
    resampling: Resampling,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a row of tests for each motif, and the insertion profiles of the supported ones.

    examples: of fold test; predict: gives the function that returns the logit of a label. A motif is `supported` where two things hold.
    Its class has better matches on fold test (q <= 0.05), and its consensus raises the logit more than its shuffled bases. For a motif
    that lowers the logit, the reverse of both holds.
    """
    names = motif_names(len(motifs))
    table = pd.DataFrame(
        {
            "motif": names,
            "consensus": [motif.text for motif, _ in motifs],
            "width": [motif.width for motif, _ in motifs],
            "sites": [len(motif.seqlets) for motif, _ in motifs],
            "label": [label for _, label in motifs],
            "sign": [motif.sign for motif, _ in motifs],
        }
    )
    tested = association(examples, [motif.probabilities for motif, _ in motifs], table["label"].tolist(), resampling)
    rows, profiles = [], []
    for number, (motif, label) in enumerate(motifs):
        placement = usual_placement(contributions, motif)
        windows = neutral_windows(examples, motif, label, settings.motif_insertions, resampling.seed)
        row = insertion_test(examples, windows, motif, placement, predict(label), resampling)
        row["supported"] = _supported(motif.sign, tested.iloc[number], row)
        rows.append(row)
        if row["supported"]:
            profile = insertion_profile(examples, windows, motif, placement, predict(label), resampling)
            profiles.append(profile.assign(motif=names[number]))
    columns = ["insertion", "insertion_low", "insertion_high", "insertion_windows", "offset", "orientation", "opposite"]
    inserted = pd.DataFrame(rows, columns=[*columns, "supported"])
    shown = pd.concat(profiles, ignore_index=True)[PROFILE] if profiles else pd.DataFrame(columns=PROFILE)
    return pd.concat([table, tested, inserted], axis=1), shown


def _supported(sign: int, tested: pd.Series, inserted: dict) -> bool:
    nearest = inserted["insertion_low"] if sign > 0 else -inserted["insertion_high"]
    return bool(tested["q"] <= SIGNIFICANT and sign * (tested["auroc"] - 0.5) > 0 and nearest > 0)
