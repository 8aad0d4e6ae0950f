import numpy as np
import pytest
import torch

from grover.network import linear as module
from grover.network.linear import linear

rng = np.random.default_rng(0)
STATES, WEIGHT, BIAS = rng.normal(size=(300, 24)), rng.normal(size=(33, 24)), rng.normal(size=33)
EXPECTED = torch.from_numpy(STATES @ WEIGHT.T + BIAS).float()


def given(kind: torch.dtype = torch.float32) -> list[torch.Tensor]:
    return [torch.from_numpy(array).to(kind) for array in (STATES, WEIGHT, BIAS)]


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_the_product_is_that_of_numpy(kind):
    with torch.inference_mode():
        found = linear(*given(kind))
        assert found.dtype == kind
        torch.testing.assert_close(found.float(), EXPECTED, rtol=1e-5, atol=1e-5)
        some = linear(given(kind)[0][::3], *given(kind)[1:])
        torch.testing.assert_close(some.float(), EXPECTED[::3], rtol=1e-5, atol=1e-5)
        assert linear(given(kind)[0][:0], *given(kind)[1:]).shape == (0, 33)


@pytest.mark.parametrize("least", [0, module.TRAINED_FROM], ids=["oneDNN", "MKL"])
def test_gradients_are_those_of_float64(monkeypatch, least):
    monkeypatch.setattr(module, "TRAINED_FROM", least)
    exact, found = given(torch.float64), given()
    outer = torch.from_numpy(rng.normal(size=(300, 33)))
    for each in (*exact, *found):
        each.requires_grad_()
    (torch.nn.functional.linear(*exact) * outer).sum().backward()
    (linear(*found) * outer.float()).sum().backward()
    for one, other in zip(found, exact, strict=True):
        torch.testing.assert_close(one.grad.double(), other.grad, rtol=1e-5, atol=1e-4)


def test_only_gradients_that_are_asked_for_are_computed(monkeypatch):
    monkeypatch.setattr(module, "TRAINED_FROM", 0)
    states, weight, bias = given()
    linear(states.requires_grad_(), weight, bias).sum().backward()
    assert weight.grad is None and bias.grad is None
    torch.testing.assert_close(states.grad, weight.sum(0).expand(300, -1), rtol=1e-5, atol=1e-5)


def test_a_gradient_of_any_number_of_rows_uses_one_number(monkeypatch):
    # oneDNN keeps the code of each number of rows, so that memory would grow with the packs that were seen
    seen, product = set(), module._product

    def noted(left, right, bias=None):
        seen.update((len(left), left.shape[1]))
        return product(left, right, bias)

    monkeypatch.setattr(module, "_product", noted)
    monkeypatch.setattr(module, "TRAINED_FROM", 0)
    for rows in (257, 300, 511, 512):
        states = torch.ones(rows, 24, requires_grad=True)
        linear(states, given()[1].requires_grad_(), given()[2]).sum().backward()
        assert states.grad.shape == (rows, 24)
    assert seen == {24, 33, 512}


def test_autocast_is_obeyed():
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        found = linear(*given())
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), EXPECTED, rtol=0.02, atol=0.2)


def test_torch_still_has_the_function_of_onednn():
    # its name is not public; without it networks run at half the speed on AMD's processors
    assert (module.ONEDNN is not None) == torch.backends.mkldnn.is_available()
