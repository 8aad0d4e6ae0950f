"""Components of token embeddings against planted directions and NumPy's singular values."""

import numpy as np
import pandas as pd
import pytest

from grover.components import correlate, token_components, token_properties
from grover.errors import InputError

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.fixture
def tokens():
    rng = np.random.default_rng(3)
    words = {"".join(rng.choice(list("ACGT"), rng.integers(2, 9))) for _ in range(150)}
    table = pd.DataFrame({"token": SPECIALS + sorted(words)})
    table.insert(0, "id", range(len(table)))
    return table.assign(count=rng.permutation(np.geomspace(10, 1e5, len(table)).astype(int)))


def test_planted_frequency_and_gc_are_found(tokens):
    rng = np.random.default_rng(0)
    word = tokens["token"].where(tokens["id"] > 4, "A")
    gc = np.array([(text.count("G") + text.count("C")) / len(text) for text in word])
    averages = rng.normal(0, 0.05, (len(tokens), 24))
    averages[:, 3] += 4 * np.log10(tokens["count"])
    averages[:, 7] += 3 * gc
    components = token_components(averages, np.full(len(tokens), 50), tokens, minimum=20)
    found = correlate(components, tokens).set_index(["component", "property"])["spearman"].abs()
    assert found["PC1", "frequency"] > 0.98
    assert found["PC2", "gc"] > 0.98


def test_components_are_the_singular_vectors_and_leave_specials_and_rare_tokens_out(tokens):
    rng = np.random.default_rng(1)
    averages, counts = rng.normal(size=(len(tokens), 24)), np.full(len(tokens), 50)
    counts[10] = 19
    components = token_components(averages, counts, tokens, minimum=20)
    assert set(range(6)).isdisjoint(components["id"]) or components["id"].min() == 5
    assert 10 not in set(components["id"])
    kept = averages[components["id"]]
    singular = np.linalg.svd(kept - kept.mean(0), compute_uv=False)
    lengths = np.linalg.norm(components.filter(like="PC").to_numpy(), axis=0)
    np.testing.assert_allclose(lengths, singular[:6])


def test_properties_by_hand():
    table = token_properties(pd.Series(["GGCA", "AT"]), np.array([1000, 10]))
    assert table.loc[0].to_dict() == {"frequency": 3, "gc": 0.75, "ag": 0.75, "ac": 0.5, "length": 4}
    assert table.loc[1].to_dict() == {"frequency": 1, "gc": 0, "ag": 0.5, "ac": 0.5, "length": 2}


def test_too_few_tokens_are_refused(tokens):
    with pytest.raises(InputError, match="at least 20 times"):
        token_components(np.zeros((len(tokens), 8)), np.zeros(len(tokens), int), tokens, minimum=20)
