import numpy as np
import pytest
import torch

from grover.network import classifier
from grover.network.bert import bert_config, load_language_model, new_language_model, save
from grover.network.classifier import (
    Classifier,
    Network,
    Schedule,
    fit,
    logits,
    new_classifier,
    pooled,
)
from grover.network.inference import evaluating
from grover.network.training import Execution
from grover.runtime.errors import InputError
from grover.tokenization.vocabulary import CLS, SEP, Vocabulary
from tests.fakes.networks import architecture

CPU = torch.device("cpu")
SMALL = architecture(2, 16, 2, 32, 80, dropout=0.0)
LENGTHS = (9, 40, 1, 40, 23)


def sequences(lengths=LENGTHS, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.integers(5, 50, length).astype(np.uint16) for length in lengths]


def network(pooling: str = "mean", classes: int = 3) -> Classifier:
    torch.manual_seed(0)
    return Classifier(bert_config(SMALL, 50), classes, pooling, dropout=0.0).eval()


def padded(inputs: list[np.ndarray]) -> dict[str, torch.Tensor]:
    rows = [torch.tensor([CLS, *tokens.tolist(), SEP]) for tokens in inputs]
    ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
    return {"input_ids": ids, "attention_mask": (ids != 0).long()}


def plain_pooled(encoder, inputs: list[np.ndarray], pooling: str) -> torch.Tensor:
    """As Hugging Face computes it: sequences padded to the longest, under a mask."""
    given = padded(inputs)
    states, ends = encoder(**given).last_hidden_state, [len(tokens) + 2 for tokens in inputs]
    means = torch.stack([row[:end].mean(0) for row, end in zip(states, ends, strict=True)])
    lasts = torch.stack([row[end - 1] for row, end in zip(states, ends, strict=True)])
    return {"cls": states[:, 0], "last": lasts, "mean": means}[pooling]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("pooling", ["mean", "cls", "last"])
def test_logits_and_gradients_are_those_of_hugging_face_with_padding(pooling, training):
    model, inputs, labels = network(pooling).train(training), sequences(), torch.tensor([0, 1, 2, 0, 1])
    torch.nn.functional.cross_entropy(model(**model.collate(inputs)), labels).backward()
    ours = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
    answers = model(**model.collate(inputs)).detach()
    model.zero_grad()
    expected = model.classifier(plain_pooled(model.bert, inputs, pooling))
    torch.testing.assert_close(answers, expected.detach(), rtol=1e-4, atol=1e-5)
    torch.nn.functional.cross_entropy(expected, labels).backward()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(ours[name], parameter.grad, rtol=1e-3, atol=1e-6, msg=name)


@pytest.mark.parametrize("pooling", ["mean", "cls", "last"])
def test_many_sequences_are_predicted_in_groups_and_come_in_their_order(pooling, monkeypatch):
    monkeypatch.setitem(classifier.TOKENS_AT_ONCE, "cpu", 64)
    model, inputs = network(pooling), sequences(np.random.default_rng(1).integers(0, 60, 40))
    groups = model.groups(np.array([len(tokens) for tokens in inputs]), "cpu")
    assert len(groups) > 10 and sorted(np.concatenate(groups)) == list(range(40))
    with torch.no_grad():
        vectors = plain_pooled(model.bert, inputs, pooling)
        np.testing.assert_allclose(
            pooled(model.bert, inputs, pooling, CPU, precision="auto"), vectors, rtol=1e-4, atol=1e-5
        )
        np.testing.assert_allclose(
            logits(model, inputs, CPU, precision="auto"), model.classifier(vectors), rtol=1e-4, atol=1e-5
        )


def test_several_groups_at_a_time_answer_bit_for_bit_alike_and_leave_the_threads_as_they_were(monkeypatch):
    monkeypatch.setitem(classifier.TOKENS_AT_ONCE, "cpu", 64)
    model, inputs, before = network(), sequences(np.random.default_rng(1).integers(0, 60, 40)), torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = logits(model, inputs, CPU, "bf16")
        torch.set_num_threads(3)
        assert np.array_equal(logits(model, inputs, CPU, "bf16"), alone)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("pooling", ["mean", "cls", "last"])
def test_bfloat16_answers_nearly_alike_and_learns(pooling):
    model, inputs = network(pooling, 2), sequences([20] * 40)
    full, half = logits(model, inputs, CPU, "fp32"), logits(model, inputs, CPU, "bf16")
    assert half.dtype == np.float32 and 0 < np.abs(full - half).max() < 0.05
    labels = np.array([int(tokens[0] < tokens[-1]) for tokens in inputs])
    curve = fit(model, inputs, labels, Schedule(2, 8, 1e-3, warmup=0.1), Execution(CPU, "bf16", seed=0))
    assert np.isfinite(curve["loss"]).all() and len(curve) == 10


