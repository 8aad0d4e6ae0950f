import numpy as np
import pandas as pd
import pytest

from grover.interpretation.contributions import read_contributions
from grover.runtime.errors import InputError
from tests.fakes import motifs as fake

TABLE = fake.dataset()
ROWS = fake.train_rows(TABLE)[:4]
IMPORTANCE = fake.importance(TABLE, ROWS)


def test_a_contribution_is_minus_the_mean_change_of_three_substitutions_along_the_strand():
    found = read_contributions(IMPORTANCE, TABLE)
    assert found.example.tolist() == ROWS.tolist()
    assert set(TABLE["strand"].iloc[ROWS]) == {"+", "-"}
    for row, values in zip(ROWS, found.values, strict=True):
        # the planted element is whole, so that each of its bases counts alike and no other does
        start = TABLE["sequence"].iloc[row].index(fake.ELEMENT)
        inside = np.zeros(fake.LENGTH, bool)
        inside[start : start + len(fake.ELEMENT)] = True
        np.testing.assert_allclose(values[inside], 8 / 6, rtol=1e-6)
        assert (values[~inside] == 0).all()


def test_both_strands_of_an_example_are_averaged():
    halved = IMPORTANCE.assign(delta=IMPORTANCE["delta"] / 2)
    both = pd.concat([halved, fake.importance(TABLE, ROWS, opposite=True)])
    expected = read_contributions(IMPORTANCE, TABLE).values
    for one, other in zip(read_contributions(both, TABLE).values, expected, strict=True):
        np.testing.assert_allclose(one, other * 0.75, rtol=1e-6)


def test_examples_without_coordinates_count_in_their_sequence():
    table = fake.dataset(placed=False)
    found = read_contributions(fake.importance(table, ROWS), table)
    starts = [table["sequence"].iloc[row].index(fake.ELEMENT) for row in ROWS]
    assert [int(values.argmax()) for values in found.values] == starts


def test_other_methods_are_not_read_and_bases_of_another_data_set_are_refused():
    other = IMPORTANCE.assign(method="ig")
    with pytest.raises(InputError, match="no row of method ism; run interpret_importance"):
        read_contributions(other, TABLE)
    with pytest.raises(
        InputError, match=r"has [ACGT] at chr1:\d+ of example \d+, which the data set has not; make it anew"
    ):
        read_contributions(IMPORTANCE, fake.dataset(seed=1).assign(strand="+"))
    with pytest.raises(InputError, match="has example 900, but the data set has 170"):
        read_contributions(IMPORTANCE.assign(example=900), TABLE)
