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
import pyarrow.csv

from grover.config.sections.genome import Extraction
from grover.genome.bases import ENCODE_CASE, INVALID, LOWER, N, T
from grover.intervals.contigs import check
from grover.intervals.formats import read_bed
from grover.runtime.errors import InputError
from grover.runtime.files import ArrayWriter, atomic, write_table


def read_sizes(path: Path | str) -> dict[str, int]:
    """Lengths of contigs from a table of two columns without header, as UCSC's `chrom.sizes`."""
    try:
        types = {"contig": str, "length": int}
        table = pd.read_csv(path, sep="\t", header=None, names=list(types), dtype=types)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is no table of contig and length separated by a tab: {error}") from None
    return dict(zip(table["contig"], table["length"].tolist(), strict=True))


@dataclass(frozen=True)
class GenomeFiles:
    """What `encode_genome` writes: `sequence.npy`, `segments.bed`, `softmask.bed` and `contigs.tsv`."""

    sequence: Path
    segments: Path
    softmask: Path
    contigs: Path


@dataclass
class Contig:
    """What is kept of one contig; intervals are int64 arrays [n, 2] in its coordinates."""

    codes: np.ndarray
    segments: np.ndarray
    softmask: np.ndarray
    not_acgt: int
    outside_regions: int
    too_short: int

    @property
    def kept(self) -> int:
        return int((self.segments[:, 1] - self.segments[:, 0]).sum())


def encode_contig(
    name: str, sequence: bytes | bytearray, minimum_segment: int, regions: np.ndarray | None = None
) -> Contig:
    """Cut one contig into its stretches of ACGT of at least `minimum_segment` bases.

    `regions` [n, 2], where given, leaves only the bases inside. `softmask` holds the lower-case runs of the segments.
    Raises `InputError` at a character that no DNA sequence has.
    """
    codes = np.frombuffer(sequence.translate(ENCODE_CASE), dtype=np.uint8)
    wrong = codes.tobytes().find(INVALID) if codes.size and codes.max() == INVALID else -1
    if wrong >= 0:
        raise InputError(
            f"contig {name} holds {chr(sequence[wrong])!r} at position {wrong + 1:,}, which is no code of DNA; "
            "give a nucleotide FASTA (A, C, G, T, N and ambiguity codes)"
        )
    keep = (codes & N) == 0
    not_acgt = codes.size - int(np.count_nonzero(keep))
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
    return Contig(codes & T, segments, softmask, not_acgt, outside, int(lengths[lengths < minimum_segment].sum()))


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
    regions: Path | None = None,
    sizes: dict[str, int] | None = None,
) -> pd.DataFrame:
    """Write the encoded genome contig by contig, so that memory holds one contig at a time.

    `contigs` yields names and sequences in file order, which is the order of the output. `regions`, a BED file,
    leaves only the bases inside. `sizes` gives lengths in the assembly where the file holds only the beginning of a
    contig; the missing end counts as N. A genome all in lower case carries no mask, so its `softmask` is empty.
    Returns the table of contigs: contig, length, kept, segments, not_acgt, too_short, outside_regions, status; the
    four counts of bases of a contig with status `kept` or `empty` add up to its length.
    """
    sizes = sizes or {}
    wanted = None if regions is None else read_bed(regions)
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
            number = 0
            for name, sequence in contigs:
                if name in rows:
                    raise InputError(f"contig {name} stands twice in the FASTA; each name must be unique")
                status = _choose(name, extraction)
                length = max(len(sequence), sizes.get(name, 0))
                rows[name] = _row(name, length, status)
                if status != "kept":
                    continue
                contig = encode_contig(name, sequence, extraction.minimum_segment, _regions_of(name, wanted))
                for start, end in contig.segments:
                    codes.append(contig.codes[start:end])
                    segments.write(f"{name}\t{start}\t{end}\ts{number}\n")
                    number += 1
                _write_bed(softmask, name, contig.softmask)
                upper += contig.kept - int((contig.softmask[:, 1] - contig.softmask[:, 0]).sum())
                rows[name] |= {
                    "kept": contig.kept,
                    "segments": len(contig.segments),
                    "not_acgt": contig.not_acgt + length - len(sequence),
                    "too_short": contig.too_short,
                    "outside_regions": contig.outside_regions,
                    "status": "kept" if contig.kept else "empty",
                }
            if number and upper == 0:
                softmask.truncate(0)
                print("the genome is all lower case: taken as carrying no soft mask", file=sys.stderr)
        lengths = {name: row["length"] for name, row in rows.items()}
        _check_patterns(list(rows), extraction)
        if wanted is not None and regions is not None:
            check(wanted, lengths, regions)
        table = pd.DataFrame(rows.values())
        if table["kept"].sum() == 0:
            raise InputError(
                f"the chosen contigs hold no stretch of at least {extraction.minimum_segment} bases of A, C, G, T"
            )
        write_table(files.contigs, table)
    return table


def _choose(name: str, extraction: Extraction) -> str:
    if not any(fnmatchcase(name, pattern) for pattern in extraction.include):
        return "not included"
    return "excluded" if any(fnmatchcase(name, pattern) for pattern in extraction.exclude) else "kept"


def _row(name: str, length: int, status: str) -> dict[str, Any]:
    counts = dict.fromkeys(("kept", "segments", "not_acgt", "too_short", "outside_regions"), 0)
    return {"contig": name, "length": length, **counts, "status": status}


def _regions_of(name: str, regions: pd.DataFrame | None) -> np.ndarray | None:
    if regions is None:
        return None
    return regions.loc[regions["chrom"] == name, ["start", "end"]].to_numpy(dtype=np.int64)


def _write_bed(stream: BinaryIO, name: str, intervals: np.ndarray) -> None:
    """Append BED3 rows; a genome has millions of masked runs, which Arrow writes ten times as fast as pandas."""
    table = pa.table({"chrom": pa.repeat(name, len(intervals)), "start": intervals[:, 0], "end": intervals[:, 1]})
    options = pa.csv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none")
    pa.csv.write_csv(table, stream, options)


def _check_patterns(names: list[str], extraction: Extraction) -> None:
    """Each pattern that the user wrote must match a contig, and some contig must be left."""
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    # the default exclusions are meant for any assembly, so that they may find nothing
    written = [pattern for pattern in extraction.exclude if pattern not in Extraction().exclude]
    for pattern in [*extraction.include, *written]:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise InputError(
                f"the contig pattern {pattern!r} matches none of the {len(names)} contigs of the FASTA ({shown})"
            )
    if not any(_choose(name, extraction) == "kept" for name in names):
        raise InputError(f"include and exclude leave none of the {len(names)} contigs ({shown}); change the patterns")
