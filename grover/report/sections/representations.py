"""Names, order and colours of the representations of regions in the report."""

from itertools import cycle

import pandas as pd

from grover.config.names import POOLING_LABELS, RANDOM_LABEL, REPRESENTATION_LABELS, model_label, random_of
from grover.report.style import BLUE, GREEN, ORANGE, PURPLE, RED, SKY

KMERS, GC, WORD2VEC = (REPRESENTATION_LABELS[name] for name in ("kmers", "gc", "word2vec"))
MEAN, CLS, RANDOM_MEAN = POOLING_LABELS["mean"], POOLING_LABELS["cls"], RANDOM_LABEL


def at_last_layer(table: pd.DataFrame, own: str) -> pd.DataFrame:
    """The rows of the deepest layers kept and of what has no layers, with the name of their `representation` as readers know it."""
    last = table.groupby("model")["layer"].transform("max")
    rows = table[table["layer"].isna() | (table["layer"] == last)]
    names = [representation(model, pooling, own) for model, pooling in zip(rows["model"], rows["pooling"], strict=True)]
    return rows.assign(representation=names)


def representation(model: str, pooling: str, own: str) -> str:
    """Return the name of a representation in figures and tables."""
    if model in REPRESENTATION_LABELS:
        return REPRESENTATION_LABELS[model]
    if model == own:
        return POOLING_LABELS[pooling]
    name = RANDOM_MEAN if model == random_of(own) else model_label(model)
    return f"{name}, {CLS}" if pooling == "cls" else name


def columns_of(rows: pd.DataFrame) -> tuple[list[str], list[str]]:
    """The columns of the heat map and the group of each: no network, random initialisation, the model, others by the mean."""
    there = list(dict.fromkeys(rows["representation"]))
    fixed = {GC: "baselines", KMERS: "baselines", WORD2VEC: "baselines", RANDOM_MEAN: "own", CLS: "own", MEAN: "own"}
    order = [name for name in fixed if name in there]
    order += [name for name in there if name not in fixed and not name.endswith(f", {CLS}")]
    return order, [fixed.get(name, "others") for name in order]


def gain_styles(order: list[str]) -> dict[str, tuple[str, str]]:
    """Return colour and marker of the representations whose gains over k-mers are drawn."""
    styles = {WORD2VEC: (ORANGE, "D"), RANDOM_MEAN: (RED, "v"), CLS: (GREEN, "s"), MEAN: (BLUE, "o")}
    others = [
        name for name in order if name not in styles and name not in (KMERS, GC) and not name.startswith(RANDOM_MEAN)
    ]
    # two colours and three markers give six that differ
    return {name: styles[name] for name in styles if name in order} | {
        name: (colour, marker) for name, colour, marker in zip(others, cycle((PURPLE, SKY)), cycle("PX^"), strict=False)
    }
