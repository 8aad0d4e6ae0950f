"""All tests of the explanations of a task as one table, `faithfulness.tsv`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from grover.config.sections.interpretation import ImportanceMethods
from grover.interpretation.answers import FineTuned
from grover.interpretation.faithfulness import (
    RANDOM,
    RARITY,
    curves,
    gains,
    mean_with_interval,
    rank_correlation,
    ranked,
    rarity,
    under_random_weights,
)
from grover.interpretation.sites import Site
from grover.network.folder import WEIGHTS
from grover.statistics.bootstrap import blocks

COLUMNS = ["task", "test", "method", "against", "x", "value", "low", "high", "n"]
RANDOMISED = 5  # sites whose explanations are compared under randomised weights, once for each layer


@dataclass(frozen=True)
class Explained:
    """Sites with the importance of their bases by each method (float64 [length] each).

    Also the block of the genome of each site (int64), and whether the task has strands.
    """

    sites: list[Site]
    importance: dict[str, list[np.ndarray]]
    block: np.ndarray
    stranded: bool

    @classmethod
    def read(cls, bases: pd.DataFrame, sites: list[Site], stranded: bool, block: int) -> "Explained":
        """From the table of bases that `interpret` made of these sites; block: bases of the genome that are drawn together."""
        grouped = dict(tuple(bases.sort_values("offset").groupby(["method", "example"])["importance"]))
        methods = list(dict.fromkeys(bases["method"]))
        importance = {
            method: [grouped[method, site.example].to_numpy(np.float64) for site in sites] for method in methods
        }
        columns = {"chrom": [site.chrom for site in sites], "sequence": [site.codes.tobytes() for site in sites]}
        places = {"start": [site.start for site in sites], "end": [site.end for site in sites]}
        return cls(sites, importance, blocks(pd.DataFrame(columns | places), block), stranded)


def check(
    explained: Explained,
    model: FineTuned,
    second: FineTuned | None,
    settings: ImportanceMethods,
    counts: np.ndarray,
    seed: int,
) -> pd.DataFrame:
    """Rows of `COLUMNS` but the task: what was tested of which method against what, with its 95 % interval over blocks of sites.

    `deletion`, `insertion`: the mean answer (nats) with the share x of the bases deleted or inserted; `deletion gain`, `insertion gain`:
    by how much the area beats that of an order without an explanation. `methods`, `seeds`, `strands`, `randomisation`: rank correlation
    of the importance with that of another method, another seed, the other strand, or a model with random parts. Without a
    `second` model the row of seeds has no value and n is 0. counts: of each token in fold train.
    """
    sites, own = explained.sites, explained.importance
    alone = replace(model, both=False)
    model = replace(model, both=not explained.stranded)
    rows: list[dict] = []

    def add(
        test: str,
        method: str,
        against: str,
        values: np.ndarray,
        x: float = np.nan,
        of: np.ndarray | slice = slice(None),
    ) -> None:
        found = mean_with_interval(values, explained.block[of], seed)
        rows.append({"test": test, "method": method, "against": against, "x": x} | found)

    rng = np.random.default_rng(seed)
    orders = own | {RANDOM: [rng.random(len(site.codes)) for site in sites], RARITY: rarity(sites, counts, model)}
    table = curves(sites, orders, model, seed)
    for (test, method, share), group in table.groupby(["test", "method", "share"], sort=False):
        add(test, method, "", group["answer"].to_numpy(), share)
    for against in (RANDOM, RARITY):
        for (test, method), values in gains(table, against).items():
            add(f"{test} gain", method, against, values)
    for one, other in combinations(own, 2):
        add("methods", one, other, rank_correlation(own[one], own[other]))
    if second is None:
        rows += [{"test": "seeds", "method": method, "against": "", "n": 0} for method in own]
    else:
        others = ranked(sites, replace(second, both=model.both), settings, seed)
        for method, theirs in others.items():
            add("seeds", method, second.label, rank_correlation(own[method], theirs))
    for method, theirs, reference in _strands(explained, alone, settings, seed):
        add("strands", method, "opposite strand", rank_correlation(reference, theirs))
    few = spread(len(sites), RANDOMISED)
    parts: dict[str, int] = {}
    for part, method, values in under_random_weights([sites[each] for each in few], alone, settings, seed):
        add("randomisation", method, part, values, parts.setdefault(part, len(parts) + 1), few)
    return pd.DataFrame(rows, columns=COLUMNS[1:])


def spread(number: int, most: int) -> np.ndarray:
    """At most so many numbers below `number`, int64, ascending: evenly spread, since neighbouring sites lie in one block of the genome."""
    return np.unique(np.linspace(0, number - 1, min(number, most)).astype(np.int64))


def _strands(
    explained: Explained, model: FineTuned, settings: ImportanceMethods, seed: int
) -> Iterable[tuple[str, list[np.ndarray], list[np.ndarray]]]:
    """The importance of each method when the opposite strand alone is read, and when the strand of the sites alone is read."""
    reversed_sites = [site.reversed() for site in explained.sites]
    opposite = ranked(reversed_sites, model, settings, seed)
    alone = explained.importance if explained.stranded else ranked(explained.sites, model, settings, seed)
    for method, values in opposite.items():
        yield method, [each[::-1] for each in values], list(alone[method])


def other_seeds(folder: Path) -> list[Path]:
    """Folders of the classifiers that fine-tuning kept of its seeds after the first, the lowest seed first.

    Fine-tuning keeps the weights of its first two seeds (`workflow/scripts/finetune.py`).
    """
    kept = {
        int(path.parent.name.removeprefix("seed-")): path.parent for path in folder.glob(f"seeds-*/seed-*/{WEIGHTS}")
    }
    return [kept[seed] for seed in sorted(kept)[1:]]


def token_counts(inputs: Sequence[np.ndarray], size: int) -> np.ndarray:
    """How often each token occurs in some sequences, int64 [size]."""
    return np.bincount(np.concatenate(inputs), minlength=size)
