"""Checks of the machine and of what its kernels compute."""

import shutil
import sysconfig
import time
from pathlib import Path

import numpy as np
import torch

from bench.gpu.scale import SEED, VOCABULARY, Scale
from grover.network.attention import attend, has_kernel
from grover.network.device import choose_device, computes_in_bf16
from grover.network.forward import after_attention
from grover.network.gpu import driver_version
from grover.network.packed import Layout, pack
from grover.pretraining.masking import Masking
from grover.pretraining.pretrain import _fastest, masked_batch
from grover.pretraining.proof import prove_step

TOLERANCE = 0.02  # of what bfloat16 computes, as a share of its length


def machine(scale: Scale) -> dict:
    """Driver, architecture, number format and compiler."""
    place = choose_device(scale.device.type)
    found = {
        "driver": driver_version(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "compiler": any(map(shutil.which, ("cc", "gcc", "clang"))),
        "python_headers": Path(sysconfig.get_path("include"), "Python.h").is_file(),
        "bf16": computes_in_bf16(place, "bf16"),
        "kernel": has_kernel(place, torch.bfloat16, 64),
    }
    if scale.on_gpu:
        free, whole = torch.cuda.mem_get_info()
        found |= {
            "name": torch.cuda.get_device_name(),
            "capability": ".".join(map(str, torch.cuda.get_device_capability())),
            "built_for": torch.cuda.get_arch_list(),
            "free_gb": round(free / 1e9, 1),
            "memory_gb": round(whole / 1e9, 1),
        }
    return found | {"passed": not scale.on_gpu or all(found[key] for key in ("driver", "bf16", "kernel"))}


class Projections(torch.nn.Module):
    """The part of a layer that attention reads."""

    def __init__(self, heads: int, width: int):
        super().__init__()
        self.num_attention_heads = heads
        self.query, self.key, self.value = (torch.nn.Linear(heads * width, heads * width) for _ in range(3))


def attention(scale: Scale) -> dict:
    """Attention and its gradients in bfloat16 beside float32, window by window, for two widths and lengths from 1."""
    errors: dict[str, float] = {}
    lengths = np.array(
        [length for length in (1, 2, 3, 17, 64, 65, 127, 128, 129, 300, 511, 512) if length <= scale.longest + 2]
    )
    for width in (32, 64):
        torch.manual_seed(SEED)
        module = Projections(4, width).to(scale.device)
        states = torch.randn(int(lengths.sum()), 4 * width, device=scale.device)
        weights = torch.randn_like(states)
        layout = Layout.of(lengths).to(scale.device)

        ours, plain = (_answers(module, states, weights, layout, precise) for precise in (False, True))
        for name, one, exact in zip(("result", "states", "query", "key", "value"), ours, plain, strict=True):
            errors[f"{name}_{width}"] = round(float((one - exact).norm() / exact.norm()), 5)
    return {"errors": errors, "passed": max(errors.values()) < TOLERANCE}


def _answers(
    module: Projections, states: torch.Tensor, weights: torch.Tensor, layout: Layout, precise: bool
) -> list[torch.Tensor]:
    """The result of attention, and the gradients of its weighted sum."""
    given = states.clone().requires_grad_()
    with torch.autocast(states.device.type, dtype=torch.bfloat16, enabled=not precise):
        mixed = (_window_by_window if precise else attend)(module, given, layout).float()
    parts = [given, *(each.weight for each in (module.query, module.key, module.value))]
    return [mixed.detach(), *torch.autograd.grad((mixed * weights).sum(), parts)]


def _window_by_window(module: Projections, states: torch.Tensor, layout: Layout) -> torch.Tensor:
    mixed = []
    for piece in states.split(layout.lengths):
        query, key, value = (
            part(piece).unflatten(1, (module.num_attention_heads, -1)).transpose(0, 1)
            for part in (module.query, module.key, module.value)
        )
        scores = query @ key.transpose(1, 2) * query.shape[-1] ** -0.5
        mixed.append((torch.softmax(scores, -1) @ value).transpose(0, 1).flatten(1))
    return torch.cat(mixed)


def proof(scale: Scale) -> dict:
    """The comparison before the first step, eager and compiled."""
    table = scale.windows().iloc[: scale.batch]
    ids, lengths = pack(scale.tokens, table["first"].to_numpy(), table["length"].to_numpy())
    batch = masked_batch(ids, lengths, np.arange(len(table)), VOCABULARY, Masking(0.15), SEED, 0)
    model, found = scale.model().to(scale.device), {}
    for name, part in (("eager", after_attention), ("compiled", _fastest(True, scale.device))):
        started = time.perf_counter()
        prove_step(model, batch, scale.device, "bf16", after_attention=part)
        found[f"{name}_seconds"] = round(time.perf_counter() - started, 2)
    return found | {"passed": True}
