"""The reproduction dossier: published scores beside those of a run, and in what the two differ.

A score is called reproduced only where the 95 % interval of the run's holds the published value and is narrow enough to say
something. Reasons are facts of cards, metrics and configuration, never guesses at what they did to a score.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grover.config.names import CHOSEN
from grover.report.parts import with_interval
from grover.report.published import VOCABULARY, inapplicable
from grover.runtime.errors import InputError

PUBLISHED_COLUMNS = ("task", "model", "metric", "value", "unit", "assembly", "data", "source", "certainty", "note")
COLUMNS = (
    "task",
    "model",
    "metric",
    "unit",
    "published",
    "certainty",
    "source",
    "note",
    "data",
    "our_task",
    "our_model",
    "ours",
    "low",
    "high",
    "verdict",
    "why",
)
REPRODUCED, COMPATIBLE = "reproduced", "compatible, but uncertain"
NOT_REPRODUCED, NOT_RUN = "not reproduced", "not run here"
WIDEST = 0.2  # interval of a score that counts as reproduced, as a share of the published value
COUNTERPARTS = {"GROVER": CHOSEN, "TF-IDF": "tfidf-forest", "DNABERT-2": "dnabert2", "DNABERT": "dnabert"}
AT_MOST = "<="
NEXT_KMER, MASKED = "Next-6-mer", "Masked tokens"
PAPER_PARAMETERS, PAPER_SIZE = "87.1 million", "12 layers x 768"


def read_published(path: Path | str) -> pd.DataFrame:
    """The published scores, all columns as text; `value` may begin with `<=`. Raises InputError where a column or a number is missing."""
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    if list(table.columns) != list(PUBLISHED_COLUMNS):
        raise InputError(f"{path}: the header must be {' '.join(PUBLISHED_COLUMNS)} (separated by tabs)")
    for line, value in enumerate(table["value"], 2):
        try:
            float(value.removeprefix(AT_MOST))
        except ValueError:
            raise InputError(f"{path}, line {line}: value is {value!r}, but a number was expected") from None
    return table


def read_context(
    config: dict,
    command: str,
    vocabulary: str,
    architecture: dict,
    metrics: dict[str, dict],
    contigs: pd.DataFrame,
) -> dict[str, Any]:
    """What `dossier` says about a run as a whole, from its resolved configuration.

    command: what made the dossier; vocabulary: the chosen one, or empty where the configuration names it; architecture:
    `config.json` of the chosen model; metrics: held-out metrics by vocabulary; contigs: `genome/contigs.tsv`.
    """
    selection, genome = config["selection"], config["sources"]["genome"]
    vocabulary = vocabulary or selection["vocabulary"] or config["vocabulary"]["candidates"][0]
    place = next((genome[key] for key in ("file", "url", "simulated") if key in genome), "its genome")
    return {
        "run": config["run"],
        "inapplicable": inapplicable(contigs),
        "genome": str(place).rpartition("/")[2],
        "vocabulary": vocabulary,
        "parameters": metrics[vocabulary]["parameters"],
        "training_tokens": metrics[vocabulary]["training_tokens"],
        "split": config["corpus"]["split"],
        "block": config["folds"]["block"] if config["folds"]["method"] == "blocks" else 0,
        "gap": config["folds"]["gap"],
        "maximum_train": config["finetuning"]["maximum_train"],
        "size": f"{architecture['num_hidden_layers']} layers x {architecture['hidden_size']}",
        "command": command,
    }


def dossier(
    published: pd.DataFrame,
    benchmarks: pd.DataFrame,
    cards: list[dict],
    next_kmer: pd.DataFrame,
    metrics: dict[str, dict],
    context: dict,
) -> pd.DataFrame:
    """Return one row per published score and score of this run that is compared with it.

    published: as `read_published`; benchmarks: scores of all tasks, of which those of the whole test set, the mean over seeds, are
    taken; cards: of the datasets, whose option `published` names the task of the paper; next_kmer: comparison of vocabularies;
    metrics: held-out metrics by vocabulary; context: as `read_context`.

    Returns task, model, metric, unit, published, certainty, source, note, data; our_task, our_model (empty where nothing was run);
    ours, low, high (float64, in the unit of the published score); verdict, why. `attrs` holds `differences`, sentences on what holds
    for all rows; `command`; and `inapplicable`, why nothing is compared. A score of GROVER is compared with a
    model of the paper's vocabulary only.
    """
    mean = benchmarks[benchmarks["seed"].isna() & (benchmarks["part"] == "all")]
    rows = []
    for row in published.to_dict("records"):
        other = row["model"] == "GROVER" and context["vocabulary"] != VOCABULARY
        if context["inapplicable"] or other:
            ours = []
        elif row["task"] == NEXT_KMER:
            ours = _of_next_kmer(row, next_kmer, context)
        elif row["task"] == MASKED:
            ours = _of_masked(row, metrics, context)
        else:
            ours = _of_benchmarks(row, mean, cards, context)
        kept = {name: row[name] for name in COLUMNS if name in row} | {"published": str(row["value"])}
        rows += [kept | _judged(kept["published"], score) for score in ours or [{}]]
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"ours": float, "low": float, "high": float})
    table.attrs = {
        "differences": [] if context["inapplicable"] else _differences(context),
        "command": context["command"],
        "inapplicable": context["inapplicable"],
    }
    return table


def page(table: pd.DataFrame, run: str) -> str:
    """The dossier as Markdown, for docs/results/reproduction.md."""
    if table.attrs["inapplicable"]:
        made = f"Generated by `{table.attrs['command']}`; nothing here is written by hand."
        return f"# Published scores and ours\n\n{made} {table.attrs['inapplicable']}\n"
    lines = [
        "# Published scores and ours",
        "",
        f"Generated by `{table.attrs['command']}`; nothing here is written by hand. {explanation()}",
        "",
        *[f"- {sentence}" for sentence in summary(table)],
        "",
        f"## What differs in all of run {run}",
        "",
        *[f"- {sentence}" for sentence in table.attrs["differences"]],
    ]
    for task, rows in table[table["verdict"] != NOT_RUN].groupby("task", sort=False):
        lines += ["", f"## {task}", "", f"Published: {rows['data'].iloc[0]}.", "", *_markdown(readable(rows))]
        lines += ["", *[f"- {reason}" for reason in reasons(rows)]]
    sources = [f"- {source} (certainty {', '.join(grades)})" for source, grades in certainties(table).items()]
    lines += [
        "",
        "## Sources",
        "",
        "A: stated in the paper or recomputed; B: secondary notes that agree; C: inference.",
        "",
        *sources,
    ]
    return "\n".join(lines) + "\n"


def explanation() -> str:
    """What the verdicts mean."""
    return (
        f'A score is "{REPRODUCED}" only where the 95 % interval of ours holds the published value and is at most '
        f'{100 * WIDEST:.0f} % of that value wide; where it holds the value but is wider, the score is "{COMPATIBLE}". Equal scores on '
        "other data are no proof. Differences are named as facts; which of them moved a score was not tested."
    )


def summary(table: pd.DataFrame) -> list[str]:
    """Sentences on how many published scores were met, or the one that says that none applies."""
    if table.attrs["inapplicable"]:
        return [table.attrs["inapplicable"]]
    run = table[table["verdict"] != NOT_RUN]
    met, uncertain = ((run["verdict"] == verdict).sum() for verdict in (REPRODUCED, COMPATIBLE))
    missed, absent = len(run) - met - uncertain, len(table) - len(run)
    if run.empty:
        return ["None of the published scores has a counterpart in this run."]
    sentences = [
        f"Of {len(run)} comparisons with published scores {met or 'none'} {'is' if met < 2 else 'are'} {REPRODUCED}, "
        + (f"{uncertain} {'is' if uncertain == 1 else 'are'} {COMPATIBLE}, " if uncertain else "")
        + f"{missed} {'is' if missed == 1 else 'are'} not."
    ]
    if absent:
        sentences.append(f"{absent} further published scores have no counterpart in this run.")
    grover = run[run["model"] == "GROVER"]
    for _, row in grover.iterrows():
        ours = score(row["ours"], row["low"], row["high"], row["unit"])
        of = f" ({row['our_task']})" if row["our_task"] not in ("", row["task"]) else ""
        sentences.append(
            f"{row['task']}{of}, {row['metric']}: GROVER {with_unit(row['published'], row['unit'])}, here {ours}: {row['verdict']}."
        )
    return sentences


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of one or more tasks as text, for page and report."""
    return pd.DataFrame(
        {
            "published model": table["model"],
            "metric": [
                f"{metric}, {unit}" if unit else metric for metric, unit in table[["metric", "unit"]].to_numpy()
            ],
            "published": table["published"],
            "our task": table["our_task"].replace("", "–"),
            "our model": table["our_model"].replace("", "–"),
            "ours (95 % interval)": [
                score(value, low, high, "") for value, low, high in table[["ours", "low", "high"]].to_numpy(float)
            ],
            "verdict": table["verdict"],
        }
    )


