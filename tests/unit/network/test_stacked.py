"""Several classifiers trained as one network, beside the same trainings one by one."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from grover.network import stacked
from grover.network.bert import bert_config
from grover.network.classifier import Classifier, Schedule, fit, logits
from grover.network.stacked import Differs, Stacked, Training, fit_together, lay_together
from grover.network.training import Execution
from grover.runtime.errors import InputError
from tests.fakes.networks import architecture

CPU = torch.device("cpu")
SEEDS = (3, 1, 8)
SCHEDULE = Schedule(epochs=2, batch=8, learning_rate=0.01, warmup=0.1)
WEIGHTS = ([1.0, 1.0, 1.0], [0.5, 2.0, 1.0], [3.0, 0.2, 0.4])
pytestmark = pytest.mark.usefixtures("one_thread")


def network(seed: int, pooling: str = "mean", dropout: float = 0.1) -> Classifier:
    torch.manual_seed(seed)
    model = Classifier(bert_config(architecture(2, 16, 2, 32, 40, dropout), 50), 3, pooling, dropout=0.0)
    for name, parameter in model.named_parameters():  # biases and scales begin as 0 and 1 everywhere
        if parameter.dim() == 1:
            torch.nn.init.normal_(parameter, mean=float("LayerNorm.weight" in name), std=0.1)
    return model


def examples(seed: int, number: int = 21) -> tuple[list[np.ndarray], np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.integers(5, 50, length) for length in rng.integers(1, 38, number)], rng.integers(0, 3, number)


def together(networks, schedule=SCHEDULE, after=None, precision="fp32"):
    trainings = [
        Training(model, *examples(seed), seed, np.array(weights), (after or {}).get(seed, lambda: False))
        for model, seed, weights in zip(networks, SEEDS, WEIGHTS, strict=True)
    ]
    fit_together(trainings, schedule, Execution(CPU, precision, SEEDS[0]))


def alone(model, seed, weights, schedule=SCHEDULE, after=None):
    execution = Execution(CPU, "fp32", seed)
    fit(model, *examples(seed), schedule, execution, class_weights=np.array(weights), after_epoch=after)


@pytest.mark.parametrize("tokens", [4_096, 150])
@pytest.mark.parametrize("pooling", ["mean", "cls", "last"])
def test_each_network_ends_in_the_weights_of_a_training_of_its_own(pooling, tokens, monkeypatch):
    monkeypatch.setitem(stacked.TOKENS_AT_ONCE, "cpu", tokens)
    networks = [network(seed, pooling) for seed in SEEDS]
    together(networks)
    for model, seed, weights in zip(networks, SEEDS, WEIGHTS, strict=True):
        expected, begun = network(seed, pooling), network(seed, pooling)
        alone(expected, seed, weights)
        for (name, found), wanted, before in zip(
            model.named_parameters(), expected.parameters(), begun.parameters(), strict=True
        ):
            # gradients of the bias of keys are rounding errors alone, of which AdamW makes steps of any size
            if "key.bias" not in name:
                torch.testing.assert_close(found, wanted, rtol=1e-3, atol=2e-4, msg=name)
            assert not name.endswith("weight") or (found - before).abs().max() > 1e-3, name


def test_gradients_are_clipped_network_by_network():
    networks = [network(seed) for seed in SEEDS]
    with torch.no_grad():
        networks[1].classifier.weight.mul_(300)  # whose gradient is far above the limit
    large = [model.classifier.weight.detach().clone() for model in networks]
    together(networks, replace(SCHEDULE, epochs=1))
    for model, seed, weights, weight in zip(networks, SEEDS, WEIGHTS, large, strict=True):
        expected = network(seed)
        with torch.no_grad():
            expected.classifier.weight.copy_(weight)
        alone(expected, seed, weights, replace(SCHEDULE, epochs=1))
        torch.testing.assert_close(model.classifier.weight, expected.classifier.weight, rtol=1e-3, atol=2e-3)


def test_a_network_that_has_stopped_is_not_asked_again():
    calls = dict.fromkeys(SEEDS, 0)
    ends = dict(zip(SEEDS, (2, 1, 3), strict=True))

    def after(seed):
        def ask():
            calls[seed] += 1
            return calls[seed] == ends[seed]

        return ask

    together([network(seed) for seed in SEEDS], replace(SCHEDULE, epochs=9), {seed: after(seed) for seed in SEEDS})
    assert calls == ends


def test_networks_predict_while_they_are_trained():
    networks, inputs, seen = [network(seed) for seed in SEEDS], examples(0)[0], []

    def look():
        seen.append([logits(model, inputs, CPU, "fp32") for model in networks])
        return False

    together(networks, after={SEEDS[0]: look})
    first, last = seen
    assert all(np.abs(one - other).max() > 1e-3 for one, other in zip(first, last, strict=True))
    for model, found in zip(networks, last, strict=True):
        np.testing.assert_allclose(logits(model, inputs, CPU, "fp32"), found, atol=1e-6)


@pytest.mark.parametrize("name", ["classifier", "bert.embeddings.LayerNorm", "bert.encoder.layer.1.output.dense"])
def test_a_stack_that_computes_something_else_is_refused(name, monkeypatch):
    product, normal = Stacked._linear, Stacked._normal
    monkeypatch.setattr(
        Stacked, "_linear", lambda self, key, states: product(self, key, states) * (1.1 if key == name else 1)
    )
    monkeypatch.setattr(
        Stacked, "_normal", lambda self, key, states: normal(self, key, states) * (1.3 if key == name else 1)
    )
    networks = [network(seed) for seed in SEEDS]
    with pytest.raises(Differs, match="logits of the stack differ"):
        together(networks)


def test_weights_are_not_moved_in_inference_mode(monkeypatch):
    # on a CPU nothing moves; on a GPU such weights could not be trained
    real, entered = stacked.evaluating, []

    def noted(network, device):
        entered.append(torch.is_inference_mode_enabled())
        return real(network, device)

    monkeypatch.setattr(stacked, "evaluating", noted)
    together([network(seed) for seed in SEEDS], replace(SCHEDULE, epochs=1))
    assert entered == [False]


def test_a_network_that_has_stopped_cannot_end_the_others():
    networks = [network(seed) for seed in SEEDS]

    def diverges() -> bool:
        with torch.no_grad():
            # the loss of an example is a number, the sum of two is none
            networks[0].classifier.bias.copy_(torch.tensor([1e38, -1e38, 0.0]))
        return True

    together(networks, replace(SCHEDULE, epochs=4), {SEEDS[0]: diverges})
    expected = network(SEEDS[1])
    alone(expected, SEEDS[1], WEIGHTS[1], replace(SCHEDULE, epochs=4))
    torch.testing.assert_close(networks[1].classifier.weight, expected.classifier.weight, rtol=1e-3, atol=1e-3)


def test_padding_may_be_longer_than_the_network_reads():
    long, short = [np.arange(5, 35)] * 4, [np.arange(5, 6)] * 4
    networks = [network(seed, dropout=0.0).eval() for seed in (1, 2)]
    keys = [np.zeros(4, np.uint64)] * 2
    given = lay_together([long, short], keys, 40)
    assert given["layout"].lengths[-1] > 40
    with torch.inference_mode():
        found = Stacked(networks).eval()(**given)
        for model, inputs, rows in zip(networks, (long, short), found, strict=True):
            torch.testing.assert_close(rows, model(**model.collate(inputs)), rtol=1e-4, atol=1e-5)


def test_a_sequence_that_is_too_long_is_refused():
    training = [
        Training(network(seed), [np.full(40, 7)], np.array([0]), seed, np.ones(3), lambda: False) for seed in SEEDS
    ]
    with pytest.raises(InputError, match="40 positions"):
        fit_together(training, SCHEDULE, Execution(CPU, "fp32", 0))
