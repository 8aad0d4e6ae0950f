"""Genes, transcripts and exons of GTF and GFF3: the dialects of the databases, and the same models written in each."""

import gzip
import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grover.intervals.contigs import check
from grover.intervals.formats import read_columns, read_gtf
from grover.intervals.sites import read_tss
from grover.intervals.splice import read_junctions
from grover.runtime.errors import InputError

NAMES = ["feature", "gene_id", "gene_name", "transcript_id", "biotype"]


def lines(*rows, end="\n"):
    """Rows as FEATURE START END STRAND ATTRIBUTES; attributes may contain blanks."""
    cells = [row.split(maxsplit=4) for row in rows]
    return "".join(
        "\t".join(["chr1", "x", feature, start, stop, ".", strand, ".", text]) + end
        for feature, start, stop, strand, text in cells
    )


def named(path):
    return read_gtf(path)[NAMES].to_numpy().tolist()


DIALECTS = {
    "NCBI, bacterium": (
        [
            "region 1 900 + ID=NC_1:1..900;Name=ANONYMOUS;gbkey=Src",
            "gene 1 90 + ID=gene-b0001;Name=thrL;gbkey=Gene;gene=thrL;gene_biotype=protein_coding;locus_tag=b0001",
            "CDS 1 90 + ID=cds-NP_1.1;Parent=gene-b0001;Name=NP_1.1;gene=thrL;product=peptide%2C leader;locus_tag=b0001",
            "pseudogene 100 190 - ID=gene-b0002;Name=insX;gene=insX;locus_tag=b0002",
            "gene 200 290 - ID=gene-b0003;Name=valT;gene=valT;gene_biotype=tRNA;locus_tag=b0003",
            "tRNA 200 290 - ID=rna-b0003;Parent=gene-b0003;gbkey=tRNA;gene=valT;locus_tag=b0003",
            "exon 200 290 - ID=exon-b0003-1;Parent=rna-b0003;gbkey=tRNA;gene=valT;locus_tag=b0003",
        ],
        [
            ["region", "", "", "", ""],
            ["gene", "b0001", "thrL", "", "protein_coding"],
            ["CDS", "b0001", "thrL", "NP_1.1", "protein_coding"],
            ["gene", "b0002", "insX", "", "pseudogene"],
            ["gene", "b0003", "valT", "", "tRNA"],
            ["transcript", "b0003", "valT", "b0003", "tRNA"],
            ["exon", "b0003", "valT", "b0003", "tRNA"],
        ],
    ),
    "NCBI, eukaryote": (
        [
            "gene 1 900 + ID=gene-A;Name=A;gbkey=Gene;gene=A;gene_biotype=miRNA",
            "primary_transcript 1 900 + ID=rna-NR_1.1;Parent=gene-A;gbkey=precursor_RNA;gene=A;transcript_id=NR_1.1",
            "exon 1 900 + ID=exon-NR_1.1-1;Parent=rna-NR_1.1;gene=A;transcript_id=NR_1.1",
            "miRNA 30 50 + ID=rna-A;Parent=rna-NR_1.1;gene=A",
            "exon 30 50 + ID=exon-A-1;Parent=rna-A;gene=A",
        ],
        [
            ["gene", "A", "A", "", "miRNA"],
            ["transcript", "A", "A", "NR_1.1", "miRNA"],
            ["exon", "A", "A", "NR_1.1", "miRNA"],
            ["transcript", "A", "A", "A", "miRNA"],
            ["exon", "A", "A", "A", "miRNA"],
        ],
    ),
    "Ensembl": (
        [
            "ncRNA_gene 1 900 + ID=gene:ENSG1;Name=XIST;biotype=lncRNA;description=long [Source:HGNC%3B12810];gene_id=ENSG1;version=4",
            "lnc_RNA 1 900 + ID=transcript:ENST1;Parent=gene:ENSG1;biotype=lncRNA;transcript_id=ENST1",
            "exon 1 900 + Parent=transcript:ENST1;Name=ENSE1;constitutive=1;exon_id=ENSE1;rank=1",
            "biological_region 5 9 . external_name=oe %3D 0.8;logic_name=cpg",
        ],
        [
            ["gene", "ENSG1", "XIST", "", "lncRNA"],
            ["transcript", "ENSG1", "XIST", "ENST1", "lncRNA"],
            ["exon", "ENSG1", "XIST", "ENST1", "lncRNA"],
            ["biological_region", "", "", "", ""],
        ],
    ),
    "GENCODE": (
        [
            "gene 1 900 + ID=ENSG1.2;gene_id=ENSG1.2;gene_type=protein_coding;gene_name=A;level=2",
            "transcript 1 900 + ID=ENST1.2;Parent=ENSG1.2;gene_id=ENSG1.2;transcript_id=ENST1.2;gene_type=protein_coding;gene_name=A",
            "exon 1 900 + ID=exon:ENST1.2:1;Parent=ENST1.2;gene_id=ENSG1.2;transcript_id=ENST1.2;gene_type=protein_coding;gene_name=A",
        ],
        [
            [feature, "ENSG1.2", "A", name, "protein_coding"]
            for feature, name in zip(["gene", "transcript", "exon"], ["", "ENST1.2", "ENST1.2"], strict=True)
        ],
    ),
    "Araport: exons of several transcripts, children before their parents": (
        [
            "exon 1 300 + ID=e1;Parent=AT1G1.1,AT1G1.2",
            "mRNA 1 900 + ID=AT1G1.1;Parent=AT1G1;Name=AT1G1.1",
            "mRNA 1 300 + ID=AT1G1.2;Parent=AT1G1",
            "gene 1 900 + ID=AT1G1;Name=NAC%20001;locus_type=protein_coding",
        ],
        [
            ["exon", "AT1G1", "NAC 001", "AT1G1.1", "protein_coding"],
            ["exon", "AT1G1", "NAC 001", "AT1G1.2", "protein_coding"],
            ["transcript", "AT1G1", "NAC 001", "AT1G1.1", "protein_coding"],
            ["transcript", "AT1G1", "NAC 001", "AT1G1.2", "protein_coding"],
            ["gene", "AT1G1", "NAC 001", "", ""],
        ],
    ),
    "Prokka: no rows gene": (
        [
            "CDS 1 90 + ID=P_1;Name=dnaA;gene=dnaA;locus_tag=P_1;product=initiator",
            "tRNA 100 190 - ID=P_2;locus_tag=P_2;product=tRNA-Ser",
            "CDS 300 390 + ID=P_3;locus_tag=P_3",
            "CDS 390 500 + ID=P_3;locus_tag=P_3",
        ],
        [
            ["CDS", "P_1", "dnaA", "P_1", "protein_coding"],
            ["transcript", "P_2", "", "P_2", "tRNA"],
            ["CDS", "P_3", "", "P_3", "protein_coding"],
            ["CDS", "P_3", "", "P_3", "protein_coding"],
            ["gene", "P_1", "dnaA", "", "protein_coding"],
            ["gene", "P_2", "", "", "tRNA"],
            ["gene", "P_3", "", "", "protein_coding"],
        ],
    ),
    "GTF: quoted, without quotes, of NCBI, of BRAKER": (
        [
            'gene 1 900 + gene_id "G;1"; gene_name "A B;C"; gene_type "x"; note "; gene_id no"; level 2;',
            "exon 1 900 + gene_id g2; transcript_id t2; gene_name AB;",
            'exon 1 900 - gene_id "LOC1"; transcript_id ""; db_xref "GeneID:1"; gene "LOC"; gbkey "Gene";',
            "gene 1 900 + g4",
            "transcript 1 900 + g4.t1",
            'CDS 1 900 + transcript_id "g4.t1"; gene_id "g4";',
        ],
        [
            ["gene", "G;1", "A B;C", "", "x"],
            ["exon", "g2", "AB", "t2", ""],
            ["exon", "LOC1", "LOC", "", ""],
            ["gene", "g4", "", "", ""],
            ["transcript", "", "", "g4.t1", ""],
            ["CDS", "g4", "", "g4.t1", ""],
        ],
    ),
    "both in one file": (
        ['gene 1 900 + gene_id "G1"; gene_name "=A";', "gene 1 900 + ID=G2;Name=B", "mRNA 1 900 + ID=T2;Parent=G2"],
        [["gene", "G1", "=A", "", ""], ["gene", "G2", "B", "", ""], ["transcript", "G2", "B", "T2", "protein_coding"]],
    ),
    "parents that are missing, and a circle of them": (
        ["gene 1 9 + ID=G", "exon 1 9 + Parent=T", "mRNA 1 9 + ID=A;Parent=B", "mRNA 1 9 + ID=B;Parent=A"],
        [
            ["gene", "G", "", "", ""],
            ["exon", "", "", "T", ""],
            ["transcript", "", "", "A", "protein_coding"],
            ["transcript", "", "", "B", "protein_coding"],
        ],
    ),
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_names_of_the_dialects(write, dialect, end):
    rows, expected = DIALECTS[dialect]
    text = lines(*rows, end=end)
    assert named(write(text)) == expected
    fasta = f"##FASTA{end}>chr1{end}ACGT{end}>chr2 and more\twith\ttabs{end}ACGT{end}"
    assert named(write(f"##gff-version 3{end}{text}###{end}{fasta}", zipped=True)) == expected


def test_a_row_for_each_parent_and_each_gene_has_its_line(write):
    path = write("##gff-version 3\n" + lines("exon 1 300 + Parent=t1,t2", "CDS 400 500 - ID=c", "CDS 800 900 - ID=c"))
    table = read_gtf(path)
    assert table["feature"].tolist() == ["exon", "exon", "CDS", "CDS", "gene"]
    assert table.index.tolist() == [0, 0, 1, 2, 1]
    assert table.iloc[-1][["start", "end", "strand"]].tolist() == [399, 900, "-"]
    columns = read_columns(path, "gtf", {"chr1": 1000}, text=["feature", "strand"])
    assert columns["feature"].tolist()[-1] == "gene" and columns["end"].tolist()[-1] == 900
    with pytest.raises(InputError, match="line 4: the end lies beyond chr1"):
        read_columns(path, "gtf", {"chr1": 850})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            lines("exon 1 9 + note x"),
            "line 1: no row names its gene or transcript; expected attributes of GTF .gene_id",
        ),
        (lines("exon 1 9 + something"), "line 1: no row names its gene or transcript"),
        (
            'chr1 x exon 1 9 . + . gene_id "g1"; transcript_id "t1";\n',
            "line 1: the columns of GTF and GFF3 are separated by tabs",
        ),
        (
            "##gff-version 3\n" + lines("gene 1 9 + ID=G") + "chr1\tx\n",
            "line 3: expected 9 columns separated by tabs, found 2",
        ),
    ],
)
def test_what_names_no_gene_is_refused(write, text, sentence):
    with pytest.raises(InputError, match=sentence):
        read_gtf(write(text))


