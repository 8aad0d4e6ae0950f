"""VCF files written by hand, against pysam and a genome of known bases; each mistake is one sentence with its line."""

import gzip
import re

import numpy as np
import pandas as pd
import pysam
import pytest

from grover.genome.assembly import Genome
from grover.genome.bases import decode
from grover.interpretation.vcf import Variants, sample_variants
from grover.intervals.contigs import ContigNames
from grover.runtime.errors import InputError

HEADER = "##fileformat=VCFv4.2\n"
NAMES = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
LENGTHS = {"chr1": 1_000, "chr2": 400, "chrM": 50}
TAIL = (".", ".", ".")


@pytest.fixture
def genome(tmp_path):
    """Chr1 from 100 to 700 and from 800 to 1,000, all of chr2 and chrM."""
    codes = np.random.default_rng(0).integers(0, 4, 1_250, dtype=np.uint8)
    np.save(tmp_path / "sequence.npy", codes)
    segments = [("chr1", 100, 700), ("chr1", 800, 1_000), ("chr2", 0, 400), ("chrM", 0, 50)]
    (tmp_path / "segments.bed").write_text(
        "".join(f"{chrom}\t{start}\t{end}\ts{n}\n" for n, (chrom, start, end) in enumerate(segments))
    )
    return Genome(tmp_path / "sequence.npy", tmp_path / "segments.bed")


def bases(genome, chrom, pos, size=1):
    return decode(genome.fetch(chrom, pos - 1, pos - 1 + size))


def other(base):
    return "ACGT"[("ACGT".index(base) + 1) % 4]


def snv(genome, chrom, pos, name="."):
    ref = bases(genome, chrom, pos)
    return (chrom, pos, name, ref, other(ref), *TAIL)


def text(rows, header=HEADER + NAMES):
    return header + "".join("\t".join(map(str, row)) + "\n" for row in rows)


def read(path, genome, rename=""):
    variants = Variants(path, genome, LENGTHS, ContigNames(rename, dict(zip(LENGTHS, LENGTHS, strict=True))))
    return pd.concat(list(variants), ignore_index=True), variants


def records(genome):
    """Records of every kind; the alleles that are read; and what is left out."""
    deleted, inserted = bases(genome, "chr1", 300, 4), bases(genome, "chr2", 20)
    rows = [
        snv(genome, "chr1", 200, "snv"),
        ("chr1", 210, "multi", ref := bases(genome, "chr1", 210), f"{other(ref)},*,{other(ref)}A", *TAIL),
        ("chr1", 220, "del", bases(genome, "chr1", 220), "<DEL>", ".", ".", "END=400;SVTYPE=DEL"),
        ("chr1", 300, "indel", deleted.lower(), deleted[0].lower(), ".", ".", "AC=1;EFFECT=break"),
        ("chr1", 310, "noalt", bases(genome, "chr1", 310), ".", *TAIL),
        ("chr1", 320, "break", bases(genome, "chr1", 320), "]chr2:5]A", *TAIL),
        ("chr2", 20, "ins", inserted, inserted + "ACGT", *TAIL),
        ("chr2", 30, "altN", bases(genome, "chr2", 30), "N", *TAIL),
        ("chr1", 750, "outside", "A", "C", *TAIL),
        ("chr1", 700, "across", bases(genome, "chr1", 700, 2).replace("N", "A"), "C", *TAIL),
        ("chr9", 7, "elsewhere", "A", "C", *TAIL),
        ("chr1", 0, "telomere", "N", "A", *TAIL),
        ("chr1", 1_001, "telomere", "N", "A", *TAIL),
    ]
    kept = [
        ("chr1", 200, "snv", rows[0][3], rows[0][4], ""),
        ("chr1", 210, "multi", ref, other(ref), ""),
        ("chr1", 210, "multi", ref, other(ref) + "A", ""),
        ("chr1", 300, "indel", deleted, deleted[0], "break"),
        ("chr2", 20, "ins", inserted, inserted + "ACGT", ""),
    ]
    return rows, kept, {"outside the segments": 5, "no plain sequence": 4, "REF not of this assembly": 0}


def test_records_of_every_kind(write, genome):
    rows, kept, left_out = records(genome)
    table, variants = read(write(text(rows)), genome)
    assert table.to_numpy().tolist() == [list(row) for row in kept]
    assert (variants.left_out, variants.records) == (left_out, len(rows))


@pytest.mark.parametrize("header", [HEADER + NAMES, NAMES, "", HEADER + "##contig=<ID=chr1,length=1000>\n" + NAMES])
@pytest.mark.parametrize("change", ["", "gzip", "bom", "crlf", "blanks"])
def test_the_same_records_in_every_dress(write, genome, header, change):
    rows, kept, _ = records(genome)
    content = text(rows, header)
    if change == "crlf":
        content = content.replace("\n", "\r\n")
    if change == "blanks":
        content = content.replace("\t", "  ")
    if change == "bom":
        content = "\ufeff" + content
    table, _ = read(write(content, zipped=change == "gzip"), genome)
    assert table.to_numpy().tolist() == [list(row) for row in kept]


