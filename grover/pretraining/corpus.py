"""The pretraining corpus: windows of tokens, with the split of each.

Half of the windows have the largest length, the others a length drawn uniformly between the smallest and the largest (GROVER's
recipe). One pass lays windows end to end through every segment. Further passes start at other positions, so that there are more windows
than fit into the genome once, as in the paper.
"""

import numpy as np
import pandas as pd

TRAIN, TEST = "train", "test"
DRAWN = 1 << 20  # lengths of windows drawn at a time


def lay_windows(first_tokens: np.ndarray, smallest: int, largest: int, passes: int, seed: int) -> pd.DataFrame:
    """Lay windows over the tokenised segments.

    first_tokens: int64, first token of each segment and the end of the last.
    Returns a table with `segment` int32, `first` int64 (position of the first token) and `length` int16, ordered along the genome within
    each pass. Pieces shorter than `smallest` at the end of a segment are left out.
    """
    generator = np.random.default_rng(seed)
    firsts, ends = (np.asarray(edges, np.int64) for edges in (first_tokens[:-1], first_tokens[1:]))
    tables = []
    for number in range(passes):
        # segments in groups: a table for each of a hundred thousand is slow, one for all windows that may be laid is large
        for group in np.split(np.arange(len(firsts)), _group_ends((ends - firsts) // smallest + 1)):
            tables.append(_lay(group, firsts[group], ends[group], (smallest, largest), generator, shifted=number > 0))
    return pd.concat(tables, ignore_index=True)


def _group_ends(drawn: np.ndarray) -> np.ndarray:
    """Where groups of segments end for which about `DRAWN` lengths are drawn, or those of one segment."""
    return np.flatnonzero(np.diff(np.cumsum(drawn) // DRAWN)) + 1


def _lay(
    segments: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    bounds: tuple[int, int],
    generator: np.random.Generator,
    *,
    shifted: bool,
) -> pd.DataFrame:
    """Lay windows of lengths between `bounds` end to end through segments, from a random place near their start on if `shifted`."""
    smallest, largest = bounds
    shifts = np.zeros(len(starts), np.int64)
    whole, drawn = [], []
    for i, room in enumerate((ends - starts).tolist()):
        shifts[i] = generator.integers(largest) if shifted else 0
        count = max(0, room - int(shifts[i])) // smallest + 1
        whole.append(generator.random(count) < 0.5)
        drawn.append(generator.integers(smallest, largest + 1, count))
    starts = starts + shifts
    counts = np.fromiter(map(len, whole), np.int64, len(whole))
    segment = np.repeat(np.arange(len(starts)), counts)
    lengths = np.where(np.concatenate(whole), largest, np.concatenate(drawn))
    before = np.cumsum(lengths) - lengths
    firsts = before - before[np.cumsum(counts) - counts][segment]
    lengths = np.minimum(lengths, np.maximum(0, ends - starts)[segment] - firsts)
    kept = lengths >= smallest
    return pd.DataFrame(
        {
            "segment": segments[segment[kept]].astype(np.int32),
            "first": (starts[segment] + firsts)[kept],
            "length": lengths[kept].astype(np.int16),
        }
    )


def random_split(windows: int, test_share: float, seed: int) -> np.ndarray:
    """Draw 'train' or 'test' for each window at random: the paper's split, whose test windows adjoin or overlap training windows."""
    generator = np.random.default_rng([seed, 1])
    return np.where(generator.random(windows) < test_share, TEST, TRAIN)
