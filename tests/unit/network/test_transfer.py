"""A GPU gets its next step before the loss of the last one is waited for; its streams are imitated."""

import numpy as np
import pytest
import torch

from grover.network import training
from grover.network.packed import Layout
from grover.network.training import Execution, Optimisation, train
from grover.network.transfer import Copied, pinned
from tests.fakes.trainings import CPU, one_number

pytestmark = pytest.mark.usefixtures("one_thread")


class OnGpu:
    """Values on a GPU, which says what it is asked for."""

    is_cuda = True

    def __init__(self, values, said):
        self.values, self.said = values, said

    def to(self, device, non_blocking=False):
        assert device == "cpu" and non_blocking
        self.said.append("copy")
        return self.values


@pytest.fixture
def said(monkeypatch):
    """What was asked of the stream of a GPU, in order."""
    log = []

    class Event:
        def record(self):
            log.append("record")

        def synchronize(self):
            log.append("wait")

    monkeypatch.setattr(torch.cuda, "Event", Event)
    return log


def test_a_copy_begins_when_it_is_made_and_is_waited_for_when_it_is_read(said):
    values = torch.arange(3)
    copied = Copied(OnGpu(values, said))
    assert said == ["copy", "record"]
    assert copied.tensor() is values and said == ["copy", "record", "wait"]
    assert Copied(values).tensor() is values and len(said) == 3


def test_a_step_is_given_to_the_gpu_before_the_loss_of_the_last_one_is_waited_for(said, monkeypatch):
    monkeypatch.setattr(training, "Copied", lambda values: Copied(OnGpu(values, said)))
    model, batches, plain = one_number(0.5)

    def loss(network, batch):
        said.append("step")
        return plain(network, batch)

    curve = train(model, lambda step: batches, loss, Optimisation(3, 1e-3, 0.1), Execution(CPU, "fp32", 0))
    one, between = ["step", "copy", "record"], ["step", "copy", "record", "wait"]
    assert said == one + between + between + ["wait"]
    assert curve["loss"].tolist() == [0.5] * 3


def test_batches_for_a_gpu_are_pinned_and_nothing_else(monkeypatch):
    pins = []
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda self: pins.append(self.dtype) or self)
    batch = {"input_ids": torch.arange(4), "layout": Layout.of(np.array([2, 2])), "tokens": 4}
    assert pinned(batch, CPU) is batch and not pins
    made = pinned(batch, torch.device("cuda", 1))
    assert made["tokens"] == 4 and made["layout"].lengths == (2, 2)
    assert pins == [torch.int64, torch.int64, torch.int32]


def test_the_thread_that_makes_batches_pins_them_for_the_gpu_of_its_process(monkeypatch):
    used = []
    monkeypatch.setattr(torch.cuda, "set_device", used.append)
    monkeypatch.setattr(training, "pinned", lambda batch, device: (batch, device))
    gpu = torch.device("cuda", 3)
    assert list(training._ahead(lambda step: [step], 2, 4, gpu)) == [(2, [(2, gpu)]), (3, [(3, gpu)])]
    assert used == [gpu]
