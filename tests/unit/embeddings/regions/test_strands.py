"""Similarity of strands: against plain loops, models that see no direction, and hand-sized vectors."""

import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import BertConfig, BertModel

from grover.embeddings.regions import strands
from grover.genome.bases import reverse_complement
from grover.report.parts import Picture, Results, Table
from grover.report.sections import strands as section
from grover.report.style import to_svg
from grover.tokenization.vocabulary import Vocabulary

CPU = torch.device("cpu")
FOLDER = Path(__file__).parents[3]
write_strands, write_regions = (
    runpy.run_path(str(FOLDER / f"fakes/{name}.py"))["write"] for name in ("strands", "regions")
)


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=9,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=42,
        type_vocab_size=1,
        initializer_range=0.2,
    )
    return BertModel(config, add_pooling_layer=False).eval()


def places(number, step=10_000):
    return pd.DataFrame({"chrom": "chr1", "start": np.arange(number) * step, "end": np.arange(number) * step + 100})


def random_codes(lengths, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 4, length).astype(np.uint8) for length in lengths]


def test_a_palindrome_is_its_own_reverse_complement(encoder):
    half = random_codes([18, 11, 15])
    whole = [np.concatenate([codes, reverse_complement(codes)]) for codes in half]
    found = strands.embed_strands(encoder, whole, Vocabulary.from_kmers("char", 1), 40, [0, 2], CPU, precision="auto")
    assert sorted(found) == [("cls", 0), ("cls", 2), ("mean", 0), ("mean", 2)]
    for forward, backward in found.values():
        np.testing.assert_allclose(forward, backward, atol=1e-5)
    table = strands.compare_strands(found, places(3), 20)
    np.testing.assert_allclose(table[["similarity", "low", "high"]], 1, atol=1e-5)
    np.testing.assert_allclose(table[["centred_similarity", "centred_low", "centred_high"]][1:], 1, atol=1e-5)
    # of the input the vector of [CLS] is always the same, so that nothing is left of it
    assert table.loc[0, ["layer", "pooling", "centred_similarity"]].tolist() == [0, "cls", 0]
    assert table.loc[0, "nearest"] == pytest.approx(1 / 3)
    assert (table.query("pooling == 'mean'")["nearest"] == 1).all()


def test_regions_are_embedded_alike_in_one_run_and_in_many(encoder, monkeypatch):
    codes = random_codes([50, 90, 7, 30, 200, 5])
    given = encoder, codes, Vocabulary.from_kmers("char", 1), 40, [1], CPU, "auto"
    whole = strands.embed_strands(*given)
    monkeypatch.setattr(strands, "BASES", 60)
    for key, pair in strands.embed_strands(*given).items():
        np.testing.assert_allclose(pair, whole[key], atol=1e-5)


def test_a_long_region_is_the_mean_of_its_pieces_by_tokens(encoder):
    tokens = np.concatenate(random_codes([95])).astype(np.uint16) + 5
    pieces = strands.cut(tokens, 40)
    assert [len(piece) for piece in pieces] == [32, 32, 31]
    found = strands.embed_whole(encoder, [tokens[:20], tokens, tokens[:40]], 40, [2], CPU, precision="auto")
    for pooling in ("cls", "mean"):
        alone = [
            strands.embed_whole(encoder, [piece], 40, [2], CPU, precision="auto")[pooling, 2][0] for piece in pieces
        ]
        expected = np.average(alone, axis=0, weights=[32, 32, 31])
        np.testing.assert_allclose(found[pooling, 2][1], expected, atol=1e-5)
    with torch.inference_mode():
        ids = torch.tensor([[2, *tokens[:20].tolist(), 3]])
        states = encoder(ids).last_hidden_state[0].numpy()
    np.testing.assert_allclose(found["mean", 2][0], states[1:-1].mean(0), atol=1e-5)
    np.testing.assert_allclose(found["cls", 2][0], states[0], atol=1e-5)


def test_means_of_pairs_equal_those_of_loops():
    rng = np.random.default_rng(1)
    ours, theirs = (strands.unit(rng.normal(size=(9, 4))) for _ in range(2))
    block = np.array([0, 0, 0, 1, 1, 2, 2, 2, 3])
    drawn = np.array([[1, 1, 1, 1], [2, 0, 1, 1], [0, 3, 0, 1]], float)
    same, other = strands.pair_means(ours, theirs, block, drawn)
    for row, weights in enumerate(drawn):
        chosen = [i for i in range(9) for _ in range(int(weights[block[i]]))]
        assert same[row] == pytest.approx(np.mean([ours[i] @ theirs[i] for i in chosen]))
        assert other[row] == pytest.approx(np.mean([ours[i] @ theirs[j] for i in chosen for j in chosen if i != j]))


