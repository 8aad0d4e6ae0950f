"""Section of the report: pretraining."""

from collections.abc import Collection
from itertools import product

import pandas as pd

from grover.config.names import MASKED_LABELS
from grover.pretraining.scores import MODEL, SPLITS
from grover.report.figures import pretraining as figures
from grover.report.parts import Picture, Results, Section, Table, between, formatted, signed, verdict

TITLE = "Pretraining"
NEEDS = ("models/*/training.parquet", "models/*/metrics.json")
PREDICTORS = {MODEL: "pretrained model", **MASKED_LABELS}
FIRST_TRACKS = ("repeat_class", "gene", "soft_mask")
FEWEST_OCCURRENCES, TOKENS_SHOWN = 20, 8
FEWEST_IN_STRATUM, STRATA_SHOWN = 50, 30


def section(results: Results) -> Section:
    source = results.find(NEEDS[1])[0]
    folder = source.rpartition("/")[0]
    curve = f"{folder}/training.parquet"
    metrics = {name: results.json(name) for name in results.find(NEEDS[1])}
    training, main = results.table(curve), metrics[source]
    split = main["split"]
    scores = main["splits"][split]
    # a gain is the model's loss minus the baseline's, so the sign is turned
    findings = [
        verdict("The pretrained model", MASKED_LABELS[name], *turned(gain), "nats per masked token")
        for name, gain in sorted(scores["gains"].items(), key=lambda item: scores["baselines"][item[0]]["loss"])
        if gain["low"] is not None
    ]
    parts = [
        f"A BERT encoder of {main['parameters']:,} parameters was trained to predict masked tokens in "
        f"{training['step'].max():,} steps, on the training windows of split {split}. It was then scored on "
        f"{scores['masked_tokens']:,} masked tokens of {scores['windows']:,} test windows of that split, beside baselines "
        f"from counts of tokens, alone or between neighbours. They counted {main['baseline_tokens']:,} of the "
        f"{main['training_tokens']:,} tokens of the training windows (at most `evaluation.baseline_tokens`).",
        *seen_sentences(metrics.values()),
        findings,
        Picture(
            "pretraining_loss",
            figures.loss(
                training,
                {MASKED_LABELS[name]: values["loss"] for name, values in scores["baselines"].items()},
                {name: values["model"]["loss"] for name, values in main["splits"].items()},
            ),
            "Loss on the training windows, with the loss of the final model on the test windows of both splits at the end. The test "
            f"windows have {main['mask_ratio']:.1%} of their tokens masked (`evaluation.mask_ratio`, by default the ratio of the "
            "training), all behind [MASK]. The training loss is a little harder. Up to a fifth of its masked tokens have a random "
            "token instead, and dropout applies where `pretraining.dropout` is above 0. "
            f"Grey lines are baselines on the test windows of split {split}: a model above the line of neighbour counts has not "
            "learnt more than adjacency.",
            curve,
        ),
        Table(
            score_table(metrics),
            "Scores on the test windows of both splits: loss in nats per masked token; shares of the masked tokens ranked first and among "
            f"the first {main['top']}; perplexity, and what share of the vocabulary it is. None of these compares between vocabularies. "
            "Bits per base are masked nats / ln 2 / bases masked; they are conditional on the visible tokens and depend on how the "
            "genome is cut, so that they compare no better; overlapping k-mers have none.",
            source,
        ),
    ]
    spans = {name: item["common_spans"] for name, item in metrics.items() if item["common_spans"]}
    if spans:
        first = next(iter(spans.values()))
        parts.append(
            Table(
                span_table(spans),
                f"Masked bits per base that compare between vocabularies. Spans of {first['span']} bases at the same places of the "
                "genome are masked, with every token that touches one (`evaluation.span_bases`). Windows have the same "
                f"{first['window_bases']} bases, without spans in the outer {first['margin']}. 95 % "
                "intervals over blocks of the genome; `seen` is the share of the masked tokens inside training windows. Cautions "
                "remain: the borders of the visible tokens contain information on the masked ones, more in one vocabulary than in "
                "another; long tokens mask more bases around a span; the tokens of a span are predicted each "
                "alone, which costs short tokens more.",
                source,
            )
        )
    parts += strata_parts(results, folder, split) + token_parts(results, folder, split)
    return Section("pretraining", TITLE, parts, findings)


def turned(gain: dict) -> tuple[float, float, float]:
    """A difference of losses as a gain, with its interval."""
    return -gain["difference"], -gain["high"], -gain["low"]


def seen_sentences(metrics: Collection[dict]) -> list[str]:
    """What the scores of each split are worth, where training saw some of the test windows of a model."""
    sentences = []
    for split in SPLITS:
        shares = [item["splits"][split]["seen_share"] for item in metrics]
        low, high = f"{min(shares):.0%}", f"{max(shares):.0%}"
        if max(shares) > 0:
            sentences.append(
                f"Of the masked tokens of split {split} {low if low == high else f'{low} to {high}'} lie inside training windows: "
                "its scores measure memory of the training set, too."
            )
    return sentences


