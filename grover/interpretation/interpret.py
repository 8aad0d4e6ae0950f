"""Importance of the bases of sites by several methods, and the tables that the workflow keeps of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

from grover.config.sections.interpretation import ImportanceMethods
from grover.genome.bases import decode
from grover.interpretation.answers import FineTuned
from grover.interpretation.attention import attention_per_base
from grover.interpretation.cutting import compare_cuts, cut, spans_per_base
from grover.interpretation.gradients import integrated_gradients
from grover.interpretation.mutagenesis import Substitutions, mutate, mutate_blocks, substitutions
from grover.interpretation.significance import p_values, shuffled_sites, strata
from grover.interpretation.sites import Site, rows_of
from grover.tokenization.vocabulary import Vocabulary

ISM, BLOCK, IG, ATTENTION = "ism", "block", "ig", "attention"
TABLE = ["task", "method", "example", "chrom", "pos", "strand", "ref", "base", "delta"]
CUTS = ["tokens_changed", "reach", "boundary_moved"]
BASES = [
    "task",
    "method",
    "example",
    "label",
    "answer",
    "chrom",
    "pos",
    "offset",
    "strand",
    "ref",
    "importance",
    "signed",
]
TESTED = ["p", "q", "resolution", "error"]


@dataclass(frozen=True)
class Values:
    """What one method gives the bases of one site.

    `importance` ranks the bases; then their value with its sign, the number of bases that share a value, and the completeness error of
    integrated gradients.
    """

    importance: np.ndarray
    signed: np.ndarray
    resolution: np.ndarray | int = 1
    error: float = np.nan


def importances(
    sites: Sequence[Site], model: FineTuned, settings: ImportanceMethods, seed: int
) -> dict[str, list[Values]]:
    """The values of each method of the settings for each site, those of `ism` apart (`grover.interpretation.mutagenesis.mutate`)."""
    found: dict[str, list[Values]] = {}
    if BLOCK in settings.methods:
        redrawn = mutate_blocks(sites, model, settings.block, settings.block_step, settings.block_draws, seed)
        found[BLOCK] = [Values(np.abs(each), each, settings.block) for each in redrawn]
    if IG in settings.methods:
        found[IG] = _gradients(sites, model, settings.steps)
    if ATTENTION in settings.methods:
        found[ATTENTION] = _attention(sites, model)
    return found


def _gradients(sites: Sequence[Site], model: FineTuned, steps: int) -> list[Values]:
    found = integrated_gradients(sites, model, steps)
    values = [Values(np.abs(each.values), each.values, each.resolution, each.error) for each in found]
    return _with_opposite(values, _gradients(_turned(sites), _plus(model), steps)) if model.both else values


def _attention(sites: Sequence[Site], model: FineTuned) -> list[Values]:
    found = attention_per_base(sites, model)
    values = [
        Values(each, each, spans_per_base(site, model.vocabulary)) for site, each in zip(sites, found, strict=True)
    ]
    return _with_opposite(values, _attention(_turned(sites), _plus(model))) if model.both else values


def _turned(sites: Sequence[Site]) -> list[Site]:
    return [site.reversed() for site in sites]


def _plus(model: FineTuned) -> FineTuned:
    return replace(model, both=False)


def _with_opposite(values: list[Values], opposite: list[Values]) -> list[Values]:
    """The mean of values of both strands, which is exact for integrated gradients of the mean answer; resolution and error are the larger
    ones."""
    found = []
    for one, other in zip(values, opposite, strict=True):
        mean = (one.signed + other.signed[::-1]) / 2
        resolution = np.maximum(one.resolution, np.asarray(other.resolution)[::-1])
        found.append(Values(np.abs(mean), mean, resolution, max(one.error, other.error)))
    return found


def of_substitutions(site: Site, found: Substitutions) -> Values:
    """The values of in-silico mutagenesis."""
    return Values(found.importance(len(site.codes)), found.sums(len(site.codes)))


# of the bases of shuffled sites: signed sums, and how many substitutions of each move a bound of a token
Null = tuple[np.ndarray, np.ndarray]


def interpret(
    sites: Sequence[Site],
    model: FineTuned,
    settings: ImportanceMethods,
    *,
    task: str,
    stranded: bool,
    seed: int,
    null: Null | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Explain sites of a task by each of the methods of the settings.

    Returns two tables. The first has a row per substitution (ism) or per base: `TABLE`, and for ism `CUTS`; delta is the change of the
    output, for ig the attribution, for attention the weight. The second has a row per base: `BASES` and `TESTED`. There importance is what
    bases are ranked by (mean |delta| of ism, |delta| otherwise); signed is the sum or the value with its sign; p and q are its significance
    (ism); resolution is the bases that share one value; error is the completeness error of ig. Without strands all values are the mean of
    both strands.

    null: that of all sites (`null_of`), where `sites` are some of them; None: that of the given sites.
    """
    model = replace(model, both=not stranded)
    tables, bases = [], []
    if ISM in settings.methods:
        substituted, answers = mutate(sites, model)
        if null is None:
            chosen = [sites[row] for row in null_rows(len(sites), settings, seed)]
            null = null_of(chosen, model, settings, seed)
        for site, found, margin in zip(sites, substituted, answers, strict=True):
            cuts = _cuts(site, model.vocabulary)
            tables.append(_of_substitutions(site, found, cuts))
            per_base = _per_base(site, of_substitutions(site, found), ISM, margin)
            if len(null[0]):
                stratum = strata(found.position, cuts["boundary_moved"], len(site.codes))
                per_base["p"] = p_values(per_base["signed"].to_numpy(), stratum, *null)
            bases.append(per_base)
    else:
        answers = np.concatenate(model(sites, [site.codes[None] for site in sites]))
    for method, values in importances(sites, model, settings, seed).items():
        own = [_per_base(site, each, method, margin) for site, each, margin in zip(sites, values, answers, strict=True)]
        bases += own
        tables += [each.assign(base="", delta=each["signed"]) for each in own]
    table, joined = (pd.concat(each, ignore_index=True).assign(task=task) for each in (tables, bases))
    # an explanation is read site by site, so the bases of one site are the tests that are corrected together
    tested = joined[joined["p"].notna()]
    for _, p in tested.groupby("example")["p"]:
        joined.loc[p.index, "q"] = false_discovery_control(p)
    table = table.reindex(columns=[*TABLE, *CUTS]).astype(
        {"delta": np.float32, "tokens_changed": "Int32", "reach": "Int32", "boundary_moved": "boolean"}
    )
    return table, joined[[*BASES, *TESTED]].astype({"resolution": np.int32})