def reasons(table: pd.DataFrame) -> list[str]:
    """What differs, once for each of our tasks, and notes on the published scores."""
    shown = table[table["why"] != ""].drop_duplicates(["our_task", "why"])
    facts = [f"{row['our_task']}, {row['our_model']}: {row['why']}." for _, row in shown.iterrows()]
    notes = table[table["note"] != ""].groupby("note", sort=False)["model"].unique()
    return facts + [f"Published score of {', '.join(models)}: {note}." for note, models in notes.items()]


def certainties(table: pd.DataFrame) -> dict[str, list[str]]:
    """Return the grades of certainty by source."""
    groups = table.groupby("source", sort=False)["certainty"].unique()
    return {source: [grade or "not given" for grade in grades] for source, grades in groups.items()}


def score(value: float, low: float, high: float, unit: str) -> str:
    """`97.0 (92.0 to 99.9) %`, or a dash where there is none."""
    if np.isnan(value):
        return "–"
    return with_unit(with_interval(value, low, high, digits=1 if value >= 5 else 3), unit)


def with_unit(value: str, unit: str) -> str:
    """`99.6 %`."""
    return f"{value} {unit}".strip()


def _judged(published: str, ours: dict) -> dict:
    """The columns of ours with the verdict."""
    none = {
        "our_task": "",
        "our_model": "",
        "ours": np.nan,
        "low": np.nan,
        "high": np.nan,
        "why": "",
        "verdict": NOT_RUN,
    }
    if not ours:
        return none
    value, low, high = float(published.removeprefix(AT_MOST)), ours["low"], ours["high"]
    below = published.startswith(AT_MOST) and high <= value
    if not (low <= value <= high or below):
        return none | ours | {"verdict": NOT_REPRODUCED}
    narrow = below or high - low <= WIDEST * value + 1e-9
    return none | ours | {"verdict": REPRODUCED if narrow else COMPATIBLE}


