"""Section of the report: the fine-tuning benchmarks."""

import numpy as np
import pandas as pd

from grover.config.names import CHOSEN, RANDOM_LABEL, random_of
from grover.report.figures import benchmarks as figures
from grover.report.parts import (
    Folded,
    Picture,
    Results,
    Section,
    Table,
    count,
    formatted,
    listed,
    verdict,
    with_interval,
)
from grover.report.sections.audits import audit_table, describe
from grover.report.sections.comparisons import (
    LABELS,
    added,
    against,
    baselines_of,
    best_baseline,
    differences,
    label,
    of_task,
    overview,
)

TITLE = "Benchmarks"
NEEDS = ("benchmarks.parquet", "comparisons.parquet")
ADJACENCY, LEAKY = "adjacency", "token-shuffle"
BEST_BASELINES, CURVES = 3, 5
RARE = 0.4  # a task with a smaller share of label 1 gets its precision and recall
MEASURES = {"auprc": "AUPRC", "accuracy": "accuracy", "f1": "F1", "brier": "Brier", "ece": "ECE"}


def section(results: Results) -> Section:
    scores, comparisons = (results.table(name) for name in NEEDS)
    table = over_seeds(scores)
    if table.empty:
        return Section("benchmarks", TITLE, ["No task has a score."])
    whole = table[table["part"] == "all"]
    main, tasks = main_model(whole), list(dict.fromkeys(whole["task"]))
    found = {name: results.json(name) for name in results.find("benchmarks/*/card.json")}
    sources = {card["task"]: name for name, card in found.items()}
    cards = {task: found[sources[task]] for task in sorted(sources, key=lambda name: [*tasks, name].index(name))}
    compared = comparisons[comparisons["model"] == main]
    names = {name: label(name) for name in whole["model"].unique()}
    order = sorted(names, key=lambda name: [*LABELS, name].index(name))
    wide = whole.pivot(index="task", columns="model", values="mcc").loc[tasks, order]
    rule = by_negatives(whole, cards)
    tables = {
        "random": differences(compared, dict.fromkeys(tasks, random_of(main))),
        "baseline": differences(compared, baselines_of(whole)),
    }
    comparators = {"random": RANDOM_LABEL, "baseline": "the best baseline"}
    findings = [overview(tables[kind], name) for kind, name in comparators.items() if len(tables[kind])]
    findings += adjacency(rule)
    parts: list = [
        "Tasks made from the genome are split by its folds, never by row; ready sets keep their own split. The randomly initialised "
        "model is the same network without pretraining, fine-tuned with the same budget. No baseline is fine-tuned from the pretrained "
        "model. Counts, motifs and rules need no network; the small CNN is trained on the task; the linear probes read the states of "
        "the pretrained model. The best baseline of a task is chosen by its MCC on fold valid. A difference is established where its 95 % "
        "interval excludes 0 and its p-value, corrected for the number of tasks (Holm), is below 0.05.",
        findings,
        Picture(
            "benchmarks_overview",
            figures.heat(wide, dict(zip(whole["model"], whole["kind"], strict=True)), names, baselines_of(whole)),
            "Matthews correlation (MCC) on fold test, mean over seeds. The frame marks the best baseline of a task by fold valid, bold the "
            "highest MCC of all; blue is above 0, which is chance, red below. A dash: the predictor does not apply to the task.",
            NEEDS[0],
        ),
        [sentence for task in tasks for sentence in of_task(task, whole[whole["task"] == task], tables)],
        *budget(whole),
        Picture(
            "benchmarks_scores",
            figures.dots(pd.concat([leading(whole[whole["task"] == task]) for task in tasks]), names),
            "MCC with 95 % intervals over blocks of the genome and seeds. Blue: the pretrained model; red: the randomly initialised one; "
            f"orange squares: external models; grey diamonds: {BEST_BASELINES} baselines per task. These are the best by fold valid "
            "and the two others highest on fold test. Dotted: chance.",
            NEEDS[0],
        ),
        *curves(results, whole, tasks, names),
        *clean_parts(table, comparisons, main),
    ]
    if cards:
        parts.append(
            Table(
                audit_table(list(cards.values())),
                "What the audit says of each dataset. Of fold test stand in fold train: `same`, on either strand; `similar`, by "
                "MinHash of k-mers; `overlap`, sharing a base of the genome. `seen`: share of its bases in pretraining windows. "
                "`clean`: examples of fold test without any of it. GC, repeats, length: AUROC of that number alone, 0.5 "
                "where it tells nothing of the label.",
                next(iter(sources.values())),
            )
        )
    for task in [*tasks, *[name for name in cards if name not in tasks]]:
        mine = table[table["task"] == task]
        scored = score_parts(mine[mine["part"] == "all"]) + strata(mine, compared, main)
        scored += others(task, whole, comparisons, main)
        parts.append(Folded(f"Task {task}", scored + (describe(cards[task], sources[task]) if task in cards else [])))
    return Section("benchmarks", TITLE, parts, findings)


