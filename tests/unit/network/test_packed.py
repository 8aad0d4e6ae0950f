from functools import partial

import numpy as np
import pytest
import torch

from grover.network import attention
from grover.network.attention import attend, attend_fused, choose_attention
from grover.network.batching import by_length
from grover.network.bert import bert_config, new_language_model
from grover.network.forward import dropout, hidden_states, layer_states, logits_at
from grover.network.packed import Layout, group_by_tokens, pack, pack_rows
from grover.network.splitmix import window_keys
from grover.tokenization.vocabulary import CLS, SEP
from tests.fakes.networks import architecture

STEADY = architecture(2, 16, 2, 32, 80, dropout=0.0)
WINDOW_AND_EPOCH = (0, np.array([8])), (1, np.array([7]))


@pytest.fixture
def model():
    return new_language_model(bert_config(STEADY, 50), 0).eval()


def rows(lengths: list[int], seed: int = 0) -> list[torch.Tensor]:
    """Windows of random tokens, each with its specials."""
    rng = np.random.default_rng(seed)
    return [torch.tensor([CLS, *rng.integers(5, 50, length), SEP]) for length in lengths]


def test_pack_puts_windows_end_to_end():
    ids, lengths = pack(np.arange(10, 30, dtype=np.uint16), np.array([3, 0]), np.array([2, 4]))
    assert ids.tolist() == [CLS, 13, 14, SEP, CLS, 10, 11, 12, 13, SEP] and lengths.tolist() == [4, 6]
    again = pack_rows([np.array([13, 14]), np.array([10, 11, 12, 13])])
    assert again[0].tolist() == ids.tolist() and again[1].tolist() == lengths.tolist()
    layout = Layout.of(lengths)
    assert layout.places.tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 4, 5] and layout.bounds.tolist() == [0, 4, 10]


