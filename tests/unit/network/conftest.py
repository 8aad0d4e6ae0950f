"""What the tests of trainings share."""

import signal

import pytest
import torch

from tests.fakes.trainings import ordered_corpus


@pytest.fixture
def one_thread():
    """Threads that wait for one another take most of the time of networks this small where the machine is busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def heard_ctrl_c():
    """SIGINT raises KeyboardInterrupt, even where these tests run in the background of a shell, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def corpus():
    return ordered_corpus()
