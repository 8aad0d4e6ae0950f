"""What a run will take: work by formula, seconds by measured throughput, wall time by schedule, and a budget that refuses more."""

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from grover.config.benchmark_table import Task
from grover.config.configuration import complete
from grover.planning.costs import (
    NETWORKS,
    Network,
    Run,
    bases_a_token,
    forward_flops,
    mean_window,
    pretraining_tokens,
    work,
    written,
)
from grover.planning.plan import (
    Cost,
    Job,
    error,
    finished_run,
    genome_bases,
    hold_to_budget,
    new_job,
    read_jobs,
    totals,
    wall_seconds,
)
from grover.planning.throughput import (
    Gpu,
    Measured,
    Rate,
    calibrate,
    choose_gpu,
    learn,
    read_gpus,
    read_rates,
    seconds,
    table,
)
from grover.runtime.errors import InputError

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = ROOT / "config/schemas/config.schema.yaml"
TASK = {"ctcf": Task("ctcf", "motif-bound", ("peaks",), "unbound", 201, 0, {"threshold": "1e-5"})}
GPU = Gpu("H200", 989e12, 141)


def run_of(bases: int = 26_000_000, **changes) -> Run:
    config = {"run": "x", "sources": {"genome": {"url": "genome.fa"}}, "device": "cpu", "threads": 1}
    return Run(complete(config | changes, SCHEMA, "my.yaml"), bases, TASK, 8)


def test_flops_of_a_small_network_by_hand():
    # 2 layers: 4 x 8 x 8 for queries, keys, values and output, 2 x 8 x 16 for the two products of the feed-forward part
    net = Network(layers=2, hidden=8, intermediate=16, positions=32)
    assert net.core == 2 * (256 + 256)
    # a multiplication and an addition a weight; scores and their sum with the values: 2 x 8 x 10 products each a layer
    assert forward_flops(net, 10) == 2 * 1024 + 2 * (2 * 2 * 8 * 10)
    assert Network(12, 768, 3072, 512).core == 84_934_656  # BERT-base without embeddings, biases and layer norms


def test_a_training_step_costs_6n_and_12lht_a_token():
    run = run_of(pretraining={"layers": 2, "hidden": 8, "heads": 2, "intermediate": 16, "steps": 10, "batch": 4})
    length = mean_window(run.config["corpus"]) + 2
    net = Network(2, 8, 16, 512)
    known = 10 * 4 * length * (6 * net.core + 12 * 2 * 8 * length)
    predicted = 10 * 4 * length * 0.022 * 6 * 8 * (8 + 609)
    assert work(run, "pretrain", "bpe-600").amount == pytest.approx(known + predicted)


def test_windows_and_tokens_of_the_paper():
    config = run_of().config
    assert mean_window(config["corpus"]) == (510 + (20 + 510) / 2) / 2
    assert pretraining_tokens(config, "bpe-600") == 100_000 * 64 * 387.5
    # a budget in bases is the same for every vocabulary, which longer tokens need fewer of
    asked = config | {"pretraining": config["pretraining"] | {"bases": 1_200_000}}
    assert pretraining_tokens(asked, "kmer-6") == 200_000
    assert pretraining_tokens(asked, "overlap-6") == 1_200_000


def test_length_of_tokens_as_measured_on_hg19():
    for name, measured in {
        "bpe-100": 3.017,
        "bpe-600": 4.124,
        "bpe-5000": 5.520,
        "kmer-6": 6.0,
        "overlap-6": 1.0,
    }.items():
        assert bases_a_token(name) == pytest.approx(measured, rel=0.02)
    assert bases_a_token("char") == 1


@pytest.mark.parametrize("rule", ["pretrain", "next_kmer", "finetune", "embed", "evaluate_pretraining"])
def test_a_larger_network_and_more_of_its_driver_cost_more(rule):
    key = {"finetune": "ctcf.chosen", "embed": "chosen"}.get(rule, "bpe-600")
    driver = {
        "pretrain": {"pretraining": {"steps": 200_000}},
        "next_kmer": {"selection": {"k": [1, 2, 3, 4, 5, 6]}},
        "finetune": {"finetuning": {"seeds": 9}},
        "embed": {"embeddings": {"window_tokens": 510, "maximum_regions": 10_000}},
        "evaluate_pretraining": {"evaluation": {"maximum_windows": 40_000}},
    }[rule]
    less = {"embeddings": {"maximum_regions": 5_000}} if rule == "embed" else {}
    base = work(run_of(**less), rule, key).amount
    assert work(run_of(**driver), rule, key).amount > base
    assert work(run_of(**less, pretraining={"size": "small"}), rule, key).amount < base


