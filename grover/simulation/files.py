"""The simulated genome as files in the formats of the public sources.

Compressed files are BGZF, sorted by contig and start, and the same genome gives the same bytes.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pysam

from grover.runtime.files import atomic, write_json, write_text
from grover.simulation.binding import (
    LABEL_NOISE,
    MOTIF,
    MOTIF_ID,
    MOTIF_NAME,
    PARTNER,
    PARTNER_DISTANCE,
    PARTNER_REACH,
)
from grover.simulation.canvas import Canvas
from grover.simulation.genes import (
    ACCEPTOR,
    ACCEPTOR_EXON,
    ACCEPTOR_TEXT,
    DONOR,
    DONOR_EXON,
    DONOR_TEXT,
    ENHANCER,
    ENHANCER_TEXT,
    TATA,
    TATA_TEXT,
)
from grover.simulation.sequence import text
from grover.simulation.species import SPECIES

PLACES = {"start", "end", "partner_start", "partner_end"}  # columns with positions; -1 is no position
LINE = 60  # bases per line of FASTA
UPPER = np.frombuffer(b"ACGTN", dtype=np.uint8)


def write_genome(canvas: Canvas, path: Path) -> None:
    """FASTA, repeats in lower case, BGZF."""
    bases = UPPER[canvas.codes]
    bases[canvas.masked] += ord("a") - ord("A")
    with atomic(path) as temporary, pysam.BGZFile(str(temporary), "wb", None) as stream:
        for name, first, last in zip(canvas.names, canvas.offsets[:-1], canvas.offsets[1:], strict=True):
            sequence = bases[first:last].tobytes()
            lines = [sequence[start : start + LINE] for start in range(0, len(sequence), LINE)]
            stream.write(b"".join([b">", name.encode(), b"\n", b"\n".join(lines), b"\n"]))


def write_repeats(canvas: Canvas, path: Path) -> None:
    """The 17 columns of UCSC `rmsk`.

    On the minus strand the bases left in the consensus come first, negative, as in UCSC's table. `swScore` is a
    rough stand-in: 9 per match, -9 per substitution, -15 per inserted or deleted base.
    """
    table = _by_contig(canvas, canvas.tables["repeats"])
    aligned = table.consensus_end - table.consensus_start
    aligned = aligned.where(table.repeat_class.isin(["SINE", "LINE", "LTR", "DNA"]), table.end - table.start)
    indels = table.deletions + table.insertions
    first, left = table.consensus_start + 1, table.consensus_end - table.consensus_length
    plus = table.strand == "+"
    columns = {
        "bin": _bins(table.start, table.end),
        "swScore": np.maximum(9 * aligned - 18 * table.substitutions - 15 * indels, 180),
        "milliDiv": 1000 * table.substitutions // aligned,
        "milliDel": 1000 * table.deletions // aligned,
        "milliIns": 1000 * table.insertions // aligned,
        "genoName": table.chrom,
        "genoStart": table.start,
        "genoEnd": table.end,
        "genoLeft": table.end - table.length,
        "strand": table.strand,
        "repName": table.name,
        "repClass": table.repeat_class,
        "repFamily": table.family,
        "repStart": first.where(plus, left),
        "repEnd": table.consensus_end,
        "repLeft": left.where(plus, first),
        "id": (np.arange(len(table)) + 1) % 10,
    }
    _write_rows(path, pd.DataFrame(columns))


def write_peaks(canvas: Canvas, path: Path) -> None:
    """ENCODE narrowPeak: 10 columns, the last the offset of the summit."""
    table = _by_contig(canvas, canvas.tables["peaks"])
    score = np.minimum(1000, (10 * table.signal).astype(int))
    rows = {"chrom": table.chrom, "start": table.start, "end": table.end, "name": ".", "score": score, "strand": "."}
    rows |= {"signal": table.signal, "pValue": -1, "qValue": -1, "peak": table.summit}
    _write_rows(path, pd.DataFrame(rows))


def write_motifs(canvas: Canvas, path: Path) -> None:
    """MEME version 4 as JASPAR writes it."""
    rows = "\n".join("\t".join(f"{value:.5f}" for value in row) for row in MOTIF)
    write_text(
        path,
        "MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n\n"
        "Background letter frequencies\nA 0.25 C 0.25 G 0.25 T 0.25\n\n"
        f"MOTIF {MOTIF_ID} {MOTIF_NAME}\n"
        f"letter-probability matrix: alength= 4 w= {len(MOTIF)} nsites= {len(canvas.tables['sites'])} E= 0\n"
        f"{rows}\nURL none\n",
    )


def write_genes(canvas: Canvas, path: Path) -> None:
    """GTF, 1-based and closed, with gene, transcript and exon features; exons are numbered along the transcript."""
    exons = _by_contig(canvas, canvas.tables["exons"])
    lines = []
    for gene in _by_contig(canvas, canvas.tables["genes"]).itertuples():
        shared = f'gene_id "{gene.name}"; gene_name "{gene.name}"; gene_type "protein_coding";'
        transcript = f'{shared} transcript_id "{gene.name}.t1";'
        own = exons[exons.gene == gene.name].sort_values("start")
        features = [("gene", gene.start, gene.end, shared), ("transcript", gene.start, gene.end, transcript)]
        features += [("exon", e.start, e.end, f"{transcript} exon_number {e.number};") for e in own.itertuples()]
        for feature, start, end, attributes in features:
            fields = (gene.chrom, "simulated", feature, start + 1, end, ".", gene.strand, ".", attributes)
            lines.append("\t".join(map(str, fields)))
    _write_lines(path, lines)


def write_tss(canvas: Canvas, path: Path) -> None:
    """BED6 of single bases, named like EPDnew promoters."""
    genes = canvas.tables["genes"]
    starts = genes.start.where(genes.strand == "+", genes.end - 1)
    table = genes.assign(start=starts, end=starts + 1, name=genes.name + "_1", score=1)
    _write_rows(path, _by_contig(canvas, table)[["chrom", "start", "end", "name", "score", "strand"]])


def write_bed(canvas: Canvas, path: Path, table: str) -> None:
    """BED3, or BED4 where the table has names, or bedGraph where it has values."""
    content = _by_contig(canvas, canvas.tables[table])
    columns = [name for name in ("chrom", "start", "end", "name", "value") if name in content]
    _write_rows(path, content[columns])


def write_variants(canvas: Canvas, path: Path) -> None:
    """VCF 4.2 with INFO EFFECT and KIND."""
    contigs = zip(canvas.names, canvas.lengths, strict=True)
    lines = [
        "##fileformat=VCFv4.2",
        "##source=grover-simulation",
        '##FILTER=<ID=PASS,Description="All filters passed">',
        *(f"##contig=<ID={name},length={length}>" for name, length in contigs),
        '##INFO=<ID=EFFECT,Number=1,Type=String,Description="Planted effect on binding: break or neutral">',
        '##INFO=<ID=KIND,Number=1,Type=String,Description="What the variant changes: the partner of a bound site, a decoy, which is a copy '
        'of the partner that decides nothing, or the motif of a bound site">',
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO",
    ]
    for number, row in enumerate(_by_contig(canvas, canvas.tables["variants"]).itertuples(), start=1):
        fields = (row.chrom, row.start + 1, f"demo{number}", row.reference, row.alternative, ".", "PASS")
        lines.append("\t".join(map(str, fields)) + f"\tEFFECT={row.effect};KIND={row.kind}")
    _write_lines(path, lines)


def write_truth(canvas: Canvas, path: Path, seed: int) -> None:
    """Everything planted, coordinates by contig and 0-based half-open, on the plus strand of the contig.

    Keys with lists of intervals (chrom, start, end, and what follows):
    sites: strand, partner (right, left, reversed, none), distance, partner_start, partner_end, partner_strand, bound_by_rule, bound.
    `start` and `end` are the motif's. `partner_strand` is the strand on which the copy reads as `partner.consensus`, for `reversed` the
    opposite of `strand`. Without a copy it is ".", and the numbers are -1.
    splice_sites: strand, gene, kind (DONOR, ACCEPTOR); tata_boxes: strand, gene; enhancer_boxes: strand.
    variants (single bases): reference, alternative (plus strand), effect (break, neutral), kind (partner, decoy, motif);
    site (number of the site in `sites`, from 0), offset (in the copy or motif, from 0, along its own strand).
    Others: isochores, gaps, genes, exons, islands, enhancers, repeats, peaks.

    `species` says whether the rule of binding is that of species A (`binding_transfers_from_A`), `partner.side` on which side it decides.
    `motif.matrix`, `partner.consensus` and `elements.{DONOR,ACCEPTOR,TATA,ENHANCER}` (`consensus` in IUPAC codes, `matrix` [bases, 4],
    `exon_bases` of splice sites) are what was planted there.
    """
    planted = {
        name: _by_contig(canvas, table).drop(columns="length").to_dict("records")
        for name, table in canvas.tables.items()
        if name not in ("states", "timing", "noise")
    }
    repeats = canvas.tables["repeats"]
    copies = repeats.name.value_counts()
    families = [
        {
            "name": family.name,
            "class": family.repeat_class,
            "family": family.family,
            "consensus": text(family.consensus),
            "divergence": family.divergence,
            "copies": int(copies.get(family.name, 0)),
        }
        for family in canvas.families
    ]
    binding = {
        "motif": {"id": MOTIF_ID, "name": MOTIF_NAME, "matrix": np.round(MOTIF, 5)},
        "species": {
            "name": canvas.species.name,
            "gc_shift": canvas.species.gc_shift,
            "binding_transfers_from_A": canvas.species.side == SPECIES["A"].side,
        },
        "partner": {
            "consensus": PARTNER,
            "side": canvas.species.side,
            "orientation": "same",
            "distance": PARTNER_DISTANCE,
            "max_distance": PARTNER_REACH,
            "label_noise": LABEL_NOISE,
            "shares": canvas.species.partner_kinds,
        },
        "elements": {
            "DONOR": _element(DONOR_TEXT, DONOR) | {"exon_bases": DONOR_EXON},
            "ACCEPTOR": _element(ACCEPTOR_TEXT, ACCEPTOR) | {"exon_bases": ACCEPTOR_EXON},
            "TATA": _element(TATA_TEXT, TATA),
            "ENHANCER": _element(ENHANCER_TEXT, ENHANCER),
        },
    }
    counts = {name: len(rows) for name, rows in planted.items()}
    contigs = [{"name": name, "length": int(length)} for name, length in zip(canvas.names, canvas.lengths, strict=True)]
    truth = {"seed": seed, "contigs": contigs, "counts": counts, "masked": round(float(canvas.masked.mean()), 4)}
    write_json(path, truth | binding | {"families": families} | planted)


def _element(consensus: str, matrix: np.ndarray) -> dict:
    return {"consensus": consensus, "matrix": np.round(matrix, 5)}


def _by_contig(canvas: Canvas, table: pd.DataFrame) -> pd.DataFrame:
    """The table sorted, with `chrom` first, coordinates within the contig, and the contig's `length`."""
    table = table.sort_values(["start", "end"], ignore_index=True)
    contig = np.searchsorted(canvas.offsets, table.start, side="right") - 1
    offset = canvas.offsets[contig]
    table = table.assign(length=canvas.lengths[contig])
    for name in PLACES & set(table.columns):
        table[name] = np.where(table[name] < 0, table[name], table[name] - offset)
    table.insert(0, "chrom", np.array(canvas.names)[contig])
    return table


def _bins(starts: pd.Series, ends: pd.Series) -> np.ndarray:
    """UCSC's bin of each interval: the smallest of its five nested sizes (128 kb to 512 Mb) that holds it."""
    found = np.zeros(len(starts), dtype=int)
    for shift, offset in ((29, 0), (26, 1), (23, 9), (20, 73), (17, 585)):
        same = (starts.to_numpy() >> shift) == ((ends.to_numpy() - 1) >> shift)
        found[same] = offset + (starts.to_numpy()[same] >> shift)
    return found


def _write_rows(path: Path, table: pd.DataFrame) -> None:
    _write_bgzf(path, table.to_csv(sep="\t", header=False, index=False))


def _write_lines(path: Path, lines: list[str]) -> None:
    _write_bgzf(path, "\n".join(lines) + "\n")


def _write_bgzf(path: Path, content: str) -> None:
    with atomic(path) as temporary, pysam.BGZFile(str(temporary), "wb", None) as stream:
        stream.write(content.encode())
