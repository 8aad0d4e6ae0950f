"""Several processes that train one model, as torchrun or SLURM's `srun` start them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import distributed

from grover.runtime.errors import InputError

# a process that does not answer for so long is lost. In between, the others wait in CUDA, where Python handles no signal
SILENCE = timedelta(minutes=10)


@dataclass(frozen=True)
class Processes:
    """This process among all: its number `rank` of `world`, and `local`, its number of the `local_world` on this node.

    `meeting` is where they meet, as an `init_method` of torch; empty: at the address that the environment has.
    """

    rank: int = 0
    world: int = 1
    local: int = 0
    local_world: int = 1
    meeting: str = ""

    @classmethod
    def here(cls) -> "Processes":
        """Read the environment that torchrun sets, or srun for the tasks of workflow/scripts/launch.py; otherwise one process."""
        if "LOCAL_WORLD_SIZE" not in os.environ:
            return cls()
        torchrun = "RANK", "WORLD_SIZE", "LOCAL_RANK"
        names = torchrun if "RANK" in os.environ else ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID")
        rank, world, local = (int(os.environ[name]) for name in names)
        return cls(rank, world, local, int(os.environ["LOCAL_WORLD_SIZE"]))

    def divided(self, count: int, meeting: str) -> list["Processes"]:
        """Return the `count` processes that stand for this one; those of a single one meet at `meeting`."""
        meeting = meeting if self.world == 1 else self.meeting
        return [
            Processes(
                self.rank * count + number,
                self.world * count,
                self.local * count + number,
                self.local_world * count,
                meeting,
            )
            for number in range(count)
        ]

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    @property
    def by_srun(self) -> bool:
        """Whether srun started several processes, to each of which a site may show one GPU; torchrun shows all GPUs to each."""
        return self.world > 1 and "RANK" not in os.environ

    def total(self, values: torch.Tensor) -> torch.Tensor:
        """The sum of `values` over all processes, in place."""
        if self.world > 1:
            distributed.all_reduce(values)
        return values

    def agreed(self, number: int, device: torch.device) -> int:
        """The `number` of the first process."""
        sent = torch.tensor(number, device=device)
        if self.world > 1:
            distributed.broadcast(sent, 0)
        return int(sent)

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.world > 1:
            distributed.barrier()


ALONE = Processes()


@contextmanager
def together(processes: Processes, device: torch.device) -> Iterator[None]:
    """Connect the processes while the block runs: by NCCL on GPUs, by Gloo on CPUs.

    All processes must come to the end of the block, since those of a node leave NCCL together.
    """
    if processes.world == 1:
        yield
        return
    on_gpu = device.type == "cuda"
    if processes.meeting:
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")  # of one machine, which need have no other network
    try:
        distributed.init_process_group(
            "nccl" if on_gpu else "gloo",
            init_method=processes.meeting or _address(processes),
            rank=processes.rank,
            world_size=processes.world,
            timeout=SILENCE,
            device_id=device if on_gpu else None,  # by which NCCL connects now, and not in the first step
        )
    except distributed.DistBackendError as error:
        if "Duplicate GPU" not in str(error):
            raise
        raise InputError(
            f"device: process {processes.rank} was given a GPU that another process has; ask for one GPU per process "
            "(`gpus`), or have SLURM bind none to tasks"
        ) from None
    yield
    distributed.destroy_process_group()  # not after an error, when others may never come to the end of what they began


def _address(processes: Processes) -> str:
    """Return where processes of torchrun or srun meet."""
    # srun is called on the first node of a job, where the first process runs, too
    address = os.environ.get("MASTER_ADDR") or os.environ.get("SLURM_LAUNCH_NODE_IPADDR"), os.environ.get("MASTER_PORT")
    if not all(address):
        raise InputError(
            f"training: {processes.world} processes were started without an address to meet at; start them with "
            "workflow/scripts/launch.py or torchrun"
        )
    return f"tcp://{address[0]}:{address[1]}"
