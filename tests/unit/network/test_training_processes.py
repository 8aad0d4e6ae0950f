"""Several processes share one training. What they compute together is tested in tests/gpu_path/test_processes.py."""

from datetime import timedelta

import pandas as pd
import pytest
import torch
from torch import distributed

from grover.network import training
from grover.network.distributed import Processes, together
from grover.runtime.errors import InputError
from tests.fakes.trainings import run

pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_windows_and_masks_of_a_step_do_not_depend_on_the_number_of_processes(corpus, monkeypatch):
    """What the processes of a step get, together, is what one gets."""
    seen = {}

    def collect(model, batches, loss, optimisation, execution, recording):
        processes = execution.processes
        for step in (0, 7, 18):  # the last one spans two epochs
            seen.setdefault((processes.world, step), []).extend(
                (ids.tolist(), [p - begin for p in batch["positions"].tolist() if begin <= p < begin + len(ids)])
                for batch in batches(step)
                for begin, ids in zip(
                    batch["layout"].bounds.tolist(), batch["input_ids"].split(batch["layout"].lengths), strict=False
                )
            )
        return pd.DataFrame()

    monkeypatch.setattr("grover.pretraining.pretrain.train", collect)
    for world in (1, 2, 3):
        for rank in range(world):
            run(corpus, processes=Processes(rank, world))
    for step in (0, 7, 18):
        assert len(seen[1, step]) == 16
        assert sorted(seen[1, step]) == sorted(seen[2, step]) == sorted(seen[3, step])
    assert sorted(seen[1, 0]) != sorted(seen[1, 7])


def test_gpus_connect_at_once_and_a_silent_one_is_given_up_after_ten_minutes(monkeypatch):
    asked, left = {}, []
    monkeypatch.setattr(
        distributed, "init_process_group", lambda backend, **given: asked.update(given, backend=backend)
    )
    monkeypatch.setattr(distributed, "destroy_process_group", lambda: left.append(True))
    monkeypatch.setenv("MASTER_ADDR", "node1")
    monkeypatch.setenv("MASTER_PORT", "20000")
    gpu = torch.device("cuda", 3)
    with together(Processes(3, 8, 3, 4), gpu):
        assert not left
    assert left and asked["backend"] == "nccl" and asked["device_id"] == gpu
    assert asked["timeout"] == timedelta(minutes=10)
    # after an error the others may never come to the end of what they began
    with pytest.raises(KeyError), together(Processes(3, 8, 3, 4), gpu):
        raise KeyError
    assert len(left) == 1

    def duplicate(backend, **given):
        raise distributed.DistBackendError("Duplicate GPU detected : rank 0 and rank 1 both on CUDA device 1b000")

    monkeypatch.setattr(distributed, "init_process_group", duplicate)
    with (
        pytest.raises(InputError, match="process 3 was given a GPU that another process has"),
        together(Processes(3, 8), gpu),
    ):
        pass


def test_gradients_are_views_of_what_is_exchanged_and_constants_are_not_sent(monkeypatch):
    given = {}
    monkeypatch.setattr(training, "DistributedDataParallel", lambda objective, **options: given.update(options))
    training._distributed(
        torch.nn.Linear(1, 1), training.Execution(torch.device("cuda", 2), "bf16", 0, Processes(2, 4, 2, 4))
    )
    wanted = {"device_ids": [2], "forward_sync_buffers": False, "gradient_as_bucket_view": True}
    assert given == wanted


def test_a_batch_of_fewer_windows_than_processes_is_refused(corpus):
    with pytest.raises(InputError, match="batch of 16 windows cannot be dealt to 17 processes"):
        run(corpus, processes=Processes(0, 17))
