"""Runs of regions that are written together, and the windows of them that are read together, so that few are in memory at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from grover.embeddings.occurrences import Occurrences
from grover.embeddings.readout import Bags, add_rows, runs, to_device
from grover.embeddings.region_table import Places, Windows, cut_windows
from grover.embeddings.vectors import POOLINGS, Writer, half
from grover.runtime.files import release
from grover.tokenization.genome_tokens import TokenisedGenome

REGIONS_AT_ONCE, TOKENS_AT_ONCE = 1_024, 1 << 20
STATES_AT_ONCE = 1 << 24  # bytes of states of single tokens that are written together


class Means:
    """Vectors of the regions from row `begin` on, added up window by window, so that few windows of a long region are in memory.

    tokens: int64 [regions], tokens of each. A region has the mean over its tokens, and the mean [CLS] of its windows weighted by tokens.
    """

    def __init__(self, begin: int, tokens: np.ndarray):
        self.begin, self.tokens = begin, tokens
        self.lacking = int(tokens.sum())
        self.sums: torch.Tensor | None = None

    def add(self, rows: np.ndarray, shares: torch.Tensor, tokens: int) -> bool:
        """Add the shares, [L, 2, rows, hidden], that windows with so many tokens have in the vectors of distinct `rows`; true where no
        window lacks any more.
        """
        if self.sums is None:
            size = (len(shares), len(POOLINGS), len(self.tokens), shares.shape[-1])
            self.sums = torch.zeros(size, dtype=torch.float32, device=shares.device)
        add_rows(self.sums.flatten(0, 1), rows, shares.flatten(0, 1))
        self.lacking -= tokens
        return not self.lacking

    def table(self, regions: pd.DataFrame, layers: list[int]) -> dict[str, np.ndarray]:
        """Return the rows of a file of embeddings (`grover.embeddings.vectors`)."""
        rows = np.arange(self.begin, self.begin + len(self.tokens))
        places = {column: regions[column].iloc[rows].to_numpy() for column in ("chrom", "start", "end")}
        table: dict[str, np.ndarray] = {"region": rows, **places, "tokens": self.tokens.astype(np.int32)}
        assert self.sums is not None, "a table is made of what was added"
        halves = self.sums.half().cpu().numpy()
        for layer, of_layer in zip(layers, halves, strict=True):
            for pooling, vectors in zip(POOLINGS, of_layer, strict=True):
                table[f"{pooling}_{layer}"] = half(vectors, f"layer {layer}")
        return table

    @classmethod
    def empty(cls, begin: int, layers: int, hidden: int) -> "Means":
        """Vectors of a shard without regions."""
        answer = cls(begin, np.zeros(0, np.int64))
        answer.add(np.zeros(0, np.int64), torch.zeros(layers, len(POOLINGS), 0, hidden), 0)
        return answer


@dataclass(frozen=True)
class Block:
    """Windows of regions that are read together, and what is known of them.

    windows: their regions count from the first of `means`; begins: how many regions begin in each; ids, used and stored (bool): of all
    tokens of the windows' cores, one behind the other; at, int64 [windows]: where the core of each begins among these.
    """

    means: Means
    windows: Windows
    begins: np.ndarray
    ids: np.ndarray
    used: np.ndarray
    stored: np.ndarray
    at: np.ndarray

    def core_tokens(self, windows: np.ndarray) -> np.ndarray:
        """Where the core tokens of windows lie among those of the block, window by window, int64."""
        return runs(self.at[windows], self.windows.core_sizes[windows])

    def where(self, tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The row of the region of tokens of the block, and their positions in the genome, both int64."""
        window = np.searchsorted(self.at, tokens, side="right") - 1
        row, position = self.means.begin + self.windows.region, self.windows.core_first - self.at
        return row[window], position[window] + tokens

    def shares(self, windows: np.ndarray, pooled: torch.Tensor) -> tuple[np.ndarray, torch.Tensor, int]:
        """What `Means.add` takes of windows, whose states of [CLS] and sums over the core are pooled as [L, 2, windows, hidden]."""
        region, sizes = self.windows.region[windows], self.windows.core_sizes[windows]
        share = 1 / self.means.tokens[region]
        weights = {"cls": sizes * share, "mean": share}
        bags = Bags.of(region, np.arange(len(windows)), pooled.device)
        by_row = [to_device(weights[name].astype(np.float32), pooled.device)[bags.rows] for name in POOLINGS]
        sums = [bags.sum(states, weight) for layer in pooled for states, weight in zip(layer, by_row, strict=True)]
        return bags.keys, torch.stack(sums).unflatten(0, pooled.shape[:2]), int(sizes.sum())


def blocks(
    genome: TokenisedGenome,
    rows: range,
    places: Places,
    segment_tokens: np.ndarray,
    tokens: int,
    context: int,
    occurrences: Occurrences,
) -> Iterator[Block]:
    """The regions of `rows` in blocks, with their windows of at most `tokens` tokens, `context` of them on both sides of the core.

    A block holds many regions, or some windows of one that is too long for a block.
    """
    ends = np.cumsum((places.last - places.first)[rows.start : rows.stop])
    begin = 0
    while begin < len(rows):
        # one region at least, however long
        most = np.searchsorted(ends, (ends[begin - 1] if begin else 0) + TOKENS_AT_ONCE, side="right")
        end = int(max(begin + 1, min(begin + REGIONS_AT_ONCE, most)))
        run = slice(rows.start + begin, rows.start + end)
        first, last = places.first[run], places.last[run]
        means = Means(run.start, last - first)
        of_run = cut_windows(first, last, segment_tokens, tokens, context)
        begins = np.diff(of_run.region, prepend=-1)
        number = max(1, TOKENS_AT_ONCE // tokens) if end == begin + 1 else len(begins)
        for piece in range(0, len(begins), number):
            some = slice(piece, piece + number)
            windows, sizes = of_run[some], of_run.core_sizes[some]
            release(genome.tokens)
            ids = genome.tokens[runs(windows.core_first, sizes)]
            yield Block(means, windows, begins[some], ids, *occurrences.choose(ids), np.cumsum(sizes) - sizes)
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
        layers: list[int],
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
        fields = zip(*self.waiting, strict=True)
        rows, positions, states = (np.concatenate(field, axis) for field, axis in zip(fields, (0, 0, 1), strict=True))
        ids = self.genome.tokens[positions]
        start = self.genome.bases_at(positions) - self.left[rows] + self.regions["start"].to_numpy()[rows]
        table = {
            "token": ids.astype(np.int32),
            "chrom": self.regions["chrom"].iloc[rows].to_numpy(),
            "start": start,
            "end": start + self.genome.vocabulary.spans[ids],
            "region": rows,
        }
        self.waiting, self.bytes = [], 0
        for layer, values in zip(self.layers, states, strict=True):
            table[f"state_{layer}"] = half(values, f"layer {layer}")
        self.writer.write(table)
