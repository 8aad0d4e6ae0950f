"""Section of the report: pretraining."""

import pandas as pd

from grover.figures import pretraining as figures
from grover.sections.parts import Picture, Results, Section, Table, formatted, verdict

TITLE = "Pretraining"
NEEDS = ("models/*/training.parquet", "models/*/metrics*.json")
TOKEN_ACCURACY = "models/*/token_accuracy.parquet"
FLOORS = {
    "frequency": "token frequencies",
    "neighbours": "counts between neighbours",
    "untrained": "the untrained network",
}
FEWEST_OCCURRENCES, TOKENS_SHOWN = 20, 8


def section(results: Results) -> Section:
    source = results.first(NEEDS[1])
    folder = source.rpartition("/")[0]
    curve = f"{folder}/training.parquet"
    metrics = {name: results.json(name) for name in results.find(NEEDS[1])}
    training, main = results.table(curve), metrics[source]
    # a model has one file a split: region for held-out blocks, random for the paper's split
    held_out = {item["split"]: item["model"]["loss"] for name, item in metrics.items() if name.startswith(f"{folder}/")}
    gains = {name: main["gains"][name] for name in FLOORS if name in main["gains"]}
    result = Section("pretraining", TITLE)
    # a gain is the model's loss minus the floor's, so the sign is turned
    result.findings = [
        verdict(
            "The pretrained model",
            FLOORS[name],
            -gain["difference"],
            -gain["high"],
            -gain["low"],
            "nats a hidden token",
        )
        for name, gain in gains.items()
    ]
    score = main["model"]
    floor = min(values["bits_per_base"] for values in main["floors"].values())
    result.numbers = [
        (f"{score['bits_per_base']:.3f}", "masked bits a base", f"best floor {floor:.3f}; {score['top1']:.1%} top-1")
    ]
    result.parts = [
        f"A BERT encoder of {main['parameters']:,} parameters learnt to name hidden tokens in "
        f"{training['step'].max():,} steps. It was then scored on {main['hidden_tokens']:,} hidden tokens of "
        f"{main['windows']:,} held-out windows ({main['split']} split), beside predictors that know only how often "
        "tokens stand alone or between two neighbours.",
        result.findings,
        Picture(
            "pretraining_loss",
            figures.loss(
                training, {FLOORS.get(name, name): values["loss"] for name, values in main["floors"].items()}, held_out
            ),
            "Loss on the training windows, with the held-out loss of the final model at the end. Grey lines are "
            "floors on the same held-out tokens: a model above the line of neighbour counts has not learnt more than "
            "adjacency.",
            curve,
        ),
        Table(
            score_table(metrics),
            "Scores on held-out windows. Perplexities of different vocabularies do not compare. Bits a base are "
            "masked nats / ln 2 / bases masked; they are conditional on the visible tokens and depend on how the "
            "genome is cut.",
            source,
        ),
    ]
    accuracy = next((name for name in results.find(TOKEN_ACCURACY) if name.startswith(folder)), None)
    if accuracy:
        tokens = results.table(accuracy).query(f"n >= {FEWEST_OCCURRENCES}")
        half = TOKENS_SHOWN // 2
        ends = pd.concat([tokens.head(half), tokens.tail(half)]) if len(tokens) > TOKENS_SHOWN else tokens
        caption = f"The best and the worst predicted tokens among those hidden at least {FEWEST_OCCURRENCES} times."
        result.parts.append(
            Table(formatted(ends.drop(columns="id"), {"accuracy": "{:.1%}", "loss": "{:.3f}"}), caption, accuracy)
        )
    return result


def score_table(metrics: dict[str, dict]) -> pd.DataFrame:
    """The models and their floors in rows, one block a file of metrics."""
    rows = [
        {"vocabulary": path.split("/")[1], "split": item["split"], "predictor": FLOORS.get(name, name), **values}
        for path, item in metrics.items()
        for name, values in {"pretrained model": item["model"], **item["floors"]}.items()
    ]
    top = next(iter(metrics.values()))["top"]
    names = {"topk": f"top-{top}", "top1": "top-1", "bits_per_base": "bits a base"}
    frame = pd.DataFrame(rows).drop(columns="perplexity_share").rename(columns=names)
    shares = dict.fromkeys(("top-1", f"top-{top}"), "{:.1%}")
    return formatted(frame, {**shares, "loss": "{:.3f}", "bits a base": "{:.3f}", "perplexity": "{:,.1f}"})