def score_table(metrics: dict[str, dict]) -> pd.DataFrame:
    """Models and baselines in rows, the two splits side by side."""
    top = f"top-{next(iter(metrics.values()))['top']}"
    cells = {
        "loss": "{loss:.3f}",
        "top-1": "{top1:.1%}",
        top: "{topk:.1%}",
        "perplexity": "{perplexity:,.1f} ({perplexity_share:.0%})",
        "bits per base": "{bits_per_base:.3f}",
    }
    rows = []
    for path, item in metrics.items():
        for name, label in PREDICTORS.items():
            row = {"vocabulary": path.split("/")[1], "predictor": label}
            for (title, cell), (split, scores) in product(cells.items(), item["splits"].items()):
                values = scores["model"] if name == MODEL else scores["baselines"][name]
                absent = title == "bits per base" and values["bits_per_base"] is None
                row[f"{title}, {split}"] = "–" if absent else cell.format_map(values)
            rows.append(row)
    return pd.DataFrame(rows)


def span_table(spans: dict[str, dict]) -> pd.DataFrame:
    """Return bits per base on common spans, one row per vocabulary."""
    rows = [
        {
            "vocabulary": path.split("/")[1],
            "bits per base": f"{item['bits_per_base']:.3f}",
            "95 % interval": "–" if item["low"] is None else f"{item['low']:.3f} to {item['high']:.3f}",
            **{MASKED_LABELS[name]: f"{item['baselines'][name]['bits_per_base']:.3f}" for name in MASKED_LABELS},
            "masked bases": f"{item['bases']:,}",
            "seen": f"{item['seen_share']:.1%}",
        }
        for path, item in spans.items()
    ]
    return pd.DataFrame(rows)


def strata_parts(results: Results, folder: str, split: str) -> list:
    """Figure and table of the scores by annotation, if they are there."""
    source = f"{folder}/strata.parquet"
    if source not in results.names:
        return []
    strata = results.table(source)
    tracks = list(dict.fromkeys([*FIRST_TRACKS, *strata["track"]]))
    kept = strata[strata["n"] >= FEWEST_IN_STRATUM]
    kept = kept.sort_values("track", key=lambda column: column.map(tracks.index), kind="stable")
    names = kept.loc[kept["split"] == split, ["track", "category"]].drop_duplicates().head(STRATA_SHOWN)
    kept = kept.merge(names, on=["track", "category"])
    if kept.empty:
        return [f"No stratum of the annotation holds {FEWEST_IN_STRATUM} masked tokens."]
    return [
        Picture(
            "pretraining_strata",
            figures.strata(kept[kept["split"] == split], PREDICTORS),
            f"Left: loss of the model and the baselines by where the masked tokens lie (test windows of split {split}). Right: what "
            "the model gains on the counts between neighbours, with 95 % intervals over blocks of the genome. `none` is outside "
            "of all categories of a track.",
            source,
        ),
        Table(
            strata_table(kept, split),
            f"The same as numbers, for strata of at least {FEWEST_IN_STRATUM} masked tokens; gains on the counts between "
            "neighbours in nats per token, for both splits.",
            source,
        ),
    ]


def strata_table(strata: pd.DataFrame, split: str) -> pd.DataFrame:
    """Return one row per stratum: masked tokens, loss and top-1 of each predictor under `split`, gains under both splits."""
    rows = []
    for (track, category), part in strata.groupby(["track", "category"], sort=False):
        own = part[part["split"] == split].set_index("predictor")
        row = {
            "track": track,
            "category": category,
            "masked tokens": int(own["n"].iloc[0]),
            **{f"loss, {name}": f"{own.loc[name, 'loss']:.2f}" for name in PREDICTORS},
            **{f"top-1, {name}": f"{own.loc[name, 'top1']:.1%}" for name in PREDICTORS},
        }
        for other, values in part[part["predictor"] == "neighbours"].groupby("split", sort=False):
            gain = values.iloc[0]
            sure = "" if pd.isna(gain["low"]) else f" ({between(-gain['high'], -gain['low'])})"
            row[f"gain, {other}"] = signed(-gain["gain"]) + sure
        rows.append(row)
    return formatted(pd.DataFrame(rows))


def token_parts(results: Results, folder: str, split: str) -> list:
    """Figure and table of the scores by token, if they are there."""
    source = f"{folder}/token_accuracy.parquet"
    if source not in results.names:
        return []
    tokens = results.table(source).query(f"n >= {FEWEST_OCCURRENCES}")
    if tokens.empty:
        return [f"No token was masked {FEWEST_OCCURRENCES} times, so none is shown alone."]
    own = tokens[tokens["split"] == split].drop(columns=["id", "split"])
    half = TOKENS_SHOWN // 2
    ends = pd.concat([own.head(half), own.tail(half)]) if len(own) > TOKENS_SHOWN else own
    shown = {"accuracy": "{:.1%}", "auc": "{:.3f}", "loss": "{:.3f}"}
    return [
        Picture(
            "pretraining_tokens",
            figures.tokens(tokens),
            f"Tokens masked at least {FEWEST_OCCURRENCES} times, from the best to the worst. Shown are how often each is ranked first "
            "at its places, and how well its probability separates these from others (area under the ROC curve; 0.5 is chance).",
            source,
        ),
        Table(
            formatted(ends, shown),
            f"The best and the worst predicted tokens among those masked at least {FEWEST_OCCURRENCES} times (split {split}).",
            source,
        ),
    ]
