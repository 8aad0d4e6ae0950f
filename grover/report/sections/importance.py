"""Section of the report: importance of single bases."""

import numpy as np
import pandas as pd

from grover.interpretation.planted import DECIDING, MOTIF, PARTNER, judge, mark, planted_elements
from grover.report.figures import importance as figures
from grover.report.parts import (
    BETTER,
    Folded,
    Picture,
    Results,
    Section,
    Table,
    count,
    formatted,
    signed,
    verdict,
    with_interval,
)
from grover.report.parts import judge as judge_interval

TITLE = "Importance of bases"
BASES, TESTS, TRUTH = (
    "interpretation/*/base_importance.parquet",
    "interpretation/*/faithfulness.tsv",
    "simulated/truth.json",
)
NEEDS = (BASES, TESTS)
NAMES = {
    "ism": "single substitutions",
    "block": "redrawn blocks",
    "ig": "integrated gradients",
    "attention": "attention (reproduction, not explanation)",
    "random": "random order",
    "rarity": "rare tokens first",
}
MARKS = {MOTIF: "planted motif", PARTNER: "planted partner", "q": "q < 0.05"}
ROWS = 1  # lines of a logo


def section(results: Results) -> Section:
    tasks = [name.split("/")[1] for name in results.find(BASES)]
    elements = planted_elements(results.json(TRUTH)) if TRUTH in results.names else None
    tables = {task: results.table(f"interpretation/{task}/base_importance.parquet") for task in tasks}
    tests = {
        task: results.table(f"interpretation/{task}/faithfulness.tsv") for task in tasks if task in tested(results)
    }
    if elements is not None:
        tables = {task: mark(table, elements) for task, table in tables.items()}
    findings = sentences(tests)
    parts: list = [
        "An explanation says which bases of a site change the answer of the fine-tuned model: the margin of the class, in nats. Sites "
        "are drawn from fold test by the seed. Attention is drawn as DNABERT does, as a reproduction and not as an explanation.",
        findings,
    ]
    for number, task in enumerate(tasks):
        drawn = [*picture(task, tables[task]), *curves(task, tests.get(task))]
        parts += drawn if number == 0 else [Folded(f"Importance in {task}", drawn)]
    if tests:
        source = f"interpretation/{next(iter(tests))}/faithfulness.tsv"
        parts.append(Table(agreement(tests), AGREEMENT, source))
    parts += completeness(tables)
    parts += planted(tables)
    return Section("importance", TITLE, parts, findings)


def tested(results: Results) -> set[str]:
    """Tasks whose explanations were tested."""
    return {name.split("/")[1] for name in results.find(TESTS)}


def heights(rows: pd.DataFrame) -> pd.Series:
    """Return the height of each base, above the line where the base raises the answer.

    It is mean |delta| of single substitutions, minus the change by redrawn blocks, or the value of other methods.
    """
    method = rows["method"].iloc[0]
    if method == "ism":
        return -np.sign(rows["signed"]) * rows["importance"]
    return -rows["signed"] if method == "block" else rows["signed"]


