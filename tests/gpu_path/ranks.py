"""What each process of `test_processes.py` runs: five trainings, the last of which it is asked to stop.

    ranks.py FOLDER PORT PORT PORT PORT SCRIPT OPTIONS

Each process prints when it leaves the others and with which code its script ends.
"""

import os
import runpy
import sys
from pathlib import Path

import torch
from torch import distributed

from grover.network import attention
from grover.network.checkpoints import Checkpoints
from grover.network.distributed import Processes, together
from grover.pretraining import preflight
from tests.fakes import varlen
from tests.fakes.trainings import CPU, STEADY, ordered_corpus, run


def main(folder: Path, ports: list[str], script: str, options: list[str]) -> None:
    torch.set_num_threads(1)
    store = {name: os.environ.get(name) for name in ("MASTER_PORT", "TORCHELASTIC_USE_AGENT_STORE")}
    os.environ["TORCHELASTIC_USE_AGENT_STORE"] = "False"  # a group of processes after another needs a port of its own
    for port, training in zip(ports, (plainly, from_an_old_listing, with_the_kernel), strict=False):
        os.environ["MASTER_PORT"] = port
        training(folder, Processes.here())
    os.environ["MASTER_PORT"] = ports[-1]
    say_what_it_does(script, [*options, "--steps", "3"])
    os.environ |= {name: value for name, value in store.items() if value}
    say_what_it_does(script, [*options, "--steps", "1000000"])


def plainly(folder: Path, processes: Processes) -> None:
    """Train in float32; the first process stores what it comes to."""
    with together(processes, CPU):
        model, curve = run(ordered_corpus(), steps=6, architecture=STEADY, processes=processes)
    if processes.first:
        torch.save(model.state_dict(), folder / "weights.pt")
        curve.to_parquet(folder / "curve.parquet")


def from_an_old_listing(folder: Path, processes: Processes) -> None:
    """Go on from checkpoints, of which the second process sees an old listing."""
    checkpoints = Checkpoints(folder / "killed")
    if not processes.first:
        checkpoints.steps = lambda: [3]
    with together(processes, CPU):
        run(ordered_corpus(), steps=6, architecture=STEADY, processes=processes, checkpoints=checkpoints)


def with_the_kernel(folder: Path, processes: Processes) -> None:
    """Train with the variable-length kernel in bfloat16, as GPUs do."""
    before = attention.has_kernel, attention.varlen_attn
    attention.has_kernel = preflight.has_kernel = lambda device, kind, width: kind == torch.bfloat16
    attention.varlen_attn = varlen.reference
    with together(processes, CPU):
        _, curve = run(ordered_corpus(), architecture=STEADY, processes=processes, precision="bf16")
    if processes.first:
        curve.to_parquet(folder / "curve_of_the_kernel.parquet")
    attention.has_kernel, attention.varlen_attn = before
    preflight.has_kernel = before[0]


def say_what_it_does(script: str, options: list[str]) -> None:
    """Run a script as a program and print what it comes to."""
    rank, leave = os.environ["RANK"], distributed.destroy_process_group

    def left() -> None:
        leave()
        say(f"RANK {rank} left")

    distributed.destroy_process_group = left
    sys.argv, code = [script, *options], 0
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        code = end.code or 0
    distributed.destroy_process_group = leave
    say(f"RANK {rank} ends with {code}")


def say(line: str) -> None:
    """Print a line of its own in one write: two processes print into one file, unbuffered under PYTHONUNBUFFERED."""
    sys.stdout.flush()
    os.write(sys.stdout.fileno(), f"\n{line}\n".encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:6], sys.argv[6], sys.argv[7:])
