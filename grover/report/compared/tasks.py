"""Section of the comparison: fine-tuned classifiers by task, and their differences where the test examples are equal."""

from dataclasses import dataclass

import pandas as pd

from grover.config.names import CHOSEN, RANDOM_LABEL
from grover.finetuning.scores import WHOLE, score
from grover.report.compared.runs import Run
from grover.report.figures import compared as figures
from grover.report.overview import Tasks, tasks_of
from grover.report.parts import Picture, Section, Table, between, count, listed, signed, with_interval
from grover.report.sections import benchmarks
from grover.report.sections.comparisons import judged, label, overview, unsure

KEY = "benchmarks"
KINDS = {"model": "pretrained", "random": RANDOM_LABEL, "baseline": "best baseline (by fold valid)"}
EXAMPLES = ["sequence", "label", "chrom", "start", "end", "strand"]
LABEL = "MCC, fold test (0: chance)"
FIRST, OTHER = "first", "other"  # names of the two models while they are compared


@dataclass(frozen=True)
class Compared:
    """Scores of all runs, differences between the first run and each other one by its name, and sentences on what was not compared."""

    scores: pd.DataFrame
    differences: dict[str, pd.DataFrame]
    notes: list[str]


def compare(runs: list[Run]) -> Compared:
    """Compare the fine-tuned models of the first run with those of each other run on equal test examples."""
    found = {run.name: tasks_of(run.results) for run in runs}
    notes = [f"{name} has no scored benchmark." for name, tasks in found.items() if tasks is None]
    tables = [_scores(name, tasks) for name, tasks in found.items() if tasks is not None]
    columns = ["name", "kind", "run", "value", "low", "high", "predictor"]
    scores = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)
    differences = {}
    for other in runs[1:]:
        if found[runs[0].name] is None or found[other.name] is None:
            continue
        differences[other.name], said = _between(runs[0], other, scores)
        notes += said
    return Compared(scores, differences, notes)


def _scores(run: str, tasks: Tasks) -> pd.DataFrame:
    """Return MCC of model, random initialisation and best baseline by task."""
    rows = tasks.scores[tasks.scores["mcc"].notna()]
    return pd.DataFrame(
        {
            "name": rows["task"],
            "kind": rows["which"].map(KINDS),
            "run": run,
            "value": rows["mcc"],
            "low": rows["mcc_low"],
            "high": rows["mcc_high"],
            "predictor": rows["model"],
        }
    )


