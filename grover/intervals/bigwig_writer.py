"""Writing bigWigs and bigBeds: values are streamed, and the finished file is compared with what was given.

The library prints errors while it writes and goes on. A full disk or a mistake in the values would leave an incomplete file.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from grover.runtime.files import atomic

Stretch = tuple[str, int, np.ndarray]  # contig, first base, values of it and the bases behind it


def write_bigwig(path: Path | str, lengths: dict[str, int], stretches: Iterable[Stretch]) -> int:
    """Write values of single bases, float32, with zoom levels; returns how many.

    stretches: by name of the contig and start, without overlaps. A base without a value or with one that is not finite is absent.
    lengths: of the contigs. Without any value no file can be made, and a ValueError is raised.
    """
    import pybigtools

    with atomic(path) as temporary:
        rows = _Rows(stretches)
        pybigtools.open(str(temporary), "w").write({name: int(lengths[name]) for name in sorted(lengths)}, iter(rows))
        rows.finish()
        if not rows.count:
            raise ValueError(f"{path}: a bigWig without values cannot be written")
        with open(temporary, "rb") as stream:
            written = pybigtools.open(stream).info()["summary"]["basesCovered"]
        if written != rows.count:
            raise OSError(f"{path}: {written:,} of {rows.count:,} values were written; is the disk full?")
    return rows.count


def write_bigbed(path: Path | str, lengths: dict[str, int], intervals: Iterable[tuple[str, int, int, str]]) -> None:
    """Write intervals (contig, start, end, name), sorted as those of `write_bigwig`, as a bigBed with names."""
    import pybigtools

    rows = [(chrom, int(start), int(end), name) for chrom, start, end, name in intervals]
    with atomic(path) as temporary:
        pybigtools.open(str(temporary), "w").write({name: int(lengths[name]) for name in sorted(lengths)}, iter(rows))
        with open(temporary, "rb") as stream:
            reader = pybigtools.open(stream)
            written = sum(len(list(reader.records(chrom))) for chrom in {row[0] for row in rows})
        if written != len(rows):
            raise OSError(f"{path}: {written:,} of {len(rows):,} intervals were written; is the disk full?")


class _Rows:
    """Rows as the library takes them; an error of the source is kept for `finish`, since the library drops it."""

    def __init__(self, stretches: Iterable[Stretch]):
        self.stretches, self.count, self.ended = stretches, 0, False
        self.error: Exception | None = None

    def __iter__(self) -> Iterator[tuple[str, int, int, Any]]:
        try:
            for chrom, start, values in self.stretches:
                kept = np.flatnonzero(np.isfinite(values))
                places, numbers = (start + kept).tolist(), np.asarray(values, np.float32)[kept].tolist()
                for place, number in zip(places, numbers, strict=True):
                    yield chrom, place, place + 1, number
                self.count += len(kept)
            self.ended = True
        except Exception as error:
            self.error = error

    def finish(self) -> None:
        """Raise what the source of the values raised, or an OSError where the library did not take all of them."""
        if self.error is not None:
            raise self.error
        if not self.ended:
            raise OSError("a bigWig could not be written to its end; is the disk full?")
