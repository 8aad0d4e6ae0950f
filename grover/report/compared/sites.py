"""Section of the comparison: motifs of shared tasks, and scores of the same variants."""

import pandas as pd

from grover.interpretation.variant_metrics import ALL, SCORES
from grover.report.compared.runs import Run, apart
from grover.report.figures import compared as figures
from grover.report.parts import Picture, Section, Table, listed, with_interval
from grover.report.sections import motifs, variants
from grover.report.sections.comparisons import judged, overview
from grover.statistics.several_tests import independent_difference

MOTIFS, VARIANTS = "motifs", "variants"
SPAN = ["auroc", "auroc_low", "auroc_high"]
ALLELES = "interpretation/variants.parquet"
ALLELE = ["chrom", "pos", "ref", "alt", "label"]
LABEL = "AUROC, fold test"


def motif_section(runs: list[Run]) -> Section:
    """Return the number of motifs by task and run, with the known motifs that supported ones match."""
    rows = []
    for run in runs:
        for name in run.results.find(motifs.TABLE):
            table = run.results.table(name)
            found = table[table["supported"]] if len(table) else table
            known = found["match"].dropna() if "match" in found else []
            names = list(dict.fromkeys(known))
            rows.append(
                {
                    "task": name.split("/")[1],
                    "run": run.name,
                    "motifs": str(len(table)),
                    "supported": str(len(found)),
                    "most similar known motifs": listed(names) if names else "–",
                }
            )
    absent = [f"{run.name} has no motifs." for run in runs if run.name not in {row["run"] for row in rows}]
    table = pd.DataFrame(rows)
    shared = table.groupby("task")["run"].nunique() if rows else pd.Series(dtype=int)
    tasks = list(shared.index[shared > 1])
    said = [_supported(table[table["task"] == task]) for task in tasks]
    caption = "Motifs by task and run. Supported: by the tests of matches and of insertion on fold test."
    parts: list = [*([said] if said else []), *absent]
    if rows:
        parts.append(Table(table.sort_values("task", kind="stable", ignore_index=True), caption, ""))
    return Section(MOTIFS, motifs.TITLE, parts, said[:1] or absent[:1])


def _supported(rows: pd.DataFrame) -> str:
    """Return how many motifs of a task are supported in each run."""
    each = [f"{row.supported} of {row.motifs} in {row.run}" for row in rows.itertuples()]
    return f"{rows['task'].iloc[0]}: supported motifs are {listed(each)}."


def variant_section(runs: list[Run]) -> Section:
    """Return the AUROC of scores that runs have for the same labelled variants."""
    tables = {run.name: _scores(run) for run in runs}
    notes = [f"{name} has no judged variants." for name, table in tables.items() if table.empty]
    first = runs[0]
    differences, shown = {}, [tables[first.name]]
    for other in runs[1:]:
        if tables[first.name].empty or tables[other.name].empty:
            continue
        if reason := _unlike(first, other, tables):
            notes.append(f"{first.name} and {other.name} are not comparable on variants: {reason}.")
            continue
        shown.append(tables[other.name])
        differences[other.name] = _between(tables[first.name], tables[other.name], other.name)
    said = [
        overview(table, f"that of {name}", f"The model of {first.name}", "score")
        for name, table in differences.items()
        if len(table)
    ]
    parts: list = [said] if said else []
    whole = pd.concat(shown, ignore_index=True)
    if len(shown) > 1:
        names = [run.name for run in runs]
        caption = "AUROC of each score on the same labelled variants of fold test, with 95\u00a0% intervals over blocks of the genome."
        picture = figures.by_run(whole.assign(kind=""), names, LABEL, 0.5)
        parts += [
            Picture("compared_variants", picture, caption, ""),
            "The interval of a difference takes the two scores as independent, which makes it wider than that of a paired difference.",
        ]
    if len(whole):
        table = pd.DataFrame(
            {
                "score": whole["name"],
                "run": whole["run"],
                "AUROC": [with_interval(*row) for row in whole[["value", "low", "high"]].to_numpy(float)],
            }
        )
        parts.append(
            Table(
                table.sort_values("score", kind="stable"), "AUROC of scores of variants with 95\u00a0% intervals.", ""
            )
        )
    return Section(VARIANTS, variants.TITLE, [*parts, *([notes] if notes else [])], said or notes[:1])


def _scores(run: Run) -> pd.DataFrame:
    """Return the AUROC of each score: name, kind of predictor, run, value, low, high, and the number of variants of each label."""
    columns = ["name", "predictor", "run", "value", "low", "high", "positive", "negative"]
    if variants.METRICS not in run.results.names:
        return pd.DataFrame(columns=columns)
    table = run.results.table(variants.METRICS)
    rows = table[table["stratum"] == ALL]
    names = [SCORES[name].label if name in SCORES else name for name in rows["score"]]
    spans = dict(zip(("value", "low", "high"), (rows[column] for column in SPAN), strict=True))
    return rows.assign(name=names, predictor=rows["kind"], run=run.name, **spans)[columns]


def _unlike(first: Run, other: Run, tables: dict[str, pd.DataFrame]) -> str:
    """Return why two runs did not judge the same variants, as a clause."""
    sizes = [
        set(tables[run.name][["positive", "negative"]].itertuples(index=False, name=None)) for run in (first, other)
    ]
    if reason := apart(first, other):
        return reason
    if any(ALLELES not in run.results.names for run in (first, other)):
        return f"{ALLELES} is missing"
    same = sizes[0] == sizes[1] and _labelled(first).equals(_labelled(other))
    return "" if same else "they judged other variants"


def _labelled(run: Run) -> pd.DataFrame:
    """Return the alleles of a run that have a label: place, alleles and label, sorted."""
    table = pd.read_parquet(run.results.path(ALLELES), columns=[*ALLELE, "status"])
    known = table[(table["label"] >= 0) & (table["status"] == "ok")]
    return known[ALLELE].sort_values(ALLELE, ignore_index=True)


def _between(first: pd.DataFrame, other: pd.DataFrame, run: str) -> pd.DataFrame:
    """Return the differences of the model's scores (first minus other), taken as independent."""
    models = [table[table["predictor"] == "model"] for table in (first, other)]
    both = models[0].merge(models[1], on="name", suffixes=("_1", "_2"))
    spans = [both[[f"{name}_{number}" for name in ("value", "low", "high")]].to_numpy(float) for number in (1, 2)]
    table = pd.DataFrame({"score": both["name"], "run": run})
    table[["difference", "low", "high"]] = independent_difference(*spans)
    return judged(table)
