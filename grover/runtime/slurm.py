"""What the workflow asks of SLURM and of the variables that site administrators set."""

import getpass
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from grover.runtime.errors import InputError

# as sbatch reads times: minutes, minutes:seconds, hours:minutes:seconds, days-hours, days-hours:minutes, days-hours:minutes:seconds
TIME = re.compile(r"(?:(?P<days>\d+)-)?(?P<first>\d+)(?::(?P<second>\d+))?(?::(?P<third>\d+))?")
SECONDS = 20  # for an answer of the controller
ELSEWHERE = "start where sbatch works, such as a login node, or leave out `--profile slurm`"
# `gpu:a100:4(S:0-1)`, and `gpu:4` on a site that does not name types
GPUS = re.compile(r"\bgpu:(?:([^:,()]+):)?(\d+)(?=[(,]|$)")


@dataclass(frozen=True)
class Request:
    """What a job asks of SLURM. Empty texts leave the partition and the account to SLURM, and take any type of GPU.

    gpus: on each node. minutes: its time limit.
    """

    partition: str = ""
    account: str = ""
    gpus: int = 0
    gpu: str = ""
    minutes: int = 0


@dataclass
class Partition:
    """A partition: whether it is the default one, its time limit in minutes (None: none), and the most GPUs of each type on a node."""

    default: bool
    minutes: int | None
    gpus: dict[str, int] = field(default_factory=dict)


GPU_OPTIONS = "gres", "gpus"
GPU_TYPE = re.compile(r"[A-Za-z0-9_.]+")  # as the executor plugin of Snakemake takes it


@dataclass(frozen=True)
class GpuRequest:
    """How a site wants GPUs to be asked for: by the option `gres` (per node) or `gpus` (per job), and of which type (empty: any)."""

    option: str
    kind: str

    def resources(self, on_slurm: bool, number: int, nodes: int) -> dict[str, str | int]:
        """Resources of a job of Snakemake with `number` GPUs on each node; executors other than SLURM read `gpu` alone."""
        if self.option == "gpus":
            kind = {"gpu_model": self.kind if on_slurm else ""} if self.kind else {}
            return {"gpu": number * nodes if on_slurm else number, **kind}
        gres = ":".join(filter(None, ("gpu", self.kind, str(number))))
        return {"gres": gres if on_slurm else "", "gpu": 0 if on_slurm else number}


def gpu_request(environment: Mapping[str, str]) -> GpuRequest:
    """Read how GPUs are asked for from GROVER_GPU_OPTION and GROVER_GPU_TYPE; raise InputError for what SLURM does not take."""
    option, kind = environment.get("GROVER_GPU_OPTION", "gres"), environment.get("GROVER_GPU_TYPE", "")
    if option not in GPU_OPTIONS:
        raise InputError(f"GROVER_GPU_OPTION is {option!r}, but {' or '.join(GPU_OPTIONS)} was expected; correct it")
    if kind and not GPU_TYPE.fullmatch(kind):
        raise InputError(
            f"GROVER_GPU_TYPE is {kind!r}, but a type of GPU as `sinfo --format %G` prints it, such as h100, was expected; correct it"
        )
    return GpuRequest(option, kind)


def minutes(text: str, name: str) -> int:
    """Return a time limit in whole minutes; raise InputError, naming the variable `name`, for what SLURM does not read as one."""
    found = TIME.fullmatch(text.strip())
    days, first, second, third = (int(value or 0) for value in found.groups()) if found else (0, 0, 0, 0)
    in_hours = found and (found["days"] or found["third"])
    limit = days * 24 * 60 + first * 60 + second + third // 60 if in_hours else first + second // 60
    if limit < 1:
        raise InputError(
            f"{name} is {text!r}, but minutes or a time in a form of SLURM, such as 24:00:00 or 7-00:00:00, was expected; correct it"
        )
    return limit


def grown(megabytes: int, attempt: int, more: int = 0) -> int:
    """Return the memory of the first, second, ... attempt of a job: doubled each time, or only `more` added where that is given."""
    return megabytes + more * (attempt - 1) if more else megabytes * 2 ** (attempt - 1)


def check_slurm() -> None:
    """Raise InputError where this machine has no SLURM that answers."""
    if shutil.which("sbatch") is None:
        raise InputError(f"there is no sbatch on this machine; {ELSEWHERE}")
    ask("sinfo", "--noheader")