def _between(first: Run, other: Run, scores: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Return the differences of the shared tasks with equal test examples (first minus other), and why others have none."""
    by_run = [list(dict.fromkeys(scores.loc[scores["run"] == run.name, "name"])) for run in (first, other)]
    rows, unlike = [], []
    unread: dict[str, list[str]] = {first.name: [], other.name: []}
    for task in [name for name in by_run[0] if name in by_run[1]]:
        absent = [run.name for run in (first, other) if not _is_stored(run, task)]
        for name in absent:
            unread[name].append(task)
        if not absent:
            spread = paired(first, other, task)
            rows += [(task, other.name, *spread)] if spread else []
            unlike += [] if spread else [task]
    table = pd.DataFrame(rows, columns=["task", "run", "difference", "low", "high", "n", "seeds"])
    notes = []
    for run, own, theirs in ((other, by_run[1], by_run[0]), (first, by_run[0], by_run[1])):
        missing = [task for task in theirs if task not in own]
        notes += [f"{run.name} did not score {listed(missing)}."] if missing else []
    if unlike:
        notes.append(
            f"{first.name} and {other.name} did not score the same test examples of {listed(unlike)}: no difference is computed."
        )
    notes += [
        f"{name} has no stored predictions of {listed(names)}: no difference is computed."
        for name, names in unread.items()
        if names
    ]
    return judged(table), notes


def paired(first: Run, other: Run, task: str) -> tuple[float, float, float, int, int] | None:
    """Return MCC of the first run's model minus that of the other; None where their test examples differ.

    The draws of blocks and seeds are those of `grover.finetuning.scores`, with the settings of the first run. Returns difference, low and
    high, the number of test examples, and of seeds of the run that has fewer.
    """
    names = [_stored(run, task) for run in (first, other)]
    datasets, predicted = (
        [run.results.table(each[place]) for run, each in zip((first, other), names, strict=True)] for place in (0, 1)
    )
    tests = [table[table["fold"] == "test"] for table in datasets]
    if not tests[0][EXAMPLES].reset_index(drop=True).equals(tests[1][EXAMPLES].reset_index(drop=True)):
        return None
    # rows of fold train may differ, and with them the numbers of the test examples
    number = dict(zip(tests[1].index, tests[0].index, strict=True))
    test = predicted[1]["fold"] == "test"
    predicted[1].loc[test, "example"] = predicted[1].loc[test, "example"].map(number)
    facts = [run.results.json(each[2]) for run, each in zip((first, other), names, strict=True)]
    settings = first.configuration
    _, differences, _ = score(
        datasets[0].drop(columns="stratum", errors="ignore"),
        first.results.table(names[0][3]),
        dict(zip((FIRST, OTHER), predicted, strict=True)),
        dict(zip((FIRST, OTHER), facts, strict=True)),
        settings["benchmarks"]["block"],
        settings["benchmarks"]["bootstrap"],
        settings["seed"],
    )
    whole = differences[differences["part"] == WHOLE].iloc[0]
    seeds = min(table["seed"].nunique() for table in predicted)
    return whole["difference"], whole["low"], whole["high"], len(tests[0]), seeds


def _stored(run: Run, task: str) -> list[str]:
    """Return the names of data set, predictions, metrics and audit of a task."""
    model = f"finetuning/{task}/{_main(run)}"
    return [
        f"benchmarks/{task}/dataset.parquet",
        f"{model}/predictions.parquet",
        f"{model}/metrics.json",
        f"benchmarks/{task}/audit.parquet",
    ]


def _is_stored(run: Run, task: str) -> bool:
    return all(name in run.results.names for name in _stored(run, task))


def _main(run: Run) -> str:
    """Return the model of a run that its benchmarks are about."""
    whole = benchmarks.over_seeds(run.results.table(benchmarks.NEEDS[0]))
    return benchmarks.main_model(whole) if len(whole) else CHOSEN


def findings(first: str, found: Compared) -> list[str]:
    """Return a sentence per other run on how many tasks differ."""
    return [
        overview(table, f"that of {name}", f"The fine-tuned model of {first}")
        for name, table in found.differences.items()
        if len(table)
    ]


def section(runs: list[Run], found: Compared) -> Section:
    """Return sentences, figures and tables on the tasks."""
    first, names = runs[0].name, [run.name for run in runs]
    said = findings(first, found)
    parts: list = [said] if said else []
    known = [table for table in found.differences.values() if len(table)]
    if known:
        whole = pd.concat(known, ignore_index=True)
        parts += [
            Picture(
                "compared_task_differences",
                figures.differences(
                    whole.rename(columns={"task": "name"}), names, f"MCC of {first} minus that of the other run"
                ),
                "Difference in MCC on the same test examples, with 95\u00a0% intervals over blocks of the genome and seeds.",
                "",
            ),
            [_of_task(one) for one in whole.itertuples()],
            "Both models are scored on the same draws of blocks, from stored predictions. A difference is established where its 95\u00a0% "
            "interval excludes 0 and its p-value, corrected for the number of tasks (Holm), is below 0.05. A run with one seed shows no "
            "variation between seeds: its intervals cover the choice of test sequence alone.",
        ]
    if len(found.scores):
        parts += [
            Picture(
                "compared_tasks",
                figures.by_run(found.scores, names, LABEL, 0.0),
                "MCC of each run, mean over seeds, with 95\u00a0% intervals. The best baseline of a task is chosen within each run.",
                "",
            ),
            Table(_wide(found.scores), "MCC by task and run with 95\u00a0% intervals.", ""),
        ]
    notes = [found.notes] if found.notes else []
    return Section(KEY, benchmarks.TITLE, [*parts, *notes], said or found.notes[:1])


def _of_task(one: pd.Series) -> str:
    """Return the sentence on one task; one: a row of the differences, by attributes."""
    return (
        f"{one.task} against {one.run} ({count(one.n, 'test example')}, at least {count(one.seeds, 'seed')}): "
        f"{signed(one.difference)} MCC ({between(one.low, one.high)}){unsure(one)}."
    )


def _wide(scores: pd.DataFrame) -> pd.DataFrame:
    """Return a row per task and run, a column per predictor."""
    rows = []
    for (task, run), part in scores.groupby(["name", "run"], sort=False):
        row = {"task": task, "run": run}
        for kind in KINDS.values():
            one = part[part["kind"] == kind]
            cell = with_interval(*one[["value", "low", "high"]].to_numpy(float)[0]) if len(one) else "–"
            row[kind] = f"{cell}, {label(one['predictor'].iloc[0])}" if kind == KINDS["baseline"] and len(one) else cell
        rows.append(row)
    return pd.DataFrame(rows).sort_values("task", kind="stable", ignore_index=True)