def over_seeds(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of the mean over seeds that hold a score, with the number of `seeds`."""
    keys = ["task", "model", "part"]
    seeds = scores[scores["seed"].notna()].groupby(keys).size().rename("seeds")
    table = scores[scores["seed"].isna()].drop(columns="seed").join(seeds, on=keys)
    return table[table["mcc"].notna()].fillna({"seeds": 1}).astype({"seeds": int}).reset_index(drop=True)


def main_model(whole: pd.DataFrame) -> str:
    """The model that the sentences are about: `chosen`, else the first."""
    models = list(whole.loc[whole["kind"] == "model", "model"]) or list(whole["model"])
    return CHOSEN if CHOSEN in models else models[0]


def leading(rows: pd.DataFrame) -> pd.DataFrame:
    """Return all models of a task, its best baseline by fold valid, and the two others highest on fold test."""
    baselines = rows[rows["kind"] == "baseline"]
    first = baselines["model"] == baselines_of(rows).get(rows["task"].iloc[0])
    others = baselines[~first].nlargest(BEST_BASELINES - 1, "mcc")
    return pd.concat([rows[rows["kind"] != "baseline"], baselines[first], others])


def by_negatives(whole: pd.DataFrame, cards: dict) -> dict[str, float]:
    """MCC of the forbidden-adjacency rule on promoters, by where their negatives come from."""
    rows = whole[whole["model"] == ADJACENCY].set_index("task")["mcc"]
    tasks = [card for card in cards.values() if card["builder"] == "prom300" and card["task"] in rows]
    return {card["negatives"]: float(rows[card["task"]]) for card in tasks}


def adjacency(values: dict[str, float]) -> list[str]:
    """What a rule without learning scores on promoters whose negatives are shuffled tokens, and on honest ones."""
    if LEAKY not in values:
        return []
    honest = [
        f"{value:.2f}".replace("-0.00", "0.00").replace("-", "\u2212")
        for name, value in values.items()
        if name != LEAKY
    ]
    beside = f", {listed(honest)} with the other negatives" if honest else ""
    return [
        f"The forbidden-pairs rule, which learns nothing, has MCC {values[LEAKY]:.2f} on token-shuffled promoters{beside}: "
        "BPE never emits two adjacent tokens that it would have merged."
    ]


def budget(whole: pd.DataFrame) -> list[str]:
    """A caution where baselines learnt from more examples than networks."""
    networks = whole[whole["kind"].isin(["model", "random"])].groupby("task")["n_train"].max()
    baselines = whole[whole["kind"] == "baseline"].groupby("task")["n_train"].max()
    both = pd.concat({"networks": networks, "baselines": baselines}, axis=1).dropna().astype(int)
    fewer = both[both["networks"] < both["baselines"]]
    if fewer.empty:
        return []
    return [
        f"Networks were fine-tuned on at most {fewer['networks'].max():,} examples per task (`finetuning.maximum_train`), baselines "
        f"learn from more on {len(fewer)} of {count(len(both), 'task')}: {spanned(fewer['baselines'])}. A baseline that is ahead "
        "there may owe it to its examples."
    ]


def spanned(values: pd.Series) -> str:
    """`2,000` or `2,000 to 34,000`."""
    low, high = int(values.min()), int(values.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def curves(results: Results, whole: pd.DataFrame, tasks: list[str], names: dict[str, str]) -> list:
    """Precision and recall of the tasks with few examples of label 1."""
    shown, shares, source = {}, {}, ""
    for task in tasks:
        rows = whole[whole["task"] == task]
        share, name = rows["positive_share"].iloc[0], f"benchmarks/{task}/precision_recall.parquet"
        if not share < RARE or name not in results.names:
            continue
        table = results.table(name)
        known = rows[rows["model"].isin(table["model"])]
        networks = known[known["kind"].isin(["model", "random", "external"])]["model"].tolist()
        baselines = known[known["kind"] == "baseline"].nlargest(2, "auprc")["model"].tolist()
        wanted = [*networks[: CURVES - min(2, len(baselines))], *baselines]
        if wanted:
            shown[task] = pd.concat([table[table["model"] == model] for model in wanted])
            shares[task], source = share, source or name
    if not shown:
        return []
    return [
        Picture(
            "benchmarks_precision_recall",
            figures.precision_recall(shown, shares, names),
            f"Precision by recall on fold test where label 1 is rare (less than {RARE:.0%}), with the two baselines of the highest "
            "AUPRC. The dotted line is the share of label 1: the precision of a coin.",
            source,
        )
    ]


def score_parts(rows: pd.DataFrame) -> list:
    """The table of all scores of a task, best first."""
    if rows.empty:
        return ["Nothing was scored."]
    rows = rows.sort_values("mcc", ascending=False)
    shown = pd.DataFrame(
        {
            "predictor": rows["model"].map(label),
            "MCC": [with_interval(*row) for row in rows[["mcc", "mcc_low", "mcc_high"]].to_numpy(float)],
            "AUROC": [with_interval(*row) for row in rows[["auroc", "auroc_low", "auroc_high"]].to_numpy(float)],
            **{title: rows[column] for column, title in MEASURES.items()},
            "trained on": rows["n_train"].astype(int),
        }
    )
    several = rows["classes"].iloc[0] > 2
    classes = " MCC is R_K, the others are averages over classes." if several else ""
    bins = " of the highest probability" if several else " of the probability of label 1"
    return [
        Table(
            formatted(shown, default="{:.3f}"),
            f"Scores on {int(rows['n_test'].max()):,} examples of fold test, mean over {count(int(rows['seeds'].max()), 'seed')} "
            f"(baselines without randomness: one). MCC and AUROC have 95 % intervals.{classes} Smaller Brier and ECE (15 bins{bins}) "
            "are better.",
            NEEDS[0],
        )
    ]


def strata(rows: pd.DataFrame, compared: pd.DataFrame, main: str) -> list:
    """What the main model adds within each stratum of negatives of a task, and the AUROC of all predictors there, best first."""
    parts = [part for part in rows["part"].unique() if part not in ("all", "clean")]
    if not parts:
        return []
    task, keyed = rows["task"].iloc[0], rows.set_index(["model", "part"])
    order = rows[rows["part"] == "all"].sort_values("mcc", ascending=False)["model"]
    sentences = []
    for part in parts:
        within = rows[rows["part"] == part]
        baseline, clauses = best_baseline(within), []
        if random_model := against(compared, task, random_of(main), part):
            clauses.append(added(*random_model))
        if baseline is not None and (spread := against(compared, task, baseline["model"], part)):
            named = f"the best baseline ({label(baseline['model'])}, {baseline['mcc']:.3f})"
            clauses.append(verdict("the pretrained model", named, *spread, "MCC").removesuffix("."))
        sentences += [f"{part}: {'; '.join(clauses)}."] if clauses else []
    shown = {"predictor": [label(model) for model in order]}
    for part in parts:
        values = keyed.loc[[(model, part) for model in order], ["auroc", "auroc_low", "auroc_high"]].to_numpy(float)
        shown[f"AUROC, {part}"] = [with_interval(*row) for row in values]
    pictured = pd.concat([rows[rows["part"] == part] for part in parts])
    return [
        Picture(
            f"benchmarks_strata_{task}",
            figures.dots(pictured, {model: label(model) for model in order}, "part", "auroc"),
            "AUROC within each stratum, with 95 % intervals: pretrained (blue), randomly initialised (red), external models "
            "(orange squares) and baselines (grey diamonds). Dotted: chance.",
            NEEDS[0],
        ),
        *([sentences] if sentences else []),
        Table(
            pd.DataFrame(shown),
            "AUROC of all examples of label 1 against each stratum of label 0 in fold test, with 95 % intervals.",
            NEEDS[0],
        ),
    ]


def others(task: str, whole: pd.DataFrame, comparisons: pd.DataFrame, main: str) -> list:
    """A list of what pretraining adds to the other models of a task."""
    models = whole.loc[(whole["task"] == task) & (whole["kind"] == "model") & (whole["model"] != main), "model"]
    spreads = {name: against(comparisons[comparisons["model"] == name], task, random_of(name)) for name in models}
    sentences = [f"{label(name)}: {added(*spread)}." for name, spread in spreads.items() if spread]
    return [sentences] if sentences else []


def clean_parts(table: pd.DataFrame, comparisons: pd.DataFrame, main: str) -> list:
    """Scores on the clean part of fold test, where it is smaller than the whole."""
    sizes = table.groupby(["task", "part"], sort=False)["n_test"].max().unstack()
    if "clean" not in sizes:
        return ["No clean part of fold test was scored."]
    sizes = sizes.loc[list(dict.fromkeys(table["task"]))]
    differ = sizes[sizes["clean"] < sizes["all"]]
    unknown = list(sizes[sizes["clean"].isna()].index)
    parts = [f"The clean part of {listed(unknown)} holds too few examples of a label to be scored."] if unknown else []
    if differ.empty:
        return [
            *parts,
            "On all other tasks the clean part is the whole fold test."
            if unknown
            else "The clean part of fold test is the whole of it on every task: nothing in it leaks.",
        ]
    keyed = table.set_index(["task", "model", "part"])
    sentences = []
    for task, row in differ.iterrows():
        text = f"{task}: {int(row['clean']):,} of {int(row['all']):,} test examples are clean"
        if (task, main, "clean") in keyed.index:
            one, other = (
                with_interval(*keyed.loc[(task, main, part), ["mcc", "mcc_low", "mcc_high"]].astype(float))
                for part in ("all", "clean")
            )
            text += f"; the pretrained model scores {other} on them and {one} on the whole"
        random_model = against(comparisons[comparisons["model"] == main], task, random_of(main), "clean")
        sentences.append(f"{text}; there {added(*random_model)}." if random_model else f"{text}.")
    rows = table[table["task"].isin(differ.index)]
    wide = rows.pivot(index=["task", "model"], columns="part", values=["mcc", "mcc_low", "mcc_high", "auroc", "n_test"])
    wide = wide.loc[list(dict.fromkeys(zip(rows["task"], rows["model"], strict=True)))]
    spread = {
        part: wide[[("mcc", part), ("mcc_low", part), ("mcc_high", part)]].to_numpy(float) for part in ("all", "clean")
    }
    return [
        *parts,
        sentences,
        Table(
            formatted(
                pd.DataFrame(
                    {
                        "task": [task for task, _ in wide.index],
                        "predictor": [label(model) for _, model in wide.index],
                        "MCC, clean part": [
                            with_interval(*values) if not np.isnan(values[0]) else "–" for values in spread["clean"]
                        ],
                        "MCC, whole": [with_interval(*values) for values in spread["all"]],
                        "AUROC, clean part": wide[("auroc", "clean")].to_numpy(float),
                        "AUROC, whole": wide[("auroc", "all")].to_numpy(float),
                    }
                ),
                default="{:.3f}",
            ),
            "The clean part of fold test, without what the audit found in fold train or in the pretraining windows, beside the whole.",
            NEEDS[0],
        ),
    ]
