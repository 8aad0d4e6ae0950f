"""Variants of a VCF against the assembly, read block by block.

Of a record CHROM, POS, ID, REF and ALT are read, and EFFECT of INFO; the header is not. Files are plain or compressed, with tabs or blanks
between the columns (`grover.intervals.formats`).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from grover.genome.assembly import Genome
from grover.genome.bases import N, decode, encode
from grover.intervals.contigs import UNCHANGED, ContigNames, check_names
from grover.intervals.formats import vcf_blocks
from grover.intervals.lines import data_lines, fault
from grover.runtime.errors import InputError

MOST_DIFFERING = 0.01  # share of records with another REF, such as an ambiguity code, before the file is refused
COLUMNS = ["chrom", "pos", "id", "ref", "alt", "effect"]
OUTSIDE, NO_SEQUENCE, OTHER_REF = "outside the segments", "no plain sequence", "REF not of this assembly"
MISSING, TELOMERE = ".", 0  # no alternative; POS of what lies before the first base, whose REF is N


class Variants:
    """The variants of a VCF that lie in the genome's segments, one row per alternative allele.

    Iterating yields tables of chrom, pos (1-based, as in the VCF), id, ref, alt, effect ("" without EFFECT). After that `records` counts
    the records, and `left_out` the alleles, or for another REF the records, that are left out, by reason.
    """

    def __init__(self, path: Path | str, genome: Genome, lengths: Mapping[str, int], contigs: ContigNames = UNCHANGED):
        """lengths: of the contigs of the assembly; contigs: how the names in the file become those."""
        self.path, self.genome, self.lengths, self.contigs = path, genome, lengths, contigs
        self.records = 0
        self.left_out = {OUTSIDE: 0, NO_SEQUENCE: 0, OTHER_REF: 0}

    def __iter__(self) -> Iterator[pd.DataFrame]:
        """Raise `InputError`, naming file and line, at a row that is no record or lies beyond its contig, and at the end where REF of more
        than 1 % of the records is not what the assembly has, or where no allele is left.
        """
        rows_on: Counter[str] = Counter()
        compared = kept = 0
        differing = None  # number and text of the first record with another REF
        for block in vcf_blocks(self.path, self.contigs):
            rows_on.update(block["chrom"].value_counts().to_dict())
            block = block.assign(ref=block["ref"].str.upper(), alt=block["alt"].str.upper())
            self._check_rows(block)
            inside, same, found = self._compare(block)
            if differing is None and not same.all():
                row = int(np.argmin(same))
                differing = self.records + row, block["ref"].iloc[row], found(row)
            compared += int(inside.sum())
            self.left_out[OTHER_REF] += int((~same).sum())
            self.left_out[OUTSIDE] += int(_alleles(block[~inside])["alt"].size)
            alleles = _alleles(block[inside & same])
            plain = alleles["alt"].str.fullmatch("[ACGT]+")
            self.left_out[NO_SEQUENCE] += int((~plain).sum())
            self.records += len(block)
            kept += int(plain.sum())
            yield alleles.loc[plain, COLUMNS].reset_index(drop=True)
        check_names(rows_on, self.lengths, self.path, "records")
        if differing and self.left_out[OTHER_REF] > MOST_DIFFERING * compared:
            row, ref, assembly = differing
            raise self._fault(
                row,
                f"REF is {ref}, the assembly has {assembly}; they differ in {self.left_out[OTHER_REF]:,} of {compared:,} records; "
                "give the variants of this assembly",
            )
        if not self.records:
            raise InputError(f"{self.path}: no record below the header; give a VCF with variants")
        if not kept:
            reasons = ", ".join(f"{number:,} {reason}" for reason, number in self.left_out.items() if number)
            raise InputError(
                f"{self.path}: none of its {self.records:,} records has an allele to score ({reasons or 'no alternative at all'}); give a "
                "VCF with variants in the kept sequence"
            )

    def _check_rows(self, block: pd.DataFrame) -> None:
        """Raise `InputError` at the first row of a block that is no record, or that lies beyond its contig."""
        # a contig that is left out may have another length
        known = {chrom: self.lengths[chrom] for chrom in self.genome.chroms}
        limits = block["chrom"].map(known).fillna(np.inf).to_numpy(np.float64)
        pos, end = block["pos"].to_numpy(), block["pos"].to_numpy() - 1 + block["ref"].str.len().to_numpy()
        telomere = (block["ref"] == "N").to_numpy() & ((pos == TELOMERE) | (pos == limits + 1))
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
                raise self._fault(self.records + row, reason.format(limit=limit, **block.iloc[row][COLUMNS[:4]]))

    def _compare(self, block: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, Callable[[int], str]]:
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
        return inside, ~(inside & other), lambda row: decode(bases[bounds[row] : bounds[row + 1]])

    def _fault(self, row: int, reason: str) -> InputError:
        number, line = next(islice(data_lines(self.path), row, None))
        return fault(self.path, number, line, reason)


def sample_variants(variants: Iterable[pd.DataFrame], most: int, seed: int) -> tuple[pd.DataFrame, int]:
    """Draw at most `most` variants at random, and return them in the order of the file, and how many there are in all."""
    rng = np.random.default_rng(seed)
    blocks: list[pd.DataFrame] = []
    number = 0
    for block in variants:
        blocks.append(block.assign(drawn=rng.random(len(block))))
        number += len(block)
        if sum(map(len, blocks)) > 2 * most:  # memory does not grow with the file
            blocks = [_smallest(blocks, most)]
    return _smallest(blocks, most)[COLUMNS].reset_index(drop=True), number


def _smallest(blocks: list[pd.DataFrame], most: int) -> pd.DataFrame:
    table = pd.concat(blocks, ignore_index=True)
    return table.loc[table["drawn"].nsmallest(most).index.sort_values()]


def _alleles(records: pd.DataFrame) -> pd.DataFrame:
    """One row per alternative allele; a record without any has none."""
    alleles = records.assign(alt=records["alt"].str.split(",")).explode("alt")
    return alleles[alleles["alt"] != MISSING]