def test_the_nearest_is_counted_as_by_sorting():
    rng = np.random.default_rng(2)
    ours = strands.unit(rng.normal(size=(50, 3)))
    theirs = strands.unit(ours + 0.3 * rng.normal(size=(50, 3)))
    expected = np.mean((ours @ theirs.T).argmax(1) == np.arange(50))
    assert 0 < expected < 1 and strands.nearest(ours, theirs) == pytest.approx(expected)
    # vectors that are all the same find nothing
    assert strands.nearest(np.ones((4, 1)), np.ones((4, 1))) == pytest.approx(1 / 4)


def test_unrelated_strands_are_no_more_alike_than_random_pairs():
    """In a corner of the space, where any two vectors are alike."""
    rng = np.random.default_rng(3)
    forward, backward = (rng.normal(size=(400, 8)) + 4 for _ in range(2))
    table = strands.compare_strands({("mean", 1): (forward, backward)}, places(400), 200)
    row = table.iloc[0]
    assert row["similarity"] > 0.9 and row["low"] < row["similarity"] < row["high"]
    assert row["adjusted_low"] < 0 < row["adjusted_high"] and row["baseline"] == pytest.approx(
        row["similarity"], abs=0.01
    )
    assert abs(row["centred_similarity"]) < 0.1 and row["chance"] == 1 / 400 and row["nearest"] < 0.05


def test_one_region_has_no_others():
    one = np.ones((1, 4))
    row = strands.compare_strands({("cls", 0): (one, one)}, places(1), 5).iloc[0]
    assert row["similarity"] == pytest.approx(1) and np.isnan(row[["baseline", "nearest"]].astype(float)).all()


def results(folder, *writers):
    files = [path for write in writers for path in write(folder, np.random.default_rng(0))]
    return Results(folder, files)


def test_the_section_says_what_the_numbers_allow(tmp_path):
    made = section.section(results(tmp_path, write_strands, write_regions))
    mean, cls, beside, _, genes = made.findings
    assert mean.startswith("In layer 3 the mean embeddings") and "are more alike than those of two" in mean
    assert "by chance 0.05%" in mean and "the CLS embeddings" in cls
    assert "the strands have become more alike by training" in beside
    assert genes.startswith("gene strand: the mean embedding predicts the reading direction (AUROC 0.5")
    assert "not measurably different from k-mer counts" in genes
    (picture,) = [part for part in made.parts if isinstance(part, Picture)]
    (table,) = [part for part in made.parts if isinstance(part, Table)]
    assert table.frame["embedding"].tolist() == ["mean", "CLS"] and set(table.frame["layer"]) == {"3"}
    svg = to_svg(picture.figure)
    for text in ("Cosine, centred", "Found again (share)", "random initialisation, two regions"):
        assert text in svg


def test_the_section_stands_without_random_model_and_probes(tmp_path):
    found = results(tmp_path, write_strands)
    found.names = {name for name in found.names if "random" not in name}
    made = section.section(found)
    assert len(made.findings) == 2 and not any(isinstance(part, Table) for part in made.parts)


def test_intervals_that_allow_nothing_are_called_so():
    row = strands.compare_strands({("mean", 1): (np.eye(8), np.roll(np.eye(8), 1, 0))}, places(8), 50).iloc[0]
    assert "are not measurably more alike" in section.describe(row) or "are less alike" in section.describe(row)
    one = strands.compare_strands({("mean", 1): (np.ones((1, 3)),) * 2}, places(1), 5).iloc[0]
    assert section.describe(one).endswith("of a single region no more can be said.")
    probe = {"track": "line_strand", "value": 0.51, "low": 0.48, "high": 0.53, "gain": np.nan, "note": ""}
    assert "does not measurably predict the reading direction (AUROC 0.510 (0.480 to 0.530))" in section.direction(
        pd.Series(probe)
    )
    probe |= {"value": np.nan, "note": "too few regions"}
    assert section.direction(pd.Series(probe)) == "line strand: not measured (too few regions)."
    alone = pd.Series({"pooling": "mean", "centred_similarity": 0.2, "centred_low": 0.1, "centred_high": 0.3})
    random_model = pd.DataFrame(
        [alone + pd.Series({"pooling": "", "centred_similarity": 0, "centred_low": 0.15, "centred_high": 0})]
    )
    assert "differ no more than their intervals allow" in section.beside_random(alone, random_model)
