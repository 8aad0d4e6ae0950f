"""VCF files written by hand, against pysam and a genome of known bases; each mistake is one sentence with its line."""

import gzip
import re

import numpy as np
import pandas as pd
import pysam
import pysam.bcftools
import pytest

from grover.genome.assembly import Genome
from grover.genome.bases import decode
from grover.interpretation.changes import as_record, change
from grover.interpretation.variant_samples import sample_records
from grover.interpretation.vcf import Variants
from grover.intervals.contigs import ContigNames
from grover.runtime.errors import InputError
from tests.fakes.assembly import assembly, random_bases

HEADER = "##fileformat=VCFv4.2\n"
NAMES = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
LENGTHS = {"chr1": 1_000, "chr2": 400, "chrM": 50}
TAIL = (".", ".", ".")
TRAIN = pd.DataFrame({"chrom": ["chr1"], "start": [0], "end": [1_000], "fold": ["train"]})


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
    """Records of every kind, and the alleles of each: name, pos, ref, alt, status, effect."""
    deleted, inserted = bases(genome, "chr1", 300, 4), bases(genome, "chr2", 40)
    rows = [
        snv(genome, "chr1", 200, "snv"),
        ("chr1", 210, "multi", ref := bases(genome, "chr1", 210), f"{other(ref)},*,{ref}{other(ref)}", *TAIL),
        ("chr1", 220, "del", bases(genome, "chr1", 220), "<DEL>", ".", ".", "END=400;SVTYPE=DEL"),
        ("chr1", 300, "indel", deleted.lower(), deleted[0].lower(), ".", ".", "AC=1;EFFECT=break"),
        ("chr1", 310, "noalt", bases(genome, "chr1", 310), ".", *TAIL),
        ("chr1", 320, "break", bases(genome, "chr1", 320), "]chr2:5]A", *TAIL),
        ("chr2", 40, "ins", inserted, inserted + "ACGT", *TAIL),
        ("chr2", 50, "altN", bases(genome, "chr2", 50), "N", *TAIL),
        ("chr2", 55, "same", same := bases(genome, "chr2", 55), same.lower(), *TAIL),
        ("chr2", 20, "edge", bases(genome, "chr2", 20), other(bases(genome, "chr2", 20)), *TAIL),
        ("chr1", 682, "gap", bases(genome, "chr1", 682), other(bases(genome, "chr1", 682)), *TAIL),
        ("chr1", 750, "outside", "A", "C", *TAIL),
        ("chr1", 700, "across", bases(genome, "chr1", 700, 2).replace("N", "A"), "C", *TAIL),
        ("chr9", 7, "elsewhere", "A", "C", *TAIL),
        ("chr1", 0, "telomere", "N", "A", *TAIL),
        ("chr1", 1_001, "telomere", "N", "A", *TAIL),
    ]
    statuses = [
        ["ok"],
        ["ok", "symbolic", "ok"],
        ["symbolic"],
        ["ok"],
        ["symbolic"],
        ["symbolic"],
        ["ok"],
        ["non_acgt"],
    ]
    statuses += [["no_change"], ["contig_edge"], ["contig_edge"], *[["non_acgt"]] * 3, *[["contig_edge"]] * 2]
    return rows, statuses


def test_every_alternative_allele_is_one_row_with_its_status(write, genome):
    rows, statuses = records(genome)
    table, variants = read(write(text(rows)), genome)
    expected = [
        (number, row[2], row[1], row[3], alt, status)
        for number, (row, own) in enumerate(zip(rows, statuses, strict=True))
        for alt, status in zip(row[4].split(","), own, strict=True)
    ]
    found = table[["record", "id", "original_pos", "original_ref", "original_alt", "status"]]
    assert list(found.itertuples(index=False, name=None)) == expected
    assert variants.records == len(rows) and variants.counts == table["status"].value_counts().to_dict()
    assert table["effect"].tolist() == ["break" if name == "indel" else "" for name in table["id"]]


