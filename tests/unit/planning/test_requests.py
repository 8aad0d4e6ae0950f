"""What jobs ask for: the table and the rules, sizes by file and by hand, and measured memory and time of whole rehearsals."""

import json
import re
from dataclasses import fields, replace

import pytest

from grover.config.benchmark_table import read_tasks
from grover.planning.plan import Job, Machine, network_seconds
from grover.planning.requests import MEMORY, TIME, TRAINING, Requests, Sizes, read_needs, read_requests, read_sizes
from tests.unit.planning.test_costs import ROOT, run_of

TABLE = read_needs(ROOT)
NOTHING = Sizes(**{each.name: 0.0 for each in fields(Sizes)})
CALL = re.compile(r"^rule (\w+):$|\*\*(?:cpu|gpu)\((\"?\w+\"?)", re.M)


def requests_of(sizes: Sizes, machine: Machine = Machine(1), **changes) -> Requests:  # noqa: B008
    return Requests(TABLE, run_of(**changes), sizes, machine)


def test_every_rule_asks_by_its_own_row():
    found = []
    for path in (ROOT / "workflow/rules").glob("*.smk"):
        rule = ""
        for name, asked in CALL.findall(path.read_text()):
            rule = name or rule
            if asked and rule:
                assert asked == f'"{rule}"'
                found.append(rule)
    assert sorted(found) == sorted(TABLE)


def test_a_request_is_its_base_and_a_multiple_of_what_the_data_take():
    row = TABLE["encode_genome"].per
    sizes = replace(NOTHING, gigabases=3, largest=0.25, contigs=100)
    grown = [(row[name], getattr(sizes, name)) for name in ("largest", "gigabases", "contigs")]
    asked = requests_of(sizes)
    base = TABLE["encode_genome"]
    memory = base.mb + MEMORY * sum(mb * size for (mb, _), size in grown)
    assert 0 <= asked.megabytes("encode_genome") - memory < 100
    assert 0 <= asked.minutes("encode_genome") - base.minutes - TIME * sum(by * size for (_, by), size in grown) < 1
    assert requests_of(NOTHING).megabytes("encode_genome") == base.mb


def test_examples_are_those_of_the_task():
    asked = requests_of(NOTHING)
    few, many = (Requests(TABLE, run, NOTHING, Machine(1)) for run in (asked.run, run_of(bases=600_000_000)))
    mb, minutes = TABLE["audit_dataset"].per["examples"]
    # hg19 has 100,000 matches of the motif of CTCF
    for each, examples in ((few, 858), (many, 19_800)):
        assert (
            0
            <= each.megabytes("audit_dataset", "ctcf") - TABLE["audit_dataset"].mb - MEMORY * mb * examples / 1e5
            < 100
        )
        wanted = TABLE["audit_dataset"].minutes + TIME * minutes * examples / 1e5
        assert 0 <= each.minutes("audit_dataset", "ctcf", "ctcf") - wanted < 1


def test_a_baseline_is_fitted_on_its_most_examples_and_predicts_the_rest():
    mb, _ = TABLE["run_baseline"].per["fitted"]
    for bases, maximum, examples in ((26_000_000, 10_000, 858), (3e9, 10_000, 30_000 + 19_800), (3e9, 0, 99_000)):
        run = run_of(bases=bases, benchmarks={"maximum_train": maximum}, finetuning={"seeds": 3})
        asked = Requests(TABLE, run, NOTHING, Machine(1)).megabytes("run_baseline", "ctcf")
        assert 0 <= asked - TABLE["run_baseline"].mb - MEMORY * mb * examples / 1e5 < 100


