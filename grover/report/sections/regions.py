"""Section of the report: what the embeddings of regions tell of the tracks."""

import numpy as np
import pandas as pd

from grover.config.names import RANDOM_LABEL, REPRESENTATION_LABELS, random_of
from grover.embeddings.regions.probe_scores import CHANCE
from grover.embeddings.regions.probes import COMPARATORS, NOT_ENOUGH
from grover.report.figures import regions as figures
from grover.report.parts import (
    BETTER,
    SAME,
    WORSE,
    Folded,
    Picture,
    Results,
    Section,
    Table,
    between,
    count,
    formatted,
    in_brackets,
    judge,
    listed,
    signed,
    with_interval,
)
from grover.report.sections.comparisons import correction, judged
from grover.report.sections.region_clusters import SOURCE, all_clusters, cluster_parts
from grover.report.sections.representations import (
    MEAN,
    at_last_layer,
    columns_of,
    gain_styles,
)
from grover.statistics.bootstrap import ALIKE

TITLE = "Embeddings: what is in them"
NEEDS = ("embeddings/probes.parquet", SOURCE)
COMPARATOR_LABELS = {column: REPRESENTATION_LABELS.get(name, RANDOM_LABEL) for column, name in COMPARATORS.items()}
GIVEN = {"gc": REPRESENTATION_LABELS["gc"], "repeats": "the share of repeats"}
LINEAR, FOREST = "linear", "forest"


def section(results: Results) -> Section:
    probes, clusters = (results.table(name) for name in NEEDS)
    own = results.main_model(probes.loc[probes["layer"].notna(), "model"])
    last = at_last_layer(probes, own)
    linear = last[(last["probe"] == LINEAR) & last["value"].notna()]
    left_out = describe_left_out(probes)
    if linear.empty:
        return Section("regions", TITLE, ["No track has enough regions for a probe.", *left_out])
    mean = linear[linear["representation"] == MEAN]
    findings = [*overview(mean), *still_alike(mean)]
    order, groups = columns_of(linear)
    parts = [
        "A probe is a simple model that reads a track from a representation of a region. It is logistic regression for categories, "
        "presence and strand, ridge regression for quantities. It is fitted on the regions of fold train, its regularisation is "
        f"chosen on fold valid, and it is scored on fold test ({blocks_of(linear)}). It is compared with the same probe on GC "
        "content, on frequencies of k-mers, on the mean word2vec vector, and on the randomly initialised model. The mean "
        "embedding of the deepest layer kept is the one that is judged, chosen before any score was known.",
        findings,
        Picture(
            "regions_heat",
            figures.heat(linear, order, groups),
            "Linear probes on held-out regions: AUROC (for categories the mean of one against rest; chance is 0.5) and R² (the mean "
            "alone gives 0). Blue is above chance, red below. Bold with ▲: above k-mers by the 95 % interval of the paired "
            "difference, and above chance by its own; ▽: below k-mers. Of cells without a difference one in forty would still be "
            "marked either way.",
            NEEDS[0],
        ),
        "The following sentences on single tracks go by 95 % intervals, without a correction for the number of tracks.",
        [compare(row) for _, row in mean.iterrows()],
        Picture(
            "regions_gains",
            figures.gains(linear, gain_styles(order)),
            "Score of each representation minus that of k-mers, with 95 % intervals of the difference over blocks of the genome. "
            "Left of the dotted line the representation scores below k-mers. A score below chance counts as chance.",
            NEEDS[0],
        ),
        *layer_parts(probes, own),
        *forest_parts(last),
        *left_out,
        *cluster_parts(clusters, own),
        Folded("All probes of the deepest layers", [all_probes(at_last_layer(probes, own))]),
        Folded("All clusters", [all_clusters(clusters)]),
    ]
    return Section("regions", TITLE, parts, findings, own)


def overview(mean: pd.DataFrame) -> list[str]:
    """Return on how many tracks the mean embedding is ahead of, and behind, what it is compared with, corrected for their number."""
    sentences = []
    for column, comparator in COMPARATOR_LABELS.items():
        known = mean[mean[f"{column}_low"].notna()]
        if known.empty:
            continue
        table = established(known, column)
        ahead, behind = (
            [figures.label(name) for name in table.loc[table["verdict"] == verb, "track"]] for verb in (BETTER, WORSE)
        )
        rest = len(known) - len(ahead) - len(behind)
        sentences.append(
            f"Linear probes on the mean embedding outperform {comparator} on {len(ahead)} of {count(len(known), 'track')}"
            f"{in_brackets(ahead)} and underperform on {len(behind)}{in_brackets(behind)}"
            + (f"; on {rest} no difference is established" if rest else "")
            + f" ({correction(len(known), 'track')})."
        )
    known = mean["partial"].dropna()
    if len(known):
        sentences.append(
            f"Given {given_of(mean)}, the partial rank correlation of held-out predictions and truth is {signed(known.median())} "
            f"(median over {count(len(known), 'track')}; highest {signed(known.max())}, "
            f"{figures.label(mean.loc[known.idxmax(), 'track'])})."
        )
    return sentences


