"""The check of all sources before any long work: what it counts, what it refuses, and that all mistakes come together."""

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pybigtools
import pytest

from grover.annotation.tracks import read_tracks
from grover.config.benchmark_table import Task
from grover.intervals.contigs import Contigs
from grover.runtime.errors import InputError
from grover.sources.check import Readings, check_sources
from tests.fakes.assembly import assembly, random_bases

LENGTHS = {"chr1": 5_000, "chr2": 3_000, "chrM": 100}
CONTIGS = Contigs(LENGTHS, dict(zip(LENGTHS, LENGTHS, strict=True)))
MARKS = "chrom\tstart\tend\tmark\tname\nchr1\t0\t50\t1\ta\nchr2\t0\t50\t0\tNA\nchr1\t50\t100\t1\ta\n"
PEAK = "chr1\t{}\t{}\t.\t0\t.\t1\t-1\t1\t{}\n"
MOTIFS = "MEME version 4\n\nMOTIF M1 one\nletter-probability matrix: alength= 4 w= 1 nsites= 20 E= 0\n1 0 0 0\n"
LABELLED = "sequence,label,fold\nACGT,1,train\nAAAA,0,train\nCC,0,test\nCA,1,test\nCCC,0,dev\nCCA,1,dev\n"
BOUND = Task("bound", "motif-bound", ("ctcf",), "unbound", 50, 0, {"motifs": "motifs", "motif": "one"})


@pytest.fixture
def genome(tmp_path):
    """Chr1 from 100 to 1,000 and chr2 from 0 to 500."""
    return assembly(tmp_path / "genome", [("chr1", 100, random_bases(0, 900)), ("chr2", 0, random_bases(1, 500))])


@pytest.fixture
def tracks(tmp_path):
    """Return a function that writes a table of tracks, each `name source format kind column`."""

    def write(*rows):
        path = tmp_path / "tracks.tsv"
        path.write_text(
            "track\tsource\tformat\tkind\tcolumn\n" + "".join("\t".join(row.split()) + "\n" for row in rows)
        )
        return read_tracks(path)

    return write


def bigwig(path, values, sizes=LENGTHS):
    writer = pybigtools.open(str(path), "w")
    writer.write(sizes, values)
    return path


def test_each_stage_that_reads_a_source_has_a_row(genome, write, tracks):
    files = {
        "genes": write("1\t0\t100\n1\t99\t101\n2\t3\t5\n", "a=b.bed"),
        "ctcf": write(PEAK.format(50, 150, 10) + PEAK.format(10, 50, 20), "peaks"),
        "motifs": write(MOTIFS, "motifs"),
        "blacklist": write("chr1\t200\t300\n", "blacklist"),
    }
    table = tracks(
        "gene genes bed presence -", "peak ctcf narrowPeak presence -", "signal ctcf narrowPeak quantity signal"
    )
    readings = Readings(files, {"genes": "add-chr"}, {"ctcf": 1}, table, {"bound": BOUND}, intervals="blacklist")
    found = check_sources(readings, genome, CONTIGS)
    assert found[["key", "read_by", "format", "contigs"]].to_numpy().tolist() == [
        ["genes", "gene", "bed", "chr1,chr2"],
        ["ctcf", "peak, signal", "narrowPeak", "chr1"],
        ["ctcf", "bound", "narrowPeak", "chr1"],
        ["motifs", "bound", "meme", ""],
        ["blacklist", "tasks", "bed", "chr1"],
        ["blacklist", "embeddings", "bed", ""],
    ]
    assert found["rows"].tolist()[:5] == [3, 2, 2, 1, 1]
    assert found["rows_in_segments"].tolist()[:3] == [2, 1, 1] and pd.isna(found["rows_in_segments"][3])
    assert found["file"][0] == str(files["genes"])


