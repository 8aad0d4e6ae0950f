"""How similar test sequences are to a genome that a model has seen: memory looks like transfer where they are nearly the same."""

from collections.abc import Callable, Sequence

import numpy as np

from grover.benchmarks.minhash import nearest
from grover.genome.bases import decode

K = 11
AT_ONCE = 100_000  # windows whose sketches are held


def similarity_to_genome(
    sequences: Sequence[str],
    codes: np.ndarray,
    bounds: np.ndarray,
    seed: int,
    progress: Callable[[int], object] = lambda bases: None,
) -> np.ndarray:
    """Return the largest estimated Jaccard index of canonical 11-mers of each sequence with a window of the genome, float32.

    codes, bounds: as those of `Genome`. Windows are as long as the median sequence and a quarter of that apart. So a copy shares at
    least 0.78 of the 11-mers with one of them, and sequence of 92 % identity at least 0.2. `progress` gets the bases that were searched.
    """
    found = np.zeros(len(sequences), np.float32)
    if not len(sequences):
        return found
    length = int(np.median([len(text) for text in sequences]))
    step = max(1, length // 4)
    starts = np.concatenate(
        [
            np.arange(left, max(left + 1, right - length + step), step)
            for left, right in zip(bounds[:-1], bounds[1:], strict=True)
        ]
    )
    ends = np.minimum(starts + length, bounds[np.searchsorted(bounds, starts, side="right")])
    for first in range(0, len(starts), AT_ONCE):
        part = slice(first, first + AT_ONCE)
        windows = [decode(np.asarray(codes[a:b])) for a, b in zip(starts[part], ends[part], strict=True)]
        found = np.maximum(found, nearest(sequences, windows, K, seed)[0])
        progress(step * len(windows))
    return found