def test_pysam_reads_the_same_alleles(tmp_path, write, genome):
    rows, *_ = records(genome)
    packed = tmp_path / "v.vcf.gz"
    contigs = "".join(f"##contig=<ID={name}>\n" for name in (*LENGTHS, "chr9"))
    info = "".join(f'##INFO=<ID={name},Number=1,Type=String,Description="">\n' for name in ("EFFECT", "AC", "SVTYPE"))
    info += '##INFO=<ID=END,Number=1,Type=Integer,Description="">\n'
    content = text(rows, HEADER + contigs + info + NAMES)
    with pysam.BGZFile(str(packed), "wb") as stream:
        stream.write(content.encode())
    with pysam.VariantFile(str(packed)) as stream:
        expected = [
            (record.chrom, record.pos, record.id, record.ref.upper(), alt.upper(), record.info.get("EFFECT", ""))
            for record in stream
            for alt in record.alts or ()
            if set(alt.upper()) <= set("ACGT") and "N" not in bases(genome, record.chrom, record.pos, len(record.ref))
            if record.pos
        ]
    table, _ = read(packed, genome)
    assert list(table.itertuples(index=False, name=None)) == expected


def test_contigs_are_renamed_as_in_all_formats(write, genome):
    rows = [snv(genome, "chr1", 200), snv(genome, "chr2", 30), snv(genome, "chrM", 10)]
    for names in (("1", "2", "MT"), ("1", "chr2", "M"), ("chr1", "2", "chrMT")):
        named = [(name, *row[1:]) for name, row in zip(names, rows, strict=True)]
        table, variants = read(write(text(named)), genome, "add-chr")
        assert table["chrom"].tolist() == ["chr1", "chr2", "chrM"] and not any(variants.left_out.values())


def test_one_record_in_a_hundred_may_have_another_ref(write, genome):
    rows = [snv(genome, "chr1", pos) for pos in range(200, 300)]
    wrong = ("chr1", 199, "x", other(bases(genome, "chr1", 199)), "A", *TAIL)
    table, variants = read(write(text([wrong, *rows])), genome)
    assert len(table) == 100 and variants.left_out["REF not of this assembly"] == 1
    with pytest.raises(InputError, match=r"line 3: REF is \w, the assembly has \w; they differ in 2 of 101 records;"):
        read(write(text([wrong, *rows[1:], wrong])), genome)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([], "no record below the header; give a VCF with variants"),
        (
            [("chr1", 0, "x", "A", "C", *TAIL)],
            "line 3: POS is 0, but VCF counts positions from 1 (0 is the telomere, with REF N)",
        ),
        ([("chr1", -4, "x", "A", "C", *TAIL)], "line 3: POS is -4, but VCF counts positions from 1"),
        (
            [("chr1", 1_001, "x", "A", "C", *TAIL)],
            "line 3: the record lies beyond chr1 (1,000 bases); is this another assembly?",
        ),
        (
            [("chr1", "1e3", "x", "A", "C", *TAIL)],
            "line 3: pos must be a whole number, written out in digits, not '1e3'",
        ),
        ([("chr1", 5, "name", "0", "+", *TAIL)], "line 3: REF is '0', but bases were expected; give a VCF"),
        ([("chr1", 5, "x", "A")], "line 3: expected 5 columns separated by tabs, found 4"),
        ([("1", 200, "x", "A", "C", *TAIL)], "set `rename: add-chr` for this source"),
        (
            [("scaffold", 200, "x", "A", "C", *TAIL)],
            "has 1 of its 1 records on scaffold, none of which the assembly has",
        ),
        (
            [("chr1", 750, "x", "A", "C,<DEL>", *TAIL), ("chr2", 1, "x", "N", "C", *TAIL)],
            "line 4: REF is N",
        ),
        (
            [("chr1", 750, "x", "A", "C,<DEL>", *TAIL)],
            "none of its 1 records has an allele to score (2 outside the segments)",
        ),
        ([("chr1", 750, "x", "A", ".", *TAIL)], "none of its 1 records has an allele to score (no alternative at all)"),
    ],
)
def test_what_is_no_vcf_of_this_assembly_is_one_sentence(write, genome, rows, sentence):
    path = write(text(rows))
    with pytest.raises(InputError, match=re.escape(sentence)) as error:
        read(path, genome)
    assert str(error.value).startswith(str(path)) and "\n" not in str(error.value)


def test_a_bcf_is_named(tmp_path, genome):
    path = tmp_path / "v.bcf"
    path.write_bytes(gzip.compress(b"BCF\2\2" + bytes(50)))
    with pytest.raises(InputError, match="is a BCF file; convert it by `bcftools view"):
        read(path, genome)


def test_a_sample_is_uniform_and_in_the_order_of_the_file():
    table = pd.DataFrame({"chrom": "chr1", "pos": range(500), "id": ".", "ref": "A", "alt": "C", "effect": ""})
    blocks = [table.iloc[first : first + 70] for first in range(0, 500, 70)]
    counts = np.zeros(500, int)
    for seed in range(60):
        drawn, number = sample_variants(blocks, 50, seed)
        assert number == 500 and len(drawn) == 50 and drawn["pos"].is_monotonic_increasing
        counts[drawn["pos"]] += 1
    fifths = counts.reshape(5, 100).sum(1)  # of 3,000 drawn; 600 expected, with a standard deviation of 21
    assert (abs(fifths - 600) < 90).all()
    pd.testing.assert_frame_equal(sample_variants(blocks, 5_000, 0)[0], table)
