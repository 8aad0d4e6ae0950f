"""How similar the embeddings of a region and of its reverse complement are, which is the same stretch of the genome on the other strand.

Both are tokenised anew from the bare sequence, without their surroundings. Vectors of a trained model point in similar directions
(Ethayarajh 2019), so that any two are similar. The baseline is the similarity of a region and the reverse complement of another one.
Subtracting the mean of all vectors ("centred") removes the common direction.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from transformers import BertModel

from grover.embeddings.embed import embed_sequences
from grover.genome.bases import reverse_complement
from grover.runtime.progress import Progress
from grover.statistics import bootstrap
from grover.statistics.blocks import LARGEST
from grover.tokenization.vocabulary import Vocabulary

BASES = 1 << 22  # of regions that are embedded at a time
ROWS = 1024  # regions compared with all others at a time
NOTHING = 1e-6  # length of a vector that counts as 0
EQUAL = 1e-12  # difference of cosines that counts as 0


def cut(tokens: np.ndarray, longest: int) -> list[np.ndarray]:
    """Cut a sequence of tokens into as few pieces of equal length as have at most `longest` tokens each."""
    return np.array_split(tokens, max(1, -(-len(tokens) // longest)))


def embed_whole(
    encoder: BertModel,
    sequences: list[np.ndarray],
    longest: int,
    layers: Sequence[int],
    device: torch.device,
    precision: str,
) -> dict[tuple[str, int], np.ndarray]:
    """Embed sequences of token ids of any length; returns vectors, float32 [sequences, hidden], by pooling and layer.

    Sequences above `longest` tokens are read in pieces, whose vectors are averaged with weights by their tokens.
    """
    pieces = [cut(tokens, longest) for tokens in sequences]
    owner = np.repeat(np.arange(len(sequences)), [len(of_one) for of_one in pieces])
    flat = [piece for of_one in pieces for piece in of_one]
    weight = np.array([len(piece) for piece in flat]) / np.array([len(sequences[row]) for row in owner])
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    found = embed_sequences(encoder, flat, layers, device, precision)
    return {key: np.add.reduceat(vectors * weight[:, None].astype(np.float32), first) for key, vectors in found.items()}


def embed_strands(
    encoder: BertModel,
    codes: list[np.ndarray],
    vocabulary: Vocabulary,
    longest: int,
    layers: Sequence[int],
    device: torch.device,
    precision: str,
) -> dict[tuple[str, int], tuple[np.ndarray, np.ndarray]]:
    """Embed sequences (uint8 codes) and their reverse complements; returns both, float32 [regions, hidden], by pooling and layer.

    A few million bases are read at a time, so that only the vectors and one such run are in memory.
    """
    run = np.cumsum([len(sequence) for sequence in codes]) // BASES
    found = []
    with Progress(len(codes), "strands", "regions") as bar:
        for rows in np.split(np.arange(len(codes)), np.flatnonzero(np.diff(run)) + 1):
            forward = [np.asarray(codes[row]) for row in rows]
            tokens = vocabulary.encode_each([*forward, *map(reverse_complement, forward)], torch.get_num_threads())
            vectors = embed_whole(encoder, tokens, longest, layers, device, precision)
            found.append({key: np.split(both, 2) for key, both in vectors.items()})
            bar.update(len(rows))
    return {
        key: (np.concatenate([run[key][0] for run in found]), np.concatenate([run[key][1] for run in found]))
        for key in found[0]
    }


def compare_strands(
    vectors: dict[tuple[str, int], tuple[np.ndarray, np.ndarray]], regions: pd.DataFrame, resamples: int, seed: int = 0
) -> pd.DataFrame:
    """Tabulate per layer and pooling: layer, pooling, n, similarity, low, high, baseline, adjusted, adjusted_low, adjusted_high, nearest,
    chance, centred_similarity, centred_low, centred_high.

    vectors as `embed_strands` gives them; regions: chrom, start, end, the rows in the same order. `similarity` is the mean cosine of a
    region and its reverse complement; `baseline` is that of a region and the reverse complement of another one; `adjusted` is their
    difference. Intervals are those of a bootstrap over blocks of the genome. `centred_similarity` is the cosine after subtracting the mean
    of all vectors. `nearest` is the share of regions whose own reverse complement is then nearer than that of any other region. For a
    single region, what needs other regions is missing.
    """
    block = bootstrap.blocks(regions.assign(sequence=""), LARGEST)
    drawn = bootstrap.draw(block.max() + 1, resamples, seed).astype(np.float64)
    rows = []
    for (pooling, layer), (forward, backward) in sorted(vectors.items(), key=lambda item: item[0][::-1]):
        ours, theirs = unit(forward), unit(backward)
        middle = (forward.mean(0, dtype=np.float64) + backward.mean(0, dtype=np.float64)) / 2
        centred = unit(forward - middle), unit(backward - middle)
        of_draw = pair_means(ours, theirs, block, drawn)
        (similarity,), (baseline,) = pair_means(ours, theirs, block, np.ones((1, drawn.shape[1])))
        low, high = bootstrap.interval(of_draw[0], 1)
        centred_low, centred_high = bootstrap.interval(pair_means(*centred, block, drawn)[0], 1)
        adjusted_low, adjusted_high = bootstrap.interval(of_draw[0] - of_draw[1])
        rows.append(
            {
                "layer": layer,
                "pooling": pooling,
                "n": len(forward),
                "similarity": similarity,
                "low": low,
                "high": high,
                "baseline": baseline,
                "adjusted": similarity - baseline,
                "adjusted_low": adjusted_low,
                "adjusted_high": adjusted_high,
                "nearest": nearest(*centred) if len(forward) > 1 else np.nan,
                "chance": 1 / len(forward),
                "centred_similarity": (centred[0] * centred[1]).sum(1).mean(),
                "centred_low": centred_low,
                "centred_high": centred_high,
            }
        )
    return pd.DataFrame(rows)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Scale vectors to length 1, float64; those whose length is only rounding of float32 become 0."""
    vectors = np.asarray(vectors, np.float64)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > NOTHING)


