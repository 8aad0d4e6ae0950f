"""How sites want GPUs to be asked for."""

import pytest

from grover.planning.plan import new_job
from grover.runtime.errors import InputError
from grover.runtime.slurm import gpu_request, grown


@pytest.mark.parametrize(
    ("environment", "on_slurm", "elsewhere"),
    [
        ({}, {"gres": "gpu:4", "gpu": 0}, {"gres": "", "gpu": 4}),
        ({"GROVER_GPU_TYPE": "h100"}, {"gres": "gpu:h100:4", "gpu": 0}, {"gres": "", "gpu": 4}),
        # --gpus counts those of all nodes
        ({"GROVER_GPU_OPTION": "gpus"}, {"gpu": 8}, {"gpu": 4}),
        (
            {"GROVER_GPU_OPTION": "gpus", "GROVER_GPU_TYPE": "a100_80.gb"},
            {"gpu": 8, "gpu_model": "a100_80.gb"},
            {"gpu": 4, "gpu_model": ""},
        ),
    ],
)
def test_gpus_are_asked_for_as_the_site_wants_and_counted_by_the_plan(environment, on_slurm, elsewhere):
    request = gpu_request(environment)
    assert request.resources(True, 4, 2) == on_slurm and request.resources(False, 4, 2) == elsewhere
    job = new_job("train", None, on_slurm | {"nodes": 2})
    assert job.gpus == 8 and (job.request.gpus, job.request.gpu) == (4, environment.get("GROVER_GPU_TYPE", ""))


@pytest.mark.parametrize("wrong", [{"GROVER_GPU_OPTION": "tres"}, {"GROVER_GPU_TYPE": "h100:2"}])
def test_what_slurm_does_not_take_is_one_sentence(wrong):
    with pytest.raises(InputError, match="GROVER_GPU_.* was expected; correct it"):
        gpu_request(wrong)


def test_memory_is_doubled_with_each_attempt_or_grows_by_what_is_named():
    assert [grown(16_000, attempt) for attempt in (1, 2, 3)] == [16_000, 32_000, 64_000]
    assert [grown(16_000, attempt, 4_000) for attempt in (1, 2, 3)] == [16_000, 20_000, 24_000]
