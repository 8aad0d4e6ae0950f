"""The workflow as a GPU runs it, on the CPU: bfloat16, and a pretraining of two processes that torchrun starts."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.installation import Installation

pytestmark = pytest.mark.workflow

ROOT = Path(__file__).resolve().parents[2]
MODEL = "results/test/models/bpe-60"
EMBEDDING = "results/test/embeddings/chosen/shards/0.parquet"
VARIANTS = "results/test/interpretation/variants.parquet"
IMPORTANCE = "results/test/interpretation/ctcf/importance.parquet"
TRAIN = "results/test/interpretation/ctcf/importance.train.parquet"
FAITHFULNESS = "results/test/interpretation/ctcf/faithfulness.tsv"
TRACKS = "results/test/interpretation/base_tracks.tsv"
PAIRS = "results/test/interpretation/maps.parquet"
STRANDS = "results/test/embeddings/chosen/strands.parquet"
MOTIFS = "results/test/interpretation/ctcf/motifs.tsv"
# the test configuration itself asks for neither
PROBE, CNN = (f"results/test/finetuning/ctcf/{name}/metrics.json" for name in ("probe-mean", "cnn"))
OTHERS = [STRANDS, MOTIFS, PROBE, CNN]
# models from elsewhere are in none of the runs of tests, and the device is checked before
NOT_RUN = {"embed_external", "finetune_external", "check_device"}
SETTINGS = ["precision=bf16", "gpus=2", "vocabulary={candidates: [bpe-60]}"]


def test_two_processes_pretrain_in_bf16_and_their_model_embeds_and_scores(finished, tmp_path):
    # goes on from what the finished run made before pretraining
    run = Installation(finished.root, tmp_path / "work")
    shutil.copytree(finished.work, run.work)
    targets = f"{MODEL}/metrics.json", EMBEDDING, VARIANTS, IMPORTANCE, TRAIN, FAITHFULNESS, TRACKS, PAIRS, *OTHERS
    done = run.snakemake(*targets, "--config", *SETTINGS)
    assert done.returncode == 0, done.stdout
    # the target `transfer` runs the scripts of pretraining and fine-tuning for other runs
    files = [path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk") if path.stem != "transfer"]
    on_gpus = {
        rule for text in files for rule in re.findall(r"^rule (\w+):(?:(?!\n\n\n).)*\*\*gpu\(", text, re.M | re.S)
    }
    assert len(on_gpus) > 15 and on_gpus - NOT_RUN <= set(re.findall(r"rule (\w+):", done.stdout))
    log = (run.work / "results/test/logs/pretrain.bpe-60.log").read_text()
    assert "--nproc-per-node=2 --" in log and "--start random" in log

    embeddings = pd.read_parquet(run.work / EMBEDDING)
    for column in ("cls_0", "mean_0", "cls_1", "mean_1"):
        vectors = np.stack(embeddings[column])
        assert np.isfinite(vectors).all() and vectors.std() > 0, column
    maps = pd.read_parquet(run.work / PAIRS)
    assert np.isfinite(maps[["model", "random", "p"]]).all(axis=None) and maps["model"].max() > 0
    # twenty steps in bfloat16 and two processes end near those in float32 and one
    half, single = (json.loads((root / MODEL / "metrics.json").read_text()) for root in (run.work, finished.work))
    losses = [metrics["splits"]["region"]["model"]["loss"] for metrics in (half, single)]
    assert abs(losses[0] - losses[1]) < 0.05

    importance = pd.concat(pd.read_parquet(run.work / path) for path in (IMPORTANCE, TRAIN))
    assert set(importance["method"]) == {"ism", "block", "ig", "attention"} and importance["delta"].abs().max() > 0
    faithfulness = pd.read_csv(run.work / FAITHFULNESS, sep="\t")
    assert np.isfinite(importance["delta"]).all() and faithfulness["value"].abs().sum() > 0
    table = pd.read_csv(run.work / TRACKS, sep="\t")
    assert set(table["strands"]) == {"plus", "minus", "both"}
    assert np.isfinite(table[["bits", "gain"]]).all(axis=None) and (table["bases"] == 600).any()

    strands = pd.read_parquet(run.work / STRANDS).select_dtypes("number")
    assert len(strands) and np.isfinite(strands).all(axis=None)
    for path in (PROBE, CNN):
        assert 0 <= json.loads((run.work / path).read_text())["seeds"][0]["auroc"] <= 1

    variants = pd.read_parquet(run.work / VARIANTS)
    scored = variants[variants["status"] == "ok"]
    assert len(scored) and np.isfinite(scored[["llr", "llr_joint", "cosine", "l2", "delta_logit"]]).all(axis=None)