def _of_benchmarks(row: dict, mean: pd.DataFrame, cards: list[dict], context: dict) -> list[dict]:
    scale = 100.0 if row["unit"] == "%" else 1.0
    found = []
    for card in cards:
        if card["options"].get("published") != row["task"]:
            continue
        scores = mean[mean["task"] == card["task"]]
        for name in _counterparts(row["model"], list(scores["model"]), context["vocabulary"]):
            one = scores[scores["model"] == name].iloc[0]
            spread = [scale * float(one[column]) for column in ("mcc", "mcc_low", "mcc_high")]
            why = _why(card, int(one["n_train"]), int(one["n_test"]), context["maximum_train"])
            found.append(_ours(card["task"], name, spread, why))
    return found


def _ours(task: str, model: str, spread: list[float], why: str) -> dict:
    """A score of this run. spread: value, low and high."""
    value, low, high = spread
    return {"our_task": task, "our_model": model, "ours": value, "low": low, "high": high, "why": why}


def _counterparts(model: str, names: list[str], vocabulary: str) -> list[str]:
    """Names in this run that stand beside a published model."""
    if model == "NT":
        return [name for name in names if name.lower().startswith("nt")]
    name = f"kmer-{model[0]}" if model.endswith("-mer model") else COUNTERPARTS.get(model)
    if name == vocabulary and name not in names:
        name = CHOSEN
    return [name] if name in names else []


