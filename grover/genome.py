"""The encoded assembly: N-free segments end to end, their places, and how both come out of contigs.

A base is a code, A 0, C 1, G 2, T 3, and 4 stands for anything else. Coordinates are 0-based half-open.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from grover.errors import InputError
from grover.files import atomic, write_table
from grover.interval_formats import check, read_bed

A, C, G, T, N = range(5)

DEFAULT_EXCLUDE = ("*_alt", "*_random", "*_hap*", "*_fix", "chrUn*", "chrM", "chrMT", "MT", "M", "chrEBV")

# Besides the four bases an assembly may hold N, X (hard mask) and the ambiguity letters of IUPAC. All others, U among
# them, tell that the file is no DNA.
AMBIGUOUS = b"NXRYSWKMBDHV"
LOWER, INVALID = 16, 255


def _table(lower: int, invalid: int) -> bytes:
    """256 codes for `bytes.translate`; lower-case bases carry the bit `lower`."""
    table = bytearray([invalid]) * 256
    for letter in AMBIGUOUS + AMBIGUOUS.lower():
        table[letter] = N
    for code, letter in enumerate(b"ACGT"):
        table[letter] = code
        table[letter + 32] = code | lower
    return bytes(table)


ENCODE = _table(lower=0, invalid=N)
ENCODE_CASE = _table(lower=LOWER, invalid=INVALID)
DECODE = b"ACGTN" + b"N" * 251
COMPLEMENT = np.array([T, G, C, A, N], dtype=np.uint8)


def encode(sequence: str | bytes) -> np.ndarray:
    """Codes (uint8) of a sequence; the case is folded, whatever is no base becomes 4."""
    sequence = sequence.encode("latin-1", "replace") if isinstance(sequence, str) else sequence
    return np.frombuffer(bytearray(sequence.translate(ENCODE)), dtype=np.uint8)


def decode(codes: np.ndarray) -> str:
    """Upper-case letters of codes; 4 becomes N."""
    return np.asarray(codes, dtype=np.uint8).tobytes().translate(DECODE).decode("ascii")


def reverse_complement(codes: np.ndarray) -> np.ndarray:
    """Codes of the opposite strand; the last axis is reversed."""
    return COMPLEMENT[codes[..., ::-1]]


class Genome:
    """The encoded assembly on disk.

    `codes`     uint8 memory map of all segments end to end (0..3 only)
    `segments`  pandas: chrom, start, end, name, offset; `offset` is the place of the segment's first base in `codes`
    `chroms`    names of the contigs, in the order of the segments
    `bounds`    int64 [segments + 1]: where each segment begins in `codes`, and the end of the last
    """

    def __init__(self, sequence_path: Path | str, segments_path: Path | str):
        self.codes = np.load(sequence_path, mmap_mode="r")
        self.segments = read_segments(segments_path)
        self.bounds = np.append(self.segments["offset"].to_numpy(), len(self.codes))
        self.chrom_codes, names = pd.factorize(self.segments["chrom"])
        self.chroms = list(names)
        self._of_chrom = {
            name: (rows["start"].to_numpy(), rows["end"].to_numpy(), rows["offset"].to_numpy())
            for name, rows in self.segments.groupby("chrom", sort=False)
        }
        length = int((self.segments["end"] - self.segments["start"]).sum())
        if length != len(self.codes):
            raise InputError(f"{segments_path} spans {length:,} bases but {sequence_path} holds {len(self.codes):,}")

    def fetch(self, chrom: str, start: int, end: int) -> np.ndarray:
        """Codes of an interval (uint8 copy of length end - start); bases outside the segments are 4."""
        codes = np.full(end - start, N, dtype=np.uint8)
        starts, ends, offsets = self._of_chrom.get(chrom, ((), (), ()))
        first = np.searchsorted(ends, start, side="right")
        last = np.searchsorted(starts, end, side="left")
        for i in range(first, last):
            left, right = max(start, starts[i]), min(end, ends[i])
            offset = offsets[i] - starts[i]
            codes[left - start : right - start] = self.codes[left + offset : right + offset]
        return codes

    def locate(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Contig (index into `chroms`) and coordinate of places in `codes`; both int64, the shape of `positions`."""
        positions = np.asarray(positions, dtype=np.int64)
        segment = np.searchsorted(self.bounds[1:-1], positions, side="right")
        return self.chrom_codes[segment], positions - self.bounds[segment] + self.segments["start"].to_numpy()[segment]

    def position(self, chrom: str, coordinates: np.ndarray) -> np.ndarray:
        """Places in `codes` (int64) of coordinates on one contig; -1 where no segment holds them."""
        coordinates = np.asarray(coordinates, dtype=np.int64)
        if chrom not in self._of_chrom:
            return np.full(coordinates.shape, -1, dtype=np.int64)
        starts, ends, offsets = self._of_chrom[chrom]
        segment = np.maximum(np.searchsorted(starts, coordinates, side="right") - 1, 0)
        inside = (coordinates >= starts[segment]) & (coordinates < ends[segment])
        return np.where(inside, coordinates - starts[segment] + offsets[segment], -1)

    def outside(self, intervals: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Starts and ends in `codes` (int64) of the stretches of the segments that no interval covers, in their order.

        intervals: chrom, start, end, disjoint and sorted within each contig, as `softmask.bed` has them.
        """
        covered = [self.places(name, rows) for name, rows in intervals.groupby("chrom", sort=False)]
        covered = np.concatenate([np.zeros((2, 0), np.int64), *covered], axis=1)
        covered = covered[:, covered[1] > covered[0]]
        first, last = covered[:, np.argsort(covered[0])]
        starts = np.union1d(self.bounds[:-1], last)
        ends = np.union1d(self.bounds[1:], first)
        before = np.searchsorted(first, starts, side="right") - 1
        inside = (before >= 0) & (last[before] > starts) if len(first) else np.zeros(len(starts), bool)
        starts = starts[~inside & (starts < len(self.codes))]
        return starts, ends[np.searchsorted(ends, starts, side="right")]

    def places(self, chrom: str, intervals: pd.DataFrame) -> np.ndarray:
        """For the starts and ends of intervals on one contig the first kept base at or behind them, int64 [2, intervals]."""
        starts, ends, offsets = self._of_chrom.get(chrom, (np.zeros(0, np.int64),) * 3)
        if not len(starts):
            return np.zeros((2, 0), np.int64)
        coordinates = intervals[["start", "end"]].to_numpy(np.int64).T
        segment = np.searchsorted(ends, coordinates, side="right")
        behind = segment == len(starts)
        segment = np.minimum(segment, len(starts) - 1)
        places = np.maximum(coordinates, starts[segment]) - starts[segment] + offsets[segment]
        return np.where(behind, offsets[-1] + ends[-1] - starts[-1], places)


def read_segments(path: Path | str) -> pd.DataFrame:
    """`segments.bed` as a table chrom, start, end, name, offset (first base in `sequence.npy`)."""
    names = ["chrom", "start", "end", "name"]
    segments = pd.read_csv(path, sep="\t", header=None, names=names, dtype={"chrom": str, "name": str})
    lengths = segments["end"] - segments["start"]
    return segments.assign(offset=lengths.cumsum() - lengths)


def read_lengths(path: Path | str) -> dict[str, int]:
    """Length of every contig of the assembly, kept or not, from `contigs.tsv`."""
    table = pd.read_csv(path, sep="\t", dtype={"contig": str}, keep_default_na=False)
    return dict(zip(table["contig"], table["length"].tolist(), strict=True))


def read_sizes(path: Path | str) -> dict[str, int]:
    """Lengths of contigs from a table of two columns without header, as UCSC's `chrom.sizes`."""
    try:
        types = {"contig": str, "length": int}
        table = pd.read_csv(path, sep="\t", header=None, names=list(types), dtype=types)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is no table of contig and length separated by a tab: {error}") from None
    return dict(zip(table["contig"], table["length"].tolist(), strict=True))


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
    name: str, sequence: bytes | bytearray, minimum_segment: int = 20, regions: np.ndarray | None = None
) -> Contig:
    """Cut one contig into its stretches of ACGT of at least `minimum_segment` bases.

    `regions` [n, 2], where given, leaves only the bases inside. `softmask` holds the lower-case runs of the segments.
    Raises `InputError` at a letter that no DNA sequence has.
    """
    codes = np.frombuffer(sequence.translate(ENCODE_CASE), dtype=np.uint8)
    wrong = codes.tobytes().find(INVALID) if codes.size and codes.max() == INVALID else -1
    if wrong >= 0:
        raise InputError(
            f"contig {name} holds {chr(sequence[wrong])!r} at position {wrong + 1:,}, which is no letter of DNA; "
            "give a nucleotide FASTA (A, C, G, T, N and ambiguity letters)"
        )
    keep = (codes & N) == 0
    not_acgt = codes.size - np.count_nonzero(keep)
    outside = 0
    if regions is not None:
        inside = np.zeros(codes.size, dtype=bool)
        for start, end in regions:
            inside[start:end] = True
        outside = np.count_nonzero(keep & ~inside)
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
    contigs: Iterable[tuple[str, bytes]],
    sequence_path: Path,
    segments_path: Path,
    softmask_path: Path,
    contigs_path: Path,
    include: Iterable[str] = ("*",),
    exclude: Iterable[str] = DEFAULT_EXCLUDE,
    minimum_segment: int = 20,
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
    include, exclude, sizes = list(include), list(exclude), sizes or {}
    wanted = None if regions is None else read_bed(regions)
    rows: dict[str, dict] = {}
    upper = 0
    with (
        atomic(sequence_path) as sequence_file,
        atomic(segments_path) as segments_file,
        atomic(softmask_path) as softmask_file,
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
                status = _choose(name, include, exclude)
                length = max(len(sequence), sizes.get(name, 0))
                rows[name] = _row(name, length, status)
                if status != "kept":
                    continue
                contig = encode_contig(name, sequence, minimum_segment, _regions_of(name, wanted))
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
        _check_patterns(list(rows), include, exclude)
        if wanted is not None:
            check(wanted, lengths, regions)
        table = pd.DataFrame(rows.values())
        if table["kept"].sum() == 0:
            raise InputError(f"the chosen contigs hold no stretch of at least {minimum_segment} bases of A, C, G, T")
        write_table(contigs_path, table)
    return table


class ArrayWriter:
    """Append to a one-dimensional uint8 `.npy` file whose length is known only at the end."""

    def __init__(self, path: Path):
        self.path, self.length = path, 0

    def __enter__(self) -> "ArrayWriter":
        self.stream = open(self.path, "wb")  # noqa: SIM115 (closed in __exit__)
        self._header()
        return self

    def __exit__(self, *exception) -> None:
        # NumPy leaves room in the header for a longer first axis, so that it can be written over
        self.stream.seek(0)
        self._header()
        self.stream.close()

    def append(self, codes: np.ndarray) -> None:
        self.stream.write(codes.data)
        self.length += len(codes)

    def _header(self) -> None:
        header = {"descr": "|u1", "fortran_order": False, "shape": (self.length,)}
        np.lib.format.write_array_header_1_0(self.stream, header)


def _choose(name: str, include: list[str], exclude: list[str]) -> str:
    if not any(fnmatchcase(name, pattern) for pattern in include):
        return "not included"
    return "excluded" if any(fnmatchcase(name, pattern) for pattern in exclude) else "kept"


def _row(name: str, length: int, status: str) -> dict:
    counts = dict.fromkeys(("kept", "segments", "not_acgt", "too_short", "outside_regions"), 0)
    return {"contig": name, "length": length, **counts, "status": status}


def _regions_of(name: str, regions: pd.DataFrame | None) -> np.ndarray | None:
    if regions is None:
        return None
    return regions.loc[regions["chrom"] == name, ["start", "end"]].to_numpy(dtype=np.int64)


def _write_bed(stream, name: str, intervals: np.ndarray) -> None:
    """Append BED3 rows; a genome has millions of masked runs, which Arrow writes ten times as fast as pandas."""
    table = pa.table({"chrom": pa.repeat(name, len(intervals)), "start": intervals[:, 0], "end": intervals[:, 1]})
    options = pa.csv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none")
    pa.csv.write_csv(table, stream, options)


def _check_patterns(names: list[str], include: list[str], exclude: list[str]) -> None:
    """Each pattern that the user wrote must match a contig, and some contig must be left."""
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    # the default exclusions are meant for any assembly, so that they may find nothing
    for pattern in [*include, *(pattern for pattern in exclude if pattern not in DEFAULT_EXCLUDE)]:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise InputError(
                f"the contig pattern {pattern!r} matches none of the {len(names)} contigs of the FASTA ({shown})"
            )
    if not any(_choose(name, include, exclude) == "kept" for name in names):
        raise InputError(f"include and exclude leave none of the {len(names)} contigs ({shown}); change the patterns")
