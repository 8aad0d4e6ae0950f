"""Section of the comparison: masked tokens, by loss where vocabulary and tokens are equal, else by bits per base."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from grover.config.names import MASKED_LABELS
from grover.pretraining.scores import interval as interval_of
from grover.pretraining.scores import sums
from grover.report.compared.runs import Run, apart
from grover.report.figures import compared as figures
from grover.report.parts import SAME, Picture, Section, Table, interval, judge, signed, verdict, with_interval
from grover.report.sections import pretraining
from grover.statistics.blocks import number_blocks
from grover.statistics.several_tests import independent_difference

KEY = "pretraining"
MASKED = "masked_tokens.parquet"
MODEL = "pretrained model"
LABEL = "masked bits per base, fold test (lower is better)"


@dataclass(frozen=True)
class Learnt:
    """The scored pretrained model of a run: its folder in the run and its metrics.json."""

    run: Run
    folder: str
    metrics: dict

    @property
    def scores(self) -> dict:
        """Scores of the split of the training."""
        return self.metrics["splits"][self.metrics["split"]]

    @property
    def span(self) -> list[float]:
        """Bits per base on common spans with their interval, NaN where the run has none."""
        return _span(self.metrics["common_spans"])


def learnt(runs: list[Run]) -> list[Learnt]:
    """Return the pretrained models of the runs that scored one."""
    found = [(run, names[0]) for run in runs if (names := run.results.find(pretraining.NEEDS[1]))]
    return [Learnt(run, name.rpartition("/")[0], run.results.json(name)) for run, name in found]


def section(runs: list[Run], models: list[Learnt]) -> Section:
    """Return sentences, figure and table on masked tokens."""
    absent = [f"{run.name} has no scored pretrained model." for run in runs if run not in [one.run for one in models]]
    findings = [sentence(models[0], other) for other in models[1:]]
    table = bits(models)
    parts: list = [findings] if findings else []
    if len(table):
        parts.append(
            Picture(
                "compared_bits",
                figures.by_run(table, [run.name for run in runs], LABEL, np.nan),
                "Masked bits per base on common spans of fold test, with 95\u00a0% intervals over blocks of the genome. "
                "Vocabularies can be compared by them, with the cautions of the section on pretraining in the report of each run.",
                "",
            )
        )
    if models:
        parts.append(
            Table(
                table_of(models),
                "Pretrained models. Gains over the best baseline are within a run: loss of the baseline minus that of the model, with "
                "95\u00a0% interval. Losses in nats per masked token compare only between equal vocabularies.",
                "",
            )
        )
    return Section(KEY, pretraining.TITLE, [*absent, *parts], [*findings, *absent])


def sentence(first: Learnt, other: Learnt) -> str:
    """Return how the models of two runs compare, or why they cannot be compared."""
    names = f"{first.run.name} and {other.run.name}"
    reason = apart(first.run, other.run) or (
        "their splits differ" if first.metrics["split"] != other.metrics["split"] else ""
    )
    if reason:
        return f"{names} are not comparable on masked tokens: {reason}."
    paired = difference(first, other)
    if paired is not None:
        gain, low, high = paired
        unit = "nats per masked token"
        if np.isnan(low):
            return f"{first.run.name} gains {signed(gain)} {unit} on {other.run.name}; there are too few blocks for an interval."
        return verdict(first.run.name, other.run.name, gain, low, high, unit)
    spans = [first.span, other.span]
    if np.isnan(spans).any():
        return (
            f"{names} are not comparable on masked tokens: their masked tokens differ, and not both have bits per base."
        )
    ((change, low, high),) = independent_difference(np.array(spans[1]), np.array(spans[0]))
    said = (
        f"no difference between {names} is established: {signed(change)} bits per base ({interval(low, high)})"
        if judge(low, high) == SAME
        else verdict(first.run.name, other.run.name, change, low, high, "masked bits per base").removesuffix(".")
    )
    return f"By bits per base, since their masked tokens differ, {said}; the two intervals are taken as independent."


def difference(first: Learnt, other: Learnt) -> tuple[float, float, float] | None:
    """Return loss of the other minus that of the first in nats per masked token, with its interval over blocks; None for other tokens."""
    tables = []
    for one in (first, other):
        name = f"{one.folder}/{MASKED}"
        if name not in one.run.results.names or one.metrics["mask_ratio"] != first.metrics["mask_ratio"]:
            return None
        table = one.run.results.table(name)
        tables.append(table[table["split"] == one.metrics["split"]].reset_index(drop=True))
    places = ["target", "base", "bases"]
    if not _same_vocabulary(first, other) or not tables[0][places].equals(tables[1][places]):
        return None
    ahead = (tables[1]["nats_model"] - tables[0]["nats_model"]).to_numpy(np.float64)
    block = number_blocks(tables[0]["base"].to_numpy())
    number = int(block.max()) + 1
    seed = int(first.run.configuration["seed"])
    low, high = interval_of(sums([ahead], block, number), sums([np.ones(len(ahead))], block, number), seed)
    return float(ahead.mean()), float(low[0]), float(high[0])


def _same_vocabulary(first: Learnt, other: Learnt) -> bool:
    names = [f"{one.folder}/tokenizer.json" for one in (first, other)]
    return first.run.checksum(names[0]) == other.run.checksum(names[1])


def _span(scores: dict | None) -> list[float]:
    if not scores:
        return [np.nan] * 3
    return [np.nan if scores[name] is None else scores[name] for name in ("bits_per_base", "low", "high")]


def bits(models: list[Learnt]) -> pd.DataFrame:
    """Return bits per base of models and baselines of the runs that compare with the first: name, kind, run, value, low, high."""
    comparable = [
        one
        for one in models
        if one.metrics["common_spans"]
        and not apart(models[0].run, one.run)
        and one.metrics["split"] == models[0].metrics["split"]
    ]
    if len(comparable) < 2:
        return pd.DataFrame(columns=["name", "kind", "run", "value", "low", "high"])
    rows = [
        (label, "", one.run.name, *_span(scores))
        for one in comparable
        for label, scores in (
            (MODEL, one.metrics["common_spans"]),
            *((MASKED_LABELS[name], value) for name, value in one.metrics["common_spans"]["baselines"].items()),
        )
    ]
    return pd.DataFrame(rows, columns=["name", "kind", "run", "value", "low", "high"])


def table_of(models: list[Learnt]) -> pd.DataFrame:
    """Return a row per run, all cells as text."""
    rows = []
    for one in models:
        scores = one.scores
        best = min(scores["baselines"], key=lambda name: scores["baselines"][name]["loss"])
        gain = scores["gains"][best]
        spread = [np.nan] * 2 if gain["low"] is None else [-gain["high"], -gain["low"]]
        rows.append(
            {
                "run": one.run.name,
                "vocabulary": one.metrics["vocabulary"],
                "parameters": f"{one.metrics['parameters']:,}",
                "masked tokens": f"{scores['masked_tokens']:,}",
                "loss": f"{scores['model']['loss']:.3f}",
                "best baseline": f"{MASKED_LABELS[best]}, {scores['baselines'][best]['loss']:.3f}",
                "gain": with_interval(-gain["difference"], *spread),
                "bits per base": "–" if np.isnan(one.span[0]) else with_interval(*one.span),
            }
        )
    return pd.DataFrame(rows)
