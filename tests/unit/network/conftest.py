"""What the tests of trainings share."""

import signal

import numpy as np
import pandas as pd
import pytest
import torch


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
    """Tokens in a fixed order, so that neighbours determine a token."""
    tokens = (np.arange(4000) % 4 + 5).astype(np.uint16)
    rng = np.random.default_rng(0)
    first = rng.integers(0, 3900, 300)
    return tokens, pd.DataFrame({"first": first, "length": rng.integers(20, 33, 300)})
