"""Files of embeddings: Parquet, one row a region (or a token in its context), one column of float16 vectors a layer and pooling.

What they were made with stands in the file: under the key `grover` of its metadata lies JSON with `name`, `model` (SHA-256 of the
weights; of a network with random weights that of the pretrained ones whose shape it has), `initial` (`pretrained` or `random`), `layers`,
`hidden`, `shard`, `shards` and `regions` (SHA-256 of the table of regions). Other tools read the vectors as columns of lists:
`pandas.read_parquet(file, columns=["mean_3"])`.
"""

import json
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from grover.runtime.errors import InputError
from grover.runtime.files import atomic, checksum

KEY = b"grover"
POOLINGS = ("cls", "mean")
SAME_IN_ALL_SHARDS = ("model", "initial", "layers", "hidden", "shards", "regions")
SHOWN = 6  # characters of a checksum that a message shows


class Writer:
    """A file of embeddings, written block by block; it appears under its name when the `with` block ends without an error.

    metadata: what the file says about itself, as the head of this module lists it.
    """

    def __init__(self, path: Path | str, metadata: dict):
        self.path, self.metadata, self._stream = Path(path), metadata, None

    def __enter__(self) -> "Writer":
        with ExitStack() as stack:
            self._temporary = stack.enter_context(atomic(self.path))
            # called first of the two, so that the file is whole when it gets its name
            stack.callback(self._close)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception) -> bool | None:
        return self._stack.__exit__(*exception)

    def write(self, table: dict[str, np.ndarray]) -> None:
        """Append rows as one row group; 2-d arrays become lists of fixed size and keep their type of number.

        Every call gives the same columns; a first one without rows makes an empty file.
        """
        table = pa.table({name: _column(values) for name, values in table.items()})
        if self._stream is None:
            schema = table.schema.with_metadata({KEY: json.dumps(self.metadata).encode()})
            # states hardly compress and have no values in common
            texts = [field.name for field in schema if pa.types.is_string(field.type)]
            self._stream = pq.ParquetWriter(self._temporary, schema, compression="none", use_dictionary=texts)
        self._stream.write_table(table, row_group_size=max(1, len(table)))

    def _close(self) -> None:
        if self._stream is not None:
            self._stream.close()


def half(vectors: np.ndarray, what: str) -> np.ndarray:
    """Vectors as float16. Raises an InputError, beginning with `what`, where a number is none or beyond 65,504: states end in a layer
    norm and lie within a few dozen, so that only a broken model has such.
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

    model: SHA-256 of the weights, of random ones that of the pretrained file whose shape they have; initial: pretrained or random;
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
        """Those of `cls` and `mean` that the files hold: a model without [CLS] has the mean alone."""
        columns = pq.read_schema(self.paths[0]).names
        return tuple(name for name in POOLINGS if any(column.startswith(f"{name}_") for column in columns))

    def regions(self) -> pd.DataFrame:
        """Table region, chrom, start, end, tokens, one row a vector."""
        names = ["region", "chrom", "start", "end", "tokens"]
        return pd.concat([pq.read_table(path, columns=names).to_pandas() for path in self.paths], ignore_index=True)

    def vectors(self, pooling: str, layer: int | None = None) -> np.ndarray:
        """Vectors, float32 [regions, hidden], of a pooling (`cls` or `mean`) and a layer (the last one where none is given)."""
        layer = self.layers[-1] if layer is None and self.layers else layer
        if pooling not in self.poolings or layer not in self.layers:
            raise InputError(
                f"{self.paths[0]} holds no vectors {pooling!r} of layer {layer} of {self.name}; it holds {' and '.join(self.poolings)} "
                f"of the layers {', '.join(map(str, self.layers)) or '(none)'}"
            )
        return self.column(f"{pooling}_{layer}")

    def column(self, name: str) -> np.ndarray:
        """One column of all shards: float32 [rows, width] of vectors, else [rows] of the type that it has."""
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
        for file in files:
            # group by group, so that memory holds little beside the answer
            for group in range(file.num_row_groups):
                for chunk in file.read_row_group(group, [name])[name].chunks:
                    values = chunk.flatten().to_numpy(zero_copy_only=False)
                    vectors[done : done + len(chunk)] = values.reshape(len(chunk), kind.list_size)
                    done += len(chunk)
        return vectors


def read_metadata(path: Path | str) -> dict:
    """What a file of embeddings says about itself. Raises an InputError where it is no such file."""
    try:
        found = json.loads((pq.read_schema(path).metadata or {})[KEY])
    except (OSError, pa.ArrowException, KeyError, ValueError):
        raise InputError(
            f"{path} is no file of embeddings; expected Parquet as the commands embed.py and embed_external.py write it"
        ) from None
    return found


def open_embeddings(paths: list[Path], regions: Path | None = None) -> dict[str, Embeddings]:
    """Embeddings by name, of the files of all their shards in any order.

    regions: the table that they must have been made of. Raises an InputError where a shard lacks or stands twice, or where shards come
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
    """The embeddings of a model by name; an InputError says whose there are."""
    if name not in embeddings:
        held = ", ".join(f"{each.name} (weights {each.model[:SHOWN]})" for each in embeddings.values())
        first = next(iter(embeddings.values())).paths[0] if embeddings else "no file"
        raise InputError(
            f"{first} holds embeddings of {held or 'nothing'}, not of {name}; give the files that embed.py wrote for {name}"
        )
    return embeddings[name]


def check_weights(embeddings: dict[str, Embeddings], weights: dict[str, Path]) -> None:
    """Raise an InputError where the embeddings of a name do not come from the weights in the file of this name.

    Those of a randomly initialised model say which pretrained weights it has the shape of.
    """
    found = {
        path: checksum(path) for path in {*weights.values()}
    }  # a model and its randomly initialised model name one file
    for name, path in weights.items():
        each = expect(embeddings, name)
        if each.model != found[path]:
            raise InputError(
                f"{each.paths[0]}: the embeddings of {name} come from the weights {_short(each.model)}, but {path} holds "
                f"{_short(found[path])}; delete them and run again, or name the model that made them"
            )


def _joined(name: str, shards: list[tuple[int, Path, dict]]) -> Embeddings:
    """The embeddings of one name, of its shards in order."""
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
        missing = f"shard {lacking[0]} of {count} lacks" if lacking else "a shard was given twice"
        raise InputError(f"embeddings of {name}: {missing} beside {path}; give each of the {count} shards once")


def _short(value) -> str:
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
