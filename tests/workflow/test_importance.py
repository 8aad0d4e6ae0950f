"""The explanations of the demo's fine-tuned model name the cause of binding, if the demo has been run (`make run`)."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from grover.config.sections.interpretation import ImportanceMethods
from grover.interpretation.answers import FineTuned
from grover.interpretation.interpret import interpret
from grover.interpretation.planted import judge, mark, of_kind, planted_elements
from grover.interpretation.significance import p_values
from grover.interpretation.sites import sites_of

RESULTS = Path(__file__).resolve().parents[2] / "results/demo"
MODEL = RESULTS / "finetuning/ctcf/chosen"
SITES = {"deciding": 40, "opposite": 20, "reversed": 20, "none": 20}
# the full null; blocks and gradients are cheap beside it
SETTINGS = ImportanceMethods(methods=["ism", "block", "ig"])

pytestmark = [
    pytest.mark.site,
    pytest.mark.skipif(not (MODEL / "model.safetensors").is_file(), reason="results/demo is not there; make run first"),
]


@pytest.fixture(scope="module")
def explained() -> pd.DataFrame:
    dataset = pd.read_parquet(RESULTS / "benchmarks/ctcf/dataset.parquet")
    elements = planted_elements(json.loads((RESULTS / "simulated/truth.json").read_text()))
    test = np.flatnonzero(dataset["fold"] == "test")
    rows = np.concatenate([of_kind(test, dataset, elements, kind)[:number] for kind, number in SITES.items()])
    model = FineTuned.load(MODEL, torch.device("cpu"), "auto", label="ctcf")
    _, bases = interpret(sites_of(dataset, rows), model, SETTINGS, task="ctcf", stranded=True, seed=7)
    return mark(bases, elements)


@pytest.mark.parametrize("method", ["ism", "block", "ig"])
def test_the_partner_is_named_and_neither_the_motif_nor_copies_that_decide_nothing(explained, method):
    found = judge(explained[explained["method"] == method])
    assert found["sites"] == 40 and found["auroc"] >= 0.9, found
    assert found["opposite"] < 0.5 and found["reversed"] < 0.5 and found["motif"] < 0.15, found


def test_the_completeness_error_of_the_gradients_is_below_two_percent(explained):
    assert explained.loc[explained["method"] == "ig", "error"].max() < 0.02


def test_partner_bases_are_significant_also_against_sites_that_bind_nothing(explained):
    ism = explained[explained["method"] == "ism"]
    partner = ism[(ism["kind"] == "deciding") & ism["partner"]]
    others = ism[(ism["kind"] == "deciding") & ~ism["partner"]]
    assert (partner["q"] < 0.05).mean() > 3 * (others["q"] < 0.05).mean()
    # a second null: bases of sites with the motif and without a partner
    for kind in ("none", "opposite"):
        null = ism.loc[ism["kind"] == kind, "signed"].to_numpy()
        p = p_values(partner["signed"].to_numpy(), np.zeros(len(partner)), null, np.zeros(len(null)))
        assert (p < 0.05).mean() > 0.5, kind
