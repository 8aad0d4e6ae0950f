"""Values of base tracks between the jobs that compute them and the one that writes the bigWigs: Parquet, one row per base.

Each piece of a stretch is one row group, so that a column is read piece by piece and memory holds one of them.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from grover.interpretation.track_values import ABSOLUTE, TRACKS
from grover.intervals.bigwig_writer import Stretch, write_bigwig
from grover.runtime.files import atomic

PLACES = {"chrom": pa.string(), "pos": pa.int64()}


class TrackWriter:
    """A file of track values, written piece by piece; it appears under its name when the `with` block ends without an error."""

    def __init__(self, path: Path | str, absolute: bool):
        """absolute: also with the values of the model alone."""
        self.path = path
        names = [*TRACKS, *([name + ABSOLUTE for name in TRACKS] if absolute else [])]
        self.schema = pa.schema({**PLACES, **dict.fromkeys(names, pa.float32())})

    def __enter__(self) -> "TrackWriter":
        with ExitStack() as stack:
            temporary = stack.enter_context(atomic(self.path))
            self._stream = stack.enter_context(pq.ParquetWriter(temporary, self.schema, compression="zstd"))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return self._stack.__exit__(kind, error, trace)

    def write(self, chrom: str, start: int, values: dict[str, np.ndarray]) -> None:
        """Append the values of the bases of one piece, float32 [bases] each."""
        size = len(next(iter(values.values())))
        places = {"chrom": np.repeat(np.array([chrom], object), size), "pos": start + np.arange(size)}
        self._stream.write_table(pa.table({**places, **values}, self.schema), row_group_size=size)


def track_names(path: Path | str) -> tuple[str, ...]:
    """Return the tracks of a file."""
    return tuple(name for name in pq.read_schema(path).names if name not in PLACES)


def read_track(paths: Iterable[Path | str], name: str) -> Iterator[Stretch]:
    """Yield a track piece by piece: contig, first base and values, in the order of the files. A group of rows may have several pieces."""
    for path in paths:
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                table = file.read_row_group(group, columns=[*PLACES, name])
                pos, values = table["pos"].to_numpy(), table[name].to_numpy()
                chrom = table["chrom"].combine_chunks().dictionary_encode()
                begins = np.flatnonzero((np.diff(pos, prepend=-2) != 1) | (np.diff(chrom.indices, prepend=0) != 0))
                for begin, end in zip(begins, [*begins[1:], len(pos)], strict=True):
                    yield chrom[begin].as_py(), int(pos[begin]), values[begin:end]


def write_bigwigs(folder: Path, lengths: dict[str, int], paths: Sequence[Path | str]) -> list[str]:
    """Write each track of the files as a bigWig in `folder`; return the names of the tracks.

    lengths: of the contigs. The files are sorted by name of the contig and start.
    """
    names = list(track_names(paths[0]))
    for name in names:
        write_bigwig(folder / f"{name}.bw", lengths, read_track(paths, name))
    return names
