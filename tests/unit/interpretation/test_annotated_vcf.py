"""VCF files with scores, read back by pysam."""

import gzip

import numpy as np
import pandas as pd
import pysam
import pytest

from grover.interpretation import annotated_vcf
from grover.interpretation.annotated_vcf import FIELDS, write_annotated

HEADER = '##fileformat=VCFv4.2\n##contig=<ID=b>\n##INFO=<ID=AF,Number=A,Type=Float,Description="Frequency">\n'
NAMES = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
RECORDS = [
    ("b", 30, "x", "A", "C,<DEL>"),
    ("a", 20, ".", "G", "T"),
    ("b", 10, "y", "T", "TA"),
    ("b", 30, "x", "A", "C,<DEL>"),
    ("a", 5, "z", "C", "."),
]
ABOUT = {"GROVER_VERSION": "1.2.3", "GROVER_MODEL": "bpe-600, sha256 abc"}


def text(rows, info="AF=0.5"):
    return HEADER + NAMES + "".join("\t".join(map(str, [*row, ".", "PASS", info])) + "\n" for row in rows)


def scores(records=None):
    """One row per allele of `RECORDS`; those of <DEL> and . have no score."""
    alleles = [(number, alt) for number, row in enumerate(RECORDS) for alt in row[4].split(",")]
    table = pd.DataFrame(alleles, columns=["record", "alt"])
    plain = table["alt"].str.fullmatch("[ACGT]+")
    for number, (column, kind, _) in enumerate(FIELDS.values()):
        values = np.arange(len(table)) + number / 8
        table[column] = np.where(plain, values, np.nan) if kind == "Float" else values.astype(int)
    table["status"] = np.where(plain, "ok", "symbolic")
    return table if records is None else table[table["record"].isin(records)]


def read(path, *region):
    with pysam.VariantFile(str(path)) as stream:
        return str(stream.header), [
            (record.chrom, record.pos, record.id, record.ref, record.alts, dict(record.info.items()))
            for record in stream.fetch(*region)
        ]


def test_records_stay_and_have_one_value_per_allele(tmp_path, write):
    target = tmp_path / "out.vcf.gz"
    table = scores()
    write_annotated(write(text(RECORDS)), target, [table.iloc[:3], table.iloc[3:]], ABOUT)
    header, found = read(target)
    assert "##GROVER_VERSION=1.2.3" in header and "##GROVER_MODEL=bpe-600, sha256 abc" in header
    assert header.count("##contig=<ID=b>") == header.count("##contig=<ID=a>") == 1
    # contigs in the order of the file, sorted by position, records of one place in their order
    assert [row[:3] for row in found] == [
        ("b", 10, "y"),
        ("b", 30, "x"),
        ("b", 30, "x"),
        ("a", 5, "z"),
        ("a", 20, None),
    ]
    assert found[1][3:5] == ("A", ("C", "<DEL>")) and found[1][5]["AF"] == (0.5,)
    rows = {number: part for number, part in table.groupby("record")}
    for record, (_, _, _, _, alts, info) in zip((2, 0, 3, 4, 1), found, strict=True):
        expected = rows[record]["llr"]
        assert info["GROVER_LLR"] == tuple(None if np.isnan(value) else value for value in expected) if alts else True
        assert info["GROVER_STATUS"] == tuple(rows[record]["status"])
    assert [row[1] for row in read(target, "b", 15, 40)[1]] == [30, 30]  # through the index


def test_only_records_that_were_drawn_are_written_and_scores_replace_older_ones(tmp_path, write):
    once, twice = tmp_path / "once.vcf.gz", tmp_path / "twice.vcf.gz"
    write_annotated(write(text(RECORDS)), once, [scores([1, 2])], ABOUT)
    assert [row[1] for row in read(once)[1]] == [20, 10]
    again = scores([1, 2]).assign(record=[0, 1], llr=[7.0, 8.0])
    write_annotated(once, twice, [again], ABOUT)
    header, found = read(twice)
    assert gzip.decompress(twice.read_bytes()).count(b"##GROVER_VERSION=") == 1  # pysam would hide a second one
    assert header.count("ID=GROVER_LLR,") == 1 and [row[5]["GROVER_LLR"] for row in found] == [(7.0,), (8.0,)]


@pytest.mark.parametrize(
    "content",
    [
        "\n".join("\t".join(map(str, row)) for row in RECORDS) + "\n",
        "chrom\tpos\tid\tref\talt\n" + "\n".join("\t".join(map(str, row)) for row in RECORDS) + "\n",
        (HEADER + NAMES + "\n".join("  ".join(map(str, row)) for row in RECORDS)).replace("\n", "\r\n"),
    ],
)
def test_other_forms_become_a_vcf(tmp_path, write, content):
    target = tmp_path / "out.vcf.gz"
    write_annotated(write(content), target, [scores()], ABOUT)
    assert [row[:3] for row in read(target)[1]][:2] == [("b", 10, "y"), ("b", 30, "x")]


def test_contigs_beyond_the_reach_of_tabix_have_an_index(tmp_path, write):
    rows = [("a", 700_000_000, "far", "A", "C"), ("a", 5, "near", "A", "C"), ("b", 9, "x", "A", "C")]
    table = pd.DataFrame({"record": range(3), "llr": np.arange(3.0), "status": "ok"})
    target = tmp_path / "out.vcf.gz"
    write_annotated(write(text(rows)), target, [table], ABOUT)
    assert target.with_name("out.vcf.gz.tbi").is_file() and not target.with_name("out.vcf.gz.csi").exists()
    assert [row[2] for row in read(target, "a", 600_000_000, 800_000_000)[1]] == ["far"]
    assert [row[2] for row in read(target, "a", 0, 100)[1]] == ["near"]


def test_long_files_are_sorted_in_runs(tmp_path, write, monkeypatch):
    monkeypatch.setattr(annotated_vcf, "RUN", 7)
    rng = np.random.default_rng(0)
    rows = [
        (str(rng.choice(["a", "b"])), int(pos), f"n{number}", "A", "C")
        for number, pos in enumerate(rng.integers(1, 50, 60))
    ]
    table = pd.DataFrame({"record": range(60), "llr": np.arange(60.0), "status": "ok"})
    target = tmp_path / "out.vcf.gz"
    write_annotated(write(text(rows)), target, [table], ABOUT)
    order = {name: number for number, name in enumerate(dict.fromkeys(row[0] for row in rows))}
    expected = sorted(range(60), key=lambda number: (order[rows[number][0]], rows[number][1]))
    assert [row[2] for row in read(target)[1]] == [f"n{number}" for number in expected]
    assert [row[5]["GROVER_LLR"] for row in read(target)[1]] == [(float(number),) for number in expected]