def test_features_without_genes_need_no_names(write):
    path = write(lines("CpG_island 1 9 . .", "region 1 900 . note=x"))
    assert read_gtf(path)["feature"].tolist() == ["CpG_island", "region"]


@pytest.mark.parametrize("with_genes", [True, False])
def test_rows_across_the_origin_of_a_circular_contig(write, with_genes):
    rows = [
        "region 1 1000 + ID=chr1:1..1000;Is_circular=true",
        "CDS 951 1030 + ID=c1;locus_tag=a",
        "CDS 981 1100 - ID=c2;locus_tag=b",
    ]
    genes = [
        "gene 951 1030 + ID=gene-a",
        "gene 981 1100 - ID=gene-b",
        "CDS 101 200 + ID=c3;Parent=gene-d",
        "gene 101 200 + ID=gene-d",
    ]
    path = write(lines(*rows, *(genes if with_genes else ["CDS 101 200 + ID=c3;locus_tag=d"])))
    table = check(read_gtf(path), {"chr1": 1000}, path)
    found = table[table["feature"] == "gene"][["start", "end", "strand", "gene_id"]]
    expected = [
        (0, 30, "+", "a"),
        (0, 100, "-", "b"),
        (100, 200, "+", "d"),
        (950, 1000, "+", "a"),
        (980, 1000, "-", "b"),
    ]
    assert sorted(found.itertuples(index=False, name=None)) == expected
    if with_genes:
        assert read_tss(path)[["start", "strand"]].to_numpy().tolist() == [[950, "+"], [99, "-"], [100, "+"]]
    with pytest.raises(InputError, match="no intron"):
        read_junctions(path)
    linear = write(path.read_text().replace("true", "false"))
    with pytest.raises(InputError, match="line 2: the end lies beyond chr1"):
        check(read_gtf(linear), {"chr1": 1000}, linear)


