"""Properties of dinucleotide steps against sums by hand, partial correlations against their formula, and planted properties."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from grover.embeddings.tokens.steps import STEPS, VALUES, compare_steps, step_shares


def kmers(k: int) -> pd.Series:
    return pd.Series(["".join("ACGT"[number >> 2 * i & 3] for i in range(k)) for number in range(4**k)])


def test_a_step_and_its_reverse_complement_are_one():
    shares = step_shares(pd.Series(["AAT", "ATT", "CG", "GGTT", "A"]))
    found = {name: shares @ np.array(values) for name, values in VALUES.items()}
    assert found["stacking"][0] == pytest.approx((-1.00 - 0.88) / 2) == pytest.approx(found["stacking"][1])
    assert found["roll"][2] == 5.4 and found["twist"][2] == 36.1
    # GG is CC, GT is AC, TT is AA
    assert found["twist"][3] == pytest.approx((32.9 + 31.5 + 35.1) / 3)
    assert np.isnan(shares[4]).all() and (shares[:4].sum(axis=1) == 1).all()
    assert len({frozenset((step, step[::-1].translate(str.maketrans("ACGT", "TGCA")))) for step in STEPS}) == 10


def test_the_partial_correlation_is_that_of_its_formula():
    texts, rng = kmers(4), np.random.default_rng(0)
    values = np.full((256, 6), np.nan)
    values[:, 0] = rng.normal(size=256) + step_shares(texts) @ np.array(VALUES["roll"])
    row = compare_steps(values, texts, seed=1).set_index("property").loc["roll"]
    gc, roll = texts.str.count("[GC]"), np.round(step_shares(texts) @ np.array(VALUES["roll"]), 9)
    # the length is the same for all, so that GC alone is given
    xy, xz, yz = (spearmanr(*pair).statistic for pair in ((values[:, 0], roll), (values[:, 0], gc), (roll, gc)))
    assert row["partial"] == pytest.approx((xy - xz * yz) / np.sqrt((1 - xz**2) * (1 - yz**2)))
    assert row["component"] == "PC1"


def test_a_planted_property_is_found_and_gc_is_not_taken_for_one():
    texts, rng = kmers(4), np.random.default_rng(3)
    gc = texts.str.count("[GC]").to_numpy(float)
    values = rng.normal(size=(256, 6))
    values[:, 0] = gc + 0.3 * rng.normal(size=256)
    nothing = compare_steps(values, texts, seed=0).set_index("property")
    assert abs(nothing["partial"]).max() < 0.3 and (nothing["p"] > 0.02).all()
    values[:, 3] += 2 * step_shares(texts) @ np.array(VALUES["twist"])
    found = compare_steps(values, texts, seed=0).set_index("property").loc["twist"]
    assert found["component"] == "PC4" and found["partial"] > found["null"] and found["p"] <= 0.02


def test_few_tokens_with_steps_are_compared_with_nothing():
    assert compare_steps(np.zeros((4, 6)), pd.Series(list("ACGT")), seed=0).empty
