"""Section of the report: token and region embeddings."""

import pandas as pd

from grover.figures import embeddings as figures
from grover.sections.parts import (
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
    listed,
    signed,
    with_interval,
)

TITLE = "Embeddings"
FILES = (
    "components.parquet",
    "correlations.tsv",
    "regions.parquet",
    "annotation.parquet",
    "umap.parquet",
    "probes.parquet",
)
NEEDS = tuple(f"embeddings/*/{name}" for name in FILES)
RIVALS = {"over_gc": "GC content", "over_kmers": "4-mer counts", "over_twin": "the random twin"}
PREFERRED = ("repeat", "chromatin")  # tracks whose names begin so are drawn, else the first two categorical ones


def section(results: Results) -> Section:
    model = results.first(NEEDS[-1]).split("/")[1]
    names = {name: f"embeddings/{model}/{name}" for name in FILES}
    components, correlations, regions, annotation, umap, probes = (results.table(name) for name in names.values())
    result = Section("embeddings", TITLE)
    result.parts = [
        f"Token embeddings are the averages of the last layer over all occurrences of a token in {len(regions):,} "
        f"regions of the genome; {len(components):,} tokens occur often enough. Region embeddings are the vector of "
        "[CLS] and the mean over the region's tokens.",
        Picture(
            "embeddings_tokens",
            figures.tokens(components),
            "Principal components of the token averages. Each dot is a token, coloured by its GC content (left) and "
            "length (right).",
            names["components.parquet"],
        ),
        Picture(
            "embeddings_correlations",
            figures.correlations(correlations),
            describe_correlations(correlations),
            names["correlations.tsv"],
        ),
    ]
    for track in categorical(annotation, probes):
        result.parts.append(
            Picture(
                f"embeddings_regions_{track}",
                figures.regions(umap, annotation[track]),
                "UMAP of the regions from the CLS (left) and the mean embedding (right), coloured by "
                f"{track.replace('_', ' ')}, which the model never saw. Pictures alone prove little: the probes below "
                "measure it.",
                names["umap.parquet"],
            )
        )
    measured = probes.dropna(subset=["value"])
    if len(measured):
        # the mean embedding, chosen beforehand (Feng et al. 2025), since picking the better of two would flatter
        own = measured[measured["representation"] == "mean"]
        result.findings = [compare(row) for _, row in own.iterrows()]
        ahead = ((own["over_gc_low"] > 0) & (own["over_kmers_low"] > 0)).sum()
        note = "where a linear probe on the mean embedding beats GC content and 4-mer counts"
        result.numbers = [(f"{ahead} of {len(own)}", "tracks", note)]
        result.parts += [
            "A linear probe is trained on the regions of the train fold, its regularisation is chosen on the valid "
            "fold, and it is scored on the test fold, beside the same probe on GC content, on counts of 4-mers and on "
            "the same network with random weights. Differences stand with their 95\u00a0% intervals.",
            result.findings,
            Picture(
                "embeddings_probes",
                figures.probes(measured),
                "Linear probes on held-out regions, with 95 % bootstrap intervals over regions. Diamonds are floors: "
                "where the dots do not lie right of them, the embedding says no more than composition does.",
                names["probes.parquet"],
            ),
        ]
    columns = ["track", "representation", "metric", "value", "n_train", "n_test", "note"]
    show = probes.assign(value=[with_interval(*row) for row in probes[["value", "low", "high"]].to_numpy(float)])
    show["value"] = show["value"].replace("nan", "–")
    show["note"] = show["note"].fillna("")
    caption = "All probes; AUROC of categories is the mean over one-against-rest."
    result.parts.append(Table(formatted(show[columns]), caption, names["probes.parquet"]))
    return result


def compare(row: pd.Series) -> str:
    """Sentence on the mean embedding of one track against its rivals, from the paired bootstrap."""
    found: dict[str, list[str]] = {}
    for column, rival in RIVALS.items():
        if column in row and pd.notna(row[column]):
            low, high = row[f"{column}_low"], row[f"{column}_high"]
            found.setdefault(judge(low, high), []).append(f"{rival} ({signed(row[column])}; {between(low, high)})")
    clauses = [f"{verb} {listed(found[verb])}" for verb in (BETTER, WORSE, SAME) if verb in found]
    unit = "AUROC" if row["metric"] == "auroc" else "R²"
    return f"{row['track'].replace('_', ' ')}: the mean embedding ({unit} {row['value']:.3f}) {'; it '.join(clauses)}."


def categorical(annotation: pd.DataFrame, probes: pd.DataFrame) -> list[str]:
    """At most two categorical tracks to colour the regions by, repeats and chromatin first."""
    names = [name for name in dict.fromkeys(probes.loc[probes["kind"] == "category", "track"]) if name in annotation]
    return sorted(names, key=lambda name: not name.startswith(PREFERRED))[:2]


def describe_correlations(table: pd.DataFrame) -> str:
    """Caption that names the strongest property of the first two components."""
    strongest = []
    for component in ("PC1", "PC2"):
        rows = table[table["component"] == component].dropna(subset=["spearman"])
        row = rows.loc[rows["spearman"].abs().idxmax()]
        strongest.append(f"{component} goes most with {figures.PROPERTIES[row['property']]} ({row['spearman']:+.2f})")
    return (
        f"Spearman correlation of the components with properties of the tokens: {' and '.join(strongest)}. The sign "
        "of a component is arbitrary; where the paper gives a value (hg19, 600 cycles) it stands below ours."
    )
