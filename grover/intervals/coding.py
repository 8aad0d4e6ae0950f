"""Coding sequences of a GTF or GFF3, in the pieces of its rows, each with its reading frame."""

from pathlib import Path

import numpy as np
import pandas as pd

from grover.intervals.contigs import UNCHANGED, ContigNames
from grover.intervals.formats import read_coding_rows
from grover.intervals.genes import EXCEPTION, is_annotation
from grover.intervals.lines import refuse
from grover.intervals.loci import transcript_loci
from grover.intervals.overlaps import SPACING
from grover.runtime.errors import InputError

COLUMNS = ["chrom", "start", "end", "strand", "feature", "phase", "opens"]


def read_coding(path: Path | str, contigs: ContigNames = UNCHANGED) -> pd.DataFrame:
    """Read genes and the pieces of coding sequences: chrom, start, end, strand, feature (gene or CDS), phase, opens.

    phase (int64): bases from the first one of a piece, along its strand, to its first whole codon. opens (bool): whether that codon is
    the first one of the coding sequence. A piece across the origin of a circular contig is two pieces, each with its phase. Coding
    sequences of pseudogenes are left out, their genes are not. Of genes phase is 0 and opens False. Raises InputError where the file has
    no coding sequence.
    """
    if not is_annotation(path):
        raise InputError(f"{path}: expected a GTF or GFF3, whose rows CDS give start codons")
    rows = read_coding_rows(path, contigs)
    genes = rows[rows["feature"] == "gene"].assign(phase=0, opens=False)
    named = (rows["transcript_id"] != "") & rows["strand"].isin(["+", "-"])
    coding = rows[(rows["feature"] == "CDS") & named & (rows[EXCEPTION].str.lower() != "true")]
    if not len(coding):
        raise InputError(
            f"{path}: no row CDS with a strand belongs to a gene; give an annotation with coding sequences"
        )
    refuse(path, ~coding["frame"].isin(["0", "1", "2"]), "a row CDS needs the phase 0, 1 or 2 in column 8")
    refuse(path, coding["end"] <= coding["start"], "the end is not after the start")
    table = pd.concat([_with_frame(coding, path), genes])[COLUMNS]
    return table.astype({"phase": "int64", "opens": bool})


def _with_frame(coding: pd.DataFrame, path: Path | str) -> pd.DataFrame:
    """Add phase and opens to the rows CDS, which a row across an origin is two of."""
    row = coding.set_index("transcript_id", append=True).index
    behind, across = row.duplicated(), row.duplicated(keep=False)
    plus = (coding["strand"] == "+").to_numpy()
    length = (coding["end"] - coding["start"]).to_numpy()
    # of two pieces of a row, the phase in the file is that of the first along the strand
    second = across & (behind == plus)
    before = np.where(behind, np.roll(length, 1), np.roll(length, -1))
    phase = coding["frame"].astype("int64").to_numpy()
    phase = np.where(second, (phase - before) % 3, phase)
    place = coding["start"].to_numpy() + behind * SPACING
    table = coding.assign(phase=phase, locus=transcript_loci(coding, path), place=np.where(plus, place, -place))
    first = table.groupby("locus")["place"].transform("min") == table["place"]
    # a start codon that an intron or the origin divides is none of a piece; pieces spliced in trans have no order
    whole = (phase == 0) & (length >= 3) & ~coding[EXCEPTION].str.contains("trans-splicing").to_numpy()
    return table.assign(opens=first & whole)
