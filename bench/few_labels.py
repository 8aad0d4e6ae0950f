"""Does pretraining help where labels are few? (DNABERT, Ji et al. 2021, says so.)

Fine-tunes a pretrained model, the same network from random initialisation, and the convolutional baseline on tasks of a run. The labels are
a random draw of 50, 200, 1,000 or all of fold train, with several seeds. The three see the same labels of each seed. A draw of N labels is
stopped by at most N labels of fold valid. Each training has at least `STEPS` steps. The score is the MCC on fold test. Intervals of the
differences are a bootstrap over test examples and seeds. P-values are two-sided and corrected over the tasks of one number of labels
(Holm 1979).

Trainings that are done are kept beside `--keep`, so that an interrupted command goes on.

  python bench/few_labels.py --run results/hg19-mini --model results/hg19-mini/models/bpe-600 --tasks gue-tf-0 gue-mouse-0 \\
    --keep few-labels.jsonl --record hg19-mini/few-labels
"""

import argparse
import json
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import support
import torch

from grover.benchmarks.tokenise import read_tokens
from grover.finetuning.cnn import ConvolutionalNetwork
from grover.finetuning.finetune import Settings, fine_tune
from grover.finetuning.finetune import draw as draw_rows
from grover.genome.bases import encode
from grover.network.classifier import new_classifier
from grover.statistics.bootstrap import blocks, draw, interval, over_seeds, resampled_mcc
from grover.statistics.metrics import best_threshold, mcc
from grover.tokenization.vocabulary import Vocabulary

MODELS = {"pretrained": 5e-4, "random": 5e-4, "cnn": 2e-3}  # with the highest learning rate of each
BATCH = {"pretrained": 32, "random": 32, "cnn": 64}
STEPS, EPOCHS, PATIENCE = 300, 4, 10
MOST_VALID = 500
RESAMPLES = 2000
ALL = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="folder of a run that has built the data sets")
    parser.add_argument("--model", type=Path, required=True, help="folder of a pretrained model")
    parser.add_argument("--tasks", nargs="+", required=True)
    parser.add_argument("--labels", nargs="+", type=int, default=[50, 200, 1000, ALL], help="0: all")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2, help="trainings side by side, one thread each")
    parser.add_argument("--keep", type=Path, required=True, help="file that finished trainings are kept in")
    options = support.arguments(parser)
    wanted = list(product(options.tasks, options.labels, range(1, options.seeds + 1), MODELS))
    done = read_done(options.keep)
    left = [each for each in wanted if each not in done]
    print(f"{len(wanted):,} trainings, {len(wanted) - len(left):,} of them done", flush=True)
    os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(options.jobs) as pool, open(options.keep, "a", encoding="utf-8") as kept:
        for future in as_completed([pool.submit(measure, options.run, options.model, *each) for each in left]):
            row = future.result()
            kept.write(json.dumps(row) + "\n")
            kept.flush()
            done[row["task"], row["labels"], row["seed"], row["model"]] = row
            print(
                f"{row['task']}, {row['labels'] or 'all'} labels, seed {row['seed']}, {row['model']}: {row['mcc']:.3f}",
                flush=True,
            )
    rows = [row for each in wanted if (row := done[each])]
    support.finish(
        {
            "settings": {
                "steps": STEPS,
                "epochs": EPOCHS,
                "patience": PATIENCE,
                "learning_rate": MODELS,
                "batch": BATCH,
            },
            "scores": summary(rows),
            "differences": differences(options.run, rows),
        },
        ["torch", "transformers", "scikit-learn", "numpy"],
        options.record,
    )


def read_done(path: Path) -> dict[tuple, dict]:
    """Finished trainings by task, labels, seed and model."""
    lines = path.read_text().splitlines() if path.exists() else []
    rows = [json.loads(line) for line in lines if line.endswith("}")]
    return {(row["task"], row["labels"], row["seed"], row["model"]): row for row in rows}


def read_dataset(run: Path, task: str) -> pd.DataFrame:
    return pd.read_parquet(run / "benchmarks" / task / "dataset.parquet")