def test_alleles_are_normalised_as_by_bcftools(tmp_path, genome):
    """Insertions and deletions in repeats, at all their places, against `bcftools norm` of the same assembly."""
    rng, sequence = (
        np.random.default_rng(4),
        bases(genome, "chr2", 1, 200) + "CA" * 12 + "A" * 9 + bases(genome, "chr2", 201, 100),
    )
    small = assembly(tmp_path / "small", [("c", 0, sequence)])
    rows = []
    for pos in sorted(rng.integers(25, len(sequence) - 60, 250)):
        size = int(rng.choice([1, 1, 2, 2, 3, 6]))
        ref = sequence[pos - 1 : pos + size]
        alts = {ref[0], ref + ref[1:], ref[:-1] + "ACGT"[rng.integers(4)], ref + "CA", sequence[pos - 1]} - {ref}
        rows.append(("c", pos, ".", ref, ",".join(sorted(alts)), *TAIL))
    (tmp_path / "c.fa").write_text(f">c\n{sequence}\n")
    path = tmp_path / "v.vcf"
    path.write_text(text(rows, HEADER + f"##contig=<ID=c,length={len(sequence)}>\n" + NAMES))
    made = pysam.bcftools.norm("-f", str(tmp_path / "c.fa"), "-m", "-any", "-N", str(path), catch_stdout=True)
    made = pysam.bcftools.norm(
        "-f", str(tmp_path / "c.fa"), str(write_to(tmp_path / "split.vcf", made)), catch_stdout=True
    )
    expected = [tuple(line.split("\t")[i] for i in (1, 3, 4)) for line in made.splitlines() if not line.startswith("#")]
    table = pd.concat(list(Variants(path, small, {"c": len(sequence)})), ignore_index=True)
    found = table[["pos", "ref", "alt"]].astype(str).itertuples(index=False, name=None)
    assert sorted(found) == sorted(expected) and set(table["status"]) == {"ok"}


def write_to(path, content):
    path.write_text(content)
    return path


def test_the_same_change_is_one_row_wherever_it_is_written(tmp_path):
    genome = assembly(tmp_path, [("c", 0, random_bases(0, 40) + "GACACACACAT" + random_bases(1, 40))])
    found = {
        as_record(genome, change(genome, "c", pos, *alleles))
        for pos, *alleles in ((41, "GAC", "G"), (43, "CAC", "C"), (45, "CACA", "CA"), (48, "ACA", "A"))
    }
    assert found == {(41, "GAC", "G")}
    at_the_start = assembly(tmp_path / "s", [("c", 0, "TTTTG" + random_bases(2, 40))])
    assert as_record(at_the_start, change(at_the_start, "c", 3, "TT", "T")) == (1, "TT", "T")
    assert as_record(at_the_start, change(at_the_start, "c", 1, "T", "GT")) == (1, "T", "GT")


def test_a_table_with_a_header_is_read_as_well(write, genome):
    rows = [snv(genome, "chr1", 200), snv(genome, "chr2", 50)]
    content = "\n".join("\t".join([row[3], row[0], str(row[1]), row[4], "x"]) for row in rows)
    table, _ = read(write("ref\tchrom\tpos\talt\tmore\n" + content + "\n"), genome)
    assert table[["chrom", "pos", "ref", "alt"]].to_numpy().tolist() == [[r[0], r[1], r[3], r[4]] for r in rows]
    assert table["id"].tolist() == [".", "."] and table["record"].tolist() == [0, 1]
    with pytest.raises(InputError, match=r"line 3: pos must be a whole number"):
        read(write("chrom\tpos\tref\talt\nchr1\t200\tA\tC\nchr1\tx\tA\tC\n"), genome)
    good = f"chr1\t200\t{bases(genome, 'chr1', 200)}\tN\n"
    for header in ("chrom", "#chrom", "# made by hand\nchrom"):
        line = 3 + header.count("\n")
        with pytest.raises(
            InputError, match=rf"line {line}: the record lies beyond chr1 \(1,000 bases\).*\(chr1 1001 "
        ):
            read(write(f"{header}\tpos\tref\talt\n{good}chr1\t1001\tA\tC\n"), genome)


@pytest.mark.parametrize("header", [HEADER + NAMES, NAMES, "", HEADER + "##contig=<ID=chr1,length=1000>\n" + NAMES])
@pytest.mark.parametrize("change", ["", "gzip", "bom", "crlf", "blanks"])
def test_the_same_records_in_every_dress(write, genome, header, change):
    rows, _ = records(genome)
    expected, _ = read(write(text(rows)), genome)
    content = text(rows, header)
    if change == "crlf":
        content = content.replace("\n", "\r\n")
    if change == "blanks":
        content = content.replace("\t", "  ")
    if change == "bom":
        content = "\ufeff" + content
    table, _ = read(write(content, "other", zipped=change == "gzip"), genome)
    pd.testing.assert_frame_equal(table, expected)


