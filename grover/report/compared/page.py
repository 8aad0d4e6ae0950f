"""The page that compares runs: the first screen, and a section for each kind of result."""

import pandas as pd

from grover.report.compared import learning, probes, settings, sites, tasks
from grover.report.compared.runs import Run
from grover.report.figures import compared as figures
from grover.report.overview import MOST_FINDINGS, MOST_TASKS, MOST_TRACKS, Overview, Panel, run_line
from grover.report.page import render
from grover.report.parts import listed
from grover.report.style import use_palette


def compare(runs: list[Run]) -> str:
    """Return the page as HTML text. The first run is compared with each other one."""
    use_palette(runs[0].configuration["report"]["palette"])
    names = [run.name for run in runs]
    models, found, probed = learning.learnt(runs), tasks.compare(runs), probes.compare(runs)
    sections = [
        settings.section(runs),
        learning.section(runs, models),
        tasks.section(runs, found),
        probes.section(runs, probed),
        sites.motif_section(runs),
        sites.variant_section(runs),
    ]
    panels = [_learning(names, models), _tasks(names, found), _tracks(names, probed), _differences(names, found)]
    described = [(run.name, run_line(run.results)) for run in runs]
    overview = Overview(
        "; ".join(f"{name}: {line}" if line else name for name, line in described),
        [sentence for part in sections[1:3] for sentence in part.findings[: len(runs) - 1]],
        panels,
        [(part.key, part.title, part.findings[0]) for part in sections if part.findings][:MOST_FINDINGS],
    )
    return render(sections, f"GROVER: {listed(names)}", "", lambda *_: None, overview)


def _learning(names: list[str], models: list[learning.Learnt]) -> Panel:
    table = learning.bits(models)
    question = "Which learnt more?"
    if table.empty:
        return Panel(
            "compared_overview_bits", question, "No two runs are comparable on masked bits per base.", learning.KEY
        )
    shows = "Masked bits per base on common spans of fold test, with 95\u00a0% intervals."
    return Panel(
        "compared_overview_bits",
        question,
        shows,
        learning.KEY,
        figures.by_run(table, names, learning.LABEL, float("nan"), True),
    )


def _tasks(names: list[str], found: tasks.Compared) -> Panel:
    question, model = "Which is more useful?", found.scores[found.scores["kind"] == tasks.KINDS["model"]]
    if model.empty:
        return Panel("compared_overview_tasks", question, "No benchmark was scored.", tasks.KEY)
    shown = list(dict.fromkeys(model["name"]))[:MOST_TASKS]
    table = model[model["name"].isin(shown)]
    more = (
        f" The first {MOST_TASKS} of {model['name'].nunique()} tasks." if model["name"].nunique() > MOST_TASKS else ""
    )
    # of a task, all runs have to have scored the examples of the first
    like = (
        set.intersection(*(set(table["task"]) for table in found.differences.values())) if found.differences else set()
    )
    apart = (
        ""
        if set(shown) <= like
        else " Where test examples differ, runs are not comparable; the section names the tasks."
    )
    shows = f"MCC of the fine-tuned pretrained models, mean over seeds, with 95\u00a0% intervals.{more}{apart}"
    return Panel(
        "compared_overview_tasks", question, shows, tasks.KEY, figures.by_run(table, names, tasks.LABEL, 0.0, True)
    )


def _tracks(names: list[str], probed: probes.Probed) -> Panel:
    question, mean = "Which knows more?", probed.scores[probed.scores["kind"] == probes.KINDS[probes.MEAN]]
    if mean["run"].nunique() < 2:
        return Panel("compared_overview_tracks", question, "No two runs are comparable on tracks.", probes.KEY)
    shown = list(dict.fromkeys(mean["name"]))[:MOST_TRACKS]
    table = mean[mean["name"].isin(shown)]
    more = (
        f" The first {MOST_TRACKS} of {mean['name'].nunique()} tracks." if mean["name"].nunique() > MOST_TRACKS else ""
    )
    shows = f"Linear probes on the mean embedding, with 95\u00a0% intervals.{more}"
    figure = figures.by_run(table, names, probes.LABEL, float("nan"), True)
    return Panel("compared_overview_tracks", question, shows, probes.KEY, figure)


def _differences(names: list[str], found: tasks.Compared) -> Panel:
    question, known = "Is a difference established?", [table for table in found.differences.values() if len(table)]
    if not known:
        sentence = "No two runs scored the same test examples of a task."
        return Panel("compared_overview_differences", question, sentence, tasks.KEY)
    table = pd.concat(known, ignore_index=True).rename(columns={"task": "name"})
    table = table[table["name"].isin(list(dict.fromkeys(table["name"]))[:MOST_TASKS])]
    label = f"MCC of {names[0]} minus that of the other run"
    shows = "Differences on the same test examples, with 95\u00a0% intervals; established by Holm over tasks."
    figure = figures.differences(table, names, label, True)
    return Panel("compared_overview_differences", question, shows, tasks.KEY, figure)