# in float64, as in bfloat16, matrix products compute attention; in float32 the fused kernel
@pytest.mark.parametrize(
    ("way", "kind"), [(attend, torch.float32), (attend, torch.float64), (attend_fused, torch.float32)]
)
@pytest.mark.parametrize("lengths", [[9, 9, 9], [60, 31, 30, 2, 1], [1], [70, 3, 70], [70, 70, 70, 70]])
def test_states_and_logits_are_those_of_hugging_face_on_each_window_alone(model, way, kind, lengths, monkeypatch):
    model.to(kind)
    monkeypatch.setattr(attention, "SCORES_AT_ONCE", 40 * 40)
    windows = rows(lengths)
    ids, layout = torch.cat(windows), Layout.of(np.array([len(window) for window in windows]))
    with torch.no_grad():
        expected = torch.cat([model(input_ids=window[None]).logits[0].float() for window in windows])
        everywhere = torch.arange(len(ids))
        close = partial(torch.testing.assert_close, rtol=1e-4, atol=1e-5)
        close(logits_at(model, ids, layout, everywhere, attention=way), expected)
        some = torch.tensor([0, len(ids) - 1, len(ids) // 2])
        close(logits_at(model, ids, layout, some, attention=way), expected[some])
        plain = [model.bert(window[None], output_hidden_states=True).hidden_states for window in windows]
        states = [torch.cat(of_layer, 1)[0] for of_layer in zip(*plain, strict=True)]
        close(hidden_states(model.bert, ids, layout, attention=way), states[2])
        close(list(layer_states(model.bert, ids, layout, [0, 1, 2], attention=way)), states)
        deepest, at_some = layer_states(model.bert, ids, layout, [0, 1], positions=some, attention=way)
        close([deepest, at_some], [states[0], states[1][some]])


def test_nothing_is_trained_with_the_fused_attention():
    cpu, gpu = torch.device("cpu"), torch.device("cuda", 0)
    assert [choose_attention(cpu, training=mode) for mode in (True, False)] == [attend, attend_fused]
    assert choose_attention(gpu, training=True) is choose_attention(gpu, training=False) is attend


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_the_gradients_are_those_of_hugging_face(model, kind):
    model.to(kind)
    windows = rows([20, 11, 11, 4])
    ids, layout = torch.cat(windows), Layout.of(np.array([len(window) for window in windows]))
    positions, targets = torch.tensor([3, 25, 40]), torch.tensor([7, 8, 9])
    torch.nn.functional.cross_entropy(logits_at(model, ids, layout, positions), targets).backward()
    ours = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
    model.zero_grad()
    logits = torch.cat([model(input_ids=window[None]).logits[0] for window in windows])
    torch.nn.functional.cross_entropy(logits[positions], targets).backward()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(ours[name], parameter.grad, rtol=1e-3, atol=1e-6, msg=name)


def test_groups_hold_every_row_and_keep_the_limit():
    lengths = np.random.default_rng(0).integers(20, 511, 64)
    groups = group_by_tokens(lengths, 2048)
    assert sorted(np.concatenate(groups)) == list(range(64))
    assert all((lengths[group] + 2).sum() <= 2048 for group in groups)
    assert len(groups) <= (lengths + 2).sum() / (2048 - 512) + 1  # full but for a window
    assert [group.tolist() for group in group_by_tokens(np.array([500, 3]), 10)] == [[0], [1]]


@pytest.mark.parametrize("group", [group_by_tokens, by_length])
def test_lengths_may_be_a_list_and_there_may_be_none(group):
    assert [rows.tolist() for rows in group([3, 9, 4], 12)] == [[1], [2, 0]]
    assert group([], 12) == []


def test_dropout_drops_its_share_and_keeps_the_mean():
    keys = Layout.of(np.array([600, 400]), window_keys(1, 0, np.array([7, 8]))).keys
    dropped = dropout(torch.ones(1000, 1001), 0.1, True, keys)
    assert dropped.unique().tolist() == [0.0, pytest.approx(1 / 0.9)]
    assert float((dropped == 0).float().mean()) == pytest.approx(0.1, abs=0.002)
    # neither rows nor columns, nor the four draws of one random integer, go together
    assert float((dropped == 0).float().mean(0).std()) < 0.012
    assert float(((dropped[:, 1:] == 0) & (dropped[:, :-1] == 0)).float().mean()) == pytest.approx(0.01, abs=0.001)
    # nor those of places in a layer, of layers, of windows or of epochs
    others = [keys + 1, keys + 2, *(Layout.of(np.array([1000]), window_keys(1, *key)).keys for key in WINDOW_AND_EPOCH)]
    for other in others:
        both = (dropout(torch.ones(1000, 1001), 0.1, True, other) == 0) & (dropped == 0)
        assert float(both.float().mean()) == pytest.approx(0.01, abs=0.001)
    assert dropout(dropped, 0.1, False, keys) is dropped and dropout(dropped, 0.0, True, keys) is dropped


def test_what_is_dropped_of_a_window_does_not_depend_on_its_pack(model):
    model.bert.train()
    for layer in model.bert.encoder.layer:
        layer.attention.output.dropout.p = layer.output.dropout.p = 0.3
    windows, names = rows([12, 7, 20]), np.array([5, 3, 9])

    def states(chosen: list[int], at: torch.Tensor | None = None) -> torch.Tensor:
        ids, lengths = torch.cat([windows[row] for row in chosen]), np.array([len(windows[row]) for row in chosen])
        return hidden_states(model.bert, ids, Layout.of(lengths, window_keys(1, 2, names[chosen])), at)

    together = states([0, 1, 2])
    alone = [states([row]) for row in range(3)]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(states([2, 0], torch.tensor([4, 25])), torch.stack([alone[2][4], alone[0][3]]))
    assert not torch.allclose(states([0]), model.bert.eval()(windows[0][None]).last_hidden_state[0], atol=0.1)
