"""Readers of the sites that a benchmark is built around: transcription starts, summits of peaks, masked intervals."""

from pathlib import Path

import pandas as pd

from grover.intervals import repeatmasker
from grover.intervals.contigs import UNCHANGED, ContigNames
from grover.intervals.formats import NARROWPEAK, RMSK, read_bed, read_genes, read_narrowpeak, read_rmsk
from grover.intervals.genes import is_annotation
from grover.intervals.lines import columns_of_first_row, refuse
from grover.runtime.errors import InputError


def read_tss(path: Path | str, contigs: ContigNames = UNCHANGED) -> pd.DataFrame:
    """Return transcription start sites: chrom, start, end (one base), name, strand, ...

    They come from BED rows of one base, from EPDnew's own of 60, or from the genes of a GTF or GFF3.

    EPDnew shows a promoter from 49 bases before its start to 10 behind and draws the part from the start on thick. So the start
    is thickStart on strand + and thickEnd - 1 on strand -. That is read off its files, no format states it. The thick part must
    begin inside a row and end where the row ends. Other rows are refused, since in a BED of genes it is the coding part.

    A gene gives its first base along the strand, which for bacteria is the start of the coding sequence. Pseudogenes give none.
    """
    if is_annotation(path):
        return _starts_of_genes(path, contigs)
    table = read_bed(path, contigs=contigs)
    strand = table.get("strand", pd.Series("", index=table.index))
    one_base = table["end"] - table["start"] == 1
    thick = [
        pd.to_numeric(table.get(name, one_base.map(lambda _: "")), errors="coerce")
        for name in ("thickStart", "thickEnd")
    ]
    forward = (strand == "+") & (table["start"] < thick[0]) & (thick[0] < thick[1]) & (thick[1] == table["end"])
    backward = (strand == "-") & (table["start"] == thick[0]) & (thick[0] < thick[1]) & (thick[1] < table["end"])
    wrong = ~(one_base & strand.isin(["+", "-"])) & ~forward & ~backward
    refuse(
        path,
        wrong,
        "expected a BED6 row of one base with strand + or -, or a row of EPDnew with thickStart and thickEnd; a GTF or GFF3 gives the "
        "starts of its genes",
    )
    start = table["start"].mask(forward, thick[0]).mask(backward, thick[1] - 1).astype("int64")
    return table.assign(start=start, end=start + 1)


def _starts_of_genes(path: Path | str, contigs: ContigNames) -> pd.DataFrame:
    genes = read_genes(path, contigs)
    refuse(path, genes["end"] <= genes["start"], "the end is not after the start")
    genes = genes[genes["strand"].isin(["+", "-"]) & ~genes["biotype"].str.contains("pseudogene")]
    if not len(genes):
        raise InputError(
            f"{path}: no row is a gene with a strand, whose start could be read; give a complete annotation or a BED"
        )
    # one across the origin of a circular contig comes as two rows
    row = genes.set_index("gene_id", append=True).index
    first, last = (~row.duplicated(keep=keep) for keep in ("first", "last"))
    genes = genes[first & (genes["strand"] == "+") | last & (genes["strand"] == "-")]
    start = genes["start"].where(genes["strand"] == "+", genes["end"] - 1)
    starts = genes[["chrom"]].assign(start=start, end=start + 1, name=genes["gene_id"], strand=genes["strand"])
    return starts.drop_duplicates(["chrom", "start", "strand"])


def read_peaks(path: Path | str, contigs: ContigNames = UNCHANGED, summits: bool = False) -> pd.DataFrame:
    """narrowPeak as `grover.intervals.formats.read_narrowpeak` reads it; with `summits` a file that lacks a called one is refused."""
    if summits:
        table = read_bed(path, NARROWPEAK, contigs)
        if "summit" not in table:
            raise InputError(
                f"{path}: a summit for each peak is needed but the file has {table.shape[1]} columns; give a narrowPeak of "
                "10 columns, or take the builder regions"
            )
        refuse(
            path,
            table["summit"] < 0,
            "the summit of this peak (column 10) is not called, but is needed; give peaks with summits, or take the builder "
            "regions",
        )
    return read_narrowpeak(path, contigs)


def read_masked(path: Path | str, contigs: ContigNames = UNCHANGED) -> pd.DataFrame:
    """Intervals of repeats (chrom, start, end first) from a BED or from what `read_rmsk` reads, told by its columns."""
    if columns_of_first_row(path) == len(RMSK) or repeatmasker.is_output(path):
        return read_rmsk(path, contigs)
    return read_bed(path, contigs=contigs)
