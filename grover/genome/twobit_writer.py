"""Writer of UCSC's 2bit format (`grover.genome.twobit` reads it), contig by contig."""

import struct
from pathlib import Path

import numpy as np

from grover.genome.assembly import Genome
from grover.genome.twobit import SIGNATURE
from grover.runtime.files import atomic

VALUES = np.array([2, 1, 3, 0, 0], np.uint8)  # of A C G T N; T is 0, and N too
PIECE = 1 << 22  # bases at a time


def write_twobit(path: Path | str, genome: Genome, lengths: dict[str, int]) -> None:
    """Write contigs of these lengths; what lies outside the genome's segments is N. Nothing is in lower case."""
    names = {name: name.encode() for name in lengths}
    blocks = {name: _unknown(genome, name, length) for name, length in lengths.items()}
    sizes = {name: 16 + 8 * len(blocks[name][0]) + -(-length // 4) for name, length in lengths.items()}
    offset = 16 + sum(5 + len(name) for name in names.values())
    with atomic(path) as temporary, open(temporary, "wb") as stream:
        stream.write(struct.pack("<4I", SIGNATURE, 0, len(lengths), 0))
        for name, text in names.items():
            stream.write(struct.pack("<B", len(text)) + text + struct.pack("<I", offset))
            offset += sizes[name]
        for name, length in lengths.items():
            starts, spans = blocks[name]
            stream.write(struct.pack("<2I", length, len(starts)))
            stream.write(starts.astype("<u4").tobytes() + spans.astype("<u4").tobytes())
            stream.write(struct.pack("<2I", 0, 0))  # no masked blocks, and a reserved word
            for first in range(0, length, PIECE):
                values = VALUES[genome.fetch(name, first, min(first + PIECE, length))]
                values = np.append(values, np.zeros(-len(values) % 4, np.uint8)).reshape(-1, 4)
                packed = values[:, 0] << 6 | values[:, 1] << 4 | values[:, 2] << 2 | values[:, 3]
                stream.write(packed.astype(np.uint8).tobytes())


def _unknown(genome: Genome, name: str, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Starts and lengths of the stretches of a contig that no segment covers."""
    segments = genome.segments[genome.segments["chrom"] == name]
    starts = np.append(0, segments["end"].to_numpy(np.int64))
    spans = np.append(segments["start"].to_numpy(np.int64), length) - starts
    return starts[spans > 0], spans[spans > 0]
