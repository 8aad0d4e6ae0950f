"""Motifs of the demo are those that are planted, if the demo has been run (`make run`); labels without meaning give none."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grover.interpretation.planted import mark, planted_elements
from grover.interpretation.planted_motifs import recovered, windows_on_partner
from grover.runtime.files import checksum

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "results/demo"
TRUTH = RESULTS / "simulated/truth.json"
EPOCHS = 6

pytestmark = pytest.mark.skipif(
    not (RESULTS / "interpretation/ctcf/motifs.tsv").is_file(), reason="results/demo is not there; make run first"
)


@pytest.fixture(scope="module")
def truth() -> dict:
    return json.loads(TRUTH.read_text())


def motifs_of(task: str) -> pd.DataFrame:
    return pd.read_csv(RESULTS / f"interpretation/{task}/motifs.tsv", sep="\t")


def test_partner_and_donor_are_recovered(truth):
    # decoys have copies of the partner, so that matches are hardly more frequent in bound sites (AUROC 0.52);
    # and significant in some trainings only; the insertion shows what decides
    partner = recovered(motifs_of("ctcf").assign(supported=True), truth["partner"]["consensus"])
    assert len(partner) and partner["orientation"].iloc[0] == "+" and partner["offset"].iloc[0] > 0
    assert partner["insertion_low"].iloc[0] > 1
    assert len(recovered(motifs_of("splice"), truth["elements"]["DONOR"]["consensus"]))


def test_the_best_window_of_most_bound_sites_is_on_the_partner(truth):
    bases = pd.read_parquet(RESULTS / "interpretation/ctcf/base_importance.parquet")
    share = windows_on_partner(mark(bases[bases["method"] == "ism"], planted_elements(truth)))
    assert 0.85 <= share <= 1, share


@pytest.mark.site
def test_labels_permuted_before_fine_tuning_support_no_motif(tmp_path):
    dataset = pd.read_parquet(RESULTS / "benchmarks/ctcf/dataset.parquet")
    rng = np.random.default_rng(5)
    for fold in dataset["fold"].unique():
        rows = dataset["fold"] == fold
        dataset.loc[rows, "label"] = rng.permutation(dataset.loc[rows, "label"].to_numpy())
    dataset.to_parquet(tmp_path / "dataset.parquet", index=False)
    (tmp_path / "passed.txt").write_text(f"{checksum(tmp_path / 'dataset.parquet')}\n")
    model, table = "finetuning/model.safetensors", "importance.train.parquet"
    network = ["--batch", "32", "--learning-rate", "0.0015", "--initial", "pretrained", "--name", "permuted"]
    run(
        tmp_path, "finetune", ["--seeds", "1", "--epochs", str(EPOCHS), "--patience", str(EPOCHS), *network],
        {"dataset": "dataset.parquet", "passed": "passed.txt", "initial-model": RESULTS / "models/chosen/model.safetensors",
         "model": model, "predictions": "finetuning/predictions.parquet", "metrics": "finetuning/metrics.json"},
    )  # fmt: skip
    run(
        tmp_path, "interpret_importance", ["--fold", "train", "--examples", "40", "--methods", "ism", "--null-examples", "0"],
        {"dataset": "dataset.parquet", "model": model, "table": table, "bases": "bases.parquet"},
    )  # fmt: skip
    run(
        tmp_path, "discover_motifs", [],
        {"dataset": "dataset.parquet", "model": model, "importance": table, "table": "motifs.tsv", "meme": "motifs.meme",
         "bed": "instances.bed.gz", "logos": "logos.parquet", "profiles": "profiles.parquet"},
    )  # fmt: skip
    found = pd.read_csv(tmp_path / "motifs.tsv", sep="\t")
    assert not found["supported"].any(), found


def run(folder: Path, script: str, options: list[str], files: dict[str, str | Path]) -> None:
    """Run a script of the workflow on the task ctcf in a folder."""
    paths = [word for name, path in files.items() for word in (f"--{name}", str(path))]
    command = [
        sys.executable,
        str(ROOT / f"workflow/scripts/{script}.py"),
        "--task",
        "ctcf",
        "--seed",
        "7",
        *options,
        *paths,
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
