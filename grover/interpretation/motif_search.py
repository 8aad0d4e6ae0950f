"""Discovery of motifs and their tests, from contributions to the tables that are written."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from grover.annotation.meme import Motif as KnownMotif
from grover.config.sections.benchmarks import BlockBootstrap
from grover.config.sections.interpretation import Motifs
from grover.genome.bases import encode
from grover.interpretation.answers import Answer, FineTuned
from grover.interpretation.contributions import Contributions
from grover.interpretation.insertion import Predict
from grover.interpretation.motif_association import Examples, Resampling
from grover.interpretation.motif_discovery import Motif
from grover.interpretation.motif_evidence import discover_by_class, evidence
from grover.interpretation.motif_matches import best_matches
from grover.interpretation.sites import sites_of
from grover.statistics.bootstrap import blocks


class Found(NamedTuple):
    """Motifs, a table with a row for each, and the effect of their insertion by place and strand."""

    motifs: list[Motif]
    table: pd.DataFrame
    profiles: pd.DataFrame


def find_motifs(
    contributions: Contributions,
    data: pd.DataFrame,
    model: FineTuned,
    known: Sequence[KnownMotif],
    settings: Motifs,
    resampling: BlockBootstrap,
    seed: int,
) -> Found:
    """Discover motifs in contributions, whose examples are of fold train of `data`, and test them on its fold test with the classifier.

    known: motifs that the discovered ones are compared with. The model answers for both strands where the examples have none.
    """
    test, labels = np.flatnonzero(data["fold"] == "test"), data["label"].to_numpy(np.int64)
    held_out = data.iloc[test]
    examples = Examples(list(map(encode, held_out["sequence"])), labels[test], blocks(held_out, resampling.block))
    found = discover_by_class(contributions, labels, settings)
    predict = predict_for(model, data, test)
    tested, profiles = evidence(
        contributions, found, examples, predict, settings, Resampling(resampling.bootstrap, seed)
    )
    motifs = [motif for motif, _ in found]
    database = [each for each in known if each.matrix is not None]
    matches = best_matches(
        [motif.probabilities for motif in motifs],
        [f"{each.identifier} {each.name}".strip() for each in database],
        [each.matrix for each in database if each.matrix is not None],
        settings.motif_decoys,
        seed,
    )
    classes = [str(name) for name in data.attrs.get("labels", range(labels.max() + 1))]
    tested.insert(5, "class", [classes[label] for _, label in found])
    return Found(motifs, pd.concat([tested, matches], axis=1), profiles)


def predict_for(answer: Answer, data: pd.DataFrame, test: np.ndarray) -> Callable[[int], Predict]:
    """Return what answers for a label, of examples that count in `test`, the rows of fold test."""

    def predict(label: int) -> Predict:
        def margins(rows: np.ndarray, versions: list[np.ndarray]) -> list[np.ndarray]:
            # the versions are new sequences, which no pieces of a shuffle describe
            sites = [replace(site, label=label, pieces=()) for site in sites_of(data, test[rows])]
            return answer(sites, versions)

        return margins

    return predict
