"""Vocabulary, network and steps that fit into a genome and into hours, beside the estimate of the planner."""

from pathlib import Path

import pytest

from grover.planning.costs import Run
from grover.planning.defaults import complete_for_genome
from grover.planning.fitted import fit_pretraining, fitting_cycles, fitting_k
from grover.planning.plan import Job, Machine, network_seconds

ROOT = Path(__file__).resolve().parents[3]


def raw(bases, device="cpu", candidates=("bpe-100",)):
    return {
        "run": "x",
        "device": device,
        "sources": {"genome": {"url": "https://example.org/x.fa"}},
        "genome": {"bases": bases},
        "vocabulary": {"cycles": 600, "candidates": list(candidates)},
    }


def test_larger_genomes_support_more_tokens():
    sizes = [10**5, 4_600_000, 12_000_000, 26_000_000, 3 * 10**9]
    assert [fitting_cycles(bases) for bases in sizes] == [50, 100, 300, 600, 600]
    assert [fitting_k(bases) for bases in sizes] == [2, 4, 5, 6, 6]


@pytest.mark.parametrize("hours", [0.5, 1, 4, 16])
@pytest.mark.parametrize(
    ("bases", "machine"), [(4_600_000, Machine(2)), (3 * 10**9, Machine(8)), (3 * 10**9, Machine(8, 1, "A100", 312e12))]
)
def test_the_planner_estimates_the_time_that_was_given(hours, bases, machine):
    device = "cuda" if machine.gpu else "cpu"
    found = fit_pretraining(raw(bases, device), hours * 3600, machine, ROOT)
    shape = {"pretraining": {"size": found.size, "steps": found.steps}}
    settings, _ = complete_for_genome(raw(bases, device) | shape, "x", ROOT)
    job = Job("pretrain", "bpe-100", "pretraining", settings.threads, gpus=1 if machine.gpu else 0)
    estimated = network_seconds(job, Run(settings, bases), machine)
    assert estimated == pytest.approx(found.seconds) and estimated <= hours * 3600
    assert estimated > 0.85 * hours * 3600 or found.passes > 90


def test_more_time_gives_a_larger_network_until_the_genome_is_learnt_by_heart():
    sizes = [fit_pretraining(raw(4_600_000), hours * 3600, Machine(2), ROOT).size for hours in (0.2, 2, 8, 200)]
    assert sizes[0] == "nano" and sizes[-1] == "small" and sizes == sorted(sizes, key=["nano", "tiny", "small"].index)
    assert fit_pretraining(raw(4_600_000), 10**7, Machine(2), ROOT).passes <= 100


def test_candidates_share_the_time():
    three = raw(4_600_000, candidates=("bpe-100", "bpe-50", "kmer-4"))
    found = fit_pretraining(three, 3600, Machine(2), ROOT)
    settings, _ = complete_for_genome(three | {"pretraining": {"size": found.size, "bases": found.bases}}, "x", ROOT)
    jobs = [Job("pretrain", name, "pretraining", settings.threads) for name in settings.vocabulary.candidates]
    shortest, middle, longest = sorted(network_seconds(job, Run(settings, 4_600_000), Machine(2)) for job in jobs)
    assert found.seconds == pytest.approx(longest)  # two at once: the longest beside the two others
    assert found.together == pytest.approx(max(longest, middle + shortest))
    assert 0.85 * 3600 < found.together <= 3600
