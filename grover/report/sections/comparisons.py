"""Part of the section on benchmarks: the differences between the model and its comparators, corrected for the number of tasks.

The best baseline of a task is chosen by its MCC on fold valid, so that fold test does not choose what it then compares.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from grover.config.names import BASELINE_LABELS, CHOSEN, RANDOM_LABEL, model_label, random_of
from grover.report.parts import BETTER, SAME, WORSE, between, count, interval, judge, listed, signed
from grover.statistics.several_tests import holm, p_of_interval

LABELS = {CHOSEN: "pretrained", random_of(CHOSEN): RANDOM_LABEL, **BASELINE_LABELS}
LEVEL = 0.05  # of at least one false difference among all tasks
NAMED = 8
Spread = tuple[float, float, float]


def label(model: str) -> str:
    """Return the name of a predictor in figures, tables and sentences."""
    return LABELS.get(model) or model_label(model)


def best_baseline(rows: pd.DataFrame) -> pd.Series | None:
    """Return the baseline with the highest MCC on fold valid; on fold test where no baseline of the task has a fold valid."""
    baselines = rows[rows["kind"] == "baseline"]
    if baselines.empty:
        return None
    # runs of earlier versions have no scores of fold valid
    by = "mcc_valid" if "mcc_valid" in baselines and baselines["mcc_valid"].notna().any() else "mcc"
    return baselines.loc[baselines[by].idxmax()]


def baselines_of(whole: pd.DataFrame) -> dict[str, str]:
    """Return task -> its best baseline."""
    best = {task: best_baseline(rows) for task, rows in whole.groupby("task", sort=False)}
    return {task: baseline["model"] for task, baseline in best.items() if baseline is not None}


def against(compared: pd.DataFrame, task: str, comparator: str, part: str = "all") -> Spread | None:
    """Return the difference in MCC between the main model and a comparator, with its interval; None where it is not known."""
    rows = compared[(compared["task"] == task) & (compared["comparator"] == comparator) & (compared["part"] == part)]
    values = rows[["difference", "low", "high"]].to_numpy(float)
    return tuple(values[0]) if len(values) and not np.isnan(values[0]).any() else None


def differences(compared: pd.DataFrame, comparators: Mapping[str, str]) -> pd.DataFrame:
    """Return one row per task with a known difference: task, comparator, difference, low, high, p (Holm over the tasks), verdict.

    The verdict is `BETTER` or `WORSE` where the interval excludes 0 and the corrected p-value is below 0.05, else `SAME`.
    """
    known = [(task, name, spread) for task, name in comparators.items() if (spread := against(compared, task, name))]
    table = pd.DataFrame(
        [(task, name, *spread) for task, name, spread in known],
        columns=["task", "comparator", "difference", "low", "high"],
    )
    return judged(table)


def judged(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with p (Holm over its rows) and verdict; it has difference, low and high."""
    p = holm(p_of_interval(*(table[name].to_numpy(float) for name in ("difference", "low", "high"))))
    verbs = [judge(low, high) for low, high in table[["low", "high"]].to_numpy(float)]
    return table.assign(p=p, verdict=[verb if q < LEVEL else SAME for verb, q in zip(verbs, p, strict=True)])


def overview(table: pd.DataFrame, comparator: str, subject: str = "The pretrained model", row: str = "task") -> str:
    """Return the sentence on how many rows have an established difference, in either direction; table: of `judged`.

    row: what a row is, and the column with its name.
    """
    won, lost = (table.loc[table["verdict"] == verb, row].tolist() for verb in (BETTER, WORSE))
    rest = len(table) - len(won) - len(lost)
    of = f"{len(won)} of {count(len(table), row)}"
    parts = [f"{subject} outperforms {comparator} on {of}{_named(won)}"]
    parts.append(f"underperforms on {len(lost)}{_named(lost)}")
    end = f"; on {rest} no difference is established" if rest else ""
    return f"{' and '.join(parts)}{end} ({correction(len(table), row)})."


def correction(tests: int, row: str = "task") -> str:
    """Return what established means, as a clause."""
    return f"95\u00a0% interval; Holm over {count(tests, row)}" if tests > 1 else "95\u00a0% interval"


def of_task(task: str, rows: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """Return the sentences on one task: what pretraining adds, and how the model compares with the best baseline.

    rows: scores of the task; tables: `differences` by comparator, `random` and `baseline`.
    """
    sentences = []
    size, seeds = int(rows["n_test"].max()), int(rows["seeds"].max())
    for kind, table in tables.items():
        for one in table[table["task"] == task].itertuples():
            name = RANDOM_LABEL
            if kind == "baseline":
                score = rows.loc[rows["model"] == one.comparator, "mcc"].iloc[0]
                name = f"the best baseline, {label(one.comparator)} (MCC {score:.3f})"
            sentences.append(f"{signed(one.difference)} MCC ({between(one.low, one.high)}) against {name}{unsure(one)}")
    if not sentences:
        return []
    return [f"{task} ({count(size, 'test example')}, {count(seeds, 'seed')}): {'; '.join(sentences)}."]


def added(difference: float, low: float, high: float) -> str:
    """Return a clause on what pretraining adds over random initialisation, by the interval alone."""
    verb = judge(low, high)
    if verb == SAME:
        return f"a gain of pretraining is not established: {signed(difference)} MCC ({interval(low, high)})"
    change = f"adds {signed(difference)}" if verb == BETTER else f"costs {abs(difference):.3f}"
    return f"pretraining {change} MCC ({interval(low, high)}) over {RANDOM_LABEL}"


def unsure(one: pd.Series) -> str:
    """Return what follows a difference that is not established, as a clause; one: a row of `judged`, by attributes."""
    if one.verdict != SAME:
        return ""
    beyond = one.low > 0 or one.high < 0
    return f", not established (Holm p = {one.p:.2g})" if beyond else ", not established"


def _named(tasks: list[str]) -> str:
    """Return ` (a, b and c)` of the first of many names, or nothing."""
    shown = tasks if len(tasks) <= NAMED else [*tasks[: NAMED - 1], f"{len(tasks) - NAMED + 1} more"]
    return f" ({listed(shown)})" if shown else ""