def _why(card: dict, n_train: int, n_test: int, limit: int) -> str:
    """What is ours about a dataset. limit: the most examples that a network is fine-tuned on."""
    whole = sum(card["counts"].get("train", {}).values())
    cut = f" of {whole:,}" + (" (`finetuning.maximum_train`)" if n_train == limit else "") if n_train < whole else ""
    # of all that the dataset was made from, the sources that its row of the table names
    named = {*card["sites"], *card["options"].values()}
    files = [item["file"] for key, item in card["checksums"]["inputs"].items() if key in named]
    facts = [
        f"{n_train:,}{cut} training and {n_test:,} test examples",
        f"sequences of {card['length']:,} bases" if card["length"] else "sequences as they are given",
        f"negatives: {card['negatives']}" if card["negatives"] != "." else "",
        f"read from {', '.join(dict.fromkeys(files))}" if files else "",
    ]
    return "; ".join(filter(None, facts))


def _of_next_kmer(row: dict, table: pd.DataFrame, context: dict) -> list[dict]:
    table = table[table["k"] == 6].set_index("vocabulary")
    if row["model"] == "k-mer models":
        wanted = [name for name in table.index if name.startswith("kmer-")]
    else:
        names = [CHOSEN if name == context["vocabulary"] else name for name in table.index]
        wanted = _counterparts(row["model"], names, context["vocabulary"])
    found = []
    for name in wanted:
        vocabulary = context["vocabulary"] if name == CHOSEN else name
        one = table.loc[vocabulary]
        why = f"{int(one['n']):,} test contexts of held-out regions, not of chr21 alone"
        spread = [100 * float(one[column]) for column in ("accuracy", "low", "high")]
        found.append(_ours("next 6-mer", vocabulary, spread, why))
    return found


def _of_masked(row: dict, metrics: dict[str, dict], context: dict) -> list[dict]:
    name = context["vocabulary"] if row["model"] == "GROVER" else f"kmer-{row['model'][0]}"
    if name not in metrics:
        return []
    item = metrics[name]
    scores = item["splits"][item["split"]]
    model = scores["model"]
    values = {
        "top-1": 100 * model["top1"],
        f"top-{item['top']}": 100 * model["topk"],
        "perplexity": model["perplexity"],
    }
    if row["metric"] not in values:
        return []
    why = (
        f"{scores['masked_tokens']:,} masked tokens of split {item['split']}, {item['mask_ratio']:.1%} of the tokens masked; no interval "
        f"is computed for this score, so that it cannot count as {REPRODUCED}"
    )
    return [_ours("masked tokens", name, [values[row["metric"]], np.nan, np.nan], why)]


def _differences(context: dict) -> list[str]:
    """Sentences on what differs between run and paper whatever the task."""
    block = f"blocks of {context['block']:,} bases with gaps of {context['gap']:,}" if context["block"] else "contigs"
    sentences = [
        f"Network: {context['parameters']:,} parameters ({context['size']}); GROVER has {PAPER_PARAMETERS} parameters ({PAPER_SIZE}).",
        f"Pretraining: {context['genome']} in tokens of {context['vocabulary']}, on windows that cover {context['training_tokens']:,} "
        "tokens; GROVER was pretrained on the whole of hg19, about 2.9 Gb, in tokens of 600 byte-pair cycles.",
        f"Split: folds are {block}, the same for pretraining (`corpus.split`: {context['split']}) and for all tasks made from the "
        "genome; the paper's test windows of pretraining were drawn at random (certainty C).",
    ]
    if context["vocabulary"] != VOCABULARY:
        sentences.append(f"Vocabulary: scores of GROVER are compared with models of {VOCABULARY} only.")
    if context["maximum_train"]:
        sentences.append(
            f"Budget: networks are fine-tuned on at most {context['maximum_train']:,} examples per task (`finetuning.maximum_train`); how "
            "many a baseline learns from is given with its score."
        )
    return sentences


def _markdown(frame: pd.DataFrame) -> list[str]:
    header = [f"| {' | '.join(frame.columns)} |", "|" + "---|" * len(frame.columns)]
    return header + [f"| {' | '.join(row)} |" for row in frame.itertuples(index=False)]
