"""Reader of UCSC's 2bit format, either byte order.

Source: https://genome.ucsc.edu/FAQ/FAQformat.html#format7. A header (signature, version, number of sequences, reserved)
is followed by an index of names and offsets; each record holds the length, the blocks of N, the blocks of lower case
and the bases, four to a byte with the first in the highest bits: T 0, C 1, A 2, G 3.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from grover.runtime.errors import InputError

SIGNATURE = 0x1A412743
BASES = np.frombuffer(b"TCAG", dtype=np.uint8)
# four bases of every byte
UNPACK = BASES[(np.arange(256)[:, None] >> np.array([6, 4, 2, 0])) & 3]


def is_twobit(path: Path | str) -> bool:
    """True if the file starts with the signature of 2bit in either byte order."""
    with open(path, "rb") as stream:
        start = stream.read(4)
    return SIGNATURE in (int.from_bytes(start, "little"), int.from_bytes(start, "big"))


def read_contigs(path: Path | str) -> Iterator[tuple[str, bytes]]:
    """Name and sequence (ASCII; masked blocks in lower case) of each contig, in the order of the index."""
    with open(path, "rb") as stream:
        read = _Reader(path, stream)
        version, count, _ = read.integers(3)
        if version > 1:
            raise InputError(f"{path} is 2bit version {version}; versions 0 and 1 are known")
        index = [(read.name(), read.integers(1, wide=version == 1)[0]) for _ in range(count)]
        if not index:
            raise InputError(f"{path} holds no contig")
        for name, offset in index:
            stream.seek(offset)
            yield name, _sequence(read)


def count_contigs(path: Path | str) -> int:
    """Return the number of contigs that the header of a 2bit file gives."""
    with open(path, "rb") as stream:
        return _Reader(path, stream).integers(3)[1]


class _Reader:
    """Typed reads from an open 2bit file in its own byte order, after its signature."""

    def __init__(self, path: Path | str, stream: BinaryIO):
        self.path, self.stream = path, stream
        self.order = "<" if int.from_bytes(stream.read(4), "little") == SIGNATURE else ">"

    def bytes(self, count: int) -> bytes:
        data = self.stream.read(count)
        if len(data) < count:
            raise InputError(f"{self.path} is a truncated 2bit file; fetch it again")
        return data

    def integers(self, count: int, wide: bool = False) -> list[int]:
        width = 8 if wide else 4
        return np.frombuffer(self.bytes(count * width), dtype=f"{self.order}u{width}").tolist()

    def name(self) -> str:
        return self.bytes(self.bytes(1)[0]).decode("utf-8", "replace")

    def blocks(self) -> list[tuple[int, int]]:
        count = self.integers(1)[0]
        starts, sizes = self.integers(count), self.integers(count)
        return [(start, start + size) for start, size in zip(starts, sizes, strict=True)]


def _sequence(read: _Reader) -> bytes:
    length = read.integers(1)[0]
    unknown, masked = read.blocks(), read.blocks()
    read.integers(1)
    packed = np.frombuffer(read.bytes((length + 3) // 4), dtype=np.uint8)
    bases = UNPACK[packed].reshape(-1)[:length]
    for start, end in unknown:
        bases[start:end] = ord("N")
    for start, end in masked:
        bases[start:end] |= 32
    return bases.tobytes()
