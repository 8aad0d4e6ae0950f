"""Classifiers that are trained as one network, by the kernel of a GPU: one call for all of them, and the same weights."""

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.attention.varlen import varlen_attn

from grover.network.bert import bert_config
from grover.network.classifier import Classifier, Schedule, fit
from grover.network.packed import Layout
from grover.network.stacked import Stacked, Training, fit_together
from grover.network.training import Execution
from tests.fakes import varlen
from tests.fakes.networks import architecture
from tests.fakes.trainings import CPU

pytestmark = pytest.mark.usefixtures("one_thread")
SEEDS = (1, 2, 3)


def networks(shape) -> list[Classifier]:
    made = []
    for seed in SEEDS:
        torch.manual_seed(seed)
        made.append(Classifier(bert_config(shape, 50), 2, "mean", dropout=0.0))
    return made


def test_a_step_of_all_calls_the_kernel_once_per_layer(kernel):
    calls = []

    def recorded(*given):
        calls.append(given)
        return varlen_attn(*given)

    kernel(recorded)
    with FakeTensorMode():
        stack = Stacked(networks(architecture(12, 768, 12, 3072, 512, 0.1))).train()
        ids = torch.ones(3 * 700, dtype=torch.int64)
        bounds = torch.zeros(3 * 3 + 1, dtype=torch.int32)
        layout = Layout((500, 190, 10) * 3, torch.zeros_like(ids), bounds)
        with torch.autocast("cpu", torch.bfloat16):
            stack(ids, layout).sum().backward()
    assert len(calls) == 12
    for query, _, _, known, _, longest, _ in calls:
        assert query.shape == (2100, 12, 64) and query.dtype == torch.bfloat16 and query.stride() == (3 * 768, 64, 1)
        assert known is bounds and longest == 500
    for name, number in stack.numbers.items():
        gradient = stack.weights[number].grad
        assert gradient is not None and gradient.shape[0] == 3, name


def test_the_kernel_gives_the_weights_that_it_gives_one_by_one(kernel):
    used = []

    def counted(*given):
        used.append(1)
        return varlen.reference(*given)

    kernel(counted)
    rng = np.random.default_rng(0)
    inputs = [rng.integers(5, 50, length) for length in rng.integers(1, 30, 24)]
    labels = np.array([int(tokens[0] % 2) for tokens in inputs])
    shape, schedule = architecture(2, 32, 2, 64, 40, 0.0), Schedule(3, 8, 1e-3, 0.1)
    together, alone = networks(shape), networks(shape)
    given = [Training(each, inputs, labels, seed, np.ones(2)) for each, seed in zip(together, SEEDS, strict=True)]
    fit_together(given, schedule, Execution(CPU, "bf16", 0))
    assert len(used) == 2 * (9 + 1)  # per layer and step, and for the check before the first one
    for each, other, seed in zip(together, alone, SEEDS, strict=True):
        fit(other, inputs, labels, schedule, Execution(CPU, "bf16", seed))
        for (name, found), expected in zip(each.named_parameters(), other.parameters(), strict=True):
            if name.endswith("weight") and found.dim() == 2:
                assert torch.nn.functional.cosine_similarity(found.flatten(), expected.flatten(), 0) > 0.999, name
