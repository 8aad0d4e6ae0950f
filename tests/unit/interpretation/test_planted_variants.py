"""Pairs of planted variants from a simulated genome: alike in token number, and an oracle of the rule passes where a PWM does not."""

import json

import numpy as np
import pandas as pd
import pytest

from grover.annotation.motifs import best_scores
from grover.genome.bases import encode
from grover.interpretation.planted_variants import judge, pairs, with_truth
from grover.interpretation.variant_metrics import Resampling
from grover.simulation.binding import MOTIF
from grover.simulation.files import write_truth
from grover.simulation.simulate import simulate

RESAMPLING = Resampling(10_000, 100, 0)


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """The variants, the truth, and a function that returns the sequence around a variant with its alternative put in."""
    canvas = simulate(300_000, 3, 5)
    path = tmp_path_factory.mktemp("truth") / "truth.json"
    write_truth(canvas, path, 5)
    truth = json.loads(path.read_text())
    rng = np.random.default_rng(0)
    variants = pd.DataFrame(truth["variants"])
    change = rng.integers(-1, 3, (2, len(variants)))
    variants = pd.DataFrame(
        {
            "chrom": variants["chrom"],
            "pos": variants["start"] + 1,
            "alt": variants["alternative"],
            "tokens_ref": 4,
            "tokens_alt": 4 + change[0],
            "tokens_ref_minus": 4,
            "tokens_alt_minus": 4 + change[1],
        }
    )
    return variants, truth, canvas


def test_pairs_change_the_number_of_tokens_alike(planted):
    variants, truth, _ = planted
    table = with_truth(variants, truth)
    assert len(table) == len(variants)
    minus = table["site"].map(pd.Series([site["strand"] for site in truth["sites"]])) == "-"
    expected = np.where(minus, table["tokens_alt_minus"], table["tokens_alt"]) - 4
    assert (table["token_change"] == expected).all() and 0.3 < minus.mean() < 0.7
    for kind in ("decoy", "motif"):
        drawn = pairs(table, kind, 0)
        assert set(drawn["kind"]) == {"partner", kind} and not drawn.duplicated(["chrom", "pos"]).any()
        numbers = drawn.groupby(["token_change", "label"]).size().unstack()
        assert (numbers[0] == numbers[1]).all() and numbers[1].sum() > 0.7 * (table["kind"] == "partner").sum()
        assert ((drawn["kind"] == "partner") == (drawn["label"] == 1)).all()


def test_an_oracle_passes_and_a_matrix_does_not(planted):
    """The oracle knows the planted sites; the change of the motif's best match tells the motif but not the decoys."""
    variants, truth, canvas = planted
    table = with_truth(variants, truth)
    noise = np.random.default_rng(1).normal(size=len(table))
    table["oracle"] = -1.0 * (table["kind"] == "partner") + 0.3 * noise
    offsets = dict(zip(canvas.names, canvas.offsets, strict=False))
    changes = []
    for row in table.itertuples():
        place, reach = offsets[row.chrom] + row.pos - 1, len(MOTIF) - 1
        reference = canvas.codes[place - reach : place + reach + 1]
        alternative = reference.copy()
        alternative[reach] = encode(row.alt)[0]
        before, after = np.maximum(best_scores([reference, alternative], np.ascontiguousarray(MOTIF.T)), 0)
        changes.append(-abs(after - before))
    table["matrix"] = changes
    for kind in ("decoy", "motif"):
        found = judge(table, "oracle", kind, RESAMPLING)
        assert found.low > 0.9 and found.pairs > 100
    decoy, motif = (judge(table, "matrix", kind, RESAMPLING) for kind in ("decoy", "motif"))
    assert decoy.low <= 0.5 <= decoy.high and motif.high < 0.2
