"""Short trainings of a tiny model, for the tests of the training loop."""

import numpy as np
import pandas as pd
import torch

from grover.network.bert import bert_config, new_language_model
from grover.network.checkpoints import Checkpoints
from grover.network.distributed import ALONE
from grover.network.training import Execution, Optimisation, Recording
from grover.pretraining.masking import Masking
from grover.pretraining.pretrain import Settings, pretrain
from tests.fakes.networks import architecture

CPU = torch.device("cpu")
TINY = architecture(layers=1, hidden=16, heads=2, intermediate=32, positions=40, dropout=0.1)
STEADY = architecture(1, 16, 2, 32, 40, dropout=0.0)


def ordered_corpus() -> tuple[np.ndarray, pd.DataFrame]:
    """Tokens in a fixed order, so that neighbours determine a token, and windows of them."""
    tokens = (np.arange(4000) % 4 + 5).astype(np.uint16)
    rng = np.random.default_rng(0)
    first = rng.integers(0, 3900, 300)
    return tokens, pd.DataFrame({"first": first, "length": rng.integers(20, 33, 300)})


def run(corpus, steps=4, seed=0, architecture=TINY, processes=ALONE, precision="fp32", **recording):
    model = new_language_model(bert_config(architecture, 9), seed)
    settings = Settings(16, Optimisation(steps, 1e-2, warmup=0.1), Masking(0.2))
    return model, pretrain(
        model,
        *corpus,
        settings,
        Execution(CPU, seed=seed, processes=processes, precision=precision),
        Recording(**{"checkpoints": None, "minutes": 15} | recording),
    )


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def one_number(value: float):
    """A model of one weight, its only batch, and a loss of so much at each step."""
    model = torch.nn.Linear(1, 1)
    return model, [{"targets": torch.zeros(1), "tokens": 1}], lambda m, b: m.weight.sum() * 0 + value


class Killed(Exception):
    """Stands for SIGKILL: nothing of the training runs after it."""


def dying(checkpoints: Checkpoints, at: int) -> Checkpoints:
    """The same checkpoints, but the process dies as soon as that of step `at` is written."""
    save = checkpoints.save

    def save_and_die(step, state):
        save(step, state)
        if step == at:
            raise Killed

    checkpoints.save = save_and_die
    return checkpoints
