"""A run in species B that starts from the finished run: what it takes over, and the whole comparison."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import yaml

from grover.runtime.files import checksum
from grover.runtime.provenance import read

pytestmark = pytest.mark.workflow
CHANGES = {
    "run": "second",
    "vocabulary": {},
    "selection": {"method": "fixed", "examples": 400, "seeds": 1, "trees": 10, "forest_examples": 300},
    "transfer": {"tasks": ["ctcf"], "labels": [50], "seeds": 1, "steps": 5, "loci": 4, "locus": 200},
}


def write_second(finished, **pretraining) -> str:
    """Write the configuration of the second run, whose encoder and vocabulary come from the first."""
    config = yaml.safe_load((finished.root / "config/test.yaml").read_text())
    learnt = {key: config["pretraining"][key] for key in ("steps", "batch", "learning_rate", "mask_ratio")}
    config |= CHANGES | {"pretraining": {"from": "test", **learnt, **pretraining}}
    config["simulate"] = config["simulate"] | {"species": "B"}
    (finished.root / "config/second.yaml").write_text(yaml.safe_dump(config))
    return "config/second.yaml"


def test_what_a_second_species_plans(finished):
    done = finished.snakemake("transfer", "-n", config=write_second(finished, hidden=32))
    assert done.returncode != 0 and "`pretraining.hidden` (32) contradicts; remove that" in done.stdout

    planned = finished.planned("transfer", config=write_second(finished))
    assert {"pretrain", "pretrain_scratch", "transfer_source_task", "compare_with_source"} <= planned
    assert "train_bpe" not in planned

    # the model from random weights is trained as the other one: on all GPUs, with the signal before the time limit
    on_gpus = finished.snakemake("transfer", "-n", "--config", "device=cuda", "gpus=2", config=write_second(finished))
    asked = dict(re.findall(r"^rule (pretrain\w*):.*?resources: ([^\n]*)", on_gpus.stdout, re.MULTILINE | re.DOTALL))
    both = [set(asked[rule].split(", ")) for rule in ("pretrain", "pretrain_scratch")]
    assert both[0] == both[1] and "gres=gpu:2" in both[0], asked


@pytest.mark.site  # twenty-four jobs more than the finished run
def test_a_second_species_starts_from_the_first_run_and_is_compared(finished):
    config, source = write_second(finished), finished.work / "results/test/models/chosen"
    name = (source / "model.safetensors").resolve().parent.name
    done = finished.snakemake("transfer", f"results/second/models/{name}/README.md", config=config)
    assert done.returncode == 0, done.stdout
    folder = finished.work / "results/second"

    # the vocabulary, the weights at the start, and who says so
    model = folder / "models" / name
    assert (model / "tokenizer.json").read_bytes() == (source / "tokenizer.json").read_bytes()
    digest = checksum(source / "model.safetensors")
    assert digest in read(model / "model.safetensors")["inputs"].values()
    assert digest in (model / "README.md").read_text() and "test/chosen" in (model / "README.md").read_text()
    [identity] = folder.glob(f"checkpoints/{name}-*/identity.json")
    assert json.loads(identity.read_text())["initial_model"] == digest
    [scratch] = folder.glob("transfer/checkpoints/*/identity.json")
    assert "initial_model" not in json.loads(scratch.read_text())

    scores, bases = (
        pd.read_parquet(folder / "transfer/scores.parquet"),
        pd.read_csv(folder / "transfer/bases.tsv", sep="\t"),
    )
    rows = set(scores.loc[scores["part"] == "all", ["model", "method", "labels"]].itertuples(index=False, name=None))
    models = ("source", "continued", "scratch", "random")
    assert rows == {
        *((model, method, 50) for model in models for method in ("fine-tuned", "linear probe")),
        *((baseline, "baseline", 50) for baseline in ("gc", "tfidf-logistic")),
        *((model, "source task", 0) for model in ("source", "gc", "tfidf-logistic")),
    }
    assert set(bases["model"]) == set(models) and np.isfinite(bases[["bits", "gain", "bases_per_token"]]).all(axis=None)
    assert finished.planned("transfer", config=config) == set()
