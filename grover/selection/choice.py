"""Comparison of vocabularies, and the choice among them by a rule that is fixed beforehand."""

import pandas as pd

from grover.runtime.errors import InputError
from grover.statistics.proportions import over_seeds

MEAN_RANK, BITS_PER_BASE = "mean-rank", "bits-per-base"


def over_all_seeds(scores: pd.DataFrame) -> pd.DataFrame:
    """Summarise rows per seed (`grover.selection.next_kmer_model.by_seed`) by vocabulary and k.

    Returns the means of accuracy and accuracy_valid, `seeds`, n, n_valid, seen, and low, high, the 95 % interval of accuracy over test
    examples and seeds.
    """
    rows = []
    for (name, k), group in scores.groupby(["vocabulary", "k"], sort=False):
        n = int(group["n"].iloc[0])
        low, high = over_seeds(group["accuracy"].to_numpy(), float(group["example_variance"].iloc[0]), n)
        row = {"vocabulary": name, "kind": "model", "k": k, "seeds": len(group), "n": n, "low": low, "high": high}
        means = {column: float(group[column].mean()) for column in ("accuracy", "accuracy_valid")}
        rows.append(row | means | {"n_valid": int(group["n_valid"].iloc[0]), "seen": float(group["seen"].iloc[0])})
    return pd.DataFrame(rows)


def compare(scores: pd.DataFrame, baselines: pd.DataFrame, spans: dict[str, dict | None]) -> pd.DataFrame:
    """Join models and baselines in one table.

    Columns: vocabulary, kind (model or baseline), k, accuracy, low, high, n, seeds, accuracy_valid, n_valid. Models also have `seen`, the
    share of the bases of the test contexts that they were pretrained on, and masked bits per base on the common spans: `bits_per_base`,
    `bits_low`, `bits_high`. spans: `common_spans` of the held-out metrics by vocabulary, of fold test, None without such a score.
    """
    names = {"bits_per_base": "bits_per_base", "bits_low": "low", "bits_high": "high"}
    bits = pd.DataFrame(
        [
            {"vocabulary": name} | {column: (values or {}).get(key) for column, key in names.items()}
            for name, values in spans.items()
        ]
    )
    table = over_all_seeds(scores).merge(bits, on="vocabulary", how="left")
    columns = ["vocabulary", "kind", "k", "accuracy", "low", "high", "n", "seeds", "accuracy_valid", "n_valid", "seen"]
    return (
        pd.concat([table, baselines], ignore_index=True)
        .reindex(columns=[*columns, *names])
        .astype({"seeds": "Int64", "n_valid": "Int64"})
    )


def choose(rule: str, scores: pd.DataFrame, spans: dict[str, dict | None], sizes: dict[str, int]) -> tuple[str, str]:
    """Choose a vocabulary by a rule, and explain the choice in sentences.

    `mean-rank`: the best mean rank over all k of accuracy on fold valid, the mean over seeds. `bits-per-base`: the fewest
    masked bits per base on the common spans of fold valid, or of fold test where it has none. Ties go to the smaller vocabulary.

    scores: a row per vocabulary, k and seed, with accuracy_valid and seen; spans: as for `compare`, read for `bits-per-base` only;
    sizes: number of tokens of each vocabulary.
    """
    by_bits = rule == BITS_PER_BASE
    name, reason = _by_bits(spans, sizes) if by_bits else _by_mean_rank(over_all_seeds(scores), sizes)
    return name, reason + _leak(scores)


def confirm(
    vocabulary: str, rule: str, scores: pd.DataFrame, spans: dict[str, dict | None], sizes: dict[str, int]
) -> tuple[str, str]:
    """Return a vocabulary that was named beforehand, and what the rule would have chosen; arguments as for `choose`."""
    if vocabulary not in sizes:
        raise InputError(f"selection: vocabulary {vocabulary!r} is no candidate; choose one of {', '.join(sizes)}")
    if rule == BITS_PER_BASE and not any(spans.values()):
        none = f"The rule {rule} compares none of the candidates, since overlapping k-mers have no bits per base."
        return vocabulary, f"It was fixed beforehand. {none}{_leak(scores)}"
    if len(sizes) == 1:
        return vocabulary, f"It was fixed beforehand, and no other vocabulary was compared.{_leak(scores)}"
    name, reason = choose(rule, scores, spans, sizes)
    return vocabulary, f"It was fixed beforehand. The rule would choose {name}. {reason}"


def _leak(scores: pd.DataFrame) -> str:
    """Return the caution that pretraining has seen the folds that it is scored on, if it has."""
    seen = scores["seen"].max()
    if not seen:
        return ""
    return (
        f" But pretraining was not kept away from folds valid and test (`corpus.split`). Up to {100 * seen:.3g} % of the bases "
        "of the contexts in fold test were in its corpus, so no score is one on unseen sequence."
    )


def _by_mean_rank(table: pd.DataFrame, sizes: dict[str, int]) -> tuple[str, str]:
    wide = table.pivot(index="vocabulary", columns="k", values="accuracy_valid")
    # accuracies that are equal but for rounding share their rank
    ranks = wide.round(9).rank(ascending=False).mean(axis=1)
    order = sorted(ranks.index, key=lambda name: (round(ranks[name], 9), sizes[name]))
    listing = ", ".join(f"{name} {ranks[name]:.2f} (mean accuracy {wide.loc[name].mean():.4f})" for name in order)
    lengths, seeds = ", ".join(map(str, wide.columns)), int(table["seeds"].max())
    return order[0], (
        f"Rule {MEAN_RANK}: the best mean rank over k = {lengths} of next-k-mer accuracy on fold valid (fine-tuned with "
        f"{seeds} seed{'s' if seeds > 1 else ''}); ties go to the smaller vocabulary, and fold test is not used. {listing}."
    )


def _by_bits(spans: dict[str, dict | None], sizes: dict[str, int]) -> tuple[str, str]:
    known = {name: values for name, values in spans.items() if values}
    if not known:
        raise InputError(
            f"selection.rule: no candidate has masked bits per base on common spans, which {BITS_PER_BASE} compares; "
            f"overlapping k-mers have none; set the rule to {MEAN_RANK}"
        )
    # the spans are drawn from the genome alone, so that either all candidates have some in fold valid or none has
    valid = {name: values["valid"] for name, values in known.items() if values.get("valid")}
    if len(valid) == len(known):
        known, where = valid, "spans of fold valid, the same for all; fold test is not used"
    else:
        where = (
            "spans of fold test, the same for all, since fold valid has none; the choice uses the fold on which "
            "later scores are measured, which makes these slightly optimistic"
        )
    order = sorted(known, key=lambda name: (round(known[name]["bits_per_base"], 9), sizes[name]))
    listing = ", ".join(f"{name} {_with_interval(known[name])}" for name in order)
    without = ", ".join(name for name in spans if name not in known)
    return order[0], (
        f"Rule {BITS_PER_BASE}: the fewest masked bits per base on {where}. Ties go to the smaller vocabulary. {listing}."
        + (f" Left out, without such a score: {without}." if without else "")
    )


def _with_interval(values: dict) -> str:
    low, high = values.get("low"), values.get("high")
    between = "" if low is None or high is None else f" ({low:.4f} to {high:.4f})"
    return f"{values['bits_per_base']:.4f}{between}"
