"""The embedding engine: windows of tokens through an encoder, and of their states what is kept of regions and tokens.

Of a region: the mean over the states of its tokens, and the state of [CLS] (Sanabria et al. 2024). Of a token: sums over its occurrences
and the states of some of them. All are layer by layer. Windows lie end to end by length (`grover.network.packed`), so that no padding is
computed. Everything is written block by block, so that memory does not grow with the genome.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
import torch
from transformers import AutoModel, BertModel

from grover.embeddings.occurrences import Occurrences
from grover.embeddings.readout import Pack, Readout, add_rows, read_out
from grover.embeddings.region_blocks import Block, Means, StatesFile, blocks
from grover.embeddings.region_table import Places, Windows
from grover.embeddings.vectors import POOLINGS, Writer
from grover.network.attention import choose_attention
from grover.network.bert import check_length, load_config
from grover.network.device import autocast
from grover.network.forward import layer_states
from grover.network.inference import TOKENS_AT_ONCE, each, evaluating, threads_for
from grover.network.initialisation import begin
from grover.network.packed import group_by_tokens
from grover.network.transfer import Copied
from grover.runtime.errors import InputError
from grover.runtime.progress import Progress
from grover.tokenization.genome_tokens import TokenisedGenome

Item = TypeVar("Item")


def load_encoder(folder: Path | str, random: bool = False, seed: int = 0) -> BertModel:
    """The encoder of the pretrained model in a Hugging Face folder; with `random` a randomly initialised model of the same size."""
    config = load_config(Path(folder))
    if random:
        torch.manual_seed(seed)
        encoder = AutoModel.from_config(config, add_pooling_layer=False)
        begin(encoder)
        return encoder.eval()
    return AutoModel.from_pretrained(folder, add_pooling_layer=False).eval()


def choose_layers(encoder: BertModel, layers: Sequence[int] = ()) -> list[int]:
    """The layers to keep, ascending: those asked for, or for none all from 0 (what the first layer reads) to the last."""
    number = encoder.config.num_hidden_layers
    if unknown := set(layers) - set(range(number + 1)):
        raise InputError(f"layers: {min(unknown)} is none of the model's, which are 0 (its input) to {number}")
    return sorted(set(layers)) or list(range(number + 1))


def embed_sequences(
    encoder: BertModel,
    inputs: Sequence[np.ndarray],
    layers: Sequence[int],
    device: torch.device | str,
    precision: str,
) -> dict[tuple[str, int], np.ndarray]:
    """Vectors, float32 [rows, hidden], of sequences of token ids without specials, by pooling (`cls` or `mean`) and layer.

    A sequence too long for the encoder raises an InputError.
    """
    lengths = np.array([len(tokens) for tokens in inputs], np.int64)
    layers = choose_layers(encoder, layers)
    tokens, ends = np.concatenate(inputs), np.cumsum(lengths)
    windows = Windows(np.arange(len(inputs)), ends - lengths, lengths, ends - lengths, ends)
    found = embed_windows(encoder, tokens, windows, layers, device, precision)
    return {(pooling, layer): found[i, j] for i, layer in enumerate(layers) for j, pooling in enumerate(POOLINGS)}


def embed_windows(
    encoder: BertModel,
    tokens: np.ndarray,
    windows: Windows,
    layers: Sequence[int],
    device: torch.device | str,
    precision: str,
) -> np.ndarray:
    """Vectors, float32 [layers, poolings, regions, hidden], of regions that are read in one window each or in several.

    windows: of `tokens`, all of one region and those of the regions 0, 1, ... in order. A region has the mean over the tokens of its cores,
    and the mean [CLS] of its windows weighted by these tokens. A window too long for the encoder raises an InputError.
    """
    device = torch.device(device)
    check_length(int(windows.length.max()), encoder.config.max_position_embeddings, "sequences")
    sizes = windows.core_sizes
    total = np.bincount(windows.region, sizes)
    share = (sizes / total[windows.region]).astype(np.float32)
    answer = np.zeros((len(layers), len(POOLINGS), len(total), encoder.config.hidden_size), np.float32)

    def compute(rows: np.ndarray) -> tuple[np.ndarray, Copied]:
        pack = Pack.of(tokens, windows, rows, device)
        with torch.inference_mode(), autocast(device, precision):
            layer_by_layer = layer_states(encoder, pack.ids, pack.layout, layers, attention=attention)
            return rows, Copied(torch.stack([pack.pooled(states.float()) for states in layer_by_layer]))

    attention = choose_attention(device, training=False)
    groups = group_by_tokens(windows.length, TOKENS_AT_ONCE[device.type])
    with evaluating(encoder, device):
        for rows, pooled in _one_late(each(compute, groups, threads_for(device, len(groups))), device):
            found = pooled.tensor().numpy()
            found[:, 0] *= share[rows, None]
            for number, region in enumerate(windows.region[rows]):
                answer[:, :, region] += found[:, :, number]
    answer[:, 1] /= total[:, None]
    return answer


@dataclass(frozen=True)
class Reading:
    """How regions are read: in windows of at most `tokens` tokens with `context` of them on both sides of the core. States of `layers`
    (ascending) are kept; of each token at most `contexts` occurrences are compared and `stored` of these kept; this is `shard` of
    `shards` runs of regions.
    """

    tokens: int
    context: int
    layers: list[int]
    contexts: int
    stored: int
    shard: int
    shards: int

    def rows(self, regions: int) -> range:
        """The rows of the table of regions that this shard holds."""
        return range(regions * self.shard // self.shards, regions * (self.shard + 1) // self.shards)


@dataclass(frozen=True)
class Regions:
    """Regions to embed: their `table` (chrom, start, end), and where they are.

    segment_tokens: the first token of each segment, followed by the end of the last.
    """

    table: pd.DataFrame
    places: Places
    segment_tokens: np.ndarray


@dataclass(frozen=True)
class Outputs:
    """What is written: the vectors of the regions, the contexts kept of each token, and, where asked for, the states of all tokens."""

    vectors: Writer
    contexts: Writer
    states: Writer | None = None


def embed(
    encoder: BertModel,
    genome: TokenisedGenome,
    regions: Regions,
    reading: Reading,
    outputs: Outputs,
    device: torch.device | str,
    precision: str,
) -> dict[str, np.ndarray]:
    """Embed one shard of the regions and write it.

    Vectors are written in the order of the regions, contexts and states in that of the computation. Returns sums over the occurrences
    of each token: count, int64 [V]; sum, float64 [L, V, hidden], of their states; used, int64 [V], occurrences that are compared; unit,
    float64 [L, V, hidden], sum of their states scaled to length 1; and layers, int64 [L].
    """
    device, layers, rows = torch.device(device), reading.layers, reading.rows(len(regions.table))
    places = regions.places
    size, hidden = encoder.config.vocab_size, encoder.config.hidden_size
    check_length(reading.tokens, encoder.config.max_position_embeddings, "windows")
    occurrences = Occurrences(
        genome.tokens, places.first, places.last, rows.start, size, reading.contexts, reading.stored
    )
    sums, units = torch.zeros(2, len(layers), size, hidden, dtype=torch.float64, device=device)
    files = [
        StatesFile(writer, genome, regions.table, places.left, layers, hidden)
        for writer in (outputs.contexts, outputs.states)
        if writer
    ]
    stored, whole = files[0], files[1] if len(files) > 1 else None

    def compute(item: tuple[Block, np.ndarray]) -> tuple[Block, np.ndarray, np.ndarray, Readout, Copied, tuple]:
        block, windows = item
        pack = Pack.of(genome.tokens, block.windows, windows, device)
        tokens = block.core_tokens(windows)
        kept = np.full(len(tokens), True) if whole else block.stored[tokens]
        with torch.inference_mode(), autocast(device, precision):
            found = read_out(encoder, pack, block.ids[tokens], block.used[tokens], kept, layers)
        return block, windows, tokens[kept], found, Copied(found.kept), block.shares(windows, found.pooled)

    work = (
        (block, windows)
        for block in blocks(genome, rows, places, regions.segment_tokens, reading.tokens, reading.context, occurrences)
        for windows in group_by_tokens(block.windows.length, TOKENS_AT_ONCE[device.type])
    )
    with Progress(len(rows), "embed", "regions") as bar, evaluating(encoder, device):
        for block, windows, tokens, found, states, shares in _one_late(
            each(compute, work, threads_for(device)), device
        ):
            add_rows(sums, found.ids, found.sums)
            add_rows(units, found.used_ids, found.units)
            of_region, positions = block.where(tokens)
            kept = states.tensor().numpy()
            if whole:
                whole.add(of_region, positions, kept)
            chosen = block.stored[tokens]
            stored.add(of_region[chosen], positions[chosen], kept[:, chosen])
            if block.means.add(*shares):
                outputs.vectors.write(block.means.table(regions.table, layers))
            bar.update(int(block.begins[windows].sum()))
    if not rows:
        outputs.vectors.write(Means.empty(rows.start, len(layers), hidden).table(regions.table, layers))
    for file in files:
        file.flush()
    return {
        "count": occurrences.count,
        "sum": sums.cpu().numpy(),
        "used": occurrences.used_count,
        "unit": units.cpu().numpy(),
        "layers": np.array(layers, np.int64),
    }


def _one_late(items: Iterator[Item], device: torch.device) -> Iterator[Item]:
    """The items; a GPU gets the next one before this one is looked at, so that it does not wait for what is done with it."""
    held: list[Item] = []
    for item in items:
        held.append(item)
        if len(held) > (device.type != "cpu"):
            yield held.pop(0)
    yield from held