def test_duplicates_and_any_order_are_kept(write, genome):
    rows = [snv(genome, chrom, pos) for chrom, pos in (("chr2", 90), ("chr1", 300), ("chr1", 250), ("chr2", 90))]
    table, _ = read(write(text(rows)), genome)
    assert table["pos"].tolist() == [90, 300, 250, 90] and set(table["status"]) == {"ok"}


def test_lower_case_and_ambiguity(write, genome):
    ref = bases(genome, "chr1", 300)
    rows = [("chr1", 300, ".", ref.lower(), other(ref).lower(), *TAIL), ("chr1", 300, ".", ref, "R", *TAIL)]
    table, _ = read(write(text(rows)), genome)
    assert table["status"].tolist() == ["ok", "non_acgt"] and table["alt"].iloc[0] == other(ref)
    assert table["original_ref"].tolist() == [ref.lower(), ref]


def test_contigs_are_renamed_as_in_all_formats(write, genome):
    rows = [snv(genome, "chr1", 200), snv(genome, "chr2", 30), snv(genome, "chrM", 25)]
    for names in (("1", "2", "MT"), ("1", "chr2", "M"), ("chr1", "2", "chrMT")):
        named = [(name, *row[1:]) for name, row in zip(names, rows, strict=True)]
        table, variants = read(write(text(named)), genome, "add-chr")
        assert table["chrom"].tolist() == ["chr1", "chr2", "chrM"] and variants.counts == {"ok": 3}


def test_one_record_in_a_hundred_may_have_another_ref(write, genome):
    rows = [snv(genome, "chr1", pos) for pos in range(200, 300)]
    wrong = ("chr1", 199, "x", other(bases(genome, "chr1", 199)), "A", *TAIL)
    table, variants = read(write(text([wrong, *rows])), genome)
    assert len(table) == 101 and variants.counts == {"ok": 100, "ref_mismatch": 1}
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
            "has an allele to score (1 with other letters than A, C, G, T, or where the run has no sequence, 1 symbolic)",
        ),
        ([("chr1", 750, "x", "A", ".", *TAIL)], "none of its 1 records has an allele to score (1 symbolic)"),
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


def test_a_sample_is_of_records_uniform_and_in_the_order_of_the_file(write, genome):
    rows = [snv(genome, "chr1", pos) for pos in range(150, 650)]
    rows = [(*row[:4], f"{row[4]},*", *row[5:]) for row in rows]
    path = write(text(rows))
    counts = np.zeros(500, int)
    for seed in range(60):
        drawn = pd.concat(list(sample_records(variants_of(path, genome), 50, seed, TRAIN)))
        assert len(drawn) == 100 and drawn["record"].is_monotonic_increasing
        assert (drawn.groupby("record").size() == 2).all()
        counts[drawn["record"].unique()] += 1
    fifths = counts.reshape(5, 100).sum(1)  # of 3,000 drawn; 600 expected, with a standard deviation of 21
    assert (abs(fifths - 600) < 90).all()
    assert len(pd.concat(list(sample_records(variants_of(path, genome), 500, 0, TRAIN)))) == 1_000


def test_records_of_fold_test_are_read_first(write, genome):
    folds = pd.DataFrame(
        [
            ("chr1", 0, 300, "train"),
            ("chr1", 300, 340, "test"),
            ("chr1", 340, 1_000, "train"),
            ("chr2", 0, 400, "test"),
        ],
        columns=["chrom", "start", "end", "fold"],
    )
    rows = [snv(genome, "chr1", pos) for pos in range(280, 400)]
    crossing = bases(genome, "chr1", 339, 3)  # into fold train
    rows.append(("chr1", 339, ".", crossing, crossing[0], *TAIL))
    rows.append((*snv(genome, "chr2", 50)[:4], "<DEL>", *TAIL))  # has no score
    path = write(text(rows))
    places = {pos for _, pos, *_ in rows if 300 < pos <= 340}
    seen = set()
    for seed in range(20):
        drawn = pd.concat(list(sample_records(variants_of(path, genome), 60, seed, folds)))
        single = drawn[(drawn["original_ref"].str.len() == 1) & (drawn["chrom"] == "chr1")]
        assert len(drawn) == 60 and places <= set(single["pos"])
        seen |= set(single["pos"])
        few = pd.concat(list(sample_records(variants_of(path, genome), 10, seed, folds)))
        assert len(few) == 10 and set(few["pos"]) <= places and set(few["chrom"]) == {"chr1"}
    assert seen == {pos for _, pos, *_ in rows[:120]}


def variants_of(path, genome):
    return Variants(path, genome, LENGTHS)
