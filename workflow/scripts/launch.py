"""Start a training as one process per GPU: by srun in a SLURM job, by torchrun elsewhere, plainly where one is enough.

    launch.py --nodes 2 --processes 4 --threads 8 pretrain.py --tokens ...

In a SLURM job the training is a step of its own. A program that the batch script starts gets no signal before the job is
pre-empted or reaches its time limit. The command that is started is printed first.
"""

import argparse
import os
import shlex
import shutil
import sys
from collections.abc import Mapping

from grover.runtime.errors import InputError
from grover.runtime.failures import one_sentence

KEPT = "SLURM_JOB_ID", "SLURM_CONF"
# what torchrun hands on to the training; of a signal that is not among them it dies and leaves the training behind
SIGNALS = "SIGTERM,SIGINT,SIGHUP,SIGQUIT,SIGUSR1"
PATIENCE = 120  # seconds that the training then has for its checkpoint
PORTS = 20_000, 12_000  # the first port and how many there are to choose from, by the number of the job


def command_line(
    script: list[str],
    nodes: int,
    processes: int,
    threads: int,
    environment: Mapping[str, str],
    python: str = sys.executable,
) -> tuple[list[str], dict[str, str]]:
    """The command that starts `script` with its arguments as `processes` processes on each of `nodes` nodes, and its environment.

    GPUs are not asked for again: a step has all those of its job, and each process takes the one of its number.
    """
    in_job, srun = "SLURM_JOB_ID" in environment, shutil.which("srun", path=environment.get("PATH"))
    if in_job and srun:
        port = PORTS[0] + int(environment["SLURM_JOB_ID"]) % PORTS[1]
        # what a step around this one says of its own size and nodes would become that of the new one
        kept = {
            name: value
            for name, value in environment.items()
            if name in KEPT or not name.startswith(("SLURM", "SRUN", "SBATCH"))
        }
        tasks = [f"--nodes={nodes}", f"--ntasks-per-node={processes}", f"--cpus-per-task={threads}"]
        variables = {"LOCAL_WORLD_SIZE": str(processes), "MASTER_PORT": str(port)}
        return ["srun", "--overlap", *tasks, "--kill-on-bad-exit=1", python, *script], kept | variables
    if nodes > 1:
        raise InputError(
            f"nodes: {nodes} nodes were asked for outside a SLURM job, or where there is no srun (as in a container without "
            "SLURM's programs); run with --profile slurm and without a container, or set `nodes: 1`"
        )
    if in_job:
        print("launch: there is no srun here, so no signal announces the end of the job", file=sys.stderr)
    if processes == 1:
        return [python, *script], dict(environment)
    torchrun = [python, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    # without `--` torchrun takes options of the script for abbreviations of its own: --start for --start-method
    return [*torchrun, f"--signals-to-handle={SIGNALS}", f"--shutdown-timeout={PATIENCE}", "--", *script], dict(
        environment
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=int, default=1, help="nodes to train on")
    parser.add_argument("--processes", type=int, default=1, help="processes on each node")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of a process")
    parser.add_argument("script", nargs=argparse.REMAINDER, help="the script and its arguments")
    given = parser.parse_args()
    with one_sentence():
        command, environment = command_line(given.script, given.nodes, given.processes, given.threads, os.environ)
        print(shlex.join(command), file=sys.stderr, flush=True)
        os.execvpe(command[0], command, environment)


if __name__ == "__main__":
    main()
