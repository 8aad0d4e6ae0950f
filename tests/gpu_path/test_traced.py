"""The path of a GPU traced without computing: torch's own kernel on fake tensors, and the graphs that torch.compile makes."""

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.attention.varlen import varlen_attn

from grover.network import forward
from grover.network.bert import bert_config, new_language_model
from grover.network.forward import after_attention, hidden_states, logits_at
from grover.network.packed import Layout, pack
from grover.pretraining.preflight import ACTIVATIONS, memory_needed
from tests.fakes.networks import architecture
from tests.fakes.trainings import CPU

pytestmark = pytest.mark.usefixtures("one_thread")

BASE = architecture(12, 768, 12, 3072, 512, 0.1)


@pytest.fixture
def as_on_a_gpu(kernel, monkeypatch):
    """Torch's kernel is called and recorded, and dropout keeps one byte per element, as its fused kernel does."""
    calls = []

    def recorded(*given):
        calls.append(given)
        return varlen_attn(*given)

    kernel(recorded)

    def fused(states, share, training, keys):
        return torch.native_dropout(states, share, training)[0]

    monkeypatch.setattr(forward, "dropout", fused)
    return calls


def traced(lengths: list[int]) -> tuple[torch.nn.Module, int]:
    """A training step of the base network on fake tensors: the network, and the bytes that its backward pass keeps."""
    kept: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept.setdefault(tensor.untyped_storage()._cdata, tensor)
        return tensor

    model = new_language_model(bert_config(BASE, 609), 0).train()
    given = {parameter.untyped_storage()._cdata for parameter in model.parameters()}
    ids, layout = torch.ones(sum(lengths), dtype=torch.int64), Layout.of(np.array(lengths))
    layout = Layout(layout.lengths, torch.zeros_like(ids), torch.zeros(len(lengths) + 1, dtype=torch.int32))
    positions = torch.zeros(sum(lengths) // 50, dtype=torch.int64)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), torch.autocast("cpu", torch.bfloat16):
        loss = torch.nn.functional.cross_entropy(logits_at(model, ids, layout, positions), torch.zeros_like(positions))
    bytes_kept = sum(tensor.untyped_storage().nbytes() for each, tensor in kept.items() if each not in given)
    loss.backward()
    return model, bytes_kept


def test_the_kernel_gets_what_it_takes_and_every_weight_a_gradient(as_on_a_gpu):
    with FakeTensorMode():
        model, _ = traced([510, 510, 20])
    assert len(as_on_a_gpu) == 12
    for query, key, value, bounds, other, longest, other_longest in as_on_a_gpu:
        for each in (query, key, value):
            assert each.shape == (1040, 12, 64) and each.dtype == torch.bfloat16
            # rows of the one product that gives all three
            assert each.stride() == (3 * 768, 64, 1)
        assert bounds is other and bounds.dtype == torch.int32 and bounds.shape == (4,)
        assert longest == other_longest == 510
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.shape == parameter.shape, name


def test_the_estimate_of_memory_is_above_what_a_step_keeps_and_near_it(as_on_a_gpu):
    with FakeTensorMode():
        (_, few), (_, many) = traced([512] * 4), traced([512] * 16)
    # embeddings and the output layer are part of it, and of the margin
    per_unit = (many - few) / (12 * 512 * 12 * 768)
    assert 0.9 * ACTIVATIONS < per_unit < ACTIVATIONS
    config = bert_config(BASE, 609)
    estimated = [memory_needed(config, 0, tokens, 512, "bf16", CPU) for tokens in (4 * 512, 16 * 512)]
    assert estimated[1] - estimated[0] > many - few


def test_three_graphs_serve_packs_of_all_sizes(kernel, monkeypatch):
    monkeypatch.setattr(forward, "dropout", torch.nn.functional.dropout)  # as on a GPU
    torch._dynamo.reset()
    graphs = []

    def counting(graph: torch.fx.GraphModule, inputs: list) -> torch.fx.GraphModule:
        graphs.append(graph)
        return graph

    compiled = torch.compile(after_attention, dynamic=True, fullgraph=True, backend=counting)
    model = new_language_model(bert_config(architecture(3, 32, 4, 64, 80, 0.1), 50), 0)
    rng = np.random.default_rng(0)
    for training in (True, False):
        model.train(training)
        for lengths in ([60, 31, 4], [20], [70, 70, 9, 9, 9], [40, 40]):
            ids, packed = pack(np.full(sum(lengths), 7), np.zeros(len(lengths), int), np.array(lengths))
            # the proof looks at all tokens, and computes the last layer as the others
            positions = torch.from_numpy(rng.integers(0, len(ids), 5)) if training else None
            given = model.bert, torch.from_numpy(ids), Layout.of(packed), positions
            with torch.autocast("cpu", torch.bfloat16):
                hidden_states(*given, after_attention=compiled).sum().backward()
    # of layers in training, of the last one, and of the proof, which drops nothing; with `fullgraph` a break would be an error
    assert len(graphs) == 3
    torch._dynamo.reset()