def test_sites_and_labelled_sequences_of_benchmarks(genome, write):
    header = "gene\tchrom\tstrand\ttx_start\ttx_end\tdonors\tacceptors\n"
    files = {
        "tss": write("chr1\t50\t110\ta\t9\t+\t99\t110\nchr1\t200\t201\tb\t9\t-\t200\t201\n", "starts"),
        "splice": write(header + "G\tchr1\t+\t101\t400\t110,210,\t201,301,\n", "splice"),
        "ready": write(LABELLED, "ready", zipped=True),
        "train": write("seq\tclass\nACGT\t1\nAAAA\t1.0\nCC\t0\n", "train"),
        "dev": write("seq\tclass\nAC\t1.0\nAG\t0\n", "dev"),
        "test": write("seq\tclass\nCC\t0\nCA\t1\n", "test"),
    }
    tasks = [
        Task("promoters", "prom300", ("tss",), "dinucleotide-shuffle", 300, 0, {}),
        Task("borders", "splice", ("splice",), "unused", 40, 0, {}),
        Task("one", "csv", ("ready",), ".", 0, 0, {}),
        Task("three", "csv", ("train", "dev", "test"), ".", 0, 0, {"sequence": "seq", "label": "class"}),
    ]
    readings = Readings(files, rows={"splice": 2, "ready": 6}, tasks={task.name: task for task in tasks})
    found = check_sources(readings, genome, CONTIGS).set_index(["key", "read_by"])["rows"]
    assert found.to_dict() == {
        ("tss", "promoters"): 2,
        ("splice", "borders"): 2,
        ("ready", "one"): 6,
        ("train", "three"): 3,
        ("dev", "three"): 2,
        ("test", "three"): 2,
    }
    with pytest.raises(InputError, match=r"ready \(source 'ready'\) has 6 rows, at least 7 are needed"):
        check_sources(Readings(files, rows={"ready": 7}, tasks={"one": tasks[2]}), genome, CONTIGS)


def task(builder, negatives=".", length=50, **options):
    return {"t": Task("t", builder, ("s",), negatives, length, 0, options)}


@pytest.mark.parametrize(
    ("tasks", "text", "sentence"),
    [
        (task("tfbs"), PEAK.format(150, 250, -1), "s, line 1: the summit of this peak (column 10) is not called"),
        (task("motif-bound", "unbound", summit="50"), PEAK.format(150, 250, -1), "the summit of this peak"),
        (
            task("regions", labels="a+b"),
            "chr1\t150\t250\ta\n",
            "no region in the genome has the name 'b' given in `labels`",
        ),
        (task("regions"), "chr1\t150\t250\ta\n", "1 different names, but 2 to 50 labels are expected"),
        (task("regions"), "chr1\t150\t250\n", "the BED of the regions has no names"),
        (task("prom300", upstream="80"), "chr1\t150\t151\ta\t0\t+\n", "do not reach the start 80 bases downstream"),
        (task("splice", "unused"), "chr1\t150\t151\ta\t0\t+\n", "expected a table with the header gene chrom strand"),
        (task("csv"), LABELLED.replace("sequence", "seq"), "s: no column 'sequence' among seq, label, fold; name it"),
        (task("csv"), LABELLED.replace("AAAA", "AAUA"), "s, line 3: the sequence holds 'U'"),
        (task("csv"), LABELLED.replace("CC,0", "CC,2"), "label '2' has no example in fold train"),
        (
            task("csv"),
            LABELLED.replace("CCA,1", "CCA,0"),
            "s, task t: fold valid holds 0 1 examples but at least 1 are needed",
        ),
    ],
)
def test_a_source_is_read_with_the_options_of_its_task(genome, write, tasks, text, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        check_sources(Readings({"s": write(text, "s")}, tasks=tasks), genome, CONTIGS)


def test_ready_sequences_fit_into_the_models_whose_number_of_tokens_is_known(genome, write):
    files = {"s": write(LABELLED + f"{'ACGT' * 100},1,train\n", "s")}
    readings = Readings(files, tasks=task("csv"), models=("bpe-600", "kmer-2", "overlap-3"), positions=400)
    check_sources(readings, genome, CONTIGS)
    with pytest.raises(InputError, match="task t: its longest example is 400 tokens of overlap-3 .* has 399 positions"):
        check_sources(replace(readings, positions=399), genome, CONTIGS)


def test_the_motif_of_a_task_is_looked_for(genome, write):
    files = {"ctcf": write(PEAK.format(50, 150, 10), "peaks"), "motifs": write(MOTIFS.replace("one", "two"), "motifs")}
    with pytest.raises(InputError, match="motifs: no motif 'one' among 1"):
        check_sources(Readings(files, tasks={"bound": BOUND}), genome, CONTIGS)


@pytest.mark.parametrize(
    ("row", "text", "sentence"),
    [
        ("t s bed category name", "chr1\t150\t250\n", "s has no column name for track t"),
        (
            "t s bedgraph quantity -",
            "chr1\t150\t250\t1\nchr1\t200\t300\t2\n",
            "s, track t: two intervals with a value overlap",
        ),
        ("t s bedgraph quantity -", "chr1\t150\t250\tx\n", "s, line 1: value must be a number"),
        ("t s table quantity mark", MARKS.replace("1\ta\n", "x\ta\n"), "s, line 2: mark must be a number"),
        ("t s bed presence -", "chr2\t2900\t3001\n", "the end lies beyond chr2"),
    ],
)
def test_a_track_is_read_with_its_columns(genome, write, tracks, row, text, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        check_sources(Readings({"s": write(text, "s")}, tracks=tracks(row)), genome, CONTIGS)


def test_one_source_may_pass_for_a_track_and_fail_for_a_task(genome, write, tracks):
    files = {"s": write(PEAK.format(150, 250, -1), "s")}
    check_sources(Readings(files, tracks=tracks("t s narrowPeak presence -")), genome, CONTIGS)
    with pytest.raises(InputError, match="the summit of this peak"):
        check_sources(Readings(files, tracks=tracks("t s narrowPeak presence -"), tasks=task("tfbs")), genome, CONTIGS)


def test_all_mistakes_come_together_and_each_once(genome, write, tracks):
    files = {
        "s": write("chr1\t150\t140\n", "s"),
        "variants": write("chr1\t150\t.\tR\tA\n", "v"),
        "blacklist": write("1\t2\t3\n", "b"),
    }
    readings = Readings(
        files,
        tracks=tracks("t s bed presence -", "u s narrowPeak presence -"),
        outside={"other": write("[]", "t.json")},
    )
    with pytest.raises(InputError) as error:
        check_sources(readings, genome, CONTIGS)
    first, *lines = str(error.value).splitlines()
    assert first == "5 mistakes in the sources"
    expected = [
        "s, line 1: the end is not after the start",
        "s, line 1: expected 10 columns separated by tabs, found 3",
        "b names its contigs like '1', the assembly like 'chr1'; set `rename: add-chr`",
        "v, line 1: REF is R",
        "t.json: no `model` with a `vocab`",
    ]
    assert all(f"/{part}" in line for line, part in zip(lines, expected, strict=True))


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (
            {"s": 3},
            "s (source 's') has 1 of its 2 rows in the kept segments, at least 3 are needed; take more of the assembly",
        ),
        ({"dnase": 3}, "a minimum is given for dnase, which is none of the sources"),
    ],
)
def test_too_few_rows(genome, write, tracks, rows, sentence):
    files = {"s": write(PEAK.format(50, 150, 10) + PEAK.format(10, 50, 20), "s")}
    with pytest.raises(InputError, match=re.escape(sentence)):
        check_sources(Readings(files, rows=rows, tracks=tracks("t s narrowPeak presence -")), genome, CONTIGS)


