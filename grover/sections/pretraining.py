"""Section of the report: pretraining."""

import pandas as pd

from grover.figures import pretraining as figures
from grover.masked_scores import FLOORS as FLOOR_NAMES
from grover.masked_scores import MODEL
from grover.sections.parts import Picture, Results, Section, Table, between, formatted, signed, verdict

TITLE = "Pretraining"
NEEDS = ("models/*/training.parquet", "models/*/metrics.json")
FLOORS = {
    "frequency": "token frequencies",
    "neighbours": "counts between neighbours",
    "untrained": "the untrained network",
}
PREDICTORS = {MODEL: "pretrained model", **FLOORS}
FIRST_TRACKS = ("repeat_class", "gene", "soft_mask")
FEWEST_OCCURRENCES, TOKENS_SHOWN = 20, 8
FEWEST_IN_STRATUM, STRATA_SHOWN = 50, 30


def section(results: Results) -> Section:
    source = results.first(NEEDS[1])
    folder = source.rpartition("/")[0]
    curve = f"{folder}/training.parquet"
    metrics = {name: results.json(name) for name in results.find(NEEDS[1])}
    training, main = results.table(curve), metrics[source]
    split = main["split"]
    scores = main["splits"][split]
    result = Section("pretraining", TITLE)
    # a gain is the model's loss minus the floor's, so the sign is turned
    result.findings = [
        verdict("The pretrained model", FLOORS[name], *turned(gain), "nats a hidden token")
        for name, gain in scores["gains"].items()
        if gain["low"] is not None
    ]
    result.numbers = [headline(main, scores)]
    result.parts = [
        f"A BERT encoder of {main['parameters']:,} parameters learnt to name hidden tokens in "
        f"{training['step'].max():,} steps, on the training windows of split {split}. It was then scored on "
        f"{scores['hidden_tokens']:,} hidden tokens of {scores['windows']:,} test windows of that split, beside predictors that "
        "know only how often tokens stand alone or between two neighbours.",
        *seen_sentences(main),
        result.findings,
        Picture(
            "pretraining_loss",
            figures.loss(
                training,
                {FLOORS[name]: values["loss"] for name, values in scores["floors"].items()},
                {name: values["model"]["loss"] for name, values in main["splits"].items()},
            ),
            "Loss on the training windows, with the loss of the final model on the test windows of both splits at the end. "
            f"Grey lines are floors on the test windows of split {split}: a model above the line of neighbour counts has not "
            "learnt more than adjacency.",
            curve,
        ),
        Table(
            score_table(metrics),
            "Scores on the test windows of both splits. `seen` is the share of the hidden tokens that lie inside training "
            "windows: where it is not 0, the score tells what the model remembers too. Perplexities of different vocabularies do "
            "not compare. Bits a base are masked nats / ln 2 / bases masked; they are conditional on the visible tokens and "
            "depend on how the genome is cut; overlapping words have none.",
            source,
        ),
    ]
    spans = {name: item["common_spans"] for name, item in metrics.items() if item["common_spans"]}
    if spans:
        first = next(iter(spans.values()))
        result.parts.append(
            Table(
                span_table(spans),
                f"Masked bits a base that compare between vocabularies: spans of {first['span']} bases at the same places of the "
                "genome are hidden, with every token that touches one. 95 % intervals over blocks of the genome. A caution remains: "
                "the borders of the visible tokens tell something about the hidden ones, more in one vocabulary than in another.",
                source,
            )
        )
    result.parts += strata_parts(results, folder, split) + token_parts(results, folder, split)
    return result


def headline(main: dict, scores: dict) -> tuple[str, str, str]:
    """The number of the summary: masked bits a base, or perplexity where there are none."""
    model, floors = scores["model"], scores["floors"].values()
    if model["bits_per_base"] is None:
        floor = min(values["perplexity"] for values in floors)
        return f"{model['perplexity']:,.1f}", "perplexity", f"best floor {floor:,.1f}; {model['top1']:.1%} top-1"
    floor = min(values["bits_per_base"] for values in floors)
    note = f"best floor {floor:.3f}; {model['top1']:.1%} top-1; split {main['split']}"
    return f"{model['bits_per_base']:.3f}", "masked bits a base", note


def turned(gain: dict) -> tuple[float, float, float]:
    """A difference of losses as a gain, with its interval."""
    return -gain["difference"], -gain["high"], -gain["low"]