def test_transcripts_without_a_gene(write):
    path = write(lines('exon 1 90 + transcript_id "t";', 'exon 201 290 + transcript_id "t";'))
    assert named(path) == [["exon", "", "", "t", ""]] * 2
    assert read_junctions(path)[["start", "end", "gene"]].to_numpy().tolist() == [[90, 200, "t"]]


# The same models in each way of writing


@st.composite
def models(draw):
    """Genes as (strand, transcripts), a transcript as sorted exons (start, end), 0-based half-open."""
    place, found = 0, []
    for _ in range(draw(st.integers(1, 4))):
        place += draw(st.integers(1, 50))
        widths = draw(st.lists(st.tuples(st.integers(1, 40), st.integers(1, 60)), min_size=1, max_size=5))
        exons = []
        for width, gap in widths:
            exons.append((place, place + width))
            place += width + gap
        chosen = st.lists(st.sampled_from(exons), min_size=1, unique=True).map(sorted)
        found.append((draw(st.sampled_from("+-")), draw(st.lists(chosen, min_size=1, max_size=3, unique_by=tuple))))
    return found


def written(model, style):
    """The models as a file; gene i is g{i} with the name "N {i}", transcript j of it g{i}.{j}."""
    rows = []

    def add(feature, start, end, strand, gene, transcript, parent):
        tags = {"gene_id": gene, "transcript_id": transcript, "gene_name": f"N {gene}"}
        if style == "quoted":
            text = " ".join(f'{key} "{value}";' for key, value in tags.items() if value)
        elif style == "bare":
            text = "; ".join(f"{key} {value}" for key, value in tags.items() if value)
        else:
            before = {"ncbi": ("gene-", "rna-"), "ensembl": ("gene:", "transcript:"), "plain": ("", "")}[style]
            name = f"N%20{gene}"
            named = {
                "gene": f"ID={before[0]}{gene};Name={name}",
                "transcript": f"ID={before[1]}{transcript};Parent={before[0]}{gene}",
            }
            joined = ",".join(before[1] + text for text in parent)
            text = named.get(feature, f"Parent={joined};ID=exon-{len(rows)}")
            feature = "mRNA" if feature == "transcript" else feature
        rows.append(f"chr1\tx\t{feature}\t{start + 1}\t{end}\t.\t{strand}\t.\t{text}\n")

    for number, (strand, transcripts) in enumerate(model):
        gene, whole = f"g{number}", sorted({exon for exons in transcripts for exon in exons})
        add("gene", whole[0][0], max(end for _, end in whole), strand, gene, "", ())
        for i, exons in enumerate(transcripts):
            add("transcript", exons[0][0], exons[-1][1], strand, gene, f"{gene}.{i}", ())
        for exon in whole:
            of = [f"{gene}.{i}" for i, exons in enumerate(transcripts) if exon in exons]
            for parents in [of] if style == "plain" else [[name] for name in of]:
                add("exon", *exon, strand, gene, parents[0], parents)
    return "".join(rows)


