"""Drivers of the workflow on the private cluster, each in a working directory of its own, and what SLURM knows of their jobs."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

CLUSTER = Path("/run/grover-slurm")  # as start-slurm.sh has it
SNAKEMAKE = Path(sys.executable).with_name("snakemake")
# the plugin asks for the states of its jobs after so many seconds, and waits 10 more each time that none is done
SLURM = ("--profile", "slurm", "--slurm-init-seconds-before-status-checks", "3")
FIELDS = "JobID,Comment,Account,Partition,State,NNodes,ReqMem,TimelimitRaw,ElapsedRaw,ReqTRES,WorkDir"
MODEL = "results/test/models/bpe-60/model.safetensors"
# long enough to be disturbed, with a checkpoint every second
TRAINING = "pretraining: {steps: 3000, checkpoint_minutes: 0.02}\n"


def accounted(folder: Path) -> list[dict[str, str]]:
    """What SLURM's accounting knows of each job submitted from `folder`, in the order of submission, and its rule.

    A job that was put back into the queue has a row for each start.
    """
    command = [
        "sacct",
        "--allocations",
        "--duplicates",
        "--noheader",
        "--parsable2",
        "--units=M",
        "--starttime=now-1hour",
    ]
    done = subprocess.run([*command, f"--format={FIELDS}"], stdout=subprocess.PIPE, text=True, check=True)
    rows = [dict(zip(FIELDS.split(","), line.split("|"), strict=True)) for line in done.stdout.splitlines()]
    jobs = [row for row in rows if Path(row["WorkDir"]) == folder]
    for job in jobs:
        # the accounting learns the comment when a job ends
        named = re.match(r"rule_(\w+?)(_wildcards_|$)", job["Comment"])
        job["rule"] = named[1] if named else ""
    return jobs


def wait_for(what: str, ready: Callable, seconds: float = 600):
    """What `ready` returns once it is true; an AssertionError says what did not come."""
    end = time.monotonic() + seconds
    while not (found := ready()):
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        time.sleep(0.5)
    return found


class Run:
    """One working directory and the driver that runs there."""

    def __init__(self, root: Path, folder: Path, **variables: str):
        self.root, self.folder = root, folder
        folder.mkdir(parents=True, exist_ok=True)
        own = ("GROVER_", "SLURM", "SBATCH", "SACCT", "SQUEUE")
        environment = {key: value for key, value in os.environ.items() if not key.startswith(own)}
        # as on a site that names the account and the CPU partition; a GPU that this machine may have is hidden from the jobs
        environment |= {"GROVER_SLURM_ACCOUNT": "grover", "GROVER_CPU_PARTITION": "cpu", "CUDA_VISIBLE_DEVICES": ""}
        self.environment = environment | {"XDG_CACHE_HOME": str(root.parent / "cache")} | variables
        self.output = folder.with_name(f"{folder.name}.txt")
        self.process = None

    def continue_from(self, other: "Run") -> "Run":
        """Take over what another run made."""
        for part in ("results", ".snakemake/metadata", ".snakemake/grover"):
            shutil.copytree(other.folder / part, self.folder / part)
        return self

    def configure(self, overlay: str) -> "Run":
        """Write settings over those of config/test.yaml."""
        (self.folder / "overlay.yaml").write_text(overlay)
        return self

    def start(self, *arguments: str, slurm: bool = True) -> "Run":
        """Type `snakemake` at the root of the installation; the driver's output is added to what earlier ones said."""
        overlay = self.folder / "overlay.yaml"
        configuration = ["config/test.yaml", *([str(overlay)] if overlay.is_file() else [])]
        command = [SNAKEMAKE, *arguments, *(SLURM if slurm else ()), "--directory", self.folder]
        with open(self.output, "a") as stream:
            self.process = subprocess.Popen(
                [*command, "--configfile", *configuration],
                cwd=self.root,
                env=self.environment,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def command(self, *arguments: str | Path) -> subprocess.CompletedProcess:
        """Run a command with the Python and the package of the installation, in the working directory."""
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=self.folder,
            env=self.environment | {"PYTHONPATH": str(self.root)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def finish(self, seconds: float = 1200) -> int:
        """Exit code of the driver, which is ended when it takes longer."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the driver did not end within {seconds} s:\n{self.said()}") from None

    def kill(self) -> None:
        """End the driver and its children as a crash of its machine would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def said(self) -> str:
        return self.output.read_text()

    def jobs(self, rule: str = "") -> list[dict[str, str]]:
        """The accounting of this directory's jobs, of one rule if it is named."""
        return [job for job in accounted(self.folder) if rule in ("", job["rule"])]

    def log(self) -> str:
        """The log of the pretraining as it is now."""
        path = self.folder / "results/test/logs/pretrain.bpe-60.log"
        return path.read_text() if path.is_file() else ""

    def checkpoint(self) -> Path | None:
        """The newest checkpoint of the pretraining."""
        return max(self.folder.glob("results/test/checkpoints/bpe-60-*/step-*.json"), default=None)

    def model(self) -> bytes:
        """The trained weights, as they lie in the file."""
        return (self.folder / MODEL).read_bytes()

    def trainer(self) -> int:
        """Number of the process that trains, of whom there is a checkpoint."""
        wait_for("a checkpoint", self.checkpoint)
        [lease] = self.folder.glob("results/test/checkpoints/bpe-60-*/lease.json")
        return json.loads(lease.read_text())["process"]

    def halt(self) -> tuple[str, int]:
        """Stop the training after its first checkpoint, so that it does not end before it is disturbed; its SLURM job and process.

        The signals by which SLURM ends a job let it go on.
        """
        process = self.trainer()
        os.kill(process, signal.SIGSTOP)
        command = ["squeue", "--noheader", "--states=RUNNING", "--format=%i|%k|%Z"]
        lines = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
        ours = f"|rule_pretrain_wildcards_bpe-60|{self.folder}"
        [job] = [line.removesuffix(ours) for line in lines if line.endswith(ours)]
        return job, process


@contextmanager
def slowed(process: int) -> Iterator[None]:
    """Let a process run for a tenth of the time only while the block runs."""
    over = threading.Event()

    def hold_back() -> None:
        while not over.is_set():
            for number, seconds in ((signal.SIGSTOP, 0.9), (signal.SIGCONT, 0.1)):
                os.kill(process, number)
                time.sleep(seconds)

    thread = threading.Thread(target=hold_back)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def control(*arguments: str) -> None:
    """`scontrol` with what an administrator types."""
    subprocess.run(["scontrol", *arguments], check=True)


def start_again(job: str, seconds: float = 240) -> None:
    """Let a job that comes back into the queue within `seconds` start at once, and not after the two minutes that SLURM lets it wait."""
    states = []

    def started() -> bool:
        command = ["squeue", "--noheader", f"--job={job}", "--format=%T"]
        states.append(subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout.strip())
        if states[-1] == "PENDING":
            # again and again, since a node that is still clearing up sets the waiting time anew; refused, which the next look makes
            # good, where the job has left the queue since it was looked at
            subprocess.run(["scontrol", "update", f"jobid={job}", "starttime=now"])
        return "PENDING" in states and states[-1] == "RUNNING"

    wait_for(f"job {job} to start again", started, seconds)
