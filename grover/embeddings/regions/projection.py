"""Embeddings of regions in two dimensions: UMAP and principal components. They are for figures only; the probes measure."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA

from grover.embeddings.vectors import POOLINGS, Embeddings

DIMENSIONS = 32


@dataclass(frozen=True)
class Flat:
    """Embeddings in two dimensions.

    points: float32 [rows, 2] by `method` (`UMAP`, or `PCA` where the rows were too few for it); components: float32 [rows, 2] on the
    first two principal components; explained: the share of the variance that each of the two explains, 0 for one that does not exist.
    """

    method: str
    points: np.ndarray
    components: np.ndarray
    explained: tuple[float, float]


def flatten(vectors: np.ndarray, seed: int, neighbours: int, verbose: bool = False) -> Flat:
    """Project vectors [rows, hidden] into two dimensions by UMAP (McInnes et al. 2018) and by principal components.

    UMAP uses cosine distances in the first 32 principal components. With no more rows than neighbours the first two components take its
    place. `verbose` prints its progress.
    """
    rows, hidden = vectors.shape
    pca = PCA(min(DIMENSIONS, rows, hidden), random_state=seed)
    reduced = pca.fit_transform(vectors).astype(np.float32)
    components = np.pad(reduced[:, :2], ((0, 0), (0, max(0, 2 - reduced.shape[1]))))
    # a single row has no variance to share
    shares = [*np.nan_to_num(pca.explained_variance_ratio_[:2]).tolist(), 0.0, 0.0]
    if rows <= neighbours:
        return Flat("PCA", components, components, (shares[0], shares[1]))
    from umap import UMAP

    settings = {"n_neighbors": neighbours, "metric": "cosine", "random_state": seed, "n_jobs": 1}
    model = UMAP(**settings, verbose=verbose, tqdm_kwds={"disable": True})
    return Flat("UMAP", model.fit_transform(reduced).astype(np.float32), components, (shares[0], shares[1]))


def spread(count: int, maximum: int) -> np.ndarray:
    """Choose at most `maximum` (0: all) of the numbers 0..count-1 (int64, ascending), evenly spread."""
    if count <= maximum or not maximum:
        return np.arange(count)
    return np.arange(maximum) * count // maximum


def project(embeddings: Embeddings, maximum: int, seed: int, neighbours: int, verbose: bool = False) -> pd.DataFrame:
    """Project the last layer of at most `maximum` regions, evenly spread over the genome, into two dimensions.

    Returns region (row of the table of regions) and for both poolings x_, y_ (UMAP), pc1_, pc2_ (principal components), float32. Its
    `attrs`, which Parquet keeps: model, layer, of (number of regions of the embeddings) and, for each pooling, method and explained.
    """
    regions = embeddings.regions()["region"].to_numpy(np.int64)
    rows = spread(len(regions), maximum)
    columns = {"region": regions[rows]}
    method, explained = {}, {}
    for pooling in POOLINGS:
        flat = flatten(embeddings.vectors(pooling)[rows], seed, neighbours, verbose)
        for names, points in ((("x", "y"), flat.points), (("pc1", "pc2"), flat.components)):
            columns |= {f"{name}_{pooling}": points[:, i] for i, name in enumerate(names)}
        method[pooling] = flat.method
        explained[pooling] = [float(share) for share in flat.explained]
    table = pd.DataFrame(columns)
    table.attrs = {
        "model": embeddings.name,
        "layer": embeddings.layers[-1],
        "of": len(regions),
        "method": method,
        "explained": explained,
    }
    return table