def _cuts(site: Site, vocabulary: Vocabulary) -> dict[str, np.ndarray]:
    sequences, position, _ = substitutions(site.codes)
    return compare_cuts(cut(site, site.codes, vocabulary), cut(site, sequences, vocabulary), position, vocabulary)


def null_rows(number: int, settings: ImportanceMethods, seed: int) -> np.ndarray:
    """Return which of so many sites give the null, int64, in the order in which they are shuffled."""
    return np.random.default_rng(seed).permutation(number)[: settings.null_examples]


def null_of(sites: Sequence[Site], model: FineTuned, settings: ImportanceMethods, seed: int) -> Null:
    """Return signed sums of the bases of shuffled sites, and how many substitutions of each move a bound of a token.

    `null_rows` names the sites. The model answers for both strands where `interpret` is asked to, without strands.
    """
    shuffled = shuffled_sites(sites, settings.shuffles, seed)
    if not shuffled:
        return np.zeros(0), np.zeros(0, np.int64)
    found, _ = mutate(shuffled, model)
    sums = [each.sums(len(site.codes)) for site, each in zip(shuffled, found, strict=True)]
    moved = [
        strata(each.position, _cuts(site, model.vocabulary)["boundary_moved"], len(site.codes))
        for site, each in zip(shuffled, found, strict=True)
    ]
    return np.concatenate(sums), np.concatenate(moved)


def _of_substitutions(site: Site, found: Substitutions, cuts: dict[str, np.ndarray]) -> pd.DataFrame:
    base = np.array(list(decode(found.base)), object)
    columns = rows_of(site, found.position) | {"base": base, "delta": found.delta} | cuts
    return pd.DataFrame(columns).assign(method=ISM)


def _per_base(site: Site, values: Values, method: str, margin: float) -> pd.DataFrame:
    offsets = np.arange(len(site.codes))
    columns = rows_of(site, offsets) | {
        "method": method,
        "label": site.label,
        "answer": margin,
        "offset": offsets,
        "importance": values.importance,
        "signed": values.signed,
        "p": np.nan,
        "q": np.nan,
        "resolution": values.resolution,
        "error": values.error,
    }
    return pd.DataFrame(columns)