def pair_means(
    ours: np.ndarray, theirs: np.ndarray, block: np.ndarray, drawn: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the mean cosine of the pairs (i, i) and of the pairs (i, j) with j not i, both float64 [resamples].

    There is one value for each draw of blocks.
    ours, theirs: vectors of length 1, [regions, hidden]; block: int64 [regions]; drawn: how often each block is drawn, float64
    [resamples, blocks]. A region drawn twice makes no pair (i, j) with itself.
    """
    number = drawn.shape[1]
    size = np.bincount(block, minlength=number).astype(np.float64)
    own = np.bincount(block, (ours * theirs).sum(1), number)
    sums = [np.stack([np.bincount(block, column, number) for column in side.T], 1) for side in (ours, theirs)]
    every = ((drawn @ sums[0]) * (drawn @ sums[1])).sum(1)
    pairs = (drawn @ size) ** 2 - drawn**2 @ size
    others = np.divide(every - drawn**2 @ own, pairs, out=np.full(len(drawn), np.nan), where=pairs > 0)
    return (drawn @ own) / (drawn @ size), others


def nearest(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Compute the share of rows i of `ours` to which row i of `theirs` is the nearest by cosine; m equally near rows count 1 / m."""
    found = 0.0
    for first in range(0, len(ours), ROWS):
        cosines = ours[first : first + ROWS] @ theirs.T
        own = cosines[np.arange(len(cosines)), first + np.arange(len(cosines))][:, None]
        nearer, equal = (cosines > own + EQUAL).any(1), (np.abs(cosines - own) <= EQUAL).sum(1)
        found += (~nearer / equal).sum()
    return found / len(ours)