def established(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the rows with p (Holm over them) and verdict of a difference; who is at chance is not ahead."""
    ends = {"difference": rows[column], "low": rows[f"{column}_low"], "high": rows[f"{column}_high"]}
    table = judged(rows.assign(**ends))
    chance = (table["verdict"] == BETTER) & ~is_ahead(rows, column)
    return table.assign(verdict=table["verdict"].mask(chance, SAME))


def given_of(probes: pd.DataFrame) -> str:
    """Return what the partial correlations are given, as text."""
    return listed([GIVEN[name] for name in probes["given"].iloc[0].split(", ")])


def is_ahead(rows: pd.DataFrame, column: str) -> pd.Series:
    """Whether a difference is above 0 by its interval, and the score above chance by its own: who is at chance tells nothing."""
    return (rows[f"{column}_low"] > 0) & (rows["low"] > rows["metric"].map(CHANCE))


def compare(row: pd.Series) -> str:
    """Sentence on the mean embedding of one track against what it is compared with."""
    found: dict[str, list[str]] = {}
    for column, comparator in COMPARATOR_LABELS.items():
        low, high = row[f"{column}_low"], row[f"{column}_high"]
        if not np.isnan(low):
            found.setdefault(judge(low, high), []).append(f"{comparator} ({signed(row[column])}; {between(low, high)})")
    clauses = [f"{verb} {listed(found[verb])}" for verb in (BETTER, WORSE, SAME) if verb in found] or ["stands alone"]
    value = f"{row['track'].replace('_', ' ')}: the mean embedding ({figures.UNITS[row['metric']]} {row['value']:.3f})"
    return f"{value} {'; it '.join(clauses)}."


def blocks_of(linear: pd.DataFrame) -> str:
    """How many test regions and blocks there are; the blocks differ by track."""
    tests, blocks = (
        f"{least:,}" if least == most else f"{least:,} to {most:,}"
        for least, most in (linear[name].agg(["min", "max"]) for name in ("n_test", "blocks"))
    )
    return (
        f"{tests} regions in {blocks} blocks of the genome, which the intervals resample; blocks are so long that "
        "neighbouring ones differ in the track"
    )


def still_alike(mean: pd.DataFrame) -> list[str]:
    """Whose blocks are alike even where no longer ones can be had."""
    rows = mean[mean["alike"] > ALIKE]
    if rows.empty:
        return []
    tracks = [
        f"{figures.label(row.track)} ({row.blocks} blocks, correlation {row.alike:.2f})" for row in rows.itertuples()
    ]
    return [
        f"Fold test is too small for the long stretches of {listed(tracks)}: neighbouring blocks are still alike, so that the intervals "
        "are too narrow. Do not rely on them for these tracks, nor on the counts above."
    ]


def layer_parts(probes: pd.DataFrame, own: str) -> list:
    """Score by layer, where there are several."""
    which = probes["model"].map({own: "own", random_of(own): "random"})
    rows = probes.assign(which=which)[which.notna() & (probes["probe"] == LINEAR) & probes["value"].notna()]
    if rows["layer"].nunique() < 2:
        return []
    baselines = probes[(probes["model"] == "kmers") & (probes["probe"] == LINEAR) & probes["value"].notna()]
    return [
        Picture(
            "regions_layers",
            figures.layers(rows, baselines),
            "Linear probes by layer with 95 % intervals; layer 0 is what the first layer reads. The layer that is judged was chosen "
            "beforehand: to pick the best here would flatter it.",
            NEEDS[0],
        )
    ]


def forest_parts(last: pd.DataFrame) -> list:
    """Sentence on the second probe, a random forest."""
    forest = last[(last["probe"] == FOREST) & (last["representation"] == MEAN) & last["gain_low"].notna()]
    if forest.empty:
        return []
    verdicts = established(forest, "gain")["verdict"]
    return [
        "With a random forest, which also reads what is not linear, the mean embedding outperforms k-mers on "
        f"{(verdicts == BETTER).sum()} of {count(len(forest), 'track')} and underperforms on {(verdicts == WORSE).sum()} "
        f"({correction(len(forest), 'track')})."
    ]


def describe_left_out(probes: pd.DataFrame) -> list[str]:
    """What has too few regions, by track."""
    rows = probes.drop_duplicates("track").query("note.fillna('') != ''", engine="python")
    if rows.empty:
        return []
    tracks = []
    for row in rows.itertuples():
        details = [row.note.removeprefix(NOT_ENOUGH).removeprefix(": "), "" if pd.notna(row.value) else "no score"]
        tracks.append(f"{figures.label(row.track)} ({'; '.join(filter(None, details))})")
    return [f"Left out for too few regions in the folds: {'; '.join(tracks)}."]


def all_probes(probes: pd.DataFrame) -> Table:
    show = probes.assign(track=probes["track"].str.replace("_", " "), unit=probes["metric"].map(figures.UNITS))
    spans = {
        "value": "",
        "gain": "over k-mers",
        "over_gc": "over GC",
        "over_word2vec": "over word2vec",
        "over_random": f"over {RANDOM_LABEL}",
    }
    for column in spans:
        ends = ["low", "high"] if column == "value" else [f"{column}_low", f"{column}_high"]
        show[column] = [with_interval(*row).replace("nan", "–") for row in show[[column, *ends]].to_numpy(float)]
    names = ["track", "model", "pooling", "layer", "probe", "unit", *spans]
    table = show[[*names, "auprc", "chance", "partial", "n_train", "n_test"]].rename(
        columns={**spans, "value": "score"}
    )
    formats = {name: "{:.3f}" for name in ("auprc", "chance", "partial")} | {"layer": "{:.0f}"}
    return Table(
        formatted(table, formats),
        "Probes on the deepest layer kept of each model, word2vec, k-mers and GC content, with 95 % intervals; the file holds all "
        "layers kept. AUPRC stands beside that of a random order (chance); partial is the rank correlation of held-out predictions "
        f"and truth given {given_of(probes)}.",
        NEEDS[0],
    )
