"""Files of embeddings: Parquet, one row per region (or token in its context), one column of float16 vectors per layer and pooling.

The metadata state what they were made with. The key `grover` contains JSON with `name`, `model` (SHA-256 of the
weights; for random weights, that of the pretrained ones of the same shape); `initial` (`pretrained` or `random`); `layers`,
`hidden`, `shard`, `shards`; `regions` (SHA-256 of the table of regions). Other tools read the vectors as columns of lists:
`pandas.read_parquet(file, columns=["mean_3"])`.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from grover.runtime.errors import InputError
from grover.runtime.failures import number_of
from grover.runtime.files import atomic, checksum

KEY = b"grover"
POOLINGS = ("cls", "mean")
SAME_IN_ALL_SHARDS = ("model", "initial", "layers", "hidden", "shards", "regions")
SHOWN = 6  # characters of a checksum that a message shows


class Writer:
    """A file of embeddings, written block by block; it appears under its name when the `with` block ends without an error.

    metadata: what the head of this module lists.
    """

    def __init__(self, path: Path | str, metadata: dict):
        self.path, self.metadata = Path(path), metadata
        self._stream: pq.ParquetWriter | None = None

    def __enter__(self) -> "Writer":
        with ExitStack() as stack:
            self._temporary = stack.enter_context(atomic(self.path))
            # called first of the two, so that the file is whole when it gets its name
            stack.callback(self._close)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return self._stack.__exit__(kind, error, trace)

    def write(self, table: dict[str, np.ndarray]) -> None:
        """Append rows as one row group; 2-d arrays become lists of fixed size and keep their type of number.

        Every call gives the same columns; a first one without rows makes an empty file.
        """
        columns = pa.table({name: _column(values) for name, values in table.items()})
        if self._stream is None:
            schema = columns.schema.with_metadata({KEY: json.dumps(self.metadata).encode()})
            # states hardly compress and have no values in common
            texts = [field.name for field in schema if pa.types.is_string(field.type)]
            self._stream = pq.ParquetWriter(self._temporary, schema, compression="none", use_dictionary=texts)
        self._stream.write_table(columns, row_group_size=max(1, len(columns)))

    def _close(self) -> None:
        if self._stream is not None:
            self._stream.close()


def half(vectors: np.ndarray, what: str) -> np.ndarray:
    """Convert vectors to float16.

    Raises an InputError, beginning with `what`, where a number is not finite or exceeds 65,504. States end in a layer norm and stay within
    a few dozen, so that only a diverged model has such numbers.
    """
    with np.errstate(over="ignore"):
        halves = np.asarray(vectors).astype(np.float16, copy=False)
    if not np.isfinite(halves).all():
        raise InputError(
            f"{what}: states are not finite or exceed 65,504, the most that float16 holds; the training of this model has diverged"
        )
    return halves


@dataclass(frozen=True)
class Embeddings:
    """The embeddings that one model gives regions, in the files `paths` of its shards.

    model: SHA-256 of the weights, for random ones that of the pretrained file of the same shape; initial: pretrained or random;
    layers: those kept, ascending; hidden: width.
    """

    name: str
    model: str
    initial: str
    layers: tuple[int, ...]
    hidden: int
    paths: tuple[Path, ...]

    @property
    def poolings(self) -> tuple[str, ...]:
        """Those of `cls` and `mean` that the files contain: a model without [CLS] has the mean only."""
        columns = pq.read_schema(self.paths[0]).names
        return tuple(name for name in POOLINGS if any(column.startswith(f"{name}_") for column in columns))

    def regions(self) -> pd.DataFrame:
        """Tabulate region, chrom, start, end, tokens, one row per vector."""
        names = ["region", "chrom", "start", "end", "tokens"]
        return pd.concat([pq.read_table(path, columns=names).to_pandas() for path in self.paths], ignore_index=True)

    def vectors(self, pooling: str, layer: int | None = None) -> np.ndarray:
        """Read the vectors, float32 [regions, hidden], of a pooling (`cls` or `mean`) and a layer (by default the last)."""
        layer = self.layers[-1] if layer is None and self.layers else layer
        if pooling not in self.poolings or layer not in self.layers:
            raise InputError(
                f"{self.paths[0]} contains no vectors {pooling!r} of layer {layer} of {self.name}; it has {' and '.join(self.poolings)} "
                f"of the layers {', '.join(map(str, self.layers)) or '(none)'}"
            )
        return self.column(f"{pooling}_{layer}")

    def column(self, name: str) -> np.ndarray:
        """Read one column of all shards: vectors as float32 [rows, dimension], others as [rows] of their type."""
        files = [pq.ParquetFile(path) for path in self.paths]
        for file in files:
            if name not in file.schema_arrow.names:
                raise InputError(
                    f"{self.paths[0]} has no column {name}; it has {', '.join(file.schema_arrow.names[:8])}, ..."
                )
        kind = files[0].schema_arrow.field(name).type
        if not pa.types.is_fixed_size_list(kind):
            return np.concatenate([file.read([name])[name].to_numpy() for file in files])
        vectors = np.empty((sum(file.metadata.num_rows for file in files), kind.list_size), np.float32)
        done = 0
        for chunk in self.chunks(name):
            values = chunk.flatten().to_numpy(zero_copy_only=False)
            vectors[done : done + len(chunk)] = values.reshape(len(chunk), kind.list_size)
            done += len(chunk)
        return vectors

    def chunks(self, name: str) -> Iterator[pa.Array]:
        """Yield one column of all shards group by group, so that little is in memory at a time."""
        for path in self.paths:
            with pq.ParquetFile(path) as file:
                for group in range(file.num_row_groups):
                    yield from file.read_row_group(group, [name])[name].chunks


def read_metadata(path: Path | str) -> dict:
    """Read the metadata of a file of embeddings. Raises an InputError where it is no such file."""
    try:
        found = json.loads((pq.read_schema(path).metadata or {})[KEY])
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        if number_of(error) is not None:
            raise  # it cannot be read at all
        raise InputError(
            f"{path} is no file of embeddings; expected Parquet as the commands embed.py and embed_external.py write it"
        ) from None
    return found


def open_embeddings(paths: list[Path], regions: Path | None = None) -> dict[str, Embeddings]:
    """Open embeddings by name, from the files of all their shards in any order.

    regions: the table that they must have been made of. Raises an InputError where a shard is missing or given twice, or where shards come
    from different weights or regions.
    """
    by_name: dict[str, list] = {}
    for path in paths:
        by_name.setdefault((said := read_metadata(path))["name"], []).append((said.get("shard", 0), Path(path), said))
    answer = {name: _joined(name, sorted(shards, key=lambda shard: shard[0])) for name, shards in by_name.items()}
    firsts = [(shards[0][1], shards[0][2]) for shards in by_name.values()]
    expected = checksum(regions) if regions is not None else firsts[0][1].get("regions") if firsts else None
    for path, said in firsts:
        if said.get("regions") != expected:
            raise InputError(
                f"{path}: these embeddings are of other regions than {regions or firsts[0][0]}; embed the same table of regions again"
            )
    return answer


def expect(embeddings: dict[str, Embeddings], name: str) -> Embeddings:
    """Return the embeddings of a model by name; an InputError lists those that there are."""
    if name not in embeddings:
        held = ", ".join(f"{each.name} (weights {each.model[:SHOWN]})" for each in embeddings.values())
        first = next(iter(embeddings.values())).paths[0] if embeddings else "no file"
        raise InputError(
            f"{first} contains embeddings of {held or 'nothing'}, not of {name}; give the files that embed.py wrote for {name}"
        )
    return embeddings[name]


def check_weights(embeddings: dict[str, Embeddings], weights: dict[str, Path]) -> None:
    """Raise an InputError where the embeddings of a name do not come from the weights in the file of this name.

    A randomly initialised model names the pretrained weights of its shape.
    """
    # a model and the randomly initialised model of its size name the same file
    found = {path: checksum(path) for path in {*weights.values()}}
    for name, path in weights.items():
        each = expect(embeddings, name)
        if each.model != found[path]:
            raise InputError(
                f"{each.paths[0]}: the embeddings of {name} come from the weights {_short(each.model)}, but {path} contains "
                f"{_short(found[path])}; delete them and run again, or name the model that made them"
            )


def _joined(name: str, shards: list[tuple[int, Path, dict]]) -> Embeddings:
    """Join the shards of one name, given in order."""
    check_shards(name, shards)
    said, paths = shards[0][2], tuple(path for _, path, _ in shards)
    layers = tuple(said.get("layers", ()))
    return Embeddings(name, said.get("model", ""), said.get("initial", ""), layers, said.get("hidden", 0), paths)


def check_shards(name: str, shards: list[tuple[int, Path, dict]]) -> None:
    """Raise an InputError where files (number of the shard, path, what it says about itself) are not all shards of one name, each once."""
    _, path, said = shards[0]
    for _, other, told in shards[1:]:
        for key in SAME_IN_ALL_SHARDS:
            if told.get(key) != said.get(key):
                raise InputError(
                    f"{other} and {path} are no shards of the same embeddings of {name}: {key} is {_short(told.get(key))} and "
                    f"{_short(said.get(key))}; delete the older one and run again"
                )
    numbers, count = [number for number, _, _ in shards], said.get("shards", 1)
    lacking = sorted(set(range(count)) - set(numbers))
    if lacking or len(numbers) != count:
        missing = f"shard {lacking[0]} of {count} is missing" if lacking else "a shard was given twice"
        raise InputError(f"embeddings of {name}: {missing} beside {path}; give each of the {count} shards once")


def _short(value: Any) -> str:
    return value[:SHOWN] if isinstance(value, str) and len(value) == 64 else str(value)


def _column(values: np.ndarray) -> pa.Array:
    values = values if isinstance(values, pd.Series) else np.asarray(values)
    if values.ndim == 1:
        return (
            pa.array(values, pa.string()) if values.dtype.kind in "OUT" or values.dtype == "str" else pa.array(values)
        )
    flat = pa.array(np.ascontiguousarray(values).ravel())
    kind = pa.list_(pa.field("element", flat.type, nullable=False), values.shape[1])
    return pa.FixedSizeListArray.from_arrays(flat, type=kind)
