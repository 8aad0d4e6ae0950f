"""Introns of annotated transcripts, from the table that SpliceAI publishes or from the exons of a GTF."""

from pathlib import Path

import pandas as pd

from grover.intervals.formats import GTF, read_gtf, read_headed
from grover.intervals.lines import columns_of_first_row, find_header, refuse
from grover.runtime.errors import InputError

TABLE = ["gene", "chrom", "strand", "tx_start", "tx_end", "donors", "acceptors"]
COLUMNS = ["chrom", "start", "end", "strand", "gene", "gene_start", "gene_end"]


def read_junctions(path: Path | str, rename: str = "") -> pd.DataFrame:
    """Introns, one row each: chrom, start, end (of the intron, 0-based half-open), strand, gene, gene_start, gene_end.

    Takes a table with the header `gene chrom strand tx_start tx_end donors acceptors` (further columns are left out), where donors are
    the last exon bases before an intron and acceptors the first behind it in the sense of transcription, 1-based, separated by
    commas (Jaganathan 2019); or a GTF, whose exons are joined by transcript. An intron of several transcripts of a gene stands
    there once. The index is that of the row in the file. Raises InputError, naming file and line, for anything else.
    """
    if find_header(path, TABLE):
        introns = _of_table(path, rename)
    elif columns_of_first_row(path) == len(GTF):
        introns = _of_exons(path, rename)
    else:
        raise InputError(
            f"{path}: expected a table with the header {' '.join(TABLE)}, separated by tabs, or a GTF of 9 columns with exons"
        )
    return introns[COLUMNS].drop_duplicates()


def _of_table(path: Path | str, rename: str) -> pd.DataFrame:
    table = read_headed(path, TABLE, ("tx_start", "tx_end"), rename)
    table = table[(table["donors"] != "") | (table["acceptors"] != "")]
    ends = {name: table[name].str.strip(",").str.split(",") for name in ("donors", "acceptors")}
    refuse(path, ends["donors"].str.len() != ends["acceptors"].str.len(), "as many donors as acceptors were expected")
    refuse(path, ~table["strand"].isin(["+", "-"]), "the strand is neither + nor -")
    introns = table.assign(**ends).explode(list(ends))
    for name in ends:
        refuse(path, ~introns[name].str.fullmatch("[0-9]{1,18}"), f"{name} must be whole numbers")
        introns[name] = introns[name].astype("int64")
    plus = introns["strand"] == "+"
    left = introns["donors"].where(
        plus, introns["acceptors"]
    )  # 1-based last base of the exon on the left: 0-based start of the intron
    right = introns["acceptors"].where(plus, introns["donors"])
    refuse(path, right - 1 <= left, "a donor does not stand before its acceptor in the sense of transcription")
    return introns.assign(
        start=left,
        end=right - 1,
        gene_start=introns["tx_start"] - 1,
        gene_end=introns["tx_end"],
    )


def _of_exons(path: Path | str, rename: str) -> pd.DataFrame:
    table = read_gtf(path, rename)
    exons = table[table["feature"] == "exon"]
    if not len(exons) or (exons["transcript_id"] == "").any():
        raise InputError(
            f"{path}: introns are read from rows `exon` with a transcript_id, which the file lacks; give a complete GTF"
        )
    gene = exons["gene_id"].where(exons["gene_id"] != "", exons["transcript_id"])
    exons = exons.assign(gene=gene).sort_values(["chrom", "transcript_id", "start"], kind="stable")
    span = exons.groupby(["chrom", "strand", "gene"])
    exons = exons.assign(gene_start=span["start"].transform("min"), gene_end=span["end"].transform("max"))
    following = exons.groupby(["chrom", "transcript_id"])["start"].shift(-1)
    introns = exons.assign(start=exons["end"], end=following)[following > exons["end"]]
    return introns.astype({"end": "int64"})
