"""Whether explanations follow what the model computes: curves of deleted and inserted bases, randomised weights, agreement.

An explanation is faithful where removing the bases that it ranks first changes the answer more than removing others does (Samek et al.
2017), and where it changes when the weights are randomised from the last layer downwards (Adebayo et al. 2018).
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from scipy.stats import rankdata

from grover.config.sections.interpretation import ImportanceMethods
from grover.interpretation.answers import Answer, FineTuned
from grover.interpretation.cutting import bases_of, cut
from grover.interpretation.interpret import BLOCK, ISM, importances, of_substitutions
from grover.interpretation.mutagenesis import mutate
from grover.interpretation.significance import shuffled_sites
from grover.interpretation.sites import Site
from grover.network.classifier import Classifier
from grover.statistics.bootstrap import mean_over_blocks

SHARES = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0)
DRAWS = 2  # shuffles that the bases of a site are replaced by
RESAMPLES = 1_000
APART = 1  # with the seed: random weights that no training starts from
RANDOM, RARITY = "random", "rarity"  # orders without an explanation
DELETION, INSERTION = "deletion", "insertion"

Importance = Mapping[str, Sequence[np.ndarray]]  # by method, of each site float64 [length]


def curves(sites: Sequence[Site], orders: Importance, answer: Answer, seed: int) -> pd.DataFrame:
    """Answers while bases are deleted from a site, or inserted into its shuffle, those of highest importance first.

    A deleted base is replaced by that of a dinucleotide shuffle of the site; insertion starts from the shuffle. Returns test, method,
    site (its number), share (of the bases) and answer, the mean over `DRAWS` shuffles.
    """
    shuffles = shuffled_sites(sites, DRAWS, seed)
    keys = [(test, method, share) for method in orders for test in (DELETION, INSERTION) for share in SHARES]
    versions = []
    for number, site in enumerate(sites):
        own = shuffles[number * DRAWS : (number + 1) * DRAWS]
        rank = {method: np.argsort(np.argsort(-values[number], kind="stable")) for method, values in orders.items()}
        for test, method, share in keys:
            first = rank[method] < round(share * len(site.codes))
            original = ~first if test == DELETION else first
            versions += [np.where(original, site.codes, each.codes) for each in own]
    size = len(keys) * DRAWS
    stacked = [np.array(versions[start : start + size]) for start in range(0, len(versions), size)]
    values = [each.reshape(len(keys), DRAWS).mean(axis=1) for each in answer(sites, stacked)]
    columns = ["test", "method", "share"]
    return pd.concat(
        [pd.DataFrame(keys, columns=columns).assign(site=number, answer=each) for number, each in enumerate(values)],
        ignore_index=True,
    )


def areas(table: pd.DataFrame) -> pd.Series:
    """Mean answer over the shares of a curve (area under it), by test, method and site."""
    ordered = table.sort_values("share")
    return ordered.groupby(["test", "method", "site"])[["share", "answer"]].apply(
        lambda rows: float(np.trapezoid(rows["answer"], rows["share"]))
    )


def gains(table: pd.DataFrame, against: str) -> dict[tuple[str, str], np.ndarray]:
    """By how much the area of each method beats that of the order `against`, float64 [sites], by test and method; above 0 is better:
    a lower curve of deletion, a higher one of insertion."""
    wide = areas(table).unstack("site")
    better = {DELETION: -1.0, INSERTION: 1.0}
    methods = [name for name in dict.fromkeys(table["method"]) if name not in (RANDOM, RARITY)]
    return {
        (test, method): better[test] * (wide.loc[(test, method)] - wide.loc[(test, against)]).to_numpy()
        for method in methods
        for test in better
    }


def rank_correlation(one: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> np.ndarray:
    """Spearman correlation of two importances of each site, float64 [sites]; not a number where one is constant."""
    found = []
    for left, right in zip(one, other, strict=True):
        left, right = rankdata(left) - (len(left) + 1) / 2, rankdata(right) - (len(right) + 1) / 2
        scale = np.sqrt((left**2).sum() * (right**2).sum())
        found.append((left * right).sum() / scale if scale else np.nan)
    return np.array(found)


def mean_with_interval(values: np.ndarray, block: np.ndarray, seed: int) -> dict[str, float]:
    """The mean of values, one per site, with its 95 % bootstrap interval over blocks of sites: value, low, high, n."""
    value, low, high = mean_over_blocks(values, block, RESAMPLES, seed)
    return {"value": value, "low": low, "high": high, "n": int((~np.isnan(values)).sum())}


def ranked(
    sites: Sequence[Site], model: FineTuned, settings: ImportanceMethods, seed: int
) -> dict[str, list[np.ndarray]]:
    """The importance of bases by each method of the settings but redrawn blocks, whose draws differ from one another."""
    found = {}
    if ISM in settings.methods:
        substituted, _ = mutate(sites, model)
        found[ISM] = [of_substitutions(site, each).importance for site, each in zip(sites, substituted, strict=True)]
    others = settings.model_copy(update={"methods": [name for name in settings.methods if name != BLOCK]})
    values = importances(sites, model, others, seed)
    return found | {method: [each.importance for each in own] for method, own in values.items()}


def randomised(classifier: Classifier, seed: int) -> Iterator[tuple[str, Classifier]]:
    """Yield copies of a classifier whose weights are random from the last layer downwards.

    First the linear layer alone is random, then the last layer of the encoder too, and so on to the embeddings. Yields the name of the
    part that was added, and the copy.

    The weights are drawn apart from those of all trainings of this seed, since a model resembles the weights that it started from.
    """
    depth = classifier.config.num_hidden_layers
    parts = ["classifier.", *(f"bert.encoder.layer.{layer}." for layer in reversed(range(depth))), "bert.embeddings."]
    names = ["classifier", *(f"layer {layer}" for layer in range(depth, 0, -1)), "embeddings"]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(np.random.SeedSequence([seed, APART]).generate_state(1)[0]))
        config = deepcopy(classifier.config)
        fresh = Classifier(config, classifier.classifier.out_features, classifier.pooling).state_dict()
    weights = {name: value.clone() for name, value in classifier.state_dict().items()}
    for part, name in zip(parts, names, strict=True):
        weights |= {key: fresh[key].to(value) for key, value in weights.items() if key.startswith(part)}
        copy = deepcopy(classifier)
        copy.load_state_dict(weights)
        yield name, copy.eval()


def under_random_weights(
    sites: Sequence[Site], model: FineTuned, settings: ImportanceMethods, seed: int
) -> Iterator[tuple[str, str, np.ndarray]]:
    """Rank correlation of each method with itself under randomised weights, float64 [sites], with the part that was randomised last."""
    trained = ranked(sites, model, settings, seed)
    for part, classifier in randomised(model.classifier, seed):
        other = replace(model, classifier=classifier)
        for method, values in ranked(sites, other, settings, seed).items():
            yield part, method, rank_correlation(trained[method], values)


def rarity(sites: Sequence[Site], counts: np.ndarray, model: FineTuned) -> list[np.ndarray]:
    """An order without an explanation: bases of rare tokens come first. counts: of each token, int64 [vocabulary]."""
    found = []
    for site in sites:
        tokens, starts = cut(site, site.codes, model.vocabulary).of(0)
        bases, owner = bases_of(starts, model.vocabulary.spans[tokens])
        values = np.full(len(site.codes), -float(counts.max()) - 1)
        np.maximum.at(values, bases, -counts[tokens][owner].astype(np.float64))
        found.append(values)
    return found
