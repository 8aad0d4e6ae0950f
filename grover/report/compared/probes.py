"""Section of the comparison: linear probes of annotation tracks."""

from dataclasses import dataclass

import pandas as pd

from grover.report.compared.runs import Run, apart
from grover.report.figures import compared as figures
from grover.report.figures.regions import UNITS
from grover.report.parts import Picture, Section, Table, between, listed, signed, with_interval
from grover.report.sections import regions
from grover.report.sections.comparisons import judged, overview, unsure
from grover.report.sections.representations import KMERS, MEAN, RANDOM_MEAN, at_last_layer
from grover.statistics.several_tests import independent_difference

KEY = "regions"
REGIONS, ANNOTATION = "embeddings/regions.parquet", "embeddings/annotation.parquet"
KINDS = {MEAN: "mean embedding", RANDOM_MEAN: RANDOM_MEAN, KMERS: KMERS}
LABEL = "AUROC or R², held-out regions"
COLUMNS = ["name", "kind", "run", "value", "low", "high", "metric"]
SPAN = ["value", "low", "high"]


@dataclass(frozen=True)
class Probed:
    """Scores of all runs, differences of the mean embedding by other run, and sentences on what was not compared."""

    scores: pd.DataFrame
    differences: dict[str, pd.DataFrame]
    notes: list[str]


def compare(runs: list[Run]) -> Probed:
    """Compare the probes of the first run with those of each other run on equal regions."""
    source = regions.NEEDS[0]
    notes = [f"{run.name} has no probed track." for run in runs if source not in run.results.names]
    probed = [run for run in runs if source in run.results.names]
    scores = pd.concat([_scores(run) for run in probed], ignore_index=True) if probed else pd.DataFrame(columns=COLUMNS)
    differences = {}
    for other in probed[1:]:
        first = probed[0]
        reason = apart(first, other) or (
            "their regions differ" if first.checksum(REGIONS) != other.checksum(REGIONS) else ""
        )
        if reason:
            notes.append(f"{first.name} and {other.name} are not comparable on tracks: {reason}.")
            scores = scores[scores["run"] != other.name]
            continue
        if unlike := _annotated_otherwise(first, other):
            notes.append(
                f"{first.name} and {other.name} have other annotation of {listed(unlike)}, which is not compared."
            )
            scores = scores[(scores["run"] != other.name) | ~scores["name"].isin(unlike)]
        if first is runs[0]:
            differences[other.name] = _between(scores, first.name, other.name)
    return Probed(scores, differences, notes)


def _annotated_otherwise(first: Run, other: Run) -> list[str]:
    """Return the tracks of both runs whose values on the same regions differ."""
    tables = [run.results.table(ANNOTATION) for run in (first, other)]
    shared = [name for name in tables[0] if name in tables[1]]
    return [name for name in shared if not tables[0][name].equals(tables[1][name])]


def _scores(run: Run) -> pd.DataFrame:
    """Return the scores of linear probes at the deepest layer kept."""
    table = run.results.table(regions.NEEDS[0])
    own = run.results.main_model(table.loc[table["layer"].notna(), "model"])
    last = at_last_layer(table, own)
    rows = last[(last["probe"] == regions.LINEAR) & last["representation"].isin(KINDS) & last["value"].notna()]
    kinds = rows["representation"].map(KINDS)
    found = rows.assign(name=rows["track"], kind=kinds, run=run.name)[COLUMNS]
    order = list(KINDS.values())
    return found.sort_values("kind", key=lambda column: column.map(order.index), kind="stable", ignore_index=True)


def _between(scores: pd.DataFrame, first: str, other: str) -> pd.DataFrame:
    """Return the differences of the mean embedding on shared tracks (first minus other), taken as independent."""
    mean = scores[scores["kind"] == KINDS[MEAN]]
    both = mean[mean["run"] == first].merge(mean[mean["run"] == other], on=["name", "metric"], suffixes=("_1", "_2"))
    spans = independent_difference(*(both[[f"{name}_{number}" for name in SPAN]].to_numpy(float) for number in (1, 2)))
    table = pd.DataFrame({"track": both["name"], "metric": both["metric"], "run": other})
    table[["difference", "low", "high"]] = spans
    return judged(table[~table["low"].isna()].reset_index(drop=True))


def section(runs: list[Run], found: Probed) -> Section:
    """Return sentences, figure and table on the probes."""
    first, names = runs[0].name, [run.name for run in runs]
    said = [
        overview(table, f"that of {name}", f"The mean embedding of {first}", "track")
        for name, table in found.differences.items()
        if len(table)
    ]
    parts: list = [said] if said else []
    if found.scores["run"].nunique() > 1:
        parts += [
            Picture(
                "compared_tracks",
                figures.by_run(found.scores, names, LABEL, float("nan")),
                "Linear probes at the deepest layer kept, with 95\u00a0% intervals over blocks of the genome. AUROC for categories "
                "(chance: 0.5), R² for quantities (the mean alone: 0).",
                "",
            ),
            "Predictions of probes are not stored. The interval of a difference takes the two scores as independent, which makes it wider "
            "than that of a paired difference.",
            [_of_track(one) for table in found.differences.values() for one in table.itertuples()],
        ]
    if len(found.scores):
        parts.append(
            Table(_wide(found.scores), "Scores of linear probes by track and run with 95\u00a0% intervals.", "")
        )
    notes = [found.notes] if found.notes else []
    return Section(KEY, regions.TITLE, [*parts, *notes], said or found.notes[:1])


def _of_track(one: pd.Series) -> str:
    """Return the sentence on one track; one: a row of the differences, by attributes."""
    value = f"{signed(one.difference)} ({between(one.low, one.high)})"
    return f"{one.track.replace('_', ' ')} against {one.run}: {value}{unsure(one)}."


def _wide(scores: pd.DataFrame) -> pd.DataFrame:
    """Return a row per track and run, a column per representation."""
    rows = []
    for (track, metric, run), part in scores.groupby(["name", "metric", "run"], sort=False):
        values = part.set_index("kind")[SPAN]
        row = {"track": track.replace("_", " "), "run": run, "unit": UNITS[metric]}
        row |= {kind: with_interval(*values.loc[kind]) if kind in values.index else "–" for kind in KINDS.values()}
        rows.append(row)
    return pd.DataFrame(rows).sort_values("track", kind="stable", ignore_index=True)
