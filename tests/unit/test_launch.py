"""How processes are started, and how they find one another."""

import pytest

from grover.network.distributed import Processes
from grover.runtime.errors import InputError
from workflow.scripts.launch import command_line

SCRIPT = ["pretrain.py", "--batch", "64"]


def test_one_process_is_started_plainly_and_several_by_torchrun():
    assert command_line(SCRIPT, 1, 1, 8, {}, "python") == (["python", *SCRIPT], {})
    command, variables = command_line(SCRIPT, 1, 4, 8, {}, "python")
    torchrun = ["python", "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=4"]
    assert command[:5] == torchrun and command[-4:] == ["--", *SCRIPT] and not variables


@pytest.fixture
def programs(tmp_path):
    """A folder with a program of the name srun."""
    (tmp_path / "srun").touch()
    (tmp_path / "srun").chmod(0o755)
    return tmp_path


def test_in_a_slurm_job_a_step_of_its_own_has_one_task_a_gpu(programs):
    environment = {
        "PATH": str(programs),
        "SLURM_JOB_ID": "40123",
        "SLURM_CONF": "/etc/slurm.conf",
        "SLURM_NNODES": "1",
        "SRUN_X": "1",
        "HOME": "/h",
    }
    command, variables = command_line(SCRIPT, 2, 4, 8, environment, "python")
    assert command[0] == "srun" and command[-4:] == ["python", *SCRIPT]
    assert {"--overlap", "--nodes=2", "--ntasks-per-node=4", "--cpus-per-task=8"} <= set(command)
    # GPUs are the job's: a GPU asked for a task would hide the others from it
    assert not any("gpu" in option or "gres" in option for option in command)
    # of a step around it, only what finds the job is handed on
    own = {"LOCAL_WORLD_SIZE": "4", "MASTER_PORT": "24123"}
    assert (
        variables
        == {"SLURM_JOB_ID": "40123", "SLURM_CONF": "/etc/slurm.conf", "HOME": "/h", "PATH": str(programs)} | own
    )


def test_in_a_container_without_srun_a_job_of_one_node_trains_without_signals(tmp_path, capsys):
    environment = {"SLURM_JOB_ID": "1", "PATH": str(tmp_path)}
    assert command_line(SCRIPT, 1, 1, 8, environment, "python")[0] == ["python", *SCRIPT]
    assert "no srun here" in capsys.readouterr().err
    with pytest.raises(InputError, match="or where there is no srun"):
        command_line(SCRIPT, 2, 1, 8, environment)


def test_several_nodes_need_a_slurm_job():
    with pytest.raises(InputError, match="nodes: 3 nodes were asked for outside a SLURM job"):
        command_line(SCRIPT, 3, 1, 1, {})


def test_a_process_knows_its_number(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    # a job of SLURM that was not started by launch.py trains alone, whatever its step says
    monkeypatch.setenv("SLURM_PROCID", "5")
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "8")
    monkeypatch.setenv("SLURM_LOCALID", "1")
    assert Processes.here() == Processes(0, 1, 0, 1)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert Processes.here() == Processes(5, 8, 1, 4)
    for name, value in (("RANK", "2"), ("WORLD_SIZE", "3"), ("LOCAL_RANK", "2"), ("LOCAL_WORLD_SIZE", "3")):
        monkeypatch.setenv(name, value)
    assert Processes.here() == Processes(2, 3, 2, 3)
