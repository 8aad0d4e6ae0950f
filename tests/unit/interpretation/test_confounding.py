"""Correlations of scores with the change in token number, against NumPy."""

import numpy as np
import pandas as pd
import pytest

from grover.interpretation.confounding import confounding
from grover.interpretation.variant_metrics import Resampling


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    change, markov = rng.integers(-1, 3, 400).astype(float), rng.normal(size=400)
    score = 0.7 * change + markov + rng.normal(size=400)
    places = {"chrom": "chr1", "pos": np.arange(400) * 1_000}
    return pd.DataFrame(places | {"llr": score, "token_change": change, "markov_5": markov})


def residual(values, given):
    return values - np.polyval(np.polyfit(given, values, 1), given)


def test_both_correlations_are_those_of_numpy(table):
    [row] = confounding(table, ["llr"], Resampling(10_000, 50, 0)).to_dict("records")
    assert row["r"] == pytest.approx(np.corrcoef(table["llr"], table["token_change"])[0, 1])
    left = [residual(table[name].to_numpy(), table["markov_5"].to_numpy()) for name in ("llr", "token_change")]
    assert row["partial"] == pytest.approx(np.corrcoef(*left)[0, 1])
    assert row["partial_low"] < row["partial"] < row["partial_high"] and row["n"] == 400


def test_an_infinite_score_is_left_out(table):
    finite = confounding(table.iloc[1:], ["llr"], Resampling(10_000, 50, 0))
    table.loc[0, "llr"] = -np.inf
    pd.testing.assert_frame_equal(confounding(table, ["llr"], Resampling(10_000, 50, 0)), finite)
