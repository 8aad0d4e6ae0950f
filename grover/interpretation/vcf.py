"""Variants of a VCF, or of a table with the columns chrom, pos, ref and alt, against the assembly, read block by block.

Each alternative allele is one row, and none is dropped: `status` says why an allele has no score. Files are plain or compressed, with tabs
or blanks between the columns (`grover.intervals.formats`).
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from grover.genome.assembly import Genome
from grover.genome.bases import N, decode, encode
from grover.interpretation.changes import as_record, change
from grover.intervals.contigs import UNCHANGED, ContigNames, check_names
from grover.intervals.formats import VARIANT, vcf_blocks
from grover.intervals.lines import fault, rows_below_header
from grover.runtime.errors import InputError

MOST_DIFFERING = 0.01  # share of records with another REF, such as an ambiguity code, before the file is refused
LEAST_FLANK = 20  # bases of sequence on either side without which an allele has no score
OK, REF_MISMATCH, CONTIG_EDGE, NON_ACGT, TOO_LONG, SYMBOLIC, NO_CHANGE = (
    "ok",
    "ref_mismatch",
    "contig_edge",
    "non_acgt",
    "too_long",
    "symbolic",
    "no_change",
)
STATUSES = {
    OK: "scored",
    REF_MISMATCH: "with another REF than the assembly's",
    CONTIG_EDGE: f"less than {LEAST_FLANK} bases from the end of the sequence",
    NON_ACGT: "with other letters than A, C, G, T, or where the run has no sequence",
    TOO_LONG: "longer than the model reads",
    SYMBOLIC: "symbolic",
    NO_CHANGE: "with ALT equal to REF",
}
COLUMNS = [
    "chrom",
    "pos",
    "ref",
    "alt",
    "record",
    "id",
    "original_pos",
    "original_ref",
    "original_alt",
    "status",
    "effect",
]
TELOMERE = 0  # POS of what lies before the first base, whose REF is N


class Variants:
    """The alternative alleles of a file, one row each, in its order.

    Iterating yields tables with `COLUMNS`: chrom, pos (1-based), ref and alt trimmed and moved to the left where the status is ok; the
    number of the record from 0; ID, POS, REF and ALT as the file has them; status, a key of `STATUSES`; and effect, a field of INFO.
    After that `records` counts the records, and `counts` the alleles by status.
    """

    def __init__(
        self,
        path: Path | str,
        genome: Genome,
        lengths: Mapping[str, int],
        contigs: ContigNames = UNCHANGED,
        field: str = "EFFECT",
    ):
        """lengths: of the contigs of the assembly; contigs: how the names in the file become those; field: of INFO, read as `effect`."""
        self.path, self.genome, self.lengths, self.contigs, self.field = path, genome, lengths, contigs, field
        self.records = 0
        self.counts: Counter[str] = Counter()

    def __iter__(self) -> Iterator[pd.DataFrame]:
        """Yield the blocks of records.

        Raises `InputError`, naming file and line, at a row that is no record or lies beyond its contig. Raises it at the end where REF of
        more than 1 % of the records differs from the assembly, or where no allele has the status ok.
        """
        self.records, self.counts = 0, Counter()
        rows_on: Counter[str] = Counter()
        compared = differing = 0
        first = None  # number and text of the first record with another REF, and what the assembly has there
        for block in vcf_blocks(self.path, self.contigs, self.field):
            rows_on.update(block["chrom"].value_counts().to_dict())
            upper = block.assign(ref=block["ref"].str.upper(), alt=block["alt"].str.upper())
            telomere = self._check_rows(upper)
            inside, same, found = self._compare(upper)
            if first is None and not same.all():
                row = int(np.argmin(same))
                first = self.records + row, upper["ref"].iloc[row], found(row)
            compared += int(inside.sum())
            differing += int((~same).sum())
            table = self._alleles(block, upper, telomere, inside, same)
            self.records += len(block)
            self.counts.update(table["status"].value_counts().to_dict())
            yield table
        check_names(rows_on, self.lengths, self.path, "records")
        if first and differing > MOST_DIFFERING * compared:
            row, ref, assembly = first
            raise self._fault(
                row,
                f"REF is {ref}, the assembly has {assembly}; they differ in {differing:,} of {compared:,} records; "
                "give the variants of this assembly",
            )
        if not self.records:
            raise InputError(f"{self.path}: no record below the header; give a VCF with variants")
        if not self.counts[OK]:
            raise InputError(
                f"{self.path}: none of its {self.records:,} records has an allele to score ({as_text(self.counts)}); give a VCF with "
                "variants in the kept sequence"
            )

    def _check_rows(self, block: pd.DataFrame) -> np.ndarray:
        """Whether each row lies at a telomere; raise `InputError` at the first that is no record, or that lies beyond its contig."""
        # a contig that is left out may have another length
        known = {chrom: self.lengths[chrom] for chrom in self.genome.chroms}
        limits = block["chrom"].map(known).fillna(np.inf).to_numpy(np.float64)
        pos, end = block["pos"].to_numpy(), block["pos"].to_numpy() - 1 + block["ref"].str.len().to_numpy()
        telomere: np.ndarray = (block["ref"] == "N").to_numpy(bool) & ((pos == TELOMERE) | (pos == limits + 1))
        wrong = [
            (
                ~block["ref"].str.fullmatch("[ACGTUNRYSWKMBDHV]+").to_numpy(bool),
                "REF is {ref!r}, but bases were expected; give a VCF",
            ),
            (
                (pos < 1) & ~telomere,
                "POS is {pos}, but VCF counts positions from 1 (0 is the telomere, with REF N); correct the positions",
            ),
            ((end > limits) & ~telomere, "the record lies beyond {chrom} ({limit:,} bases); is this another assembly?"),
        ]
        for rows, reason in wrong:
            if rows.any():
                row = int(np.argmax(rows))
                limit = self.lengths.get(block["chrom"].iloc[row], 0)
                values = block.iloc[row][["chrom", "pos", "ref"]]
                raise self._fault(self.records + row, reason.format(limit=limit, **values))
        return telomere

    def _compare(self, block: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, "_Bases"]:
        """Whether REF of each row lies within the segments, whether it is what the assembly has there, and what that is.

        REF of a row that does not lie within the segments is not compared.
        """
        sizes = block["ref"].str.len().to_numpy(np.int64)
        bounds = np.append(0, np.cumsum(sizes))
        owner = np.repeat(np.arange(len(block)), sizes)
        places = block["pos"].to_numpy()[owner] - 1 + np.arange(bounds[-1]) - bounds[owner]
        positions = self.genome.positions(block["chrom"].iloc[owner], places)
        bases = np.where(positions < 0, N, self.genome.codes[np.maximum(positions, 0)]).astype(np.uint8)
        inside = np.bincount(owner, positions < 0, len(block)) == 0
        other = np.bincount(owner, bases != encode("".join(block["ref"])), len(block)) > 0
        return inside, ~(inside & other), _Bases(bases, bounds)

    def _alleles(
        self, block: pd.DataFrame, upper: pd.DataFrame, telomere: np.ndarray, inside: np.ndarray, same: np.ndarray
    ) -> pd.DataFrame:
        """One row per alternative allele, normalised where it can be scored."""
        records = pd.DataFrame(
            {
                "chrom": upper["chrom"],
                "pos": upper["pos"],
                "ref": upper["ref"],
                "alt": upper["alt"].str.split(","),
                "record": np.arange(self.records, self.records + len(block)),
                "id": block["id"],
                "original_pos": block["pos"],
                "original_ref": block["ref"],
                "original_alt": block["alt"].str.split(","),
                "status": np.select(
                    [telomere, ~inside | ~upper["ref"].str.fullmatch("[ACGT]+").to_numpy(bool), ~same],
                    [CONTIG_EDGE, NON_ACGT, REF_MISMATCH],
                    OK,
                ),
                "effect": block["effect"],
            }
        )
        table = records.explode(["alt", "original_alt"], ignore_index=True)
        table = table.astype({"alt": "str", "original_alt": "str", "status": "str"})
        letters = table["alt"].str.fullmatch("[A-Z]+").to_numpy(bool)
        plain = table["alt"].str.fullmatch("[ACGT]+").to_numpy(bool)
        status = table["status"].to_numpy(object)
        status[letters & ~plain & (status == OK)] = NON_ACGT
        status[~letters] = SYMBOLIC
        status[(table["alt"] == table["ref"]).to_numpy(bool) & (status == OK)] = NO_CHANGE
        return normalised(table.assign(status=status.astype("str")), self.genome)[COLUMNS]

    def _fault(self, row: int, reason: str) -> InputError:
        number, line = next(islice(rows_below_header(self.path, VARIANT), row, None))
        return fault(self.path, number, line, reason)


class _Bases:
    """What the assembly has at each of several places, as text."""

    def __init__(self, bases: np.ndarray, bounds: np.ndarray):
        self.bases, self.bounds = bases, bounds

    def __call__(self, row: int) -> str:
        return decode(self.bases[self.bounds[row] : self.bounds[row + 1]])


def normalised(table: pd.DataFrame, genome: Genome) -> pd.DataFrame:
    """Trim the alleles whose status is ok and move them to the left; give those near the end of their segment the status contig_edge.

    table: chrom, pos, ref, alt, status.
    """
    pos, ref, alt = (table[name].to_numpy(object).copy() for name in ("pos", "ref", "alt"))
    status = table["status"].to_numpy(object).copy()
    scored = status == OK
    single = scored & (table["ref"].str.len() == 1).to_numpy() & (table["alt"].str.len() == 1).to_numpy()
    place = genome.positions(table["chrom"], table["pos"].to_numpy(np.int64) - 1)
    behind = np.searchsorted(genome.bounds, place, side="right")
    room = np.minimum(
        place - genome.bounds[behind - 1], genome.bounds[np.minimum(behind, len(genome.bounds) - 1)] - 1 - place
    )
    status[single & (room < LEAST_FLANK)] = CONTIG_EDGE
    for row in np.flatnonzero(scored & ~single):
        found = change(genome, table["chrom"].iloc[row], pos[row], ref[row], alt[row])
        if len(found.ref) or len(found.alt):  # else ALT is REF, which is kept as it is written
            pos[row], ref[row], alt[row] = as_record(genome, found)
        if found.room < LEAST_FLANK:
            status[row] = CONTIG_EDGE
    return table.assign(
        pos=pos.astype(np.int64), ref=ref.astype("str"), alt=alt.astype("str"), status=status.astype("str")
    )


def as_text(counts: Mapping[str, int]) -> str:
    """Return how many alleles have each status but ok, for a sentence."""
    return ", ".join(
        f"{counts[status]:,} {words}" for status, words in STATUSES.items() if status != OK and counts.get(status)
    )