def seen_sentences(main: dict) -> list[str]:
    """What the scores of each split are worth, where training saw some of the test windows."""
    return [
        f"Of the hidden tokens of split {name} {values['seen_share']:.0%} lie inside training windows: its scores are of "
        "sequence that training saw."
        for name, values in main["splits"].items()
        if values["seen_share"] > 0
    ]


def score_table(metrics: dict[str, dict]) -> pd.DataFrame:
    """Models and floors in rows, the two splits of each below one another."""
    rows = [
        {
            "vocabulary": path.split("/")[1],
            "predictor": label,
            "split": split,
            "seen": scores["seen_share"],
            **(scores["model"] if name == MODEL else scores["floors"][name]),
        }
        for path, item in metrics.items()
        for name, label in PREDICTORS.items()
        for split, scores in item["splits"].items()
    ]
    top = f"top-{next(iter(metrics.values()))['top']}"
    names = {"topk": top, "top1": "top-1", "bits_per_base": "bits a base", "perplexity_share": "of the vocabulary"}
    frame = pd.DataFrame(rows).rename(columns=names)
    shares = dict.fromkeys(("top-1", top, "of the vocabulary", "seen"), "{:.1%}")
    return formatted(frame, {**shares, "loss": "{:.3f}", "bits a base": "{:.3f}", "perplexity": "{:,.1f}"})


def span_table(spans: dict[str, dict]) -> pd.DataFrame:
    """Bits a base on common spans, a row a vocabulary."""
    rows = [
        {
            "vocabulary": path.split("/")[1],
            "bits a base": f"{item['bits_per_base']:.3f}",
            "95 % interval": "–" if item["low"] is None else f"{item['low']:.3f} to {item['high']:.3f}",
            **{FLOORS[name]: f"{item['floors'][name]['bits_per_base']:.3f}" for name in FLOOR_NAMES},
            "bases hidden": f"{item['bases']:,}",
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
        return [f"No stratum of the annotation holds {FEWEST_IN_STRATUM} hidden tokens."]
    return [
        Picture(
            "pretraining_strata",
            figures.strata(kept[kept["split"] == split], PREDICTORS),
            f"Left: loss of the model and the floors by where the hidden tokens lie (test windows of split {split}). Right: what "
            "the model gains on the counts between neighbours, with 95 % intervals over blocks of the genome. `none` is outside "
            "of all categories of a track.",
            source,
        ),
        Table(
            strata_table(kept, split),
            f"The same as numbers, for strata of at least {FEWEST_IN_STRATUM} hidden tokens; gains on the counts between "
            "neighbours in nats a token, for both splits.",
            source,
        ),
    ]


def strata_table(strata: pd.DataFrame, split: str) -> pd.DataFrame:
    """A row a stratum: hidden tokens, loss and top-1 of each predictor under `split`, gains under both splits."""
    rows = []
    for (track, category), part in strata.groupby(["track", "category"], sort=False):
        own = part[part["split"] == split].set_index("predictor")
        row = {"track": track, "category": category, "hidden": int(own["n"].iloc[0])}
        row |= {f"loss, {name}": f"{own.loc[name, 'loss']:.2f}" for name in PREDICTORS}
        row |= {f"top-1, {name}": f"{own.loc[name, 'top1']:.1%}" for name in PREDICTORS}
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
        return [f"No token was hidden {FEWEST_OCCURRENCES} times, so none is shown alone."]
    own = tokens[tokens["split"] == split].drop(columns=["id", "split"])
    half = TOKENS_SHOWN // 2
    ends = pd.concat([own.head(half), own.tail(half)]) if len(own) > TOKENS_SHOWN else own
    shown = {"accuracy": "{:.1%}", "auc": "{:.3f}", "loss": "{:.3f}"}
    return [
        Picture(
            "pretraining_tokens",
            figures.tokens(tokens),
            f"Tokens hidden at least {FEWEST_OCCURRENCES} times, from the best to the worst: how often each is ranked first "
            "where it stands, and how well its probability tells the places where it stands from all others (area under the ROC "
            "curve; 0.5 is chance).",
            source,
        ),
        Table(
            formatted(ends, shown),
            f"The best and the worst predicted tokens among those hidden at least {FEWEST_OCCURRENCES} times (split {split}).",
            source,
        ),
    ]