def examples(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The example with the largest answer and the one with the median answer, by title; the bases in the order of the site."""
    method = "ism" if "ism" in set(table["method"]) else table["method"].iloc[0]
    rows = table[table["method"] == method].sort_values(["example", "offset"])
    answers = rows.groupby("example")["answer"].first().sort_values(kind="stable")
    chosen = {"best": answers.index[-1], "median": answers.index[(len(answers) - 1) // 2]}
    found = {}
    for kind, example in chosen.items():
        own = rows[rows["example"] == example]
        title = f"{kind} example: {place(own)}, answer {signed(answers[example])} nats"
        found[title] = own.assign(height=heights(own))
    return found


def place(rows: pd.DataFrame) -> str:
    """Where a site lies, 1-based as genome browsers show it, or the row of its dataset."""
    first = rows.iloc[0]
    if not first["chrom"]:
        return f"row {first['example']}"
    return f"{first['chrom']}:{rows['pos'].min() + 1:,}-{rows['pos'].max() + 1:,} ({first['strand']})"


def picture(task: str, table: pd.DataFrame) -> list:
    """The logos of a task."""
    shown = examples(table)
    method = next(iter(shown.values()))["method"].iloc[0]
    number = table["example"].nunique()
    tested = table.loc[table["method"] == "ism", "q"].dropna()
    significance = (
        f" Of all bases {(tested < figures.SIGNIFICANT).mean():.1%} have q < 0.05, corrected for the bases of each site."
        if len(tested)
        else ""
    )
    caption = (
        f"Task {task}, {NAMES[method]}: of {count(number, 'site')} the one with the largest answer and the one with the median answer. "
        "The height of a base is the mean absolute change of the answer over its three substitutions; letters point down where "
        f"these raise the answer on average.{significance}"
    )
    if method != "ism":
        caption = (
            f"Task {task}, {NAMES[method]}: of {count(number, 'site')} the ones with the largest and the median answer."
        )
    figure = figures.logos(shown, MARKS, ROWS)
    name = f"importance_{task}".replace(".", "-")
    return [Picture(name, figure, caption, f"interpretation/{task}/base_importance.parquet")]


def curves(task: str, tests: pd.DataFrame | None) -> list:
    """The curves of deletion and insertion of a task."""
    if tests is None:
        return []
    sites = int(tests.loc[tests["test"] == "deletion", "n"].max())
    caption = (
        f"Task {task}: mean answer over {count(sites, 'site')} while bases are replaced by those of a dinucleotide shuffle (deletion) or "
        "restored in one (insertion). The bases that a method ranks first change first. A faithful method falls or rises early."
    )
    name = f"faithfulness_{task}".replace(".", "-")
    return [Picture(name, figures.curves(tests, NAMES), caption, f"interpretation/{task}/faithfulness.tsv")]


AGREEMENT = (
    "Tests of the explanations. Deletion, insertion: nats by which the area under the curve beats a random order, with its 95 % "
    "interval over blocks of sites; above 0 is better. The rest are Spearman correlations of the importance of bases: with single "
    "substitutions; with a model fine-tuned with another seed; with the opposite strand (of a task with strands no equivalent input); "
    "with a model of random weights, near 0 where importance follows the weights. A dash: not measured."
)


def agreement(tests: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """One row per task and method."""
    rows = []
    for task, table in tests.items():
        for method in dict.fromkeys(table.loc[table["test"] == "deletion gain", "method"]):
            own = table[table["method"] == method]
            both = table[(table["test"] == "methods") & ((table["method"] == "ism") | (table["against"] == "ism"))]
            with_ism = both[(both["method"] == method) | (both["against"] == method)]
            random = own[own["test"] == "randomisation"]
            rows.append(
                {
                    "task": task,
                    "method": NAMES[method],
                    "deletion": _cell(own[(own["test"] == "deletion gain") & (own["against"] == "random")]),
                    "insertion": _cell(own[(own["test"] == "insertion gain") & (own["against"] == "random")]),
                    "substitutions": "–" if method == "ism" else _cell(with_ism),
                    "other seed": _cell(own[own["test"] == "seeds"]),
                    "other strand": _cell(own[own["test"] == "strands"]),
                    "random weights": _cell(random[random["x"] == random["x"].max()]),
                }
            )
    return pd.DataFrame(rows)


def _cell(rows: pd.DataFrame) -> str:
    if rows.empty or np.isnan(rows["value"].iloc[0]):
        return "–"
    first = rows.iloc[0]
    return with_interval(first["value"], first["low"], first["high"], digits=2).replace("-", "\u2212")


def completeness(tables: dict[str, pd.DataFrame]) -> list[str]:
    """The completeness error of integrated gradients, over the sites of all tasks."""
    errors = pd.concat([table.groupby("example")["error"].max() for table in tables.values()]).dropna()
    if errors.empty:
        return []
    return [
        f"Integrated gradients of {count(len(errors), 'site')}: their sum differs from the change of the answer by "
        f"{errors.max():.1%} at most, and by {errors.median():.1%} in the median."
    ]


def sentences(tests: dict[str, pd.DataFrame]) -> list[str]:
    """Whether the first method beats a random order: on the first task, and on how many; and whether a second seed was there."""
    verdicts, verbs = {}, []
    for task, table in tests.items():
        gain = table[(table["test"] == "deletion gain") & (table["against"] == "random")].dropna(subset=["low"])
        if len(gain):
            first = gain.iloc[0]
            subject = f"{task}, deletion in the order of {NAMES[first['method']]}"
            verdicts[task] = verdict(subject, "a random order", first["value"], first["low"], first["high"], "nats")
            verbs.append(judge_interval(first["low"], first["high"]))
    found = list(verdicts.values())[:1]
    if len(verbs) > 1:
        found.append(
            f"Deletion in this order outperforms a random order on {verbs.count(BETTER)} of {count(len(verbs), 'task')}."
        )
    if not verbs:
        found.append(
            "The sites of each task lie in one block of the genome, so that no test of the explanations has an interval."
        )
    if any(not table.loc[table["test"] == "seeds", "n"].max() for table in tests.values()):
        found.append(
            "One seed was fine-tuned, so that explanations of two seeds are not compared; set `finetuning.seeds: 2`."
        )
    return found


def planted(tables: dict[str, pd.DataFrame]) -> list:
    """How well each method finds what the simulated genome planted."""
    rows = []
    for task, table in tables.items():
        if "kind" not in table or not (table["kind"] == DECIDING).any():
            continue
        for method, own in table.groupby("method", sort=False):
            found = judge(own)
            shown = {"sites": found["sites"], "AUROC of partner bases": found["auroc"], "motif": found["motif"]}
            rows.append({"task": task, "method": NAMES[method]} | shown | {"other bases": found["other"]})
    if not rows:
        return []
    caption = (
        "Planted truth of the simulated genome: every site has the motif, and the partner on one side of it alone decides. AUROC of "
        "partner bases against all others of a site, mean over sites; mean importance of motif bases and of all others as a share of that "
        "of partner bases. An explanation that names the cause has an AUROC near 1 and small shares."
    )
    formats = {"AUROC of partner bases": "{:.3f}", "motif": "{:.3f}", "other bases": "{:.3f}"}
    return [
        Table(
            formatted(pd.DataFrame(rows), formats), caption, f"interpretation/{rows[0]['task']}/base_importance.parquet"
        )
    ]
