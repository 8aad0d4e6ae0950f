"""Interactive scatters of tokens and variants: each point has the name and the values of its row."""

import base64

import numpy as np
import pandas as pd
import pytest

from grover.report.sections.points import token_map, token_plot, variant_plot


def values_of(scatter, plane: str) -> np.ndarray:
    """Return what the axes of a plane say of each point, NaN where it has no place."""
    found = next(each for each in scatter.data["embeddings"] if each["name"] == plane)
    codes = np.frombuffer(base64.b64decode(found["points"]), "<u2").reshape(-1, 2).astype(float)
    codes[codes == 65_535] = np.nan
    low, step = (np.array([axis[name] for axis in found["frame"]]) for name in ("low", "step"))
    return codes * step + low


def test_variants_have_their_place_alleles_scores_and_effect():
    sample = pd.DataFrame(
        {
            "chrom": ["chr1", "chr2", "chr1", "chr1"],
            "pos": [100, 7, 50, 50],
            "id": ["rs1", ".", "", ""],
            "ref": ["A", "CA", "G", "G"],
            "alt": ["T", "C", "C", "C"],
            "llr": [-2.0, -1.0, 0.5, 0.5],
            "markov_5": [-1.5, np.nan, 0.25, 0.25],
            "effect": ["break", "neutral", "neutral", "neutral"],
        }
    )
    scatter = variant_plot(sample, "sample.parquet")
    assert scatter.data["count"] == 3 and scatter.data["noun"] == "variant"  # the fourth is the third again
    assert scatter.data["names"] == ["G>C", "A>T (rs1)", "CA>C"]
    start, end = (np.frombuffer(base64.b64decode(scatter.data[name]), "<u4").tolist() for name in ("start", "end"))
    assert start == [49, 99, 6] and end == [50, 100, 8]
    found = values_of(scatter, "llr by Markov chain, order 5")
    assert found == pytest.approx(np.array([[0.25, 0.5], [-1.5, -2.0], [np.nan, np.nan]]), abs=1e-3, nan_ok=True)
    along = values_of(scatter, "llr along the genome")
    assert along[:, 0] * 1e6 == pytest.approx([50, 100, 107], abs=0.1) and along[2, 1] == pytest.approx(-1, abs=1e-3)
    assert [track["name"] for track in scatter.data["tracks"]] == ["effect", "llr", "Markov chain, order 5"]
    assert variant_plot(sample.assign(llr=np.nan), "") is None


def test_tokens_have_their_composition_and_the_axes_that_are_known():
    table = pd.DataFrame({"token": ["GC", "ATA"], "count": [1000, 10], "repeats": [0.5, np.nan], "loss": [1.0, 2.0]})
    labels = {"repeats": "share in repeats", "loss": "loss (nats)"}
    scatter = token_plot("x", table.assign(kind=["a", "b"]), {"one": ("repeats", "loss")}, labels, "", ["kind"])
    assert values_of(scatter, "one") == pytest.approx(np.array([[0.5, 1.0], [np.nan] * 2]), abs=1e-3, nan_ok=True)
    assert scatter.data["tracks"][0]["name"] == "kind" and scatter.data["tracks"][0]["names"] == ["a", "b"]
    tracks = {track["name"]: track["levels"] for track in scatter.data["tracks"][1:]}
    assert tracks["share of G, C"] == [0.0, 1.0] and tracks["occurrences (log10)"] == [1.0, 3.0]
    assert token_plot("x", table.assign(loss=np.nan), {"one": ("repeats", "loss")}, labels, "") is None
    columns = {"id": [1, 2], "token": ["A", "CC"], "count": [5, 6], "PC1": [0.0, 1], "PC2": [0.0, 2], "PC3": [0.0, 3]}
    first = pd.DataFrame(columns).assign(x=np.nan, y=np.nan, cluster=pd.array([pd.NA, 3], "Int64"))
    other = first.iloc[::-1].assign(x=[4.0, 5.0], y=1.0)
    scatter = token_map({"layer 2": first, "word2vec": other}, "")
    planes = [each["name"] for each in scatter.data["embeddings"]]
    assert planes == ["PC1 and PC2, layer 2", "PC1 and PC3, layer 2", "UMAP, word2vec", "PC1 and PC2, word2vec"]
    assert values_of(scatter, "PC1 and PC2, word2vec") == pytest.approx(np.array([[0, 0], [1, 2]]), abs=1e-3)
