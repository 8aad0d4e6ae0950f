"""Genes, transcripts and their exons from GTF and GFF3, in blocks of rows.

Both formats give the same columns (`COLUMNS`) and the names of GTF in `feature`: an `mRNA`, `tRNA` or `lnc_RNA` of GFF3 is a `transcript`,
a `pseudogene` or `ncRNA_gene` is a `gene`. In GFF3 gene and transcript of a row follow from `ID` and `Parent`, without the prefixes of
NCBI (`gene-`, `rna-`) and Ensembl (`gene:`, `transcript:`). A row with several parents comes once for each, as in GTF.

A file without rows `gene` gets them from its transcripts, exons and coding sequences, a row for each locus of a gene.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from grover.intervals.attributes import decode, encoded, is_gff3, name_alone, of_gff3, of_gtf
from grover.intervals.blocks import TEXT, WHOLE, Block, Layout, typed_blocks
from grover.intervals.lines import data_lines, fault
from grover.intervals.loci import gene_spans

NAMES = ["gene_id", "gene_name", "transcript_id", "biotype"]  # from the attributes
COLUMNS = ["feature", "strand", *NAMES]
ROW = "row"  # number of the row in the file, counted from 0
EXCEPTION = "exception"  # trans-splicing and the like; `true` for what is marked as pseudo
EXCEPTIONS = ("pseudo", "exception")
PARTS = ("transcript", "exon", "CDS")
GENE, TRANSCRIPT, EXON = r"(?i)^(.*_)?(pseudo)?gene$", r"^(.*RNA|.*transcript|.*_gene_segment)$", r"^.*_exon$"
# rows with an ID that are no parents, of which a file may have millions
CHILDLESS = (
    r"(?i)^(exon|CDS|.*UTR|.*prime_utr|(start|stop)_codon|intron|(.*_)?match|match_part|.*repeat.*|.*polypeptide)$"
)
PREFIX = r"^(gene|transcript|rna|cds|CDS|exon|id)[-:]"
GENE_IDS = ("gene_id", "geneID", "locus_tag")
GENE_NAMES = ("gene_name", "gene", "ref_gene_name")
BIOTYPES = ("gene_biotype", "gene_type", "biotype")
OWN = ["id", "parent", "type", "feature", "gene_id", "gene_name", "name", "transcript_id", "biotype"]


@dataclass(frozen=True)
class GeneLayout(Layout):
    """The columns of a GTF or GFF3, which `gene_blocks` reads. complete: whether missing rows `gene` are made of the others."""

    complete: bool = True


def is_annotation(path: Path | str) -> bool:
    """Return whether the first row of a file looks like one of GTF or GFF3."""
    cells = next((line.split("\t") for _, line in data_lines(path)), [])
    return len(cells) >= 9 and all(map(str.isdecimal, cells[3:5])) and cells[6] in ("+", "-", ".", "?")


def gene_blocks(path: Path | str, layout: GeneLayout, types: dict[str, pa.DataType]) -> Iterator[Block]:
    """Yield the columns `types` of a GTF or GFF3 as `typed_blocks` does; they may be `NAMES`, `ROW` and `EXCEPTION`, too.

    Raises `InputError` where names are asked for and no row of a gene, transcript or exon has any.
    """
    genes = parts = False
    for block in _blocks(path, layout, types):
        found = block["feature"].dictionary
        genes = genes or pc.any(pc.equal(found, "gene")).as_py()
        parts = parts or pc.any(pc.is_in(found, pa.array(PARTS))).as_py()
        yield {name: block[name] for name in types}
    if parts and not genes and layout.complete:
        yield from _genes_of_parts(path, layout, types)


def is_part(block: Block) -> pa.Array:
    """Return True for rows of transcripts, exons and coding sequences."""
    return pc.is_in(block["feature"].cast(pa.string()), pa.array(PARTS))


def _blocks(path: Path | str, layout: Layout, types: dict[str, pa.DataType]) -> Iterator[Block]:
    """Yield what the rows of the file themselves give: `types` and feature."""
    made = {*NAMES, ROW, EXCEPTION}
    read = {name: kind for name, kind in types.items() if name not in made} | {"feature": TEXT}
    attributes = any(name in types for name in (*NAMES, EXCEPTION))
    read |= {"attributes": TEXT} if attributes else {}
    parents: pd.DataFrame | None = None
    first, named = 0, False
    for batch in typed_blocks(path, layout, read):
        rows: Block = {name: batch[name] for name in read}
        rows[ROW] = pa.array(np.arange(first, first + batch.num_rows))
        first += batch.num_rows
        raw = rows["feature"].cast(pa.string())
        feature = rows["feature"] = _as_in_gtf(rows["feature"])
        if attributes:
            texts = rows["attributes"].cast(pa.string())
            if parents is None and pc.any(is_gff3(texts)).as_py():
                parents = _read_parents(path, layout)
            rows = _named(rows, raw, texts, parents)
            parts = pc.is_in(feature, pa.array((*PARTS, "gene")))
            known = pc.not_equal(pc.binary_join_element_wise(rows["gene_id"], rows["transcript_id"], ""), "")
            named = named or pc.any(known).as_py() or not pc.any(parts).as_py()
        yield {name: _as_type(column) for name, column in rows.items()}
    if attributes and not named and first:
        number, line = next(data_lines(path))
        raise fault(
            path,
            number,
            line,
            'no row names its gene or transcript; expected attributes of GTF (gene_id "X"; transcript_id "Y";) or of GFF3 '
            "(ID=X;Parent=Y) in column 9",
        )


def _as_type(column: pa.Array) -> pa.Array:
    return column.dictionary_encode() if column.type == pa.string() else column


def _as_in_gtf(features: pa.DictionaryArray) -> pa.StringArray:
    """Return the names that GTF has for the features of rows."""
    names = features.dictionary
    for pattern, name in ((GENE, "gene"), (TRANSCRIPT, "transcript"), (EXON, "exon")):
        names = pc.if_else(pc.match_substring_regex(names, pattern), name, names)
    return names.take(features.indices)


def _named(rows: Block, raw: pa.Array, texts: pa.Array, parents: pd.DataFrame | None) -> Block:
    """Add `NAMES` and `EXCEPTION`, a row for each parent."""
    feature, gff3 = rows["feature"], is_gff3(texts)
    alone = name_alone(texts)
    found = {
        "gene_id": pc.if_else(pc.equal(feature, "gene"), alone, ""),
        "transcript_id": pc.if_else(pc.equal(feature, "transcript"), alone, ""),
        "gene_name": pa.array([""] * len(texts), pa.string()),
    }
    found["biotype"] = found[EXCEPTION] = found["gene_name"]
    if not pc.all(gff3).as_py():
        keys = {"gene_id": ("gene_id",), "transcript_id": ("transcript_id",), "gene_name": GENE_NAMES}
        for name, names in (keys | {"biotype": BIOTYPES, EXCEPTION: EXCEPTIONS}).items():
            value = of_gtf(texts, *names)
            found[name] = pc.if_else(pc.equal(value, ""), found[name], value)
    if parents is None:
        return rows | found
    parent = pc.split_pattern(encoded(texts, "Parent"), ",")
    number = pc.list_parent_indices(parent)
    own = _own(texts, raw, feature).take(number.to_numpy())
    own["parent"] = decode(pc.list_flatten(parent)).to_pandas().to_numpy()
    resolved = _resolve(own, parents)
    gff3 = gff3.take(number)
    for name in NAMES:
        found[name] = pc.if_else(gff3, pa.array(resolved[name], pa.string()), found[name].take(number))
    found[EXCEPTION] = pc.if_else(gff3, of_gff3(texts, *EXCEPTIONS).take(number), found[EXCEPTION].take(number))
    return {name: column.take(number) for name, column in rows.items()} | found


# What stands above a row of GFF3


def _read_parents(path: Path | str, layout: Layout) -> pd.DataFrame:
    """Read the genes and transcripts that other rows may name as `Parent`: `NAMES` and feature, by ID."""
    found = []
    for batch in typed_blocks(path, layout, {"feature": TEXT, "attributes": TEXT}):
        kept = pc.invert(pc.match_substring_regex(batch["feature"].cast(pa.string()), CHILDLESS))
        texts = batch["attributes"].cast(pa.string())
        kept = pc.and_(kept, is_gff3(texts))
        feature = batch["feature"].filter(kept)
        rows = _own(texts.filter(kept), feature.cast(pa.string()), _as_in_gtf(feature))
        found.append(rows[rows["id"] != ""])
    rest = pd.concat(found, ignore_index=True).drop_duplicates("id")
    known = _resolve(rest[:0], None)
    level = ~rest["parent"].isin(rest["id"])
    while level.any():  # those in a circle of parents are left out
        above = _resolve(rest[level], known).set_index(rest["id"][level])
        known, rest = pd.concat([known, above]), rest[~level]
        level = rest["parent"].isin(known.index)
    return known


def _own(texts: pa.Array, raw: pa.Array, feature: pa.Array) -> pd.DataFrame:
    """Return what the attributes of rows of GFF3 say themselves: `OWN`, of several parents the first."""
    parent = pc.list_element(pc.split_pattern(encoded(texts, "Parent"), ","), 0)
    columns = [of_gff3(texts, "ID"), decode(parent), raw, feature, of_gff3(texts, *GENE_IDS)]
    columns += [of_gff3(texts, *GENE_NAMES), of_gff3(texts, "Name"), of_gff3(texts, "transcript_id")]
    columns += [of_gff3(texts, *BIOTYPES)]
    return pd.DataFrame({name: column.to_pandas() for name, column in zip(OWN, columns, strict=True)}, dtype="str")


def _resolve(rows: pd.DataFrame, parents: pd.DataFrame | None) -> pd.DataFrame:
    """Return `NAMES` and feature of rows of GFF3, whose genes and transcripts are those of their parents."""
    own = rows["id"].str.replace(PREFIX, "", regex=True)
    parent = rows["parent"].str.replace(PREFIX, "", regex=True)
    if parents is None:
        parents = pd.DataFrame(columns=[*NAMES, "feature"], dtype="str")
    above = parents.reindex(rows["parent"], fill_value="").set_index(rows.index)
    feature, top = rows["feature"], rows["parent"] == ""
    gene, transcript, cds = (feature == name for name in ("gene", "transcript", "CDS"))
    part = feature.isin(PARTS)

    named = rows["gene_id"].where(rows["gene_id"] != "", own.where(top & part & ~feature.eq("exon"), ""))
    gene_id = above["gene_id"].where(above["gene_id"] != "", named)
    gene_id = gene_id.mask(gene, own.where(own != "", rows["gene_id"].where(rows["gene_id"] != "", rows["name"])))

    name = rows["gene_name"].where(~gene | (rows["gene_name"] != ""), rows["name"])
    gene_name = above["gene_name"].where((above["gene_name"] != "") & ~gene, name)

    kind = rows["type"].where(transcript & ~rows["type"].isin(["mRNA", "transcript"]), "")
    kind = kind.mask(cds | (rows["type"] == "mRNA"), "protein_coding")
    kind = kind.mask(gene & rows["type"].str.contains("pseudo"), "pseudogene")
    biotype = rows["biotype"].where(rows["biotype"] != "", kind)
    biotype = above["biotype"].where((above["biotype"] != "") & ~gene, biotype)

    below_gene = part & ((above["feature"] == "gene") | top)
    direct = own.where(cds & (own != ""), parent).where(below_gene, parent.where(above["feature"] == "", ""))
    transcript_id = above["transcript_id"].where(above["transcript_id"] != "", direct)
    transcript_id = transcript_id.mask(transcript, own).mask(gene, "")
    transcript_id = transcript_id.where((transcript_id != "") | gene, rows["transcript_id"])
    columns = [gene_id, gene_name, transcript_id, biotype, feature]
    return pd.DataFrame(dict(zip([*NAMES, "feature"], columns, strict=True)))


# Genes of a file that has no rows for them


def _genes_of_parts(path: Path | str, layout: Layout, types: dict[str, pa.DataType]) -> Iterator[Block]:
    """Yield one block with a row `gene` for each locus of each gene; columns that a gene does not have are empty."""
    wanted = {"chrom": TEXT, "start": WHOLE, "end": WHOLE, "strand": TEXT, ROW: WHOLE} | dict.fromkeys(NAMES, TEXT)
    found: dict[str, list[pa.Array]] = {name: [] for name in (*wanted, "feature")}
    for block in _blocks(path, layout, wanted):
        kept = pc.and_(is_part(block), pc.not_equal(block["gene_id"].cast(pa.string()), ""))
        for name, columns in found.items():
            columns.append(block[name].filter(kept))
    parts = pa.table({name: pa.chunked_array(columns) for name, columns in found.items()})
    genes = gene_spans(parts.unify_dictionaries().to_pandas(), path)
    genes["feature"], genes["transcript_id"] = "gene", ""
    yield {
        name: (
            pa.array(genes[name].astype("str"), pa.string()).dictionary_encode()
            if kind == TEXT
            else pa.array(genes[name], kind)
        )
        if name in genes
        else _missing(len(genes), kind)
        for name, kind in types.items()
    }


def _missing(rows: int, kind: pa.DataType) -> pa.Array:
    return pa.array([""] * rows, pa.string()).dictionary_encode() if kind == TEXT else pa.nulls(rows, kind)
