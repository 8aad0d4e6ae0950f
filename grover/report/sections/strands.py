"""Section of the report: how similar the embeddings of the two strands are."""

import pandas as pd

from grover.config.names import POOLING_LABELS, RANDOM_LABEL, random_of
from grover.report.figures import strands as figures
from grover.report.parts import (
    BETTER,
    SAME,
    WORSE,
    Picture,
    Results,
    Section,
    Table,
    between,
    formatted,
    judge,
    signed,
    with_interval,
)
from grover.report.sections.representations import at_last_layer

TITLE = "Embeddings: strands"
NEEDS = ("embeddings/*/strands.parquet",)
PROBES = "embeddings/probes.parquet"


def section(results: Results) -> Section:
    name = results.of_main_model(NEEDS[0])
    model = name.split("/")[1]
    random_name = name.replace(f"/{model}/", f"/{random_of(model)}/")
    own = results.table(name)
    random_model = results.table(random_name) if random_name in results.names else None
    last = at_last_layer(own.assign(model=model), model).sort_values("pooling", ascending=False)
    findings = [describe(row) for _, row in last.iterrows()]
    if random_model is not None:
        last_of_random = at_last_layer(random_model.assign(model=random_of(model)), model)
        findings += [beside_random(row, last_of_random) for _, row in last.iterrows()]
    parts = [
        f"The model reads one of the two strands. {own['n'].max():,} regions, in even steps along the genome, are embedded as they are "
        "and as their reverse complements, both tokenised from the bare sequence. A cosine of 1 means equal embeddings. All vectors of a "
        "network often have one direction in common; the baseline is therefore the cosine of a region and the reverse complement of "
        "another one. The centred cosine is taken around the mean of all vectors. Composition contributes to it: GC content is the "
        "same on both strands.",
        findings,
        Picture(
            "embeddings_strands",
            figures.strands(own, random_model),
            "A region and its reverse complement, by layer (0 is the input of the first): cosine with the 95 % interval over blocks of the "
            "genome; dashed, that of two different regions; the same from the mean of all vectors; and the share of regions whose own "
            "reverse complement is the nearest of all (dashed: by chance).",
            name,
        ),
    ]
    found: list[str] = []
    probes = results.table(PROBES) if PROBES in results.names else pd.DataFrame({"kind": []})
    if (probes["kind"] == "strand").any():
        directions = of_directions(probes, model)
        found = [direction(row) for _, row in directions[directions["pooling"] == "mean"].iterrows()]
        parts += [
            "A linear probe predicts the strand of genes and LINEs from the embedding of a region, and is scored on held-out regions; an "
            "AUROC of 0.5 is chance.",
            found,
            Table(
                readable(directions),
                "Reading direction by a linear probe, at the deepest layer kept; differences to the same probe on counts of k-mers and on "
                "the randomly initialised model, with 95 % intervals.",
                PROBES,
            ),
        ]
    return Section("strands", TITLE, parts, findings + found, model)


def describe(row: pd.Series) -> str:
    """Sentence on the similarity of strands at one layer."""
    subject = f"In layer {row['layer']} the {POOLING_LABELS[row['pooling']]} embeddings of a region and of its reverse complement"
    if pd.isna(row["baseline"]):
        return f"{subject} have a cosine of {row['similarity']:.3f}; of a single region no more can be said."
    known = {BETTER: "are more alike", WORSE: "are less alike", SAME: "are not measurably more alike"}
    relation = known[judge(row["adjusted_low"], row["adjusted_high"])]
    return (
        f"{subject} {relation} than those of two different regions (cosine {row['similarity']:.3f} against "
        f"{row['baseline']:.3f}). "
        f"Centred, the cosine is {with_interval(*row[['centred_similarity', 'centred_low', 'centred_high']].astype(float))}; the own "
        f"reverse complement is the nearest in {row['nearest']:.1%} of the regions (by chance {row['chance']:.2%})."
    )


def beside_random(row: pd.Series, random_model: pd.DataFrame) -> str:
    """Return a sentence on the centred similarity of the model and of the randomly initialised one, whose intervals may overlap."""
    other = random_model[random_model["pooling"] == row["pooling"]].iloc[0]
    relation = "differ no more than their intervals allow"
    if row["centred_low"] > other["centred_high"]:
        relation = "have become more alike by training"
    elif row["centred_high"] < other["centred_low"]:
        relation = "have become less alike by training"
    value = with_interval(*other[["centred_similarity", "centred_low", "centred_high"]].astype(float))
    subject = f"For the {POOLING_LABELS[row['pooling']]} embedding of the randomly initialised model"
    return f"{subject} the centred cosine is {value}: the strands {relation}."


def of_directions(probes: pd.DataFrame, model: str) -> pd.DataFrame:
    """Linear probes of strand at the last layer of the model, the mean before [CLS]. The layer is no choice by result."""
    rows = probes[(probes["kind"] == "strand") & (probes["model"] == model) & (probes["probe"] != "forest")]
    return at_last_layer(rows, model).sort_values(["track", "pooling"], ascending=[True, False])


def direction(row: pd.Series) -> str:
    """Sentence on one track's probe."""
    track = row["track"].replace("_", " ")
    if pd.isna(row["value"]):
        return f"{track}: not measured ({row['note']})."
    value = with_interval(*row[["value", "low", "high"]].astype(float))
    known = {
        BETTER: "predicts the reading direction",
        WORSE: "predicts the reading direction worse than chance",
        SAME: "does not measurably predict the reading direction",
    }
    relation = known[judge(row["low"] - 0.5, row["high"] - 0.5)]
    sentence = f"{track}: the mean embedding {relation} (AUROC {value})"
    if pd.notna(row["gain"]):
        verbs = {BETTER: "above", WORSE: "below", SAME: "not measurably different from"}
        verb = verbs[judge(row["gain_low"], row["gain_high"])]
        gain = f"{signed(row['gain'])}; {between(row['gain_low'], row['gain_high'])}"
        sentence += f", {verb} k-mer counts ({gain})"
    return f"{sentence}."


def readable(rows: pd.DataFrame) -> pd.DataFrame:
    """The table of the report, as text."""
    spans = {
        "AUROC": ["value", "low", "high"],
        "over k-mers": ["gain", "gain_low", "gain_high"],
        f"over {RANDOM_LABEL}": ["over_random", "over_random_low", "over_random_high"],
    }
    columns = {
        "track": rows["track"].str.replace("_", " "),
        "embedding": rows["pooling"].map(POOLING_LABELS),
        "layer": rows["layer"],
        **{
            title: [with_interval(*values).replace("nan", "–") for values in rows[names].to_numpy(float)]
            for title, names in spans.items()
        },
        "test regions": rows["n_test"],
        "note": rows["note"].fillna(""),
    }
    return formatted(pd.DataFrame(columns))
