"""Windows of large contribution, from which motifs are made: a fixed number per example, so that nothing is tuned on what is found."""

from dataclasses import dataclass, replace

import numpy as np

from grover.genome.bases import N, reverse_complement
from grover.interpretation.contributions import Contributions, one_hot


@dataclass(frozen=True)
class Seqlets:
    """Windows of `width` bases.

    `example` is the index into the contributions; `start` is in its sequence and may lie outside of it; `minus` is true where the window is
    read on the opposite strand; `sign` is -1 where its bases lower the logit.

    All are arrays [windows]; example and start int64, minus bool, sign float64.
    """

    example: np.ndarray
    start: np.ndarray
    minus: np.ndarray
    sign: np.ndarray
    width: int

    def __len__(self) -> int:
        return len(self.example)

    def take(self, rows: np.ndarray) -> "Seqlets":
        """Return some of the windows, in the order of `rows`."""
        return replace(
            self, example=self.example[rows], start=self.start[rows], minus=self.minus[rows], sign=self.sign[rows]
        )

    def widened(self, flank: int) -> "Seqlets":
        """Return the same windows with `flank` more bases on either side."""
        return replace(self, start=self.start - flank, width=self.width + 2 * flank)

    def moved(self, shift: np.ndarray, turned: np.ndarray) -> "Seqlets":
        """Return windows whose content is that of these, `turned` to the opposite strand where so, and then moved right by `shift`."""
        minus = self.minus != turned
        return replace(self, start=self.start + np.where(minus, shift, -shift), minus=minus)


def top_windows(contributions: Contributions, width: int, number: int) -> Seqlets:
    """Return for each sequence the `number` windows, none overlapping, whose contributions have the largest absolute sum.

    Sequences shorter than `width` have none; windows of sum 0 are not taken.
    """
    rows = []
    for index, values in enumerate(contributions.values):
        if len(values) < width:
            continue
        total = np.append(0.0, np.cumsum(values))
        sums = total[width:] - total[:-width]
        size = np.abs(sums)
        for _ in range(number):
            start = int(size.argmax())
            if size[start] <= 0:
                break
            rows.append((index, start, np.sign(sums[start])))
            size[max(0, start - width + 1) : start + width] = 0
    table = np.array(rows, np.float64).reshape(-1, 3)
    places = table[:, :2].astype(np.int64)
    return Seqlets(places[:, 0], places[:, 1], np.zeros(len(rows), bool), table[:, 2], width)


def cut(contributions: Contributions, seqlets: Seqlets) -> tuple[np.ndarray, np.ndarray]:
    """Return codes uint8 [windows, width] and contributions float32 [windows, width], along each window's strand and times its sign.

    Places outside the sequence have code 4 and contribution 0.
    """
    lengths = np.array([len(codes) for codes in contributions.codes], np.int64)
    begins = np.cumsum(lengths) - lengths
    place = seqlets.start[:, None] + np.arange(seqlets.width)
    inside = (place >= 0) & (place < lengths[seqlets.example][:, None])
    cell = np.where(inside, begins[seqlets.example][:, None] + place, 0)
    codes = np.where(inside, np.concatenate(contributions.codes)[cell], N).astype(np.uint8)
    values = np.where(inside, np.concatenate(contributions.values)[cell], 0) * seqlets.sign[:, None]
    codes[seqlets.minus] = reverse_complement(codes[seqlets.minus])
    values[seqlets.minus] = values[seqlets.minus, ::-1]
    return codes, values.astype(np.float32)


def matrices(contributions: Contributions, seqlets: Seqlets) -> np.ndarray:
    """Return contribution matrices, float32 [windows, width, 4]: the contribution at the base that is there, 0 at the others."""
    codes, values = cut(contributions, seqlets)
    return one_hot(codes) * values[..., None]
