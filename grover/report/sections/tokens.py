"""Section of the report: embeddings of tokens."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from grover.config.names import CHOSEN, RANDOM_LABEL, random_of
from grover.embeddings.tokens.components import chance_level, spearman_interval
from grover.embeddings.tokens.map import CLUSTERS, cosines
from grover.report.figures import tokens as figures
from grover.report.figures.tokens import PROPERTIES, WORD2VEC
from grover.report.parts import Picture, Results, Section, Table, formatted, interval, listed, with_interval
from grover.report.published import beside_published
from grover.report.sections.points import token_map

TITLE = "Embeddings: tokens"
FILES = (
    "token_averages.npy",
    "word2vec.npy",
    "components.parquet",
    "explained.parquet",
    "correlations.tsv",
    "effects.tsv",
    "clusters.tsv",
    "similarity.tsv",
)
STEPS = "steps.tsv"
NEEDS = tuple(f"embeddings/*/{name}" for name in (*FILES, STEPS))
SPACE = "\u00a0"


def section(results: Results) -> Section:
    model = results.of_main_model(NEEDS[-2]).split("/")[1]
    names = {name: f"embeddings/{model}/{name}" for name in FILES}
    components, explained, correlations, effects, clusters, similarity = (
        results.table(names[name]) for name in FILES[2:]
    )
    paper = beside_published(results, results.chosen if model == CHOSEN else model)
    if not paper:
        effects, correlations = (table.assign(published=np.nan) for table in (effects, correlations))
    layers = [name for name in dict.fromkeys(components["source"]) if name != WORD2VEC]
    shown = (layers[-1], WORD2VEC)
    tokens = {name: components[components["source"] == name].reset_index(drop=True) for name in shown}
    number = len(tokens[WORD2VEC])
    best = {name: rows.set_index("property") for name, rows in effects.groupby("source", sort=False)}
    best |= of_random(results, model)

    findings = [
        describe_strongest(shown[0], best[shown[0]], number),
        *(describe_effects(name, rows, number) for name, rows in best.items() if name not in layers[:-1]),
        *tied_properties(best[shown[0]], tokens[shown[0]]),
        describe_similarity(similarity, layers),
    ]
    mapped = {name: table.dropna(subset=["order"]) for name, table in tokens.items()}
    parts: list = [
        f"The embedding of a token is the average of its states over all its occurrences in the embedded regions, layer by layer. "
        f"Layer 0 is what the first layer reads, {layers[-1]} the deepest layer kept. It is compared with word2vec (CBOW) with as many "
        f"dimensions, trained on the same windows; word2vec uses nothing but which tokens lie near each other. {number:,} tokens occur "
        "often enough. A component's sign is arbitrary"
        + (
            ", so only the size of a correlation can be compared with the paper's (hg19, 600 cycles)." if paper else "."
        ),
        findings,
        Picture(
            "tokens_components",
            figures.components(tokens[shown[0]]),
            f"Principal components of the tokens in {shown[0]}, one dot per token, coloured by properties of the tokens.",
            names["components.parquet"],
        ),
        Picture(
            "tokens_sources",
            figures.sources(explained, effects),
            "Left: share of the variance that each component explains. Right: for each property the correlation with the "
            "component that goes with it most, layer by layer and in word2vec.",
            names["effects.tsv"],
        ),
        Picture(
            "tokens_correlations",
            figures.correlations({name: correlations[correlations["source"] == name] for name in shown}),
            "Spearman correlation of the components with properties of the tokens."
            + (
                " Where the paper gives a value for the average embeddings it stands below ours in brackets."
                if paper
                else ""
            ),
            names["correlations.tsv"],
        ),
        Table(
            effects_table(best, correlations, [layers[0], *shown]),
            "Where each property is: the component that goes with it most, of the first six, and the Spearman correlation (95"
            f"{SPACE}% interval). Of {number:,} unrelated tokens the strongest of six stays below {chance_level(number):.2f} in 95"
            f"{SPACE}% of the cases.",
            names["effects.tsv"],
        ),
        Table(
            similarity_table(similarity, [layers[0], *shown]),
            "How alike the tokens lie: Spearman correlation of the cosines of all pairs of tokens between two embeddings, with 95"
            f"{SPACE}% intervals by jackknife over tokens. 1: the same neighbourhoods; 0: nothing in common.",
            names["similarity.tsv"],
        ),
        Table(
            steps_table(results, model, shown),
            "Physicochemical properties of the dinucleotide steps of a token, given GC and length: stacking free energy (SantaLucia 1998), "
            "roll and twist (Olson et al. 1998). Largest partial rank correlation of any of the six components. In brackets: the 95"
            f"{SPACE}% quantile of the same with the values of the ten steps assigned at random, and p. The p-values are not corrected for "
            "their number.",
            f"embeddings/{model}/{STEPS}",
        ),
        *map_parts(results, names, mapped, clusters),
    ]
    moving = token_map(tokens, names["components.parquet"])
    parts[3:3] = [moving] if moving else []
    return Section("tokens", TITLE, parts, findings, model, lead="tokens_sources")


def map_parts(
    results: Results, names: dict[str, str], mapped: dict[str, pd.DataFrame], clusters: pd.DataFrame
) -> list[Picture | Table]:
    """Return the map of the tokens, their cosines in the order of the clusters, and the clusters.

    names: path of each artefact; mapped: tokens that have a place in the map, by source.
    """
    return [
        Picture(
            "tokens_map",
            figures.tokens_map(mapped),
            "UMAP of the tokens by the cosine of their centred embeddings. Distances between far groups mean little.",
            names["components.parquet"],
        ),
        Picture(
            "tokens_clusters",
            figures.clustered(*ordered(results, names, mapped)),
            f"Cosines of all pairs of tokens, ordered by hierarchical clustering (average linkage). Beside the rows: GC content, "
            f"length, and the numbers of the {CLUSTERS} clusters of the table below.",
            names["token_averages.npy"],
        ),
        Table(
            clusters_table(clusters),
            "What the clusters hold: means over their tokens, and the tokens that occur most.",
            names["clusters.tsv"],
        ),
    ]


def of_random(results: Results, model: str) -> dict[str, pd.DataFrame]:
    """Return the last layer of the randomly initialised model, where the run has it: the effect of averaging alone."""
    path = f"embeddings/{random_of(model)}/effects.tsv"
    if path not in results.names:
        return {}
    table = results.table(path)
    last = [name for name in dict.fromkeys(table["source"]) if name != WORD2VEC][-1]
    return {f"{RANDOM_LABEL}, {last}": table[table["source"] == last].set_index("property")}


def describe_strongest(source: str, rows: pd.DataFrame, number: int) -> str:
    """Return the sentence on the property that goes most with a component of the source; rows: by property, as `describe_effects`."""
    name, chance = rows["spearman"].abs().idxmax(), chance_level(number)
    row = rows.loc[name]
    largest = f"|Spearman| {abs(row['spearman']):.2f}; {chance:.2f} by chance"
    if abs(row["spearman"]) <= chance:
        return f"In {source} no component is associated with a property of the {number:,} tokens beyond chance (largest {largest})."
    return (
        f"In {source} the strongest association of a component with a property of the {number:,} tokens is {PROPERTIES[name]} on "
        f"{row['component']} ({largest})."
    )


def describe_effects(source: str, rows: pd.DataFrame, number: int) -> str:
    """Sentence on the properties that the components of one source hold, and those that none of them does.

    rows: by property, component, spearman, low, high, share; number: of tokens.
    """
    chance = chance_level(number)
    order = rows["spearman"].abs().sort_values(ascending=False).index
    told = [name for name in order if abs(rows["spearman"][name]) > chance]
    lost = [PROPERTIES[name] for name in order if name not in told]
    clauses = [
        f"{PROPERTIES[name]} on {rows['component'][name]} ({rows['share'][name]:.1%} of the variance; |Spearman| "
        f"{abs(rows['spearman'][name]):.2f})"
        for name in told
    ] or ["no property is on any component"]
    are = "is" if len(lost) == 1 else "are"
    end = f"; {listed(lost)} {are} below what {number:,} unrelated tokens give ({chance:.2f})" if lost else ""
    return f"{source[0].upper()}{source[1:]}: {listed(clauses)}{end}."


def tied_properties(rows: pd.DataFrame, tokens: pd.DataFrame) -> list[str]:
    """A caution where frequency and length are on the same component and go together among the tokens anyway."""
    if not {"frequency", "length"} <= set(rows.index) or rows["component"].loc[["frequency", "length"]].nunique() > 1:
        return []
    value = float(spearmanr(tokens["count"], tokens["token"].str.len()).statistic)
    return [
        f"Frequency and length are on the same component and correlate among these tokens (Spearman {value:+.2f}; "
        f"{interval(*spearman_interval(value, len(tokens)))}). The component may reflect either."
    ]


def describe_similarity(similarity: pd.DataFrame, layers: list[str]) -> str:
    """Sentence on how alike the tokens lie in the last layer, in what it reads and in word2vec."""
    rows = similarity[similarity["source"] == layers[-1]].set_index("other")
    others = [name for name in (layers[0], WORD2VEC) if name != layers[-1]]
    clauses = [
        f"{with_interval(*rows.loc[name, ['spearman', 'low', 'high']], digits=2)} with {name}" for name in others
    ]
    return f"The cosines of all pairs of tokens in {layers[-1]} correlate by {listed(clauses)} (Spearman; 95{SPACE}% intervals)."


def effects_table(best: dict[str, pd.DataFrame], correlations: pd.DataFrame, sources: list[str]) -> pd.DataFrame:
    """Return one row per property: the paper's components where there are any, then ours by source."""
    known = [name for name in PROPERTIES if (correlations["property"] == name).any()]
    told = correlations[correlations["source"] == correlations["source"].iloc[0]].dropna(subset=["published"])
    table = {"property": [PROPERTIES[name] for name in known]}
    if len(told):
        table["paper"] = [
            ", ".join(f"{row.component} {row.published:.2f}" for row in told[told["property"] == name].itertuples())
            or "–"
            for name in known
        ]
    for source in dict.fromkeys([*sources, *(name for name in best if name.startswith(RANDOM_LABEL))]):
        rows = best[source]
        table[source] = [
            f"{rows['component'][name]} {with_interval(*rows.loc[name, ['spearman', 'low', 'high']], digits=2)}"
            if name in rows.index
            else "–"
            for name in known
        ]
    return pd.DataFrame(table)