class Padded(Network):
    """Another network: padded, with numbers per token, at most 12 tokens."""

    reentrant = False

    def __init__(self):
        super().__init__()
        self.numbers = torch.nn.Embedding(60, 2, padding_idx=0)
        torch.nn.init.normal_(self.numbers.weight[1:])

    def forward(self, ids, mask):
        return (self.numbers(ids) * mask[:, :, None]).sum(1)

    def collate(self, inputs):
        ids = torch.nn.utils.rnn.pad_sequence([torch.from_numpy(np.int64(row)) for row in inputs], batch_first=True)
        return {"ids": ids, "mask": (ids != 0).float()}

    def groups(self, lengths, device_type):
        return np.array_split(np.argsort(lengths), -(-len(lengths) // 3))

    def check(self, longest):
        if longest > 12:
            raise InputError(f"{longest} tokens exceed 12")


def test_another_network_is_fitted_and_predicted_likewise():
    torch.manual_seed(0)
    network, inputs = Padded(), sequences(np.random.default_rng(2).integers(3, 13, 60))
    with torch.no_grad():
        expected = torch.stack([network.numbers(torch.from_numpy(np.int64(row))).sum(0) for row in inputs])
    np.testing.assert_allclose(logits(network, inputs, CPU, precision="auto"), expected, rtol=1e-5, atol=1e-5)
    labels = np.array([int((row < 27).mean() > 0.5) for row in inputs])
    fit(network, inputs, labels, Schedule(30, 20, 0.1, warmup=0.1), Execution(CPU, precision="auto", seed=0))
    assert (logits(network, inputs, CPU, precision="auto").argmax(1) == labels).mean() > 0.95
    for refused in (
        lambda: logits(network, sequences([13]), CPU, precision="auto"),
        lambda: fit(
            network, sequences([13]), labels, Schedule(1, 1, 1, warmup=0.1), Execution(CPU, precision="auto", seed=0)
        ),
    ):
        with pytest.raises(InputError, match="13 tokens exceed 12"):
            refused()


def test_a_class_that_weighs_more_is_called_more_often():
    inputs, labels = [np.array([7, 8])] * 40, np.arange(40) % 4 // 3  # nothing tells the classes apart
    for weights, share in (None, 0.25), (np.array([2 / 3, 2.0]), 0.5):
        model = network("mean", 2)
        fit(
            model,
            inputs,
            labels,
            Schedule(40, 40, 1e-2, warmup=0.1),
            Execution(CPU, precision="auto", seed=0),
            class_weights=weights,
        )
        found = np.exp(logits(model, inputs[:1], CPU, precision="auto")[0])
        assert found[1] / found.sum() == pytest.approx(share, abs=0.05)


def test_prediction_leaves_device_and_modes_as_they_were():
    model = network().train()
    model.dropout.eval()
    with pytest.raises(KeyError), evaluating(model, CPU):
        assert not any(module.training for module in model.modules())
        raise KeyError
    assert model.training and model.bert.training and not model.dropout.training
    logits(model, sequences(), CPU, precision="auto")
    assert model.training


def test_too_long_and_unknown_are_refused():
    model = network()
    for refused in (
        lambda: logits(model, sequences([79]), CPU, precision="auto"),
        lambda: pooled(model.bert, sequences([79]), "cls", CPU, precision="auto"),
    ):
        with pytest.raises(InputError, match="79 tokens .* 80 positions .* 81 positions or make them shorter"):
            refused()
    assert logits(model, sequences([78]), CPU, precision="auto").shape == (1, 3)


@pytest.fixture
def folder(tmp_path):
    bases = Vocabulary.from_kmers("char", 1)
    bases.save(tmp_path / "vocabulary")
    model = new_language_model(bert_config(architecture(1, 16, 2, 32, 40, 0.0), bases.size), 7)
    save(model, model.config, tmp_path / "model", tmp_path / "vocabulary")
    return tmp_path / "model"


def test_pretrained_weights_are_taken_and_the_random_model_has_others(folder):
    stored = load_language_model(folder).bert.state_dict()
    pretrained, random = (new_classifier(folder, 2, "cls", kind, 3).bert.state_dict() for kind in (True, False))
    assert all(torch.equal(stored[name], pretrained[name]) for name in pretrained)
    assert stored.keys() == random.keys() and not torch.equal(
        stored["embeddings.word_embeddings.weight"], random["embeddings.word_embeddings.weight"]
    )
