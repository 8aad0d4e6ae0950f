import numpy as np
import pandas as pd

from grover.genome.bases import encode
from grover.interpretation.mutagenesis import mutate, substitutions, surest


def test_every_base_is_replaced_by_every_other():
    codes = encode("ACG")
    sequences, position, base = substitutions(codes)
    assert sequences.shape == (9, 3) and len({tuple(row) for row in sequences.tolist()}) == 9
    assert ((sequences != codes).sum(axis=1) == 1).all()
    assert (sequences[np.arange(9), position] == base).all()


def test_scores_are_changes_of_an_additive_answer():
    weights = np.array([[0, 1, 2, 3], [0, -1, -2, -3], [5, 0, 0, 0]], float)
    table = mutate(
        encode("GAA"), lambda batch: np.array([sum(weights[i, c] for i, c in enumerate(row)) for row in batch])
    )
    found = table.set_index(["position", "base"])["score"]
    assert found[0, "T"] == 1 and found[0, "A"] == -2 and found[1, "G"] == -2 and found[2, "C"] == -5
    assert table["reference"].tolist() == list("GGGAAAAAA") and (table["reference"] != table["base"]).all()


def test_the_surest_site_is_a_positive_of_the_test_fold():
    rows = [
        (0, 0, "test", 0, 0.99),
        (1, 0, "valid", 1, 0.98),
        (2, 0, "test", 1, 0.9),
        (2, 1, "test", 1, 0.5),
        (3, 0, "test", 1, 0.8),
        (3, 1, "test", 1, 0.8),
    ]
    assert surest(pd.DataFrame(rows, columns=["example", "seed", "fold", "label", "probability"])) == 3