def steps_table(results: Results, model: str, sources: Sequence[str]) -> pd.DataFrame:
    """Return one row per property of dinucleotide steps: the component that goes with it most given GC and length, by source."""
    tables = {
        source: rows
        for source, rows in results.table(f"embeddings/{model}/{STEPS}").groupby("source")
        if source in sources
    }
    path = f"embeddings/{random_of(model)}/{STEPS}"
    if path in results.names:
        table = results.table(path)
        tables[RANDOM_LABEL] = table[table["source"] == sources[0]]
    cells = {
        source: {
            row.property: f"{row.component} {row.partial:.2f} ({row.null:.2f}, p = {row.p:.2g})"
            for row in rows.itertuples()
        }
        for source, rows in tables.items()
    }
    known = list(dict.fromkeys(name for rows in cells.values() for name in rows))
    return pd.DataFrame(
        {"property": known} | {source: [rows.get(name, "–") for name in known] for source, rows in cells.items()}
    )


def similarity_table(similarity: pd.DataFrame, others: list[str]) -> pd.DataFrame:
    """Return one row per source: how alike the tokens lie in it and in each of `others`."""
    rows = similarity.set_index(["source", "other"])
    names = list(dict.fromkeys(similarity["source"]))
    table = {"embedding": names}
    for other in dict.fromkeys(others):
        table[f"with {other}"] = [
            "–" if name == other else with_interval(*rows.loc[(name, other), ["spearman", "low", "high"]], digits=2)
            for name in names
        ]
    return pd.DataFrame(table)


def ordered(results: Results, names: dict[str, str], tables: dict[str, pd.DataFrame]) -> tuple[dict, dict]:
    """Cosines and tokens of the last layer and of word2vec, in the order of their dendrograms."""
    last = next(iter(tables))
    vectors = {last: results.array(names["token_averages.npy"])[-1], WORD2VEC: results.array(names["word2vec.npy"])}
    tables = {name: table.sort_values("order").reset_index(drop=True) for name, table in tables.items()}
    return {name: cosines(vectors[name][table["id"]]) for name, table in tables.items()}, tables


def clusters_table(clusters: pd.DataFrame) -> pd.DataFrame:
    """Return the clusters with the labels of their properties."""
    table = clusters.rename(columns=PROPERTIES | {"frequency": "occurrences (log10)", "source": "embedding"})
    # several clusters are of one token or few, whose means are those tokens
    return formatted(table, default="{:.2f}")
