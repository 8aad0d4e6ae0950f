"""Runs of regions that are embedded and written together, so that memory holds few of them at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import torch

from grover.files import release
from grover.occurrences import Occurrences
from grover.readout import Bags, runs, to_device
from grover.regions import Windows, cut_windows
from grover.tokens import TokenisedGenome
from grover.vectors import POOLINGS, Writer, half

REGIONS_AT_ONCE, TOKENS_AT_ONCE = 1_024, 1 << 20
STATES_AT_ONCE = 1 << 24  # bytes of states of single tokens that are written together


@dataclass(frozen=True)
class Places:
    """Where regions lie, int64 each: `left`, the first base in the genome's codes; tokens from `first` to before `last`."""

    left: np.ndarray
    first: np.ndarray
    last: np.ndarray


@dataclass
class Block:
    """Regions from row `begin` on, and what is known of them.

    number: of the regions; windows: of theirs, whose regions count from 0; ids, used and stored (bool): of all their tokens, region by
    region; at, int64 [windows]: where the core of each window begins among these. found: rows of windows and what they gave, pooled as
    [L, 2, windows, hidden].
    """

    begin: int
    number: int
    windows: Windows
    ids: np.ndarray
    used: np.ndarray
    stored: np.ndarray
    at: np.ndarray
    found: list[tuple[np.ndarray, torch.Tensor]] = field(default_factory=list)

    @classmethod
    def empty(cls, begin: int, layers: int, hidden: int) -> "Block":
        """A block without regions, of a part that holds none."""
        none, nobody = np.zeros(0, np.int64), np.zeros(0, bool)
        windows = Windows(none, none, none, none, none)
        found = [(none, torch.zeros(layers, len(POOLINGS), 0, hidden))]
        return cls(begin, 0, windows, none, nobody, nobody, none, found)

    def core_tokens(self, windows: np.ndarray) -> np.ndarray:
        """Where the core tokens of windows lie among those of the block, window by window, int64."""
        return runs(self.at[windows], (self.windows.core_last - self.windows.core_first)[windows])

    def where(self, tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The row of the region of tokens of the block, and their positions in the genome, both int64."""
        window = np.searchsorted(self.at, tokens, side="right") - 1
        return self.begin + self.windows.region[window], self.windows.core_first[window] + tokens - self.at[window]

    def begun(self, windows: np.ndarray) -> int:
        """How many regions begin in these windows."""
        region = self.windows.region
        return int(np.diff(region, prepend=-1)[windows].sum())

    def add(self, windows: np.ndarray, pooled: torch.Tensor) -> bool:
        """Take what windows gave; true where nothing is left to compute."""
        self.found.append((windows, pooled))
        return sum(len(rows) for rows, _ in self.found) == len(self.windows.region)

    def table(self, regions: pd.DataFrame, layers: list[int]) -> dict[str, np.ndarray]:
        """The rows of a file of embeddings (`grover.vectors`); of a region the mean over its tokens, and the [CLS] of its windows weighed
        by their tokens.
        """
        rows = np.arange(self.begin, self.begin + self.number)
        windows = self.windows
        sizes = windows.core_last - windows.core_first
        tokens = np.bincount(windows.region, sizes, minlength=self.number)
        pooled = torch.cat([values for _, values in self.found], 2)
        order = np.concatenate([rows for rows, _ in self.found])
        bags = Bags.of(windows.region[order], np.arange(len(order)), pooled.device)
        order = order[bags.rows.cpu().numpy()]
        share = 1 / tokens[windows.region[order]]
        weights = {"cls": sizes[order] * share, "mean": share}
        places = {column: regions[column].iloc[rows].to_numpy() for column in ("chrom", "start", "end")}
        table = {"region": rows, **places, "tokens": tokens.astype(np.int32)}
        for i, layer in enumerate(layers):
            for j, pooling in enumerate(POOLINGS):
                weight = to_device(weights[pooling].astype(np.float32), pooled.device)
                vectors = bags.sum(pooled[i, j], weight).half().cpu().numpy()
                table[f"{pooling}_{layer}"] = half(vectors, f"layer {layer}")
        return table


def blocks(
    genome: TokenisedGenome,
    rows: range,
    places: Places,
    segment_tokens: np.ndarray,
    tokens: int,
    context: int,
    occurrences: Occurrences,
) -> Iterator[Block]:
    """The regions of `rows` in blocks, with their windows of at most `tokens` tokens, `context` of them on both sides of the core."""
    ends = np.cumsum((places.last - places.first)[rows.start : rows.stop])
    begin = 0
    while begin < len(rows):
        # one region at least, however long
        most = np.searchsorted(ends, (ends[begin - 1] if begin else 0) + TOKENS_AT_ONCE, side="right")
        end = int(max(begin + 1, min(begin + REGIONS_AT_ONCE, most)))
        block = slice(rows.start + begin, rows.start + end)
        windows = cut_windows(places.first[block], places.last[block], segment_tokens, tokens, context)
        sizes = windows.core_last - windows.core_first
        release(genome.tokens)
        ids = genome.tokens[runs(windows.core_first, sizes)]
        yield Block(block.start, end - begin, windows, ids, *occurrences.choose(ids), np.cumsum(sizes) - sizes)
        begin = end


class StatesFile:
    """Single tokens with their states, written some megabytes at a time: token (id), chrom, start, end, region, and `state_i` of
    each layer. `left`, int64 [regions]: the first base of each region in the genome's codes.
    """

    def __init__(
        self,
        writer: Writer,
        genome: TokenisedGenome,
        regions: pd.DataFrame,
        left: np.ndarray,
        layers: list,
        hidden: int,
    ):
        self.writer, self.genome, self.regions, self.left, self.layers = writer, genome, regions, left, layers
        # so that a file without a token has its columns, too
        none = np.zeros(0, np.int64)
        self.waiting, self.bytes = [(none, none, np.zeros((len(layers), 0, hidden), np.float16))], 0

    def add(self, rows: np.ndarray, positions: np.ndarray, states: np.ndarray) -> None:
        """Add tokens by the row of their region and their position in the genome, with float16 states [L, tokens, hidden]."""
        self.waiting.append((rows, positions, states))
        self.bytes += states.nbytes
        if self.bytes > STATES_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if not self.waiting:
            return
        parts = zip(*self.waiting, strict=True)
        rows, positions, states = (np.concatenate(part, axis) for part, axis in zip(parts, (0, 0, 1), strict=True))
        ids = self.genome.tokens[positions]
        start = self.genome.bases_at(positions) - self.left[rows] + self.regions["start"].to_numpy()[rows]
        table = {
            "token": ids.astype(np.int32),
            "chrom": self.regions["chrom"].iloc[rows].to_numpy(),
            "start": start,
            "end": start + self.genome.vocabulary.widths[ids],
            "region": rows,
        }
        self.waiting, self.bytes = [], 0
        for layer, values in zip(self.layers, states, strict=True):
            table[f"state_{layer}"] = half(values, f"layer {layer}")
        self.writer.write(table)