def measure(run: Path, model: Path, task: str, labels: int, seed: int, kind: str) -> dict:
    """One training: its MCC on fold test, and what it calls each example there."""
    torch.set_num_threads(1)
    table = read_dataset(run, task)
    number = labels or int((table["fold"] == "train").sum())
    if kind == "cnn":
        inputs, make = [encode(text) for text in table["sequence"]], ConvolutionalNetwork
    else:
        inputs = read_tokens(table, Vocabulary.load(model))

        def make(classes: int, seed: int) -> torch.nn.Module:
            return new_classifier(model, classes, "mean", kind == "pretrained", seed)

    settings = Settings(
        epochs=max(EPOCHS, -(-STEPS * BATCH[kind] // number)),
        batch=BATCH[kind],
        learning_rate=MODELS[kind],
        warmup=0.1,
        patience=PATIENCE,
        maximum_valid=min(number, MOST_VALID),
        class_weights="none",
        maximum_train=labels,
        precision="fp32",
    )
    _, predicted = fine_tune(table, inputs, make, settings, torch.device("cpu"), seed)
    test = predicted[predicted["fold"] == "test"].sort_values("example")
    cut = 0.5
    if table.attrs.get("call", "half") != "half":
        # the labels of fold valid that stopped the training, and no more
        drawn = draw_rows(np.flatnonzero(table["fold"] == "valid"), settings.maximum_valid, [seed, 1])
        valid = predicted[(predicted["fold"] == "valid") & predicted["example"].isin(drawn)]
        cut = best_threshold(valid["label"].to_numpy(), valid["probability"].to_numpy())
    called = (test["probability"].to_numpy() >= cut).astype(int)
    label = test["label"].to_numpy()
    cells = np.bincount(label * 2 + called, minlength=4).reshape(1, 2, 2)
    return {
        "task": task,
        "labels": labels,
        "seed": seed,
        "model": kind,
        "n_train": number,
        "mcc": round(float(mcc(cells.astype(np.float64))[0]), 4),
        "called": "".join(map(str, called)),
    }


def summary(rows: list[dict]) -> list[dict]:
    """Mean MCC over seeds of each task, number of labels and model."""
    table = pd.DataFrame(rows)
    means = table.groupby(["task", "labels", "model"], sort=False)["mcc"].agg(["mean", "min", "max"]).round(4)
    return means.reset_index().to_dict("records")


def differences(run: Path, rows: list[dict]) -> list[dict]:
    """Pretrained minus each of the others: MCC with 95 % interval, p-value, and p-value after Holm over the tasks."""
    table = pd.DataFrame(rows)
    found = []
    for (task, labels), group in table.groupby(["task", "labels"], sort=False):
        dataset = read_dataset(run, task)
        test = dataset[dataset["fold"] == "test"]
        block = blocks(test, 100_000) if "chrom" in test else np.arange(len(test))
        drawn = draw(int(block.max()) + 1, RESAMPLES, 0)
        label = test["label"].to_numpy(np.int64)
        seeds = tuple(sorted(group["seed"].unique()))

        def resampled(model: str, group=group, drawn=drawn, block=block, label=label, seeds=seeds) -> np.ndarray:
            called = group[group["model"] == model].set_index("seed")["called"]
            each = [resampled_mcc(drawn, block, label, np.array(list(called[seed]), np.int64), 2) for seed in seeds]
            return over_seeds(np.stack(each, axis=1), seeds, 0)

        means = group.groupby("model")["mcc"].mean()
        ours = resampled("pretrained")
        for other in [name for name in MODELS if name != "pretrained"]:
            gap = ours - resampled(other)
            low, high = interval(gap)
            p = min(1.0, 2 * min((gap <= 0).mean(), (gap >= 0).mean()) + 1 / RESAMPLES)
            found.append(
                {
                    "task": task,
                    "labels": labels,
                    "against": other,
                    "difference": round(float(means["pretrained"] - means[other]), 4),
                    "low": round(low, 4),
                    "high": round(high, 4),
                    "p": round(float(p), 5),
                }
            )
    frame = pd.DataFrame(found)
    frame["p_holm"] = frame.groupby(["labels", "against"])["p"].transform(holm)
    return frame.to_dict("records")


def holm(p: pd.Series) -> pd.Series:
    """P-values after the step-down correction of Holm (1979)."""
    ordered = p.sort_values()
    corrected = (ordered * np.arange(len(p), 0, -1)).cummax().clip(upper=1)
    return corrected.reindex(p.index).round(5)


if __name__ == "__main__":
    main()
