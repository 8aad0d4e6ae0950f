"""What the demo's fine-tuned model has learnt of binding holds in species B and not in C, if the demo has been run (`make run`)."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from grover.genome.bases import decode, reverse_complement
from grover.simulation.simulate import simulate
from grover.simulation.species import SPECIES
from grover.transfer.scores import Resampling, score_labels
from grover.transfer.source_task import classifier_of_source

RESULTS = Path(__file__).resolve().parents[2] / "results/demo"
MODEL = RESULTS / "finetuning/ctcf/chosen"
HALF, CONTEXT = 80, 100

pytestmark = [
    pytest.mark.site,
    pytest.mark.skipif(not (MODEL / "model.safetensors").is_file(), reason="results/demo is not there; make run first"),
]


def sites_of(species: str) -> pd.DataFrame:
    """Windows around the sites of a species along their strands, cut out of the simulated genome without the stages of the workflow."""
    canvas = simulate(800_000, 2, 7, SPECIES[species])
    rows = []
    for site in canvas.tables["sites"].itertuples():
        middle = (site.start + site.end) // 2
        whole = canvas.codes[middle - HALF - CONTEXT : middle + HALF + 1 + CONTEXT]
        text = decode(whole if site.strand == "+" else reverse_complement(whole))
        if len(text) == 2 * (HALF + CONTEXT) + 1 and "N" not in text:
            parts = text[:CONTEXT], text[CONTEXT:-CONTEXT], text[-CONTEXT:]
            where = {"chrom": "chr1", "start": middle - HALF, "end": middle + HALF + 1}
            rows.append(
                dict(zip(("before", "sequence", "after"), parts, strict=True)) | where | {"label": int(site.bound)}
            )
    dataset = pd.DataFrame(rows).assign(fold="test", pieces="")
    dataset.attrs = {"task": "ctcf", "labels": ["unbound", "bound"]}
    return dataset


def test_the_rule_of_a_holds_in_b_and_not_in_c():
    there = pd.read_parquet(RESULTS / "benchmarks/ctcf/dataset.parquet")
    found = {}
    for species in ("B", "C"):
        here = sites_of(species)
        here.attrs["labels"] = there.attrs["labels"]
        predicted = classifier_of_source(MODEL, here, there, torch.device("cpu"), "fp32")
        examples = here[["sequence", "label", "chrom", "start", "end"]].assign(gc=0.5, similar=np.nan)
        table = score_labels(predicted.assign(seed=1), examples, Resampling(20_000, 200, 0), 0.2)
        found[species] = table[table["part"] == "all"].iloc[0]
    assert found["B"]["auroc_low"] > 0.75 and found["B"]["mcc_low"] > 0.3, found["B"]
    # copies that decide nothing in C are those that decide in A
    assert found["C"]["auroc_high"] < 0.5 and found["C"]["mcc_high"] < 0, found["C"]
