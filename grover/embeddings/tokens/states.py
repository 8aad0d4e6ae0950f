"""Stored states of the tokens of a genome: sums over their occurrences, and a sample of occurrences with their states.

`embed.py` writes both shard by shard; this module reads all shards of one model. One layer of states at a time is in memory.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from grover.embeddings.vectors import KEY, Embeddings, check_shards, open_embeddings
from grover.runtime.errors import InputError
from grover.runtime.failures import number_of

SUMS = ("layers", "count", "sum", "used", "unit")


@dataclass(frozen=True)
class Sums:
    """Sums over the occurrences of each token, of all shards of a genome.

    count: int64 [V], occurrences; total: float64 [L, V, H], sum of their states; used: int64 [V], occurrences that are compared; unit:
    float64 [L, V, H], sum of their states scaled to length 1; layers: those kept.
    """

    layers: tuple[int, ...]
    count: np.ndarray
    total: np.ndarray
    used: np.ndarray
    unit: np.ndarray

    def averages(self) -> np.ndarray:
        """Return the average state of each token, float32 [L, V, H]; 0 for tokens that do not occur."""
        return (self.total / np.maximum(self.count, 1)[:, None]).astype(np.float32)


def read_sums(paths: list[Path]) -> Sums:
    """Add up the sums of all shards of one model.

    Raises an InputError where `embed.py` did not write a file, and where a shard is missing or given twice. Raises it for shards of
    different models or regions, too.
    """
    shards = []
    for path in paths:
        metadata = json.loads(str(_read(path, (KEY.decode(),))[0]))
        shards.append((metadata["shard"], path, metadata))
    names = sorted({metadata["name"] for _, _, metadata in shards})
    if len(names) != 1:
        raise InputError(f"the sums are those of {' and '.join(names)}; give the shards of one model")
    check_shards(names[0], shards)
    layers, *added = _read(paths[0], SUMS)
    for path in paths[1:]:
        for total, values in zip(added, _read(path, SUMS)[1:], strict=True):
            total += values
    return Sums(tuple(map(int, layers)), *added)


def _read(path: Path, keys: tuple[str, ...]) -> list[np.ndarray]:
    try:
        with np.load(path) as stored:
            return [stored[key] for key in keys]
    except (OSError, ValueError, BadZipFile, KeyError, EOFError, TypeError, AttributeError) as error:
        if number_of(error) is not None:
            raise  # it cannot be read at all
        raise InputError(
            f"{path} contains no sums of tokens; expected {', '.join(SUMS)} and their metadata, as embed.py writes them"
        ) from None


def open_contexts(paths: list[Path]) -> Embeddings:
    """Open the stored contexts of one model, from the files of all its shards."""
    found = open_embeddings(paths)
    if len(found) != 1:
        raise InputError(f"the contexts are those of {' and '.join(sorted(found))}; give the shards of one model")
    return next(iter(found.values()))


def occurrences(stored: Embeddings) -> pd.DataFrame:
    """Return chrom, start, end of the tokens of the stored contexts, in the order of the files."""
    return pd.DataFrame({name: stored.column(name) for name in ("chrom", "start", "end")})


def by_token(stored: Embeddings, vocabulary: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the order of the stored contexts by token, int64 [rows], and the first row of each token in it, int64 [vocabulary + 1]."""
    tokens = stored.column("token")
    if len(tokens) and not 0 <= tokens.min() <= tokens.max() < vocabulary:
        raise InputError(
            f"{stored.paths[0]} contains the token {tokens.max()}, but the sums have {vocabulary} tokens; give those of one model"
        )
    order = np.argsort(tokens, kind="stable")
    return order, np.searchsorted(tokens[order], np.arange(vocabulary + 1))


def sorted_states(stored: Embeddings, layer: int, order: np.ndarray) -> np.ndarray:
    """Read the states of one layer in the given order, float16 [rows, hidden], without a second copy in memory."""
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    states = np.empty((len(order), stored.hidden), np.float16)
    done = 0
    for chunk in stored.chunks(f"state_{layer}"):
        states[place[done : done + len(chunk)]] = chunk.flatten().to_numpy(zero_copy_only=False).reshape(len(chunk), -1)
        done += len(chunk)
    return states
