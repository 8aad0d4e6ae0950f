"""Region embeddings in two dimensions, for pictures only."""

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA

DIMENSIONS = 32


def project(embeddings: np.ndarray, seed: int, neighbours: int = 15) -> np.ndarray:
    """UMAP [rows, 2] (float32) of embeddings [rows, hidden], by cosine distance in their first 32 principal components.

    With no more rows than neighbours the first two principal components.
    """
    rows, hidden = embeddings.shape
    if rows <= neighbours:
        flat = PCA(min(2, rows, hidden)).fit_transform(embeddings)
        return np.pad(flat, ((0, 0), (0, 2 - flat.shape[1]))).astype(np.float32)
    from umap import UMAP

    reduced = PCA(min(DIMENSIONS, rows, hidden), random_state=seed).fit_transform(embeddings)
    return (
        UMAP(n_neighbors=neighbours, metric="cosine", random_state=seed, n_jobs=1)
        .fit_transform(reduced)
        .astype(np.float32)
    )


def project_all(embeddings: dict[str, np.ndarray], seed: int, neighbours: int = 15) -> pd.DataFrame:
    """Columns x_NAME and y_NAME for each of the named embeddings."""
    flat = {name: project(values, seed, neighbours) for name, values in embeddings.items()}
    return pd.DataFrame(
        {f"{axis}_{name}": points[:, i] for name, points in flat.items() for i, axis in enumerate("xy")}
    )