def ask(*command: str) -> str:
    """Return what a program of SLURM says; raise InputError where it does not answer."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, errors="replace")
    except subprocess.TimeoutExpired:
        raise InputError(f"SLURM did not answer in {SECONDS} s; {ELSEWHERE}, or try again later") from None
    except OSError as error:
        raise InputError(f"SLURM's {command[0]} cannot be started ({error}); {ELSEWHERE}") from None
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise InputError(f"SLURM does not answer on this machine ({said}); {ELSEWHERE}")
    return done.stdout


def request(resources: Mapping[str, Any]) -> Request:
    """Return what a job asks of SLURM by its resources in Snakemake."""
    found = GPUS.search(str(resources.get("gres") or ""))
    # `gpu` counts those of all nodes
    gpus = int(found[2]) if found else int(resources.get("gpu") or 0) // int(resources.get("nodes") or 1)
    kind = found[1] if found else resources.get("gpu_model")
    return Request(
        str(resources.get("slurm_partition") or ""),
        str(resources.get("slurm_account") or ""),
        gpus,
        str(kind or ""),
        int(resources.get("runtime") or 0),
    )


def partitions() -> dict[str, Partition]:
    """Ask SLURM for the partitions that this user may see."""
    found: dict[str, Partition] = {}
    for line in ask("sinfo", "--all", "--noheader", "--format=%P|%l|%G").splitlines():
        name, limit, gres = (part.strip() for part in line.split("|", 2))
        longest = minutes(limit, f"the time limit of partition {name}") if TIME.fullmatch(limit) else None  # `infinite`
        one = found.setdefault(name.rstrip("*"), Partition(name.endswith("*"), longest))
        for kind, number in GPUS.findall(gres):
            one.gpus[kind] = max(one.gpus.get(kind, 0), int(number))
    return found


def request_problems(requests: Iterable[Request]) -> list[str]:
    """Say in a sentence each what SLURM would refuse: an unknown partition or account, GPUs that are not there, too long a time limit."""
    known, said = partitions(), []
    default = next((name for name, one in known.items() if one.default), "")
    for each in sorted(set(requests), key=str):
        variable = "GROVER_GPU_PARTITION" if each.gpus else "GROVER_CPU_PARTITION"
        names = (each.partition or default).split(",")  # of several SLURM takes the one that is free first
        unknown = [name for name in names if name not in known]
        if unknown:
            absent = f"partition {unknown[0]}" if unknown[0] else "default partition"
            said.append(f"SLURM has no {absent}; set {variable} to one of {', '.join(known)}")
        elif len(names) == 1:
            said += _partition_problems(each, names[0], known[names[0]], variable)
    accounts = _accounts()
    for account in sorted({each.account for each in requests} - {""}):
        if accounts and account.lower() not in accounts:
            said.append(
                f"SLURM does not let {getpass.getuser()} charge the account {account}; "
                f"set GROVER_SLURM_ACCOUNT to one of {', '.join(sorted(accounts))}"
            )
    return list(dict.fromkeys(said))


def _partition_problems(each: Request, name: str, partition: Partition, variable: str) -> list[str]:
    said = []
    kinds = ", ".join(filter(None, partition.gpus))
    if each.gpus and not partition.gpus:
        said.append(f"partition {name} has no GPUs; set {variable} to one that has them, or set device: cpu")
    elif each.gpu and each.gpu not in partition.gpus:
        there = f"its types are {kinds}; set GROVER_GPU_TYPE to one of them" if kinds else "its GPUs have no types"
        said.append(f"partition {name} has no GPU of type {each.gpu}; {there}, or unset GROVER_GPU_TYPE")
    elif each.gpus and each.gpus > (most := partition.gpus[each.gpu] if each.gpu else max(partition.gpus.values())):
        said.append(
            f"jobs ask for {each.gpus} GPUs on a node, but nodes of partition {name} have {most}; set gpus: {most}"
        )
    if partition.minutes is not None and each.minutes > partition.minutes:
        said.append(
            f"jobs ask for {each.minutes} minutes, but partition {name} ends them after {partition.minutes}; "
            f"set GROVER_MAX_MINUTES={partition.minutes}, or {variable} to a partition with a longer limit"
        )
    return said


def _accounts() -> set[str]:
    """Accounts that this user may charge, in small letters as SLURM keeps them; none where it has no accounting or does not answer."""
    user = getpass.getuser()
    try:
        said = ask("sacctmgr", "--noheader", "--parsable2", "list", "associations", f"user={user}", "format=account")
    except InputError:
        return set()
    return {line.strip().lower() for line in said.splitlines() if line.strip()}