def test_a_network_has_three_times_the_time_that_the_plan_expects():
    asked = requests_of(NOTHING, benchmarks={"cnn_epochs": 10_000})
    expected = network_seconds(Job("train_cnn", "ctcf", "cnn"), asked.run, asked.machine) / 60
    assert expected > TABLE["train_cnn"].minutes
    assert asked.minutes("train_cnn", "ctcf", "ctcf") == pytest.approx(TRAINING * expected, abs=1)
    short = requests_of(NOTHING, benchmarks={"cnn_epochs": 1}, finetuning={"seeds": 1})
    assert short.minutes("train_cnn", "ctcf", "ctcf") == TABLE["train_cnn"].minutes
    # at its limit a pretraining is put back into the queue and goes on
    long = requests_of(NOTHING, pretraining={"steps": 1_000_000})
    assert long.minutes("pretrain", key="bpe-600", gpus=1) == TABLE["pretrain"].minutes


def test_sizes_are_those_of_the_finished_genome_and_of_the_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sources = {
        "genome": {"url": "genome.fa"},
        "repeats": {"url": "rmsk.txt.gz"},
        "genes": {"url": "genes.gtf"},
        "signal": {"url": "signal.bigWig"},
        "variants": {"url": "https://x.org/clinvar.vcf.gz"},
    }
    for name, size in (("genome.fa", 10), ("rmsk.txt.gz", 2_500), ("genes.gtf", 9_000), ("signal.bigWig", 1_000_000)):
        (tmp_path / name).write_bytes(b"A" * size)
    (tmp_path / "genome.fa.fai").write_text("a\t1\nb\t1900000\nc\t3\n")
    run = run_of(bases=2_000_000, sources=sources, folds={"copies": 50}, vocabulary={"strands": "both"})
    found = read_sizes(run, ROOT)
    assert (found.rows, found.genes) == pytest.approx((2_500 // 25 / 1e6, 9_000 // 300 / 1e6))
    assert (found.gigabases, found.learnt) == (0.002, 0.004)  # on both strands
    assert (found.contigs, found.largest, found.copies) == (0.003, 0.0019, 2.0)
    assert found.variants == pytest.approx(0.0026)  # not here yet: as many per base as ClinVar has
    (tmp_path / "results/x/genome").mkdir(parents=True)
    table = "contig\tlength\tstatus\na\t700\tkept\nb\t900\tkept\nc\t5000\texcluded\n"
    (tmp_path / "results/x/genome/contigs.tsv").write_text(table)
    found = read_sizes(run, ROOT)
    assert (found.contigs, found.largest) == (0.002, 9e-7)


def test_rows_of_files_that_are_not_here_follow_the_genome(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"genome": "hg19.fa.gz", "repeats": "rmsk.txt.gz", "genes": "gencode.gtf.gz", "states": "states.bed.gz"}
    sources = {key: {"url": f"https://x.org/{name}"} for key, name in names.items()}
    found = read_requests(TABLE, run_of(sources=sources).settings, ROOT).sizes
    assert found.gigabases == pytest.approx(2.864785220)
    assert (found.largest, found.contigs, found.variants) == (1.0, 20, 0)
    assert 5.3 < found.rows < 8 and 2.6 < found.genes < 3.5  # repeats of UCSC, and GENCODE 19


@pytest.mark.parametrize("path", sorted((ROOT / "bench/results").glob("scale-*.json")), ids=lambda path: path.stem)
def test_what_was_measured_is_within_what_is_asked_for(path):
    measured = json.loads(path.read_text())
    scale = measured["scale"]
    sizes = Sizes(
        gigabases=3.1 * scale,
        largest=0.24 * scale,
        learnt=3.1 * scale,
        contigs=3 * scale,
        genes=3.5 * scale,
        rows=6.2 * scale,
        variants=10 * scale,
        copies=0,
        regions=min(100, 1_500 * scale),
        parameters=0.5,
        processes=0,
    )
    run = replace(run_of(bases=int(3.1e9 * scale)), tasks=read_tasks(ROOT / "config/benchmarks.tsv"))
    asked = Requests(TABLE, run, sizes, Machine(1))
    # at small scales what data take is little beside the base: the slopes are tested by the largest alone
    for stage, took in measured["stages"].items():
        rule, _, key = stage.partition(".")
        task = key if key in run.tasks else "ctcf"
        assert took["own_mb"] < asked.megabytes(rule, task), stage
        assert took["cpu_seconds"] < 60 * asked.minutes(rule, task, key), stage
