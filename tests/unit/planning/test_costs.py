"""FLOPs and bytes by kind of cost, compared with counts by hand."""

import re
from pathlib import Path

import pytest

from grover.config.benchmark_table import Task
from grover.config.configuration import complete
from grover.planning.costs import DISK, SHAPES, WORK, Run, core_weights, forward_flops, tokens_of, weights
from grover.planning.requests import read_needs

ROOT = Path(__file__).resolve().parents[3]
TASK = {"ctcf": Task("ctcf", "motif-bound", ("peaks",), "unbound", 201, 0, {"threshold": "1e-5"})}
KEYS = {
    "finetuning": "ctcf.chosen",
    "cnn": "ctcf",
    "importance": "ctcf",
    "mutagenesis": "ctcf",
    "faithfulness": "ctcf",
    "motifs": "ctcf",
    "transfer-labels": "ctcf.source",
}
TINY = {"layers": 2, "hidden": 8, "heads": 2, "intermediate": 16, "positions": 512}


def run_of(bases: int = 26_000_000, **changes) -> Run:
    raw = {"run": "x", "sources": {"genome": {"url": "genome.fa"}}, "device": "cpu", "threads": 1}
    return Run(complete(raw | changes, "my.yaml"), bases, TASK)


def test_flops_of_a_small_network_by_hand():
    run = run_of(pretraining=TINY)
    # 2 layers: 4 x 8 x 8 for queries, keys, values and output, 2 x 8 x 16 for the two products of the feed-forward part
    assert core_weights(run) == 2 * (256 + 256)
    # a multiplication and an addition per weight; scores and their sum with the values: 2 x 8 x 10 products each per layer
    assert forward_flops(run, "bpe-600", 10) == 2 * 1024 + 2 * (2 * 2 * 8 * 10)
    assert core_weights(run_of()) == 84_934_656  # BERT-base without embeddings, biases and layer norms


def test_weights_of_the_network_that_is_built():
    from transformers import BertConfig, BertForMaskedLM

    shape = BertConfig(
        vocab_size=609,
        hidden_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=512,
    )
    matrices = [each.numel() for each in BertForMaskedLM(shape).parameters() if each.dim() == 2]
    assert weights(run_of(pretraining=TINY), "bpe-600") == sum(matrices)


def test_a_training_step_costs_6n_and_12lht_per_token():
    run = run_of(pretraining=TINY | {"steps": 10, "batch": 4})
    length = (510 + (20 + 510) / 2) / 2 + 2  # the paper's windows, with [CLS] and [SEP]
    trained = 10 * 4 * length * (6 * 1024 + 12 * 2 * 8 * length)
    predicted = 10 * 4 * length * 0.022 * 6 * 8 * (8 + 609)
    flops, steps = WORK["pretraining"](run, "bpe-600")
    assert (flops, steps) == (pytest.approx(trained + predicted), 10)


def test_a_budget_in_bases_is_the_same_for_every_vocabulary():
    run = run_of(pretraining={"bases": 1_200_000, "batch": 1})
    steps = {name: WORK["pretraining"](run, name)[1] for name in ("kmer-6", "overlap-6")}
    assert steps["overlap-6"] == pytest.approx(1_200_000 / 387.5)
    assert steps["kmer-6"] == pytest.approx(steps["overlap-6"] / 6)


def test_tokens_as_measured_on_hg19():
    for name, stride in {"bpe-100": 3.017, "bpe-600": 4.124, "bpe-5000": 5.520, "kmer-6": 6, "overlap-6": 1}.items():
        assert tokens_of(name)[1] == pytest.approx(stride, rel=0.02)
    assert [tokens_of(name)[0] for name in ("bpe-600", "kmer-2", "char", "dnabert2")] == [609, 25, 9, 4096]
    assert tokens_of("kmer-1") == tokens_of("char")