@pytest.mark.parametrize("rule", ["encode_genome", "train_bpe", "tokenise_genome", "make_windows", "scan_motif"])
def test_a_larger_genome_costs_more_time_and_never_less_disk(rule):
    key = "bpe-600" if rule in ("tokenise_genome", "make_windows") else ""
    small, large = run_of(1_000_000), run_of(3_000_000_000)
    assert work(large, rule, key).amount == pytest.approx(3_000 * work(small, rule, key).amount)
    assert written(large, rule, key) >= written(small, rule, key)


def test_every_network_has_its_flops_and_an_unknown_rule_none():
    run = run_of()
    for rule in NETWORKS:
        assert work(run, rule, "ctcf.chosen" if rule in ("finetune", "probe_linear") else "bpe-600").amount > 1e9
    assert work(run, "a_new_rule", "bpe-600").amount == 0


def test_throughput_is_learnt_back_from_what_it_made():
    true = {"encode_genome": Rate(0.7, 3e7), "make_folds": Rate(0.45)}
    runs = []
    for bases in (1_000_000, 30_000_000, 90_000_000):
        run = run_of(bases)
        runs.append((run, [Measured(rule, "", seconds(true, run, rule, "", 1)) for rule in true]))
    found = learn(runs)
    assert found["encode_genome"].start == pytest.approx(0.7, rel=0.01)
    assert found["encode_genome"].rate == pytest.approx(3e7, rel=0.01)
    assert found["make_folds"].start == pytest.approx(0.45) and math.isinf(found["make_folds"].rate)


def test_a_rule_whose_time_did_not_grow_still_costs_more_on_a_larger_genome():
    runs = [(run_of(bases), [Measured("encode_genome", "", 2.0)]) for bases in (1_000_000, 26_000_000)]
    rates = learn(runs)
    assert seconds(rates, run_of(2_600_000_000), "encode_genome", "", 1) > 20


def test_the_table_is_written_as_it_is_read(tmp_path):
    rates = {"encode_genome": Rate(0.7, 3e7, 3, 1.5), "make_folds": Rate(0.45, math.inf, 2, 0.5)}
    path = tmp_path / "throughput.tsv"
    path.write_text("# where it was measured\n" + table(rates))
    assert read_rates(path) == rates


def test_the_shipped_tables_are_read_and_cover_what_takes_long():
    rates = read_rates(ROOT / "resources/throughput.tsv")
    assert NETWORKS.keys() <= rates.keys() and {"train_bpe", "encode_genome", "run_baseline.forest"} <= rates.keys()
    known = read_gpus(ROOT / "resources/gpus.tsv")
    assert choose_gpu(known, "H200").peak == 989e12
    with pytest.raises(InputError, match="GPU type 'H300' is unknown; use one of T4, .*resources/gpus.tsv"):
        choose_gpu(known, "H300")


def test_finished_runs_correct_the_estimate():
    run, rates = run_of(), {"encode_genome": Rate(1.0, 1e7)}
    expected = seconds(rates, run, "encode_genome", "", 1)
    corrected = calibrate(rates, [(run, [Measured("encode_genome", "", 3 * expected)])])
    assert seconds(corrected, run, "encode_genome", "", 1) == pytest.approx(3 * expected)


def test_a_finished_job_is_held_against_the_gpus_that_it_had():
    """Only a pretraining takes several; what it took is planned again as it was."""
    gpu = choose_gpu(read_gpus(ROOT / "resources/gpus.tsv"), "A100")
    rates = {"pretrain": Rate(0, 5e10), "embed": Rate(0, 5e10)}
    run = run_of(device="cuda", gpus=4, nodes=2)
    jobs = [Measured(rule, "bpe-600", 1000.0) for rule in rates]
    corrected = calibrate(rates, [(run, jobs)], gpu)
    for rule, gpus in (("pretrain", 8), ("embed", 1)):
        assert seconds(corrected, run, rule, "bpe-600", 8, gpu, gpus) == pytest.approx(1000)