@pytest.mark.parametrize("style", ["quoted", "bare", "ncbi", "ensembl", "plain"])
@given(model=models())
@settings(max_examples=8, deadline=None)
def test_the_same_models_in_gtf_and_gff3(tmp_path_factory, style, model):
    path = tmp_path_factory.mktemp("models") / "genes"
    exons = sorted(
        ["chr1", *exon, "exon", strand, f"g{i}", f"N g{i}", f"g{i}.{j}"]
        for i, (strand, transcripts) in enumerate(model)
        for j, each in enumerate(transcripts)
        for exon in each
    )
    introns = {
        (left[1], right[0], strand, f"g{i}")
        for i, (strand, transcripts) in enumerate(model)
        for each in transcripts
        for left, right in zip(each, each[1:], strict=False)
        if right[0] - left[1] >= 15
    }
    starts = {
        (min(e[0] for t in transcripts for e in t), "+")
        if strand == "+"
        else (max(e[1] for t in transcripts for e in t) - 1, "-")
        for strand, transcripts in model
    }
    path.write_text(written(model, style))
    table = read_gtf(path).drop(columns="biotype")
    assert sorted(table[table["feature"] == "exon"].to_numpy().tolist()) == exons
    genes = table[table["feature"] == "gene"]
    assert genes["gene_name"].tolist() == [f"N g{i}" for i in range(len(model))]
    assert (table["feature"] == "transcript").sum() == sum(len(transcripts) for _, transcripts in model)
    assert set(zip(*read_tss(path)[["start", "strand"]].to_numpy().T, strict=True)) == starts
    if introns:
        found = read_junctions(path)[["start", "end", "strand", "gene"]]
        assert {tuple(row) for row in found.to_numpy()} == introns
    else:
        with pytest.raises(InputError, match="but no intron"):
            read_junctions(path)


