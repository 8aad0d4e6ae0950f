"""The pretraining corpus: windows of tokens, with the split of each.

Half of the windows have the largest length, the others a length drawn uniformly between the smallest and the largest (GROVER's
recipe). One pass lays windows end to end through every segment. Further passes start at other positions, so that there are more windows
than fit into the genome once, as in the paper.
"""

import numpy as np
import pandas as pd

TRAIN, TEST = "train", "test"


def lay_windows(first_tokens: np.ndarray, smallest: int, largest: int, passes: int, seed: int) -> pd.DataFrame:
    """Lay windows over the tokenised segments.

    first_tokens: int64, first token of each segment and the end of the last.
    Returns a table with `segment` int32, `first` int64 (position of the first token) and `length` int16, ordered along the genome within
    each pass. Pieces shorter than `smallest` at the end of a segment are left out.
    """
    generator = np.random.default_rng(seed)
    tables = []
    for number in range(passes):
        for segment, (start, end) in enumerate(zip(first_tokens[:-1], first_tokens[1:], strict=True)):
            shift = int(generator.integers(largest)) if number else 0
            tables.append(_lay(segment, int(start) + shift, int(end), smallest, largest, generator))
    return pd.concat(tables, ignore_index=True)


def _lay(
    segment: int, start: int, end: int, smallest: int, largest: int, generator: np.random.Generator
) -> pd.DataFrame:
    room = max(0, end - start)
    count = room // smallest + 1
    lengths = np.where(generator.random(count) < 0.5, largest, generator.integers(smallest, largest + 1, count))
    firsts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    lengths = np.minimum(lengths, room - firsts)
    kept = lengths >= smallest
    return pd.DataFrame(
        {
            "segment": np.full(int(kept.sum()), segment, np.int32),
            "first": start + firsts[kept].astype(np.int64),
            "length": lengths[kept].astype(np.int16),
        }
    )


def random_split(windows: int, test_share: float, seed: int) -> np.ndarray:
    """Draw 'train' or 'test' for each window at random: the paper's split, whose test windows adjoin or overlap training windows."""
    generator = np.random.default_rng([seed, 1])
    return np.where(generator.random(windows) < test_share, TEST, TRAIN)
