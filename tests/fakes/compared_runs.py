"""Two made-up finished runs on one genome, the second of which predicts better, with what is stored of their models."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from tests.fakes.results import write as write_results

TASKS = ("splice", "promscan")
CONFIGURATION = {
    "run": "a",
    "seed": 7,
    "benchmarks": {"block": 1000, "bootstrap": 200},
    "finetuning": {"seeds": 2},
    "report": {"palette": "okabe-ito"},
}
EXAMPLES, MASKED = 240, 600


def write(folder: Path) -> tuple[Path, Path]:
    """Write the runs a and b below `folder` and return their folders."""
    write_results(folder / "a")
    np.save(folder / "a/genome/sequence.npy", np.zeros(1000, np.uint8))
    shutil.copytree(folder / "a", folder / "b")
    for run, better in ((folder / "a", 0.0), (folder / "b", 1.0)):
        (run / "config.json").write_text(json.dumps(CONFIGURATION | {"run": run.name}))
        (run / "report.html").write_text("<!doctype html>")
        for task in TASKS:
            _task(run, task, better)
        _masked(run / "models/bpe-300", better)
        place = np.arange(6)
        alleles = pd.DataFrame({"chrom": "chr1", "pos": place * 10, "ref": "A", "alt": "C", "label": place % 3 - 1})
        alleles.assign(status="ok").to_parquet(run / "interpretation/variants.parquet")
    return folder / "a", folder / "b"


def _task(run: Path, task: str, better: float) -> None:
    """Write data set, audit and predictions of two seeds of a task. better: how much less noise they have."""
    rng = np.random.default_rng(int(better))
    label = np.arange(EXAMPLES) % 2
    start = np.arange(EXAMPLES) * 500
    table = pd.DataFrame({"sequence": "ACGT", "label": label, "chrom": "chr1", "start": start, "end": start + 4})
    table["strand"] = "+"
    table["fold"] = np.array(["train", "valid", "test", "test"])[np.arange(EXAMPLES) // 4 % 4]
    table.attrs = {"task": task, "labels": ["no", "yes"], "call": "half"}
    table.to_parquet(run / f"benchmarks/{task}/dataset.parquet")
    audit = pd.DataFrame({"example": table.index, "leak": ""})
    audit.to_parquet(run / f"benchmarks/{task}/audit.parquet")
    folder = run / f"finetuning/{task}/chosen"
    folder.mkdir(parents=True)
    noise = rng.normal(0, 0.35, (2, EXAMPLES)) / (1 + better)
    kept = (table["fold"] != "train").to_numpy()
    shared = {"fold": table["fold"][kept], "label": label[kept], "example": table.index[kept]}
    predictions = pd.concat(
        pd.DataFrame(shared | {"seed": number, "probability": np.clip(0.5 + (label - 0.5) * 0.5 + each, 0, 1)[kept]})
        for number, each in zip((1, 2), noise, strict=True)
    )
    predictions.to_parquet(folder / "predictions.parquet", index=False)
    facts = {"task": task, "model": "chosen", "kind": "model", "n_train": 60, "dataset": "d", "weights": "w"}
    (folder / "metrics.json").write_text(json.dumps(facts | {"settings": {}, "seconds": 1.0}))


def _masked(folder: Path, better: float) -> None:
    """Write the losses of masked tokens of both splits, and the tokenizer."""
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"target": rng.integers(5, 300, MASKED), "bases": 3, "base": np.arange(MASKED) * 5000})
    table["nats_model"] = rng.normal(4.7, 0.5, MASKED) - better * 0.1
    whole = pd.concat([table.assign(split=name) for name in ("region", "random")], ignore_index=True)
    whole.to_parquet(folder / "masked_tokens.parquet")
    (folder / "tokenizer.json").write_text("{}")
