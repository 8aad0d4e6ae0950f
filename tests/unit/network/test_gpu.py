"""GPUs that cannot be used are named with the reason, on machines that are only described here."""

import pytest
import torch

from grover.network import gpu
from grover.network.device import choose_device
from grover.network.distributed import Processes
from grover.runtime.errors import InputError

LOADED = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  {}  Wed Nov 20\nGCC version:  gcc version 12.2.0 (Debian)\n"
OPEN = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build\n"


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine with a CUDA build of torch, a driver of this version, and its library or none."""

    def make(driver="", built="13.0", library=True):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        monkeypatch.setattr(torch.version, "cuda", built)
        monkeypatch.setattr(gpu, "_loads", lambda name: library)
        file = tmp_path / "version"
        file.write_text(LOADED.format(driver)) if driver else file.unlink(missing_ok=True)
        monkeypatch.setattr(gpu.driver_version, "__defaults__", (file,))

    return make


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"built": None}, "is a build without CUDA"),
        ({"driver": ""}, "there is no NVIDIA driver on this machine; ask the scheduler"),
        ({"driver": "535.104.05"}, r"driver 535.104.05 is too old for torch .* CUDA 13.0 needs 580.65.06 or newer"),
        ({"driver": "580.65.05"}, "is too old"),
        ({"driver": "515.43.04", "built": "12.6"}, "needs 525.60.13 or newer"),
        ({"driver": "535.104.05", "built": "12.6"}, "shows no GPU to this process"),
        (
            {"driver": "580.65.06", "library": False},
            "libcuda.so.1 cannot be opened; start a container with the option --nv",
        ),
        ({"driver": "590.1"}, "driver 590.1 shows no GPU to this process .CUDA_VISIBLE_DEVICES is '5'."),
    ],
)
def test_a_driver_that_is_too_old_is_told_from_no_gpu(machine, monkeypatch, given, reason):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5")
    machine(**given)
    with pytest.raises(InputError, match="torch finds no GPU here: .*" + reason):
        choose_device("cuda")


def test_auto_says_why_it_leaves_a_gpu_alone(machine, capsys):
    machine()
    assert choose_device("auto").type == "cpu" and "no GPU is used" not in capsys.readouterr().err
    machine(driver="470.10.01")
    assert (
        choose_device("auto").type == "cpu" and "no GPU is used: the NVIDIA driver 470.10.01" in capsys.readouterr().err
    )


def test_the_driver_is_read_whichever_kernel_module_is_loaded(tmp_path):
    assert gpu.driver_version(tmp_path / "none") == ""
    for text, version in ((LOADED.format("580.65.06"), "580.65.06"), (OPEN, "580.95.05")):
        (tmp_path / "version").write_text(text)
        assert gpu.driver_version(tmp_path / "version") == version


@pytest.fixture
def cards(monkeypatch):
    """A node with so many GPUs of this compute capability; returns the list of devices that were set."""
    chosen = []

    def make(number, capability=(9, 0), built=("sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: number)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
        monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: list(built))
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a card")
        monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
        return chosen

    return make


@pytest.mark.parametrize(
    ("capability", "built", "runs"),
    [
        ((7, 0), ("sm_75", "sm_80"), False),  # V100
        ((7, 5), ("sm_75", "sm_80"), True),
        ((8, 9), ("sm_80", "sm_86"), True),
        ((9, 0), ("sm_80", "sm_90a"), True),
        ((9, 0), ("sm_80", "sm_86"), False),
        ((12, 1), ("sm_90", "compute_90"), True),
    ],
)
def test_an_architecture_that_torch_was_not_built_for_is_refused(cards, capability, built, runs):
    cards(1, capability, built)
    if runs:
        assert choose_device("cuda") == torch.device("cuda", 0)
    else:
        with pytest.raises(InputError, match="a card has compute capability .*take another GPU"):
            choose_device("cuda")
        assert choose_device("auto") == torch.device("cpu")


def test_a_site_that_binds_one_gpu_to_each_task_is_served(cards, monkeypatch, capsys):
    monkeypatch.delenv("RANK", raising=False)
    third = Processes(3, 8, 3, 4)
    chosen = cards(4)
    assert choose_device("cuda", processes=third) == torch.device("cuda", 3) == chosen[-1]
    cards(1)
    assert choose_device("cuda", processes=third) == torch.device("cuda", 0) == chosen[-1]
    assert "RUNNING ON CUDA (a card, driver" in capsys.readouterr().err
    monkeypatch.setenv("RANK", "3")  # torchrun shows all GPUs to each process
    with pytest.raises(InputError, match="torch finds 1; set `gpus: 1`"):
        choose_device("cuda", processes=third)
