"""The path of a GPU on the CPU: attention takes torch's variable-length kernel, which a reference stands for."""

import pytest
import torch

from grover.network import attention
from grover.pretraining import preflight
from tests.fakes import varlen
from tests.unit.network.conftest import corpus, one_thread  # noqa: F401


@pytest.fixture
def kernel(monkeypatch):
    """Have the kernel of a GPU called, which is the reference until another one is set by calling this."""

    def use(replacement):
        monkeypatch.setattr(attention, "varlen_attn", replacement)

    def has_kernel(device, kind, width):
        return kind == torch.bfloat16 and width % 8 == 0

    for module in (attention, preflight):
        monkeypatch.setattr(module, "has_kernel", has_kernel)
    use(varlen.reference)
    return use