@pytest.mark.parametrize("cost", WORK)
def test_a_larger_network_and_more_of_its_driver_cost_more(cost):
    driver = {
        "pretraining": {"pretraining": {"steps": 200_000}},
        "next-kmer": {"selection": {"k": [1, 2, 3, 4, 5, 6]}},
        "finetuning": {"finetuning": {"seeds": 9}},
        "cnn": {"benchmarks": {"cnn_epochs": 90}},
        "importance": {"interpretation": {"examples": 90}},
        "mutagenesis": {"interpretation": {"train_examples": 900}},
        "faithfulness": {"interpretation": {"faithfulness_examples": 90}},
        "base-tracks": {"pretraining": {"mask_ratio": 0.01}},
        "motifs": {"interpretation": {"motif_insertions": 900}},
        "dependency-maps": {"interpretation": {"map_shuffles": 9}},
        "variants": {"interpretation": {"maximum_variants": 90_000}},
        "null-variants": {"interpretation": {"null_snvs": 9_000}},
        "transfer-bases": {"transfer": {"loci": 900}},
        "transfer-labels": {"transfer": {"seeds": 9}},
    }[cost]
    key = KEYS.get(cost, "bpe-600")
    flops = WORK[cost](run_of(), key)[0]
    assert WORK[cost](run_of(**driver), key)[0] > flops
    smaller = WORK[cost](run_of(pretraining={"size": "small"}), key)[0]
    assert smaller == flops if cost in SHAPES else smaller < flops


def test_explanations_cost_a_forward_pass_per_substitution_draw_and_point_by_hand():
    asked = {
        "examples": 2,
        "train_examples": 3,
        "null_examples": 1,
        "shuffles": 4,
        "steps": 8,
        "block_step": 10,
        "block_draws": 5,
    }
    run = run_of(pretraining=TINY, interpretation=asked)
    length = 201 / tokens_of(run.chosen)[1] + 2
    per_pass = length * forward_flops(run, run.chosen, length)
    passes = (2 + 4) * 603 + 2 * (201 / 10 * 5 + 3 * 8)
    assert WORK["importance"](run, "ctcf")[0] == pytest.approx(passes * per_pass)
    assert WORK["mutagenesis"](run, "ctcf")[0] == pytest.approx(3 * 603 * per_pass)


def test_a_second_seed_of_a_pretrained_model_takes_disk():
    one, two = run_of(finetuning={"seeds": 1}), run_of(finetuning={"seeds": 5})
    assert DISK["finetuning"](two, "ctcf.chosen") == 2 * DISK["finetuning"](one, "ctcf.chosen")
    assert DISK["finetuning"](two, "ctcf.chosen-random") == DISK["finetuning"](one, "ctcf.chosen-random")


@pytest.mark.parametrize("cost", DISK)
def test_a_larger_genome_never_takes_less_disk(cost):
    key = KEYS.get(cost, "bpe-600")
    small, large = (DISK[cost](run_of(bases), key) for bases in (1_000_000, 3_000_000_000))
    assert 0 < small <= large


def test_the_disk_of_a_genome_and_a_training_by_hand():
    assert DISK["genome"](run_of(1000), "") == 1020  # one byte per base, and the tables
    run = run_of(pretraining=TINY)
    # a model, and two checkpoints of the model and both moments of Adam
    assert DISK["pretraining"](run, "bpe-600") == 4 * weights(run, "bpe-600") * 7


def test_rules_have_known_kinds_of_cost_and_every_kind_has_a_rule():
    assert {need.cost for need in read_needs(ROOT).values()} - {""} == WORK.keys() | DISK.keys()


def test_the_package_names_no_rules():
    rules = {
        rule
        for path in (ROOT / "workflow/rules").glob("*.smk")
        for rule in re.findall(r"^rule (\w+):", path.read_text(), re.M)
    }
    text = "".join(path.read_text() for path in (ROOT / "grover/planning").glob("*.py"))
    quoted = set(re.findall(r'"(\w+)"', text))
    assert len(rules) > 40 and not rules & quoted


def test_variants_cost_their_windows_divided_among_the_shards():
    settings = {"flank": 100, "maximum_variants": 1_000, "variant_shards": 4, "null_snvs": 700, "null_indels": 300}
    run = run_of(pretraining=TINY, interpretation=settings, vocabulary={"candidates": ["char"]})
    window = 202 * forward_flops(run, "char", 202, 1 / 202)
    assert WORK["variants"](run, "0")[0] == pytest.approx(250 * 25 * window)
    assert WORK["null-variants"](run, "")[0] == pytest.approx(1_000 * 9 * window)


def test_a_fine_tuning_predicts_fold_valid_in_each_epoch_up_to_its_maximum_and_what_is_held_out_once():
    limits = {"seeds": 2, "epochs": 3, "maximum_train": 100, "maximum_valid": 10}
    run = run_of(finetuning=limits, pretraining=TINY)
    length = 201 / tokens_of(run.chosen)[1] + 2
    flops, _ = WORK["finetuning"](run, "ctcf.chosen")
    passes = 2 * (3 * (3 * 100 + 10) + 0.2 * 26e6 * 3.3e-5)
    assert flops == pytest.approx(passes * length * forward_flops(run, run.chosen, length))
