"""Contigs of an assembly as a stream: FASTA as `grover.runtime.text` opens text, or 2bit, told by content and not by name.

`bytes.translate` removes the line ends of whole blocks at memory speed, faster than htslib's reader. That reader also
skips text before the first `>`, takes a line `+` for FASTQ and misses bgzip files cut between blocks.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from grover.genome import twobit
from grover.runtime.errors import InputError
from grover.runtime.text import open_bytes

BLOCK = 1 << 22
SPACE = b" \t\n"


def read_contigs(
    path: Path | str, report: Callable[[int], None] | None = None
) -> Iterator[tuple[str, bytes | bytearray]]:
    """Name and sequence (ASCII, case kept) of each contig, in the order of the file.

    Memory holds about two contigs. `report` is told the bytes of the file read since it was told last.
    Raises `InputError` for an empty file, text before the first `>`, a header without a name, a truncated file.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path} does not exist; give the assembly as FASTA (plain, gzip, bgzip) or 2bit")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty; give the assembly as FASTA (plain, gzip, bgzip) or 2bit")
    with open(path, "rb") as stream:
        contigs: Iterator[tuple[str, bytes | bytearray]]
        contigs = twobit.read_contigs(path) if twobit.is_twobit(path) else _read_fasta(path, stream)
        told = 0
        for contig in contigs:
            yield contig
            if report is not None:
                report(stream.tell() - told)
                told = stream.tell()


def _read_fasta(path: Path, raw: BinaryIO) -> Iterator[tuple[str, bytearray]]:
    """Blocks end at line ends, so that a header is never cut; within a block each piece after `>` is a contig."""
    name, sequence = None, bytearray()
    with open_bytes(path, raw) as stream:
        while block := stream.read(BLOCK):
            block += stream.readline()
            # most blocks hold no header and are spared the search
            continued, *started = (b"\n" + block).split(b"\n>") if b">" in block else [block]
            continued = continued.translate(None, SPACE)
            if name is None and continued:
                raise InputError(f"{path} is no FASTA: it does not start with '>' and a contig name")
            sequence += continued
            for piece in started:
                if name is not None:
                    yield name, sequence
                header, _, bases = piece.partition(b"\n")
                name, sequence = _name(path, header), bytearray(bases.translate(None, SPACE))
    if name is None:
        raise InputError(f"{path} holds no contig; give the assembly as FASTA (plain, gzip, bgzip) or 2bit")
    yield name, sequence


def _name(path: Path, header: bytes) -> str:
    words = header.split(maxsplit=1)
    if not words or header[:1].isspace():
        raise InputError(f"{path} has a header without a contig name: '>{header.decode('latin-1').strip()}'")
    return words[0].decode("utf-8", "replace")