def test_gpus_by_their_peak_and_threads_by_their_number():
    rates = {"pretrain": Rate(0, 5e10), "make_folds": Rate(1.0)}
    run = run_of(device="cuda", pretraining={"batch": 1024})
    one, four = (seconds(rates, run, "pretrain", "bpe-600", 8, GPU, number) for number in (1, 4))
    flops = work(run, "pretrain", "bpe-600").amount
    assert one == pytest.approx(20 + flops / (0.35 * 989e12))
    assert one / 4 < four < one / 3
    # however fast the GPU, a step launches its kernels
    assert seconds(rates, run, "pretrain", "bpe-600", 8, replace(GPU, peak=1e30)) == pytest.approx(
        20 + 100_000 * 12 * 0.002
    )
    eight = replace(run, config=run.config | {"threads": 8})
    assert seconds(rates, eight, "pretrain", "bpe-600", 8) < seconds(rates, run, "pretrain", "bpe-600", 8) / 7
    assert seconds(rates, eight, "make_folds", "", 8) == 1.0


DRY_RUN = """Building DAG of jobs...
Job stats:
job      count
-----  -------
all          1
total        3

[Sat Nov 21 13:45:12 2026]
rule pretrain:
    input: results/x/tokens/bpe-600/tokens.npy, results/x/corpus/bpe-600/windows.parquet
    output: results/x/models/bpe-600/model.safetensors, results/x/models/bpe-600/config.json
    log: results/x/logs/pretrain.bpe-600.log
    jobid: 3
    benchmark: results/x/benchmark/pretrain.bpe-600.tsv
    reason: Missing output files: results/x/models/bpe-600/model.safetensors
    wildcards: name=bpe-600
    threads: 8
    resources: tmpdir=<TBD>, gres=gpu:4, nodes=2, mem_mb=16000, mem=16 GB, runtime=2880
Shell command: python pretrain.py

[Sat Nov 21 13:45:12 2026]
localrule write_configuration:
    output: results/x/config.json
    jobid: 46
    resources: tmpdir=/tmp, mem_mb=100
[Sat Nov 21 13:45:13 2026]
rule all:
    input: results/x/report.html
    jobid: 0
    resources: tmpdir=/tmp
Shell command: None
"""


def test_jobs_are_read_from_a_dry_run():
    train, configuration, everything = read_jobs(DRY_RUN)
    assert (train.rule, train.key, train.threads, train.memory, train.gpus) == ("pretrain", "bpe-600", 8, 16000, 8)
    assert train.inputs[1].endswith("windows.parquet") and len(train.outputs) == 2
    assert (configuration.rule, configuration.key, configuration.gpus) == ("write_configuration", "", 0)
    assert (everything.rule, everything.outputs, configuration.inputs) == ("all", (), ())
    assert read_jobs("Nothing to be done (all requested files are present and up to date).") == []
    with pytest.raises(InputError, match="could not be planned; Snakemake says:\nMissingInputException"):
        read_jobs("MissingInputException in rule x")


def test_a_job_of_the_driver_is_the_same_as_one_of_the_dry_run():
    job = new_job(
        "finetune", "results/x/benchmark/finetune.ctcf.v2.chosen.tsv", 2, {"gres": "gpu:1", "mem_mb": 5}, [], []
    )
    assert (job.key, job.gpus, job.memory) == ("ctcf.v2.chosen", 1, 5)
    assert new_job("all", None, 1, {}, [], []).key == ""


def cost(rule: str, time: float, threads: int = 1, gpus: int = 0, inputs=(), outputs=()) -> Cost:
    return Cost(Job(rule, "", threads, 0, gpus, tuple(inputs), tuple(outputs)), time, 5e8)


def test_wall_time_by_hand():
    # a (10 s) then b (20 s) and c (5 s), which need a; d (30 s) needs nothing; a second more for the start of each
    jobs = [
        cost("a", 10, outputs=["a"]),
        cost("b", 20, inputs=["a"], outputs=["b"]),
        cost("c", 5, inputs=["a"]),
        cost("d", 30),
    ]
    assert wall_seconds(jobs, 1, 0) == 65 + 4
    assert wall_seconds(jobs, 2, 0) == 31 + 6  # the longest way first: a beside d, then b; c when d is done
    assert wall_seconds(jobs, 3, 0) == 32
    assert wall_seconds([], 1, 0) == 0


