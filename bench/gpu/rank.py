"""One process that trains as one of several: `python -m bench.gpu.rank DEVICE SIZE`."""

import sys
import time
from dataclasses import replace

import torch
from torch import distributed

from bench.gpu.scale import full, tiny
from grover.network.distributed import Processes, together
from grover.network.training import Optimisation
from grover.pretraining.masking import Masking
from grover.pretraining.pretrain import Settings, pretrain


def main() -> None:
    device = torch.device(sys.argv[1], 0) if sys.argv[1] == "cuda" else torch.device("cpu")
    scale = (full if sys.argv[2] == "full" else tiny)(device)
    connect = distributed.init_process_group
    # the first of two by its number, so that nothing is left out for a single one; the other is not there
    processes = Processes(0, 2, 0, 1)
    distributed.init_process_group = lambda backend, **given: connect(backend, **(given | {"world_size": 1}))
    with together(processes, device):
        settings = Settings(scale.batch, Optimisation(3, 4e-4, 0.1), Masking(0.15), compiled=False)
        execution = replace(scale.execution(), processes=processes)
        pretrain(scale.model(), scale.tokens, scale.windows(), settings, execution)
        print(f"trained {time.time()}", flush=True)


if __name__ == "__main__":
    main()