def test_a_bigwig_with_one_value_that_is_nan_passes(tmp_path, genome, tracks):
    rows = [("chr1", start, start + 10, float("nan") if start == 500 else 1.0) for start in range(0, 1000, 10)]
    readings = Readings({"s": bigwig(tmp_path / "a.bw", rows)}, tracks=tracks("t s bigwig quantity -"))
    assert check_sources(readings, genome, CONTIGS)["rows_in_segments"].tolist() == [1]


def test_a_bigwig_and_a_table_are_checked_as_sources(tmp_path, write, tracks):
    segments = [("chr1", 0, random_bases(0, 60)), ("chr1", 60, random_bases(1, 30)), ("chr2", 0, random_bases(2, 40))]
    genome = assembly(tmp_path / "whole", segments)
    path = bigwig(tmp_path / "a.bw", [("chr1", 10, 20, 2.0)])
    table = tracks("timing timing bigwig quantity -", "mark marks table quantity mark")
    readings = Readings({"timing": path, "marks": write(MARKS)}, tracks=table)
    found = check_sources(readings, genome, CONTIGS)
    assert found["rows"].tolist()[1] == 3 and pd.isna(found["rows"][0])
    assert found["rows_in_segments"].tolist() == [1, 3] and found["contigs"].tolist() == ["chr1", "chr1,chr2"]
    genome = assembly(tmp_path / "part", segments[1:2])
    with pytest.raises(InputError, match="has 0 of 1 segments with values in the kept segments, at least 1 are needed"):
        check_sources(Readings({"timing": Path(path)}, tracks=table[:1]), genome, CONTIGS)