def test_gpus_and_jobs_larger_than_the_machine_wait():
    jobs = [cost("train", 10, gpus=1), cost("train", 10, gpus=1)]
    assert wall_seconds(jobs, 8, 1) == 22 and wall_seconds(jobs, 8, 2) == 11
    assert wall_seconds([cost("wide", 10, threads=64, gpus=8)], 2, 1) == 11


def test_totals_and_the_refusal_by_a_budget():
    jobs = [cost("train", 7200, threads=8, gpus=4), cost("count", 3600, threads=2)]
    assert totals(jobs) == {"gpu_hours": 8.0, "cpu_hours": 2.0, "disk_gb": 1.0}
    limits = {"gpu_hours": 0, "cpu_hours": 0, "disk_gb": 0, "gpu": "A100"}
    hold_to_budget(jobs, limits, "my.yaml")
    hold_to_budget(jobs, limits | {"gpu_hours": 8, "cpu_hours": 2, "disk_gb": 1}, "my.yaml")
    with pytest.raises(
        InputError, match=r"^my.yaml: `budget.gpu_hours` allows 5 GPU hours, but .* estimated at 8; raise .* lower"
    ):
        hold_to_budget(jobs, limits | {"gpu_hours": 5}, "my.yaml")
    with pytest.raises(InputError, match=r"`budget.disk_gb` allows 0.5 GB on disk, .* at 1;"):
        hold_to_budget(jobs, limits | {"disk_gb": 0.5}, "my.yaml")


def test_the_error_of_an_estimate_by_hand():
    pairs = [(Measured("a", "", 10), 20.0), (Measured("b", "", 30), 10.0), (Measured("c", "", 1), 11.0)]
    found = error(pairs)
    assert found["total_ratio"] == 1.0 and found["jobs"] == 3
    assert (found["half_within_factor"], found["nine_in_ten_within_factor"]) == (2.0, 3.0)


def test_the_size_of_the_genome_is_known_by_the_surest_way(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = run_of(simulate={"bases": 600_000}).config
    assert genome_bases(config, ROOT) == (600_000, "`simulate.bases`")
    segments = tmp_path / "results/x/genome/segments.bed"
    segments.parent.mkdir(parents=True)
    segments.write_text("chr1\t10\t110\ts0\nchr2\t0\t50\ts1\n")
    assert genome_bases(config, ROOT)[0] == 150
    segments.unlink()
    known = run_of(sources={"genome": {"url": "https://x.org/hg19.fa.gz"}}).config
    assert genome_bases(known, ROOT)[0] == 2_864_785_220
    assert genome_bases(run_of(sources={"genome": {"url": "https://x.org/new.fa.gz"}}).config, ROOT)[0] == 3_000_000_000
    (tmp_path / "hg19.part.fa").write_text(">a\n" + "ACGT" * 1000)
    own = run_of(sources={"genome": {"url": "hg19.part.fa"}}).config
    assert genome_bases(own, ROOT)[0] == pytest.approx(4_000, rel=0.05)


def test_a_finished_run_is_read_for_what_it_took(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "results/x"
    (folder / "genome").mkdir(parents=True)
    (folder / "benchmark").mkdir()
    assert finished_run(folder, ROOT) is None
    (folder / "config.json").write_text(json.dumps(run_of().config))
    (folder / "genome/segments.bed").write_text("chr1\t0\t1000\ts0\n")
    (folder / "benchmark/encode_genome.tsv").write_text("s\tmax_rss\n1.5\t300.5\n")
    (folder / "benchmark/make_folds.tsv").write_text("s\tmax_rss\n0.4\tNA\n")
    run, jobs = finished_run(folder, ROOT)
    assert run.bases == 1000
    assert jobs == [Measured("encode_genome", "", 1.5), Measured("make_folds", "", 0.4)]


def test_nothing_heavy_is_imported():
    heavy = "{'torch', 'pandas', 'sklearn', 'numba', 'transformers'} & set(sys.modules)"
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import grover.planning.plan; print({heavy})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_a_budget_stands_in_the_production_configuration():
    shown = yaml.safe_load((ROOT / "config/config.yaml").read_text())["budget"]
    assert shown == run_of().config["budget"]
