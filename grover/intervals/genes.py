"""Genes, transcripts and their exons from GTF and GFF3, in blocks of rows.

Both formats give the same columns (`COLUMNS`) and the names of GTF in `feature`. An `mRNA`, `tRNA` or `lnc_RNA` of GFF3 is a `transcript`;
a `pseudogene` or `ncRNA_gene` is a `gene`. In GFF3 gene and transcript of a row follow from `ID` and `Parent`, without the prefixes of
NCBI (`gene-`, `rna-`) and Ensembl (`gene:`, `transcript:`). A row with several parents comes once for each, as in GTF.

A row across the origin of a circular contig (`Is_circular=true`), which ends beyond the contig, comes as two.

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
GENE, TRANSCRIPT, EXON = (
    r"(?i)^(.*_)?(pseudo)?gene$",
    r"^(.*RNA|.*transcript|.*_gene_segment|mRNA_TE_gene)$",
    r"^.*_exon$",
)
# rows with an ID that are no parents, of which a file may have millions
CHILDLESS = (
    r"(?i)^(exon|CDS|.*UTR|.*prime_utr|(start|stop)_codon|intron|(.*_)?match|match_part|.*repeat.*|.*polypeptide)$"
)
PREFIX = r"^(gene|transcript|rna|cds|CDS|exon|id)[-:]"
GENE_IDS = ("gene_id", "geneID", "locus_tag")
GENE_NAMES = ("gene_name", "gene", "ref_gene_name")
CIRCULAR, NEVER = r"(?:^|;)\s*Is_circular=true", 1 << 62
BIOTYPES = ("gene_biotype", "gene_type", "biotype")


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


def is_gene(block: Block) -> pa.Array:
    """Return True for rows of genes."""
    return pc.equal(block["feature"].cast(pa.string()), "gene")


def is_gene_or_coding(block: Block) -> pa.Array:
    """Return True for rows of genes and coding sequences."""
    return pc.is_in(block["feature"].cast(pa.string()), pa.array(("gene", "CDS")))


def is_part(block: Block) -> pa.Array:
    """Return True for rows of transcripts, exons and coding sequences."""
    return pc.is_in(block["feature"].cast(pa.string()), pa.array(PARTS))


def _blocks(path: Path | str, layout: Layout, types: dict[str, pa.DataType]) -> Iterator[Block]:
    """Yield what the rows of the file themselves give: `types` and feature."""
    made = {*NAMES, ROW, EXCEPTION}
    read = {name: kind for name, kind in types.items() if name not in made} | {"feature": TEXT}
    attributes = any(name in types for name in (*NAMES, EXCEPTION))
    read |= {"attributes": TEXT} if attributes else {}
    parents: Parents | None = None
    circles = _read_circles(path, layout) if "end" in types else {}
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
        rows = _unrolled(rows, circles) if circles else rows
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


def _read_circles(path: Path | str, layout: Layout) -> dict[str, int]:
    """Read the lengths of the contigs of a GFF3 that are circular, whose rows may end beyond."""
    cells = next((line.split("\t") for _, line in data_lines(path)), [])
    if not pc.any(is_gff3(pa.array(cells[8:9], pa.string()))).as_py():
        return {}
    found: dict[str, int] = {}
    for batch in typed_blocks(path, layout, {"chrom": TEXT, "end": WHOLE, "attributes": TEXT}):
        circular = batch.filter(pc.match_substring_regex(batch["attributes"].cast(pa.string()), CIRCULAR))
        found |= dict(zip(circular["chrom"].to_pylist(), circular["end"].to_pylist(), strict=True))
    return found


def _unrolled(rows: Block, circles: dict[str, int]) -> Block:
    """Divide rows that cross the origin of a circular contig in two."""
    lengths = pa.array([circles.get(name, NEVER) for name in rows["chrom"].dictionary.to_pylist()], WHOLE)
    length = lengths.take(rows["chrom"].indices).to_numpy()
    start, end = rows["start"].to_numpy(), rows["end"].to_numpy()
    across = (end > length) & (start <= length)
    if not across.any():
        return rows
    number = np.repeat(np.arange(len(start)), 1 + across)
    second = np.append(False, number[1:] == number[:-1])
    rows = {name: column.take(pa.array(number)) for name, column in rows.items()}
    ends = np.where(second, end[number] - length[number], np.minimum(end, length)[number])
    return rows | {"start": pa.array(np.where(second, 1, start[number])), "end": pa.array(ends)}


def _as_type(column: pa.Array) -> pa.Array:
    return column.dictionary_encode() if column.type == pa.string() else column


def _as_in_gtf(features: pa.DictionaryArray) -> pa.StringArray:
    """Return the names that GTF has for the features of rows."""
    names = features.dictionary
    for pattern, name in ((TRANSCRIPT, "transcript"), (GENE, "gene"), (EXON, "exon")):
        names = pc.if_else(pc.match_substring_regex(names, pattern), name, names)
    return names.take(features.indices)


def _named(rows: Block, raw: pa.Array, texts: pa.Array, parents: "Parents | None") -> Block:
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
    lists = _parent_lists(texts)
    number = pc.list_parent_indices(lists)
    own = {name: values[number.to_numpy()] for name, values in _own(texts, raw, feature, lists).items()}
    own["parent"] = decode(pc.list_flatten(lists)).to_numpy(zero_copy_only=False)
    resolved = _resolve(own, parents)
    gff3 = gff3.take(number)
    for name in NAMES:
        found[name] = pc.if_else(gff3, pa.array(resolved[name], pa.string()), found[name].take(number))
    found[EXCEPTION] = pc.if_else(gff3, of_gff3(texts, *EXCEPTIONS).take(number), found[EXCEPTION].take(number))
    return {name: column.take(number) for name, column in rows.items()} | found


# What stands above a row of GFF3

Rows = dict[str, np.ndarray]  # texts by column


@dataclass(frozen=True)
class Parents:
    """Genes and transcripts that other rows may name as `Parent`: `NAMES` and feature, by ID."""

    ids: pd.Index
    columns: Rows

    def of(self, ids: np.ndarray) -> Rows:
        """Return the columns of these parents, "" for one that is unknown."""
        place = self.ids.get_indexer(ids)
        return {name: np.append(values, "")[place] for name, values in self.columns.items()}


NOBODY = Parents(pd.Index([], dtype=object), dict.fromkeys([*NAMES, "feature"], np.array([], object)))


def _read_parents(path: Path | str, layout: Layout) -> Parents:
    found: list[Rows] = []
    for batch in typed_blocks(path, layout, {"feature": TEXT, "attributes": TEXT}):
        kept = pc.invert(pc.match_substring_regex(batch["feature"].cast(pa.string()), CHILDLESS))
        texts = batch["attributes"].cast(pa.string())
        kept = pc.and_(kept, is_gff3(texts))
        feature, texts = batch["feature"].filter(kept), texts.filter(kept)
        found.append(_own(texts, feature.cast(pa.string()), _as_in_gtf(feature), _parent_lists(texts)))
    rows = {name: np.concatenate([block[name] for block in found]) for name in found[0]}
    first = ~pd.Series(rows["id"]).duplicated().to_numpy() & (rows["id"] != "")
    rest = {name: values[first] for name, values in rows.items()}
    known, level = NOBODY, ~pd.Index(rest["parent"]).isin(rest["id"])
    while level.any():  # those in a circle of parents are left out
        these = {name: values[level] for name, values in rest.items()}
        columns = {name: np.append(known.columns[name], values) for name, values in _resolve(these, known).items()}
        known = Parents(known.ids.append(pd.Index(these["id"], dtype=object)), columns)
        rest = {name: values[~level] for name, values in rest.items()}
        level = pd.Index(rest["parent"]).isin(known.ids)
    return known


def _parent_lists(texts: pa.Array) -> pa.ListArray:
    return pc.split_pattern(encoded(texts, "Parent"), ",")


def _own(texts: pa.Array, raw: pa.Array, feature: pa.Array, parents: pa.ListArray) -> Rows:
    """Return what rows of GFF3 say themselves; of several parents the first."""
    columns = {
        "id": of_gff3(texts, "ID"),
        "parent": decode(pc.list_element(parents, 0)),
        "type": raw,
        "feature": feature,
        "gene_id": of_gff3(texts, *GENE_IDS),
        "gene_name": of_gff3(texts, *GENE_NAMES),
        "name": of_gff3(texts, "Name"),
        "transcript_id": of_gff3(texts, "transcript_id"),
        "biotype": of_gff3(texts, *BIOTYPES),
    }
    return {name: column.to_numpy(zero_copy_only=False) for name, column in columns.items()}


def _resolve(rows: Rows, parents: Parents) -> Rows:
    """Return `NAMES` and feature of rows of GFF3, whose genes and transcripts are those of their parents."""
    above, feature, kind = parents.of(rows["parent"]), rows["feature"], rows["type"]
    own, parent = (_without_prefix(rows[name]) for name in ("id", "parent"))
    gene, transcript, cds, exon = (feature == name for name in ("gene", "transcript", "CDS", "exon"))
    top, in_gene = rows["parent"] == "", above["feature"] == "gene"

    alone = np.where(top & (transcript | cds), own, "")
    gene_id = np.where(
        gene, _first(own, rows["gene_id"], rows["name"]), _first(above["gene_id"], rows["gene_id"], alone)
    )
    gene_name = np.where(gene, _first(rows["gene_name"], rows["name"]), _first(above["gene_name"], rows["gene_name"]))

    coding = cds | (kind == "mRNA")
    pseudo = np.array([text.lower() == "pseudogene" for text in kind], bool)
    told = np.where(coding, "protein_coding", np.where(transcript & (kind != "transcript"), kind, ""))
    told = np.where(pseudo, "pseudogene", told)
    biotype = _first(np.where(gene, "", above["biotype"]), rows["biotype"], told)

    # an exon of a gene belongs to a transcript of that name
    direct = np.where(exon | cds | (above["feature"] == ""), parent, "")
    direct = np.where(cds & (top | in_gene), _first(own, parent), direct)
    transcript_id = _first(above["transcript_id"], direct, rows["transcript_id"])
    transcript_id = np.where(transcript, _first(own, rows["transcript_id"]), transcript_id)
    columns = [gene_id, gene_name, np.where(gene, "", transcript_id), biotype, feature]
    return dict(zip([*NAMES, "feature"], columns, strict=True))


def _first(*texts: np.ndarray) -> np.ndarray:
    """Return, by row, the first text that is not empty."""
    found = texts[0]
    for other in texts[1:]:
        found = np.where(found == "", other, found)
    return found


def _without_prefix(ids: np.ndarray) -> np.ndarray:
    found: np.ndarray = pc.replace_substring_regex(pa.array(ids, pa.string()), PREFIX, "").to_numpy(
        zero_copy_only=False
    )
    return found


# Genes of a file that has no rows for them


def _genes_of_parts(path: Path | str, layout: Layout, types: dict[str, pa.DataType]) -> Iterator[Block]:
    """Yield one block with a row `gene` for each locus of each gene; columns that a gene does not have are empty."""
    wanted = {"chrom": TEXT, "start": WHOLE, "end": WHOLE, "strand": TEXT, ROW: WHOLE} | dict.fromkeys(NAMES, TEXT)
    found: dict[str, list[pa.Array]] = {name: [] for name in (*wanted, "feature")}
    for block in _blocks(path, layout, wanted):
        kept = pc.and_(is_part(block), pc.not_equal(block["gene_id"].cast(pa.string()), ""))
        for name, columns in found.items():
            columns.append(block[name].filter(kept))
    parts = (
        pa.table({name: pa.chunked_array(columns) for name, columns in found.items()}).unify_dictionaries().to_pandas()
    )
    second = parts.duplicated([ROW, "transcript_id"])  # what lies behind the origin of a circular contig
    genes = pd.concat([gene_spans(parts[~second], path), gene_spans(parts[second], path)], ignore_index=True)
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
