"""The first screen of the report: the run, a verdict in two sentences, four figures, and at most eight findings.

The figures answer four questions: did it learn, is it useful, what does it know, why believe it. A run that lacks the artefacts of a figure
has a sentence in its place.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import pandas as pd
from matplotlib.figure import Figure

from grover.config.names import MASKED_LABELS, RANDOM_LABEL, random_of
from grover.interpretation.planted import DECIDING, DECOYS, mark, planted_elements
from grover.report.figures import overview as figures
from grover.report.parts import BETTER, WORSE, Results, Section, bases, count, signed, verdict
from grover.report.sections import benchmarks, comparisons, genome, importance, pretraining, regions
from grover.report.sections.representations import MEAN, RANDOM_MEAN, at_last_layer

# sections whose first finding the first screen repeats, as many of them as there are, in this order
LEADING = ("pretraining", "selection", "benchmarks", "regions", "importance", "motifs", "variants", "reproduction")
FOLLOWING = ("maps", "base_tracks", "contexts", "atlas")
MOST_FINDINGS = 8
MOST_TASKS, MOST_TRACKS = 8, 14  # rows that can be read in a figure of this size
AROUND = 34  # bases shown on either side of the middle of a site


@dataclass
class Panel:
    """A question, what the figure shows, and where to read on; `figure` is None where the run lacks the artefacts."""

    name: str
    question: str
    shows: str
    section: str
    figure: Figure | None = None


@dataclass
class Overview:
    """What the first screen holds. `findings` are (key of a section, its title, sentence)."""

    run: str = ""
    verdict: list[str] = field(default_factory=list)
    panels: list[Panel] = field(default_factory=list)
    findings: list[tuple[str, str, str]] = field(default_factory=list)


def summarise(results: Results, sections: list[Section]) -> Overview:
    """Return the first screen of a run whose sections have been built."""
    tasks, tracks = tasks_of(results), tracks_of(results)
    panels = [
        _panel(results, pretraining.NEEDS, _learning),
        _panel(results, benchmarks.NEEDS, lambda _: _useful(tasks)),
        _panel(results, importance.NEEDS[:1], _believable),
        _panel(results, regions.NEEDS[:1], lambda _: _known(tracks)),
    ]
    empty = [
        Panel("overview_loss", "Did it learn?", "No pretrained model was scored in this run.", "pretraining"),
        Panel("overview_tasks", "Is it useful?", "No benchmark was scored in this run.", "benchmarks"),
        Panel("overview_sites", "Why believe it?", "No task was explained in this run.", "importance"),
        Panel("overview_tracks", "What does it know?", "No track was probed in this run.", "regions"),
    ]
    shown = [panel or other for panel, other in zip(panels, empty, strict=True)]
    return Overview(
        run_line(results),
        [*_learnt(results), *_use(tasks, tracks)],
        [shown[i] for i in (0, 1, 3, 2)],
        _findings(sections),
    )


def _panel(results: Results, needs: tuple[str, ...], make: Callable[[Results], Panel | None]) -> Panel | None:
    return make(results) if all(results.find(pattern) for pattern in needs) else None


def _findings(sections: list[Section]) -> list[tuple[str, str, str]]:
    """Return the first finding of the leading sections, and of others up to eight."""
    there = {section.key: section for section in sections if section.findings}
    names = [name for name in (*LEADING, *FOLLOWING) if name in there][:MOST_FINDINGS]
    return [(name, there[name].title, there[name].findings[0]) for name in names]


def run_line(results: Results) -> str:
    """Return one line on the run: vocabulary, parameters, bases."""
    clauses = []
    found = results.find(pretraining.NEEDS[1])
    if found:
        main = results.json(found[0])
        clauses += [f"vocabulary {found[0].split('/')[1]}", f"{main['parameters']:,} parameters"]
    if genome.NEEDS[0] in results.names:
        clauses.append(f"{bases(int(results.table(genome.NEEDS[0])['kept'].sum()))} of sequence")
    return ", ".join(clauses)


def _scores(results: Results) -> tuple[dict, dict]:
    """Return the metrics of the chosen model, and those of its split."""
    main = results.json(results.find(pretraining.NEEDS[1])[0])
    return main, main["splits"][main["split"]]


def _learnt(results: Results) -> list[str]:
    """Return the sentence on the best baseline of masked tokens."""
    if not results.find(pretraining.NEEDS[1]):
        return []
    _, scores = _scores(results)
    best = min(scores["baselines"], key=lambda name: scores["baselines"][name]["loss"])
    gain = scores["gains"][best]
    if gain["low"] is None:
        return [
            f"The pretrained model has {signed(-gain['difference'])} nats per masked token on {MASKED_LABELS[best]}."
        ]
    comparator = f"the best baseline at predicting masked tokens ({MASKED_LABELS[best]})"
    return [verdict("The pretrained model", comparator, *pretraining.turned(gain), "nats per masked token")]


def _learning(results: Results) -> Panel:
    main, scores = _scores(results)
    training = results.table(f"{results.find(pretraining.NEEDS[1])[0].rpartition('/')[0]}/training.parquet")
    baselines = {
        MASKED_LABELS[name].replace(" between", "\nbetween"): values["loss"]
        for name, values in scores["baselines"].items()
    }
    return Panel(
        "overview_loss",
        "Did it learn?",
        f"Masked-token loss in training (line), on test windows of split {main['split']} (dot) and of baselines (dashed).",
        "pretraining",
        figures.learning(training, baselines, scores["model"]["loss"]),
    )


@dataclass
class Tasks:
    """Scores of the model and its comparators by task, and their differences."""

    scores: pd.DataFrame
    differences: dict[str, pd.DataFrame]


def tasks_of(results: Results) -> Tasks | None:
    """Return the scores by task, or None where no benchmark was scored."""
    if not all(results.find(pattern) for pattern in benchmarks.NEEDS):
        return None
    scores, compared = (results.table(name) for name in benchmarks.NEEDS)
    table = benchmarks.over_seeds(scores)
    whole = table[table["part"] == "all"]
    if whole.empty:
        return None
    main, best = benchmarks.main_model(whole), comparisons.baselines_of(whole)
    names = list(dict.fromkeys(whole["task"]))
    wanted = [
        (task, which, model)
        for task in names
        for which, model in (("model", main), ("random", random_of(main)), ("baseline", best.get(task, "")))
    ]
    keyed = pd.DataFrame(wanted, columns=["task", "which", "model"]).merge(whole, on=["task", "model"])
    compared = compared[compared["model"] == main]
    randoms = dict.fromkeys(names, random_of(main))
    found = {
        kind: comparisons.differences(compared, other) for kind, other in (("random", randoms), ("baseline", best))
    }
    return Tasks(keyed, found)


def _useful(tasks: Tasks | None) -> Panel | None:
    if tasks is None:
        return None
    names = list(dict.fromkeys(tasks.scores["task"]))
    kept = tasks.scores[tasks.scores["task"].isin(names[:MOST_TASKS])]
    more = f" The first {MOST_TASKS} of {len(names)} tasks." if len(names) > MOST_TASKS else ""
    return Panel(
        "overview_tasks",
        "Is it useful?",
        f"MCC of fine-tuned classifiers, mean over seeds, with 95\u00a0% intervals.{more}",
        "benchmarks",
        figures.tasks(kept),
    )


def tracks_of(results: Results) -> pd.DataFrame:
    """Return the gains over k-mers of the mean embedding and of random initialisation, by linear probes; empty without probes."""
    if not results.find(regions.NEEDS[0]):
        return pd.DataFrame(columns=["track", "which"])
    probes = results.table(regions.NEEDS[0])
    own = results.main_model(probes.loc[probes["layer"].notna(), "model"])
    last = at_last_layer(probes, own)
    linear = last[(last["probe"] == regions.LINEAR) & last["value"].notna() & last["gain_low"].notna()]
    return linear.assign(which=linear["representation"].map({MEAN: "model", RANDOM_MEAN: "random"})).dropna(
        subset=["which"]
    )


def _known(tracks: pd.DataFrame) -> Panel | None:
    mean = tracks[tracks["which"] == "model"]
    if mean.empty:
        return None
    widest = mean.reindex(mean["gain"].abs().sort_values(ascending=False).index)["track"].head(MOST_TRACKS)
    kept = tracks[tracks["track"].isin(widest)]
    more = f" The {MOST_TRACKS} of {len(mean)} tracks with the largest differences." if len(mean) > MOST_TRACKS else ""
    return Panel(
        "overview_tracks",
        "What does it know?",
        f"Linear probes on held-out regions, minus the same on k-mer counts, with 95\u00a0% intervals.{more}",
        "regions",
        figures.tracks(kept),
    )


def _use(tasks: Tasks | None, tracks: pd.DataFrame) -> list[str]:
    """Return the sentence on tasks and tracks."""
    clauses = []
    if tasks is not None:
        names = {"random": RANDOM_LABEL, "baseline": "the best baseline"}
        known = {kind: table for kind, table in tasks.differences.items() if len(table)}
        said = [
            f"{names[kind]} on {(table['verdict'] == BETTER).sum()} of {count(len(table), 'task')} (underperforms on "
            f"{(table['verdict'] == WORSE).sum()})"
            for kind, table in known.items()
        ]
        clauses += [f"Fine-tuned, it outperforms {' and '.join(said)}"] if said else []
    mean = tracks[tracks["which"] == "model"]
    if len(mean):
        verdicts = regions.established(mean, "gain")["verdict"]
        ahead, behind = int((verdicts == BETTER).sum()), int((verdicts == WORSE).sum())
        subject = "its embedding outperforms" if clauses else "Its embedding outperforms"
        clauses.append(f"{subject} k-mer counts on {ahead} of {count(len(mean), 'track')} (underperforms on {behind})")
    return [f"{'; '.join(clauses)}."] if clauses else []


def _believable(results: Results) -> Panel | None:
    """The site that the fine-tuned model is surest of, above a decoy where the truth is planted, else above the least sure site."""
    tasks = [name.split("/")[1] for name in results.find(importance.BASES)]
    tables = {task: results.table(f"interpretation/{task}/base_importance.parquet") for task in tasks}
    if importance.TRUTH in results.names:
        elements = planted_elements(results.json(importance.TRUTH))
        tables = {task: mark(table, elements) for task, table in tables.items()}
    with_truth = [task for task, table in tables.items() if "kind" in table and (table["kind"] == DECIDING).any()]
    task = next(iter(with_truth or tasks))
    method = "ism" if "ism" in set(tables[task]["method"]) else tables[task]["method"].iloc[0]
    rows = tables[task][tables[task]["method"] == method].sort_values(["example", "offset"])
    sites = rows.groupby("example").first().sort_values("answer", kind="stable")
    kinds = sites["kind"] if task in with_truth else pd.Series("", sites.index)
    positive = sites[kinds == DECIDING].index[-1] if task in with_truth else sites.index[-1]
    decoys = sites[kinds.isin(DECOYS)].index
    chosen = {"decoy" if len(decoys) else "lowest answer": decoys[0] if len(decoys) else sites.index[0]}
    chosen = {("positive site" if len(decoys) else "highest answer"): positive} | chosen
    examples = {}
    for kind, example in chosen.items():
        own = rows[rows["example"] == example]
        title = f"{kind}, {importance.place(own)}, answer {signed(own['answer'].iloc[0])} nats"
        examples[title] = _around(own.assign(height=importance.heights(own)))
    highest = "Of the positive sites the one with the highest answer" if len(decoys) else "The sites with the highest"
    lowest = ", of the decoys the one with the lowest." if len(decoys) else " and the lowest answer."
    return Panel(
        "overview_sites",
        "Why believe it?",
        f"Importance of bases in {task}, {importance.NAMES[method]}. {highest}{lowest}",
        "importance",
        figures.sites(examples),
    )


def _around(site: pd.DataFrame) -> pd.DataFrame:
    """Return the bases around the planted elements of a site, or around the most important ones where none are known."""
    site = site.reset_index(drop=True)
    planted = site.index[site["motif"] | site["partner"]] if "motif" in site else site.index[:0]
    if len(planted):
        middle = int(planted.min() + planted.max()) // 2
    else:
        middle = int(site["height"].abs().rolling(2 * AROUND, center=True, min_periods=1).sum().idxmax())
    first = max(0, min(middle - AROUND, len(site) - 2 * AROUND))
    return site.iloc[first : first + 2 * AROUND]
