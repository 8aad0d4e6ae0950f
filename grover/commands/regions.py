"""Inputs as a stream of chunks: intervals of an assembly, or the sequences of a FASTA, with the bases that are read.

A chunk holds a few thousand inputs, so that memory does not grow with their number. Inputs keep their order, coordinates and strand; one
that cannot be read keeps its row, and its `status` says why (`grover.commands.skipped`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grover.commands.assemblies import Assembly, open_assembly
from grover.commands.options import STANDARD, Regions
from grover.commands.seen import seen_intervals
from grover.commands.session import Session
from grover.commands.skipped import EMPTY, NO_BASES, OK, OUTSIDE, UNKNOWN_CONTIG
from grover.genome.bases import N, reverse_complement
from grover.genome.encoding import codes_of
from grover.genome.fasta import read_contigs
from grover.genome.twobit import count_contigs, is_twobit
from grover.intervals.formats import bed_blocks
from grover.intervals.overlaps import share_covered
from grover.runtime.errors import InputError
from grover.runtime.text import open_bytes

ROWS, BASES = 4_096, 1 << 24  # of a chunk, at most; one input may have more bases
KEYS = ["chrom", "start", "end", "name", "strand"]
BLOCK = 1 << 22


@dataclass(frozen=True)
class Surroundings:
    """Bases beside an interval with which it is cut into tokens, since a cut changes the tokens beside it.

    The `bases` on either side end at the contig and at the first N. K-mers are counted from the beginning of an
    N-free stretch. For them `step` is k, so that the first base that is read begins a k-mer of the stretch.
    """

    bases: int = 0
    step: int = 1


ALONE = Surroundings()


@dataclass(frozen=True)
class Chunk:
    """Some inputs.

    `rows`: chrom, start, end, name; strand (as given), read_strand (+ or -); status; where it is known `seen`, the share of its bases that
    the model was pretrained on.

    `places`, int64: rows with status ok, whose bases along the strand that is read are `stretches` (uint8, A 0, C 1, G 2, T 3, else 4).
    Of each the input itself is from `first` to before `last`, int64; what is beside it are its surroundings.
    """

    rows: pd.DataFrame
    places: np.ndarray
    stretches: list[np.ndarray]
    first: np.ndarray
    last: np.ndarray

    @property
    def codes(self) -> list[np.ndarray]:
        """The bases of the inputs with status ok, without their surroundings."""
        return [codes[a:b] for codes, a, b in zip(self.stretches, self.first, self.last, strict=True)]

    def column(self, values: np.ndarray) -> np.ndarray:
        """Return values of the inputs with status ok, [places, ...], as a column of all rows: NaN, 0 or an empty text for the others."""
        empty: Any = np.nan if values.dtype.kind == "f" else "" if values.dtype.kind in "OU" else 0
        column = np.full((len(self.rows), *values.shape[1:]), empty, values.dtype)
        column[self.places] = values
        return column

    def with_status(self, which: np.ndarray, status: str) -> "Chunk":
        """Return the chunk without those of its `places` where `which` (bool) is true; their rows get a status."""
        rows = self.rows.copy()
        rows.loc[rows.index[self.places[which]], "status"] = status
        stretches = [codes for codes, out in zip(self.stretches, which, strict=True) if not out]
        return Chunk(rows, self.places[~which], stretches, self.first[~which], self.last[~which])


@dataclass(frozen=True)
class Inputs:
    """What the options of a subcommand name.

    `number` is about how many inputs there are; then an iterator over their chunks; `identity` distinguishes the files from others.
    """

    number: int
    chunks: Iterator[Chunk]
    identity: dict[str, str]


def open_inputs(
    asked: Regions, session: Session, surroundings: Surroundings = ALONE, trained_on: pd.DataFrame | None = None
) -> Inputs:
    """Open the inputs that the options name.

    trained_on: intervals that the model was pretrained on (`trained_on.bed`); rows of a BED then have the column `seen`. Raises InputError
    where a file is no BED or no FASTA of DNA or has no input, and where both have no contig in common.
    """
    if asked.bed is None:
        if asked.strands == "feature":
            raise InputError("--strands feature needs --bed with a column of strands; a FASTA has none")
        path, name = fasta_of(asked, session), _name(asked.fasta)
        number = count_contigs(path) if is_twobit(path) else _count(path, b">")
        return Inputs(
            number * _strands(asked), _of_fasta(path, name, asked.strands), {"fasta": session.stamp(asked.fasta)}
        )
    bed = session.local(asked.bed, "--bed")
    number = _count(bed, b"\n")
    assembly = open_assembly(asked.fasta, session)
    seen = seen_intervals(trained_on, assembly, session) if trained_on is not None else None
    identity = {"fasta": session.stamp(asked.fasta), "bed": session.stamp(asked.bed)}
    return Inputs(number * _strands(asked), _of_bed(bed, asked, assembly, surroundings, seen), identity)


def fasta_of(asked: Regions, session: Session) -> Path:
    """Return the FASTA whose sequences are the inputs. Raises InputError where it is no file."""
    path = session.local(asked.fasta, "--fasta")
    if path.is_dir():
        raise InputError(f"{asked.fasta} is a folder; give a FASTA, or intervals of this assembly as --bed")
    if not path.is_file():
        raise InputError(f"{asked.fasta} does not exist; correct the path")
    return path


def _of_bed(
    path: Path, asked: Regions, assembly: Assembly, surroundings: Surroundings, seen: pd.DataFrame | None
) -> Iterator[Chunk]:
    names, lengths = assembly.names(asked.rename), assembly.contigs.lengths
    empty = True
    for block in bed_blocks(path):
        given = block["chrom"].unique().tolist()
        if empty:
            assembly.check_names(given, asked.rename, _name(str(asked.bed)))
            if asked.strands == "feature" and not block["strand"].isin(["+", "-"]).any():
                raise InputError(
                    f"{_name(str(asked.bed))} has no strands in column 6, which --strands feature reads; give them, or another --strands"
                )
        empty = False
        contigs = block["chrom"].map(dict(zip(given, names.of(given), strict=True))).astype(object)
        block["status"] = _status(block, contigs, lengths)
        if seen is not None:
            block["seen"] = np.where(
                block["status"] == OK,
                share_covered(block.assign(chrom=contigs, end=block["end"].clip(block["start"] + 1)), seen),
                np.nan,
            )
        names_of, starts, ends = contigs.tolist(), block["start"].tolist(), block["end"].tolist()
        readable = (block["status"] == OK).tolist()
        for rows in _pieces((block["end"] - block["start"]).clip(0).to_numpy()):
            fetched = [
                _fetch(assembly, names_of[row], starts[row], ends[row], surroundings) if readable[row] else None
                for row in range(rows.start, rows.stop)
            ]
            yield _chunk(block.iloc[rows], fetched, asked.strands)
    if empty:
        raise InputError(f"{_name(str(asked.bed))} has no interval; give a BED file with contig, start and end")


def _of_fasta(path: Path, name: str, strands: str) -> Iterator[Chunk]:
    found: list[tuple[str, np.ndarray]] = []
    bases = 0
    for contig, sequence in read_contigs(path):
        codes = codes_of(f"{name}: sequence {contig}", sequence)
        if found and (len(found) == ROWS or bases + len(codes) > BASES):
            yield _of_sequences(found, strands)
            found, bases = [], 0
        found.append((contig, codes))
        bases += len(codes)
    yield _of_sequences(found, strands)


def _of_sequences(found: list[tuple[str, np.ndarray]], strands: str) -> Chunk:
    names, codes = zip(*found, strict=True)
    rows = pd.DataFrame({"chrom": names, "start": 0, "end": [len(each) for each in codes], "name": ".", "strand": "."})
    rows["status"] = np.where(rows["end"] > 0, OK, EMPTY)
    return _chunk(rows, [(each, 0, len(each)) if len(each) else None for each in codes], strands)


def _chunk(rows: pd.DataFrame, fetched: list[tuple[np.ndarray, int, int] | None], strands: str) -> Chunk:
    """Return the chunk of rows and the bases of each, with its first base and the one behind its last; None where the status is not ok."""
    status = rows["status"].to_numpy(object).copy()
    for place, found in enumerate(fetched):
        if found is not None and (found[0][found[1] : found[2]] == N).all():
            status[place] = NO_BASES
    order = np.repeat(np.arange(len(rows)), 2 if strands == "both" else 1)
    minus = np.zeros(len(rows), bool) if strands == "plus" else (rows["strand"] == "-").to_numpy()
    minus = np.tile([False, True], len(rows)) if strands == "both" else minus
    table = rows.assign(status=status).iloc[order].reset_index(drop=True)
    table.insert(len(KEYS), "read_strand", np.where(minus, "-", "+"))
    places = np.flatnonzero((table["status"] == OK).to_numpy())
    read: list[tuple[np.ndarray, int, int]] = []
    for row in places:
        codes, first, last = fetched[order[row]] or (np.zeros(0, np.uint8), 0, 0)
        if minus[row]:
            codes, first, last = reverse_complement(codes), len(codes) - last, len(codes) - first
        read.append((codes, first, last))
    first_bases, last_bases = (np.array([found[edge] for found in read], np.int64) for edge in (1, 2))
    return Chunk(table, places, [codes for codes, _, _ in read], first_bases, last_bases)


def _status(block: pd.DataFrame, contigs: pd.Series, lengths: dict[str, int]) -> np.ndarray:
    limit = contigs.map(lengths).fillna(0).to_numpy(np.int64)
    start, end = block["start"].to_numpy(), block["end"].to_numpy()
    reasons = [limit == 0, end <= start, (start < 0) | (end > limit)]
    return np.select(reasons, [UNKNOWN_CONTIG, EMPTY, OUTSIDE], OK).astype(object)


def _fetch(
    assembly: Assembly, contig: str, start: int, end: int, surroundings: Surroundings
) -> tuple[np.ndarray, int, int]:
    genome, beside = assembly.genome, surroundings.bases
    left, right = max(0, start - beside), min(assembly.contigs.lengths[contig], end + beside)
    codes = genome.fetch(contig, left, right)
    unknown = (codes == N).nonzero()[0]
    before = unknown[unknown < start - left]
    after = unknown[unknown >= end - left]
    first = int(before[-1]) + 1 if before.size else 0
    if surroundings.step > 1:
        (place,) = genome.position(contig, np.array([left + first]))
        if place >= 0:
            bound = genome.bounds[np.searchsorted(genome.bounds, place, side="right") - 1]
            first = min(first + int(bound - place) % surroundings.step, start - left)
    last = int(after[0]) if after.size else len(codes)
    return codes[first:last], start - left - first, end - left - first


def _pieces(lengths: np.ndarray) -> Iterator[slice]:
    """Cut rows into runs of at most `ROWS` rows and `BASES` bases, of one row at least."""
    begin, bases = 0, 0
    for row, length in enumerate(lengths.tolist()):
        if row > begin and (row - begin == ROWS or bases + length > BASES):
            yield slice(begin, row)
            begin, bases = row, 0
        bases += int(length)
    if len(lengths):
        yield slice(begin, len(lengths))


def _strands(asked: Regions) -> int:
    return 2 if asked.strands == "both" else 1


def _name(path: str) -> str:
    return "standard input" if path == STANDARD else path


def _count(path: Path, mark: bytes) -> int:
    """Count a mark in a file of text, which is about the number of its inputs."""
    if not path.is_file():
        raise InputError(f"{path} does not exist; correct the path")
    with open_bytes(path) as stream:
        return sum(block.count(mark) for block in iter(partial(stream.read, BLOCK), b""))