@pytest.mark.skipif("GROVER_DATA" not in os.environ, reason="GROVER_DATA is not set")
def test_genes_of_a_bacterium():
    """Against a plain reading of the lines: 4,494 genes and 145 pseudogenes, whose insertions are no introns."""
    path = Path(os.environ["GROVER_DATA"]) / "bacteria/GCF_000005845.2_ASM584v2_genomic.gff.gz"
    with gzip.open(path, "rt") as stream:
        rows = [line.rstrip("\n").split("\t") for line in stream if not line.startswith("#")]
    genes = {
        (
            int(row[3]) - 1,
            int(row[4]),
            row[6],
            re.search("locus_tag=([^;]+)", row[8])[1],
            re.search("gene=([^;]+)", row[8])[1],
        )
        for row in rows
        if row[2] in ("gene", "pseudogene")
    }
    table = read_gtf(path)
    found = table[table["feature"] == "gene"]
    assert len(found) == len(genes) == 4_639
    assert set(found[["start", "end", "strand", "gene_id", "gene_name"]].itertuples(index=False, name=None)) == genes
    parts = table[table["feature"].isin(["CDS", "exon", "transcript"])]
    assert len(parts) == sum(row[2] in ("CDS", "exon", "ncRNA", "rRNA", "tRNA") for row in rows)
    assert (parts[["gene_id", "gene_name", "transcript_id", "biotype"]] != "").all(axis=None)
    kept = {re.search("locus_tag=([^;]+)", row[8])[1] for row in rows if row[2] == "gene"}
    assert len(read_tss(path)) == len({(g[0] if g[2] == "+" else g[1] - 1, g[2]) for g in genes if g[3] in kept})
    with pytest.raises(InputError, match="4,508 exons and coding sequences, but no intron"):
        read_junctions(path)
