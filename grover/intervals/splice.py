"""Introns of annotated transcripts, from the table that SpliceAI publishes or from the exons of a GTF or GFF3."""

from pathlib import Path

import pandas as pd

from grover.intervals.contigs import UNCHANGED, ContigNames
from grover.intervals.formats import read_gene_parts, read_headed
from grover.intervals.genes import is_annotation
from grover.intervals.lines import find_header, refuse
from grover.intervals.loci import SHORTEST, gene_of, transcript_loci
from grover.runtime.errors import InputError

TABLE = ["gene", "chrom", "strand", "tx_start", "tx_end", "donors", "acceptors"]
COLUMNS = ["chrom", "start", "end", "strand", "gene", "gene_start", "gene_end"]


def read_junctions(path: Path | str, contigs: ContigNames = UNCHANGED) -> pd.DataFrame:
    """Introns, one row each: chrom, start, end (of the intron, 0-based half-open), strand, gene, gene_start, gene_end.

    Takes a table with the header `gene chrom strand tx_start tx_end donors acceptors` (Jaganathan 2019); further columns are left out.
    Donors are the last exon bases before an intron and acceptors the first behind it in the sense of transcription, 1-based, separated by
    commas. Or takes a GTF or GFF3, whose exons are joined by transcript and locus (`grover.intervals.loci`), or its coding sequences
    where a transcript has no exons. An intron of several transcripts of a gene is given once. The index is that of the row in the file.
    Raises InputError, naming file and line, for anything else.
    """
    if find_header(path, TABLE):
        introns = _of_table(path, contigs)
    elif is_annotation(path):
        introns = _of_exons(path, contigs)
    else:
        raise InputError(
            f"{path}: expected a table with the header {' '.join(TABLE)}, separated by tabs, or a GTF or GFF3 with exons"
        )
    return introns[COLUMNS].drop_duplicates()


def _of_table(path: Path | str, contigs: ContigNames) -> pd.DataFrame:
    table = read_headed(path, TABLE, ("tx_start", "tx_end"), contigs)
    table = table[(table["donors"] != "") | (table["acceptors"] != "")]
    ends = {name: table[name].str.strip(",").str.split(",") for name in ("donors", "acceptors")}
    refuse(path, ends["donors"].str.len() != ends["acceptors"].str.len(), "as many donors as acceptors were expected")
    refuse(path, ~table["strand"].isin(["+", "-"]), "the strand is neither + nor -")
    introns = table.assign(**ends).explode(list(ends))
    for name in ends:
        refuse(path, ~introns[name].str.fullmatch("[0-9]{1,18}"), f"{name} must be whole numbers")
        introns[name] = introns[name].astype("int64")
    plus = introns["strand"] == "+"
    # 1-based last base of the exon on the left: 0-based start of the intron
    left = introns["donors"].where(plus, introns["acceptors"])
    right = introns["acceptors"].where(plus, introns["donors"])
    refuse(path, right - 1 <= left, "a donor does not stand before its acceptor in the sense of transcription")
    return introns.assign(
        start=left,
        end=right - 1,
        gene_start=introns["tx_start"] - 1,
        gene_end=introns["tx_end"],
    )


def _of_exons(path: Path | str, contigs: ContigNames) -> pd.DataFrame:
    parts = read_gene_parts(path, contigs)
    parts = parts[parts["transcript_id"] != ""]
    # rows across the origin of a circular contig come as two and are left out
    parts = parts[~parts.set_index("transcript_id", append=True).index.duplicated(keep=False)]
    if not parts["feature"].isin(["exon", "CDS"]).any():
        raise InputError(
            f"{path}: introns are read from rows `exon` or `CDS` with a transcript_id (GTF) or a Parent (GFF3), which the file lacks; "
            "give a complete annotation"
        )
    # pieces that are spliced in trans have no intron between them, nor have those of an interrupted pseudogene that is not transcribed
    transcribed = parts["transcript_id"].isin(parts["transcript_id"][parts["feature"] == "transcript"])
    pseudo = (parts["exception"].str.lower() == "true") & ~transcribed
    parts = parts[~pseudo & ~parts["exception"].str.contains("trans-splicing") & parts["strand"].isin(["+", "-"])]
    locus = transcript_loci(parts, path)
    gene = gene_of(parts, locus)
    place = parts.groupby(gene)
    parts = parts.assign(
        locus=locus,
        gene=parts["gene_id"].where(parts["gene_id"] != "", parts["transcript_id"]),
        gene_start=place["start"].transform("min"),
        gene_end=place["end"].transform("max"),
    )
    exon = parts["feature"] == "exon"
    with_exons = exon.groupby(locus).transform("max")
    exons = parts[exon | ~with_exons & (parts["feature"] == "CDS")]
    exons = exons.sort_values(["chrom", "transcript_id", "locus", "start"], kind="stable")
    reach = exons.groupby("locus")["end"].cummax()
    following = exons.groupby("locus")["start"].shift(-1)
    introns = exons.assign(start=reach, end=following)[following - reach >= SHORTEST]
    if not len(introns):
        raise InputError(
            f"{path} has {len(exons):,} exons and coding sequences, but no intron; leave out tasks of the builder splice, as for bacteria"
        )
    return introns.astype({"end": "int64"})
