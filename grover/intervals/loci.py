"""Loci of transcripts and genes: which rows of one name lie together on the genome.

A transcript_id may occur on two contigs (pseudoautosomal regions), on both strands, or at several places of one strand. GTFs made
from UCSC's tables have such ids. Rows on two contigs or strands are two loci. On one strand the rows `transcript` decide. Without these,
two groups of exons more than `FAR` apart are loci of their own if they have the same widths in the same order. Else the
distance is an intron, since introns of more than 1,000,000 bases are known.

Functions take a table with chrom, start, end, strand, feature (transcript, exon or CDS), gene_id and transcript_id.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from grover.intervals.overlaps import SPACING
from grover.runtime.errors import InputError

FAR = 10_000
SHORTEST = 15  # bases of the shortest known intron; smaller gaps are frameshifts and corrections of the sequence
TRANSCRIPT = ["chrom", "strand", "gene_id", "transcript_id"]


def transcript_loci(parts: pd.DataFrame, path: Path | str) -> np.ndarray:
    """Return the number of the locus of each row. Raises `InputError` where rows `transcript` of one name and strand overlap."""
    name = parts.groupby(TRANSCRIPT, observed=True, sort=False).ngroup().to_numpy()
    given = parts["feature"].to_numpy() == "transcript"
    spans = parts[given].assign(name=name[given]).drop_duplicates(["name", "start", "end"])
    locus = _of_copies(parts, name, given)
    rows_named = np.bincount(spans["name"], minlength=name.max(initial=-1) + 1)
    locus = np.where(rows_named[name] > 0, name, locus)
    several = np.flatnonzero(rows_named[name] > 1)
    if several.size:
        locus[several] = locus.max() + 1 + _of_rows(parts.iloc[several], name[several], spans, path)
    places = parts.assign(locus=locus).groupby(["chrom", "gene_id", "transcript_id"], observed=True, sort=False)
    divided = places["locus"].nunique()
    divided = divided[divided > 1]
    if len(divided):
        chrom, _, transcript = divided.index[0]
        print(
            f"{path}: {len(divided):,} names of transcripts stand at several loci of a contig, such as {transcript} on {chrom}; each "
            "locus is read as a transcript of its own",
            flush=True,
        )
    return np.unique(locus, return_inverse=True)[1]


def gene_of(parts: pd.DataFrame, locus: np.ndarray) -> np.ndarray:
    """Return the number of the gene of each row: loci of one gene_id that overlap or touch are one."""
    named = parts["gene_id"].astype("str")
    named = named.where(named != "", parts["transcript_id"].astype("str"))
    name = parts.assign(gene=named).groupby(["chrom", "strand", "gene"], observed=True, sort=False).ngroup()
    place = parts.groupby(locus)
    return _clusters(name.to_numpy(), place["start"].transform("min"), place["end"].transform("max"), 0)


def gene_spans(parts: pd.DataFrame, path: Path | str) -> pd.DataFrame:
    """Return a row for each gene at each of its loci, with the values of its first row."""
    gene = gene_of(parts, transcript_loci(parts, path))
    place = parts.groupby(gene)
    return place.first().assign(start=place["start"].min(), end=place["end"].max())


def _of_copies(parts: pd.DataFrame, name: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Return loci by the distances of exons, or of coding sequences in a transcript without exons."""
    cluster = _clusters(name, parts["start"], parts["end"], FAR)
    exon = parts["feature"].to_numpy() == "exon"
    with_exons = np.bincount(name, exon, minlength=name.max(initial=-1) + 1) > 0
    table = pd.DataFrame({"name": name, "cluster": cluster, "start": parts["start"].to_numpy()})
    table["width"] = parts["end"].to_numpy() - table["start"]
    table = table[~given & (exon | ~with_exons[name])].drop_duplicates()
    shapes = table.groupby(["name", "cluster"])["width"].agg(["size", "sum"])
    alike = shapes.groupby("name").agg(["nunique", "size"])
    alike = (alike["size", "nunique"] == 1) & (alike["sum", "nunique"] == 1) & (alike["sum", "size"] > 1)
    copies = set()
    for key, rows in table[table["name"].isin(alike[alike].index)].sort_values("start").groupby("name"):
        if len({tuple(widths) for _, widths in rows.groupby("cluster")["width"]}) == 1:
            copies.add(key)
    return np.where(np.isin(name, list(copies)), name.max(initial=-1) + 1 + cluster, name)


def _of_rows(parts: pd.DataFrame, name: np.ndarray, spans: pd.DataFrame, path: Path | str) -> np.ndarray:
    """Return loci by the rows `transcript` that contain the others, of which each name here has several."""
    spans = spans[spans["name"].isin(np.unique(name))].sort_values(["name", "start"])
    place, key = spans["start"].to_numpy() + spans["name"].to_numpy() * SPACING, spans["name"].to_numpy()
    overlap = np.flatnonzero((spans["start"].to_numpy()[1:] < spans["end"].to_numpy()[:-1]) & (key[1:] == key[:-1]))
    if overlap.size:
        chrom, transcript = spans.iloc[overlap[0]][["chrom", "transcript_id"]]
        raise InputError(
            f"{path}: the transcript_id {transcript} stands in two rows `transcript` that overlap on {chrom}, so that its exons "
            "cannot be told apart; give each a transcript_id of its own"
        )
    found: np.ndarray = np.searchsorted(place, parts["start"].to_numpy() + name * SPACING, side="right") - 1
    inside = (found >= 0) & (key[found] == name) & (parts["end"].to_numpy() <= spans["end"].to_numpy()[found])
    if not inside.all():
        chrom, start, end, transcript = parts.iloc[(~inside).argmax()][["chrom", "start", "end", "transcript_id"]]
        raise InputError(
            f"{path}: {chrom}:{start}-{end} of the transcript_id {transcript}, which stands at several loci, lies in none of its rows "
            "`transcript`; give each locus a transcript_id of its own"
        )
    return found


def _clusters(name: np.ndarray, start: pd.Series, end: pd.Series, apart: int) -> np.ndarray:
    """Number rows of one name that are at most `apart` from each other alike."""
    starts, ends = (column.to_numpy(np.int64) + name * SPACING for column in (start, end))
    order = np.argsort(starts, kind="stable")
    reach = np.maximum.accumulate(ends[order])
    first = np.concatenate([[True], starts[order][1:] - reach[:-1] > apart])[: order.size]
    cluster = np.empty(order.size, np.int64)
    cluster[order] = np.cumsum(first) - 1
    return cluster
