"""Encode an assembly: cut each contig into its N-free segments and write them end to end.

Coordinates are 0-based half-open. Lower-case runs are kept as the soft mask.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from grover.config.sections.genome import Extraction
from grover.genome.aliases import Synonyms, check_synonyms, read_aliases
from grover.genome.bases import ENCODE_CASE, INVALID, LOWER, N, T
from grover.genome.contig_table import check_sizes, contigs_of, read_sizes, row, with_aliases, write_contig_table
from grover.intervals.contigs import ContigNames, check, some_of
from grover.intervals.formats import read_bed
from grover.intervals.lines import is_comment
from grover.runtime.errors import InputError
from grover.runtime.files import ArrayWriter, atomic


@dataclass(frozen=True)
class GenomeFiles:
    """What `encode_genome` writes: `sequence.npy`, `segments.bed`, `softmask.bed` and `contigs.tsv`."""

    sequence: Path
    segments: Path
    softmask: Path
    contigs: Path


@dataclass(frozen=True)
class SideFiles:
    """The FASTA, which errors name, and files beside it.

    regions: a BED of the bases to keep, and `rename` for its contig names. sizes: lengths in the assembly, for a FASTA with only the
    beginning of contigs; the missing ends count as N. aliases: other names of the contigs.
    """

    regions: Path | None = None
    rename: str = ""
    sizes: Path | None = None
    aliases: Path | None = None
    fasta: Path | str = "the FASTA"


NOTHING = SideFiles()
BED_ROWS = 100_000  # written at a time


@dataclass
class Contig:
    """What is kept of one contig; intervals are int64 arrays [n, 2] in its coordinates. `upper`: its upper-case bases, kept or not."""

    codes: np.ndarray
    segments: np.ndarray
    softmask: np.ndarray
    not_acgt: int
    outside_regions: int
    too_short: int
    upper: int

    @property
    def kept(self) -> int:
        return int((self.segments[:, 1] - self.segments[:, 0]).sum())


def encode_contig(
    where: str, sequence: bytes | bytearray, minimum_segment: int, regions: np.ndarray | None = None
) -> Contig:
    """Cut one contig into its stretches of ACGT of at least `minimum_segment` bases.

    `regions` [n, 2], where given, leaves only the bases inside. `softmask` holds the lower-case runs of the segments.
    Raises `InputError`, which begins with `where`, at a character that no DNA sequence has.
    """
    codes = np.frombuffer(sequence.translate(ENCODE_CASE), dtype=np.uint8)
    wrong = codes.tobytes().find(INVALID) if codes.size and codes.max() == INVALID else -1
    if wrong >= 0:
        raise InputError(
            f"{where} holds {chr(sequence[wrong])!r} at position {wrong + 1:,}, which is no code of DNA; "
            "give a nucleotide FASTA (A, C, G, T, N and ambiguity codes)"
        )
    keep = (codes & N) == 0
    not_acgt = codes.size - int(np.count_nonzero(keep))
    upper = int(np.count_nonzero(codes < N))
    outside = 0
    if regions is not None:
        inside = np.zeros(codes.size, dtype=bool)
        for start, end in regions:
            inside[start:end] = True
        outside = int(np.count_nonzero(keep & ~inside))
        keep &= inside
    stretches = runs(keep)
    lengths = stretches[:, 1] - stretches[:, 0]
    segments = stretches[lengths >= minimum_segment]
    for start, end in stretches[lengths < minimum_segment]:
        keep[start:end] = False
    keep &= codes >= LOWER
    softmask = runs(keep)
    too_short = int(lengths[lengths < minimum_segment].sum())
    return Contig(codes & T, segments, softmask, not_acgt, outside, too_short, upper)


def codes_of(where: str, sequence: bytes | bytearray) -> np.ndarray:
    """Return the codes of a sequence of DNA, uint8, 4 for N and the ambiguity codes; the case is folded. Raises as `encode_contig` does."""
    contig = encode_contig(where, sequence, 1)
    codes = np.full(len(sequence), N, np.uint8)
    for start, end in contig.segments:
        codes[start:end] = contig.codes[start:end]
    return codes


def runs(mask: np.ndarray) -> np.ndarray:
    """Maximal runs of True in a boolean array, as int64 [n, 2] of start and end."""
    edges = np.flatnonzero(mask[1:] != mask[:-1]) + 1
    first = [0] if mask.size and mask[0] else []
    last = [mask.size] if mask.size and mask[-1] else []
    return np.concatenate([first, edges, last]).astype(np.int64).reshape(-1, 2)


def encode_genome(
    contigs: Iterable[tuple[str, bytes | bytearray]],
    files: GenomeFiles,
    extraction: Extraction,
    *,
    side: SideFiles = NOTHING,
) -> pd.DataFrame:
    """Write the encoded genome contig by contig, so that memory holds one contig at a time.

    `contigs` yields names and sequences in file order, which is the order of the output. A genome all in lower case carries no mask, so
    its `softmask` is empty. Returns the table of contigs: contig, length, kept, segments, not_acgt, too_short, outside_regions, status,
    aliases; the four counts of bases of a contig with status `kept` or `empty` add up to its length. Raises `InputError` where a file
    of `side` does not fit the contigs.
    """
    known = _Known(side)
    rows: dict[str, dict[str, Any]] = {}
    upper = 0
    with (
        atomic(files.sequence) as sequence_file,
        atomic(files.segments) as segments_file,
        atomic(files.softmask) as softmask_file,
    ):
        with (
            ArrayWriter(sequence_file) as codes,
            open(segments_file, "w", encoding="utf-8") as segments,
            open(softmask_file, "wb") as softmask,
        ):
            masked = _BedWriter(softmask)
            number = 0
            for name, sequence in contigs:
                where = f"{side.fasta}: contig {name}"
                if name in rows:
                    raise InputError(f"{where} stands twice; each name must be unique")
                if is_comment(name) or len(name.split()) != 1:
                    raise InputError(
                        f"{side.fasta}: contig {name!r} has a name that no table of intervals can have: it is a comment there or has "
                        "blanks; rename it"
                    )
                status = _choose(known.synonyms.of(name), extraction)
                length = known.length(name, len(sequence))
                rows[name] = row(name, length, status)
                if status != "kept":
                    continue
                contig = encode_contig(where, sequence, extraction.minimum_segment, known.regions_of(name))
                for start, end in contig.segments:
                    codes.append(contig.codes[start:end])
                    segments.write(f"{name}\t{start}\t{end}\ts{number}\n")
                    number += 1
                masked.append(name, contig.softmask)
                upper += contig.upper
                rows[name] |= {
                    "kept": contig.kept,
                    "segments": len(contig.segments),
                    "not_acgt": contig.not_acgt + length - len(sequence),
                    "too_short": contig.too_short,
                    "outside_regions": contig.outside_regions,
                    "status": "kept" if contig.kept else "empty",
                }
            masked.flush()
            if number and upper == 0:
                softmask.seek(0)
                softmask.truncate(0)
                print("the genome is all lower case: taken as carrying no soft mask", file=sys.stderr)
        known.check(rows)
        _check_patterns([known.synonyms.of(name) for name in rows], extraction)
        table = with_aliases(rows, known.synonyms, known.sizes)
        known.check_regions(table)
        if table["kept"].sum() == 0:
            raise InputError(
                f"the chosen contigs hold no stretch of at least {extraction.minimum_segment} bases of A, C, G, T"
            )
        write_contig_table(files.contigs, table)
    return table


class _Known:
    """What files beside the FASTA say of its contigs."""

    def __init__(self, side: SideFiles):
        self.files = side
        self.synonyms = read_aliases(side.aliases) if side.aliases else Synonyms()
        self.sizes = read_sizes(side.sizes) if side.sizes else {}
        self._regions: dict[str, np.ndarray] | None = None
        if side.regions:
            regions = read_bed(side.regions)
            self._regions = {
                str(name): found[["start", "end"]].to_numpy(np.int64)
                for name, found in regions.groupby("chrom", sort=False)
            }
            self._named: dict[str, list[str]] = {}
            for name in self._regions:
                for other in ContigNames(side.rename).candidates(name):
                    self._named.setdefault(other, []).append(name)

    def length(self, name: str, bases: int) -> int:
        """Return the length of a contig in the assembly, of which the FASTA holds so many bases."""
        length = next((self.sizes[other] for other in self.synonyms.of(name) if other in self.sizes), bases)
        if length < bases:
            raise InputError(
                f"{self.files.sizes} gives {name} {length:,} bases, but the FASTA holds {bases:,} of it; give the lengths of this assembly"
            )
        return length

    def regions_of(self, name: str) -> np.ndarray | None:
        """Return the intervals to keep of a contig, int64 [n, 2]; None for all of it."""
        if self._regions is None:
            return None
        theirs = [other for synonym in self.synonyms.of(name) for other in self._named.get(synonym, [])]
        return np.concatenate([np.zeros((0, 2), np.int64), *(self._regions[other] for other in dict.fromkeys(theirs))])

    def check(self, contigs: Iterable[str]) -> None:
        """Raise `InputError` where a file does not fit the contigs of the FASTA."""
        if self.files.aliases:
            check_synonyms(self.synonyms, contigs, self.files.aliases)
        if self.files.sizes:
            check_sizes(self.sizes, contigs, self.synonyms, self.files.sizes)

    def check_regions(self, table: pd.DataFrame) -> None:
        """Raise `InputError` where the regions do not fit the table of contigs."""
        if self.files.regions:
            contigs = contigs_of(table)
            names = contigs.names(self.files.rename)
            check(read_bed(self.files.regions, contigs=names), contigs.lengths, self.files.regions)


def _choose(names: Iterable[str], extraction: Extraction) -> str:
    """Say whether a contig with these names is kept."""
    if not any(fnmatchcase(name, pattern) for pattern in extraction.include for name in names):
        return "not included"
    excluded = any(fnmatchcase(name, pattern) for pattern in extraction.exclude for name in names)
    return "excluded" if excluded else "kept"


class _BedWriter:
    """Write BED3 rows of many contigs at a time: a genome has millions of masked runs or a hundred thousand contigs."""

    def __init__(self, stream: BinaryIO):
        self.stream, self.rows = stream, 0
        self._waiting: list[tuple[str, np.ndarray]] = []

    def append(self, name: str, intervals: np.ndarray) -> None:
        """Add the intervals of a contig, int64 [n, 2]."""
        self._waiting.append((name, intervals))
        self.rows += len(intervals)
        if self.rows >= BED_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write what was added."""
        if self.rows:
            names, intervals = zip(*self._waiting, strict=True)
            chrom = pa.array(names, pa.string()).take(np.repeat(np.arange(len(names)), [*map(len, intervals)]))
            start, end = (pa.array(edges).cast(pa.string()) for edges in np.concatenate(intervals).T)
            rows = pc.binary_join_element_wise(chrom, start, pc.binary_join_element_wise(end, "", "\n"), "\t")
            # the texts of an array lie end to end
            self.stream.write(rows.buffers()[2][: pc.sum(pc.binary_length(rows)).as_py()])
        self._waiting, self.rows = [], 0


def _check_patterns(contigs: list[tuple[str, ...]], extraction: Extraction) -> None:
    """Each pattern that the user wrote must match a name of a contig, and some contig must be left."""
    shown = some_of(names[0] for names in contigs)
    # the default exclusions are meant for any assembly, so that they may find nothing
    written = [pattern for pattern in extraction.exclude if pattern not in Extraction().exclude]
    for pattern in [*extraction.include, *written]:
        if not any(fnmatchcase(name, pattern) for names in contigs for name in names):
            raise InputError(
                f"the contig pattern {pattern!r} matches none of the {len(contigs)} contigs of the FASTA ({shown})"
            )
    if not any(_choose(names, extraction) == "kept" for names in contigs):
        raise InputError(f"include and exclude leave none of the {len(contigs)} contigs ({shown}); change the patterns")
