"""Checks in the first seconds of a training: its data belong together, and it fits into memory."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from transformers import BertConfig, BertForMaskedLM

from grover.network import inference, stacked
from grover.network.attention import has_kernel
from grover.network.bert import load_config
from grover.network.cores import threads_of
from grover.network.device import computes_in_bf16
from grover.network.distributed import ALONE, Processes
from grover.runtime.errors import InputError
from grover.runtime.files import checksum
from grover.runtime.provenance import read as read_provenance

# computed at once, where memory allows; on a CPU 8,192 were no faster for the network of the demo and left its heap in pieces
TOKENS_AT_ONCE = {"cpu": 2_048, "cuda": 65_536}
STATE_BYTES = 16  # per parameter with its gradient and the two moments of Adam, float32
# bytes per token, layer and unit of width that the backward pass needs in 16 bits: 34 by Korthikanti et al. 2022, 38.9 traced at
# size base (tests/gpu_path)
ACTIVATIONS = 40
PROGRAM = (
    300_000_000  # bytes of a process on a CPU that it does not share with the one that forked it, beside the network
)
SHARE = 0.9  # of the free memory that a training may use
STACKED = 0.5  # the same of several that are one network, each of which also keeps the weights of its best epoch
CONTROL_GROUPS = Path("/sys/fs/cgroup")


def check_data(tokens: Path, windows: Path, vocabulary: Path) -> None:
    """Raise an InputError where files have changed since they were written, or where the tokens are of another vocabulary.

    Their provenance has the checksums. A file without provenance is not checked, which is printed.
    """
    wanted = vocabulary / "tokenizer.json"
    found = {path: checksum(path) for path in (tokens, windows, wanted)}  # of a genome gigabytes, so each is read once
    for path in (tokens, windows):
        made = read_provenance(path)
        if made is None:
            print(f"{path}: no provenance beside it, so that it is not checked", file=sys.stderr)
            continue
        known = {Path(name).name: stamp["sha256"] for name, stamp in made["outputs"].items()}
        if path.name in known and found[path] != known[path.name]:
            raise InputError(
                f"{path}: its content has changed since {made['started']}, when it was written; remove it and run the workflow "
                "again"
            )
        used = {Path(name).name: sha256 for name, sha256 in made["inputs"].items()}
        if used.get(wanted.name, found[wanted]) != found[wanted]:
            raise InputError(
                f"{path}: it was made with another vocabulary than {wanted}; tokenise the genome with this one, or name the other"
            )
        if path == windows and used.get(tokens.name, found[tokens]) != found[tokens]:
            raise InputError(
                f"{path}: these windows were laid over other tokens than {tokens}; lay them over these, or name the others"
            )


def memory_needed(
    config: BertConfig, parameters: int, tokens: int, longest: int, precision: str, device: torch.device
) -> int:
    """Bytes that a training needs for its state and for `tokens` computed at once, in windows of at most `longest`; an estimate."""
    sixteen_bits = computes_in_bf16(device, precision)
    width = 1 if sixteen_bits else 2  # ACTIVATIONS are bytes, counted for 16-bit numbers
    per_layer = ACTIVATIONS * config.hidden_size * width
    kind = torch.bfloat16 if sixteen_bits else torch.float32
    if not has_kernel(device, kind, config.hidden_size // config.num_attention_heads):
        per_layer += 2 * width * config.num_attention_heads * longest  # what attention weighs by is kept
    return parameters * STATE_BYTES + tokens * config.num_hidden_layers * per_layer


def fitting_tokens(
    model: BertForMaskedLM, longest: int, device: torch.device, precision: str, processes: Processes = ALONE
) -> int:
    """Choose how many tokens are computed at once: a usual number, or fewer where memory is short.

    Processes on the CPUs of one machine share its memory. Raises an InputError, before anything is allocated,
    where not even one window of `longest` tokens fits.
    """
    parameters = sum(parameter.numel() for parameter in model.parameters())
    room = int(SHARE * free_memory(device)) // (processes.local_world if device.type == "cpu" else 1)
    state = memory_needed(model.config, parameters, 0, longest, precision, device)
    each = memory_needed(model.config, 0, 1, longest, precision, device)
    fitting = TOKENS_AT_ONCE[device.type]
    while fitting > longest and fitting * each > room - state:
        fitting = max(longest, fitting // 2)  # in halves, so that a little more or less free memory changes nothing
    if fitting * each > room - state:
        needed = state + longest * each
        raise InputError(
            f"pretrain: one window of {longest} tokens needs about {needed / 1e9:.1f} GB with the state of {parameters:,} parameters, "
            f"but {room / 1e9:.1f} GB are free on {device}; take a smaller `pretraining.size`, shorter windows (`corpus.longest`) or "
            "a device with more memory"
        )
    return max(fitting, longest)


def fitting_processes(
    config: BertConfig, longest: int, batch: int, precision: str, device: torch.device, threads: int, here: Processes
) -> int:
    """Choose by how many processes this one is replaced on CPUs, and print it.

    That is one per core of `threads`, or as many as fit into memory; one where several were started on this machine, and on a GPU. On
    several nodes all choose the same, so that memory is not asked.
    """
    wanted = min(threads, batch // here.world)
    if device.type != "cpu" or here.local_world > 1 or wanted <= 1:
        return 1
    tokens = max(TOKENS_AT_ONCE["cpu"], longest)
    count = min(wanted, _in_memory(config, tokens, longest, precision, device)) if here.world == 1 else wanted
    limit = "" if count == wanted else f", as many as fit into memory; {wanted} cores are there"
    said = "1 process" if count == 1 else f"{count} processes share each step, one per core"
    print(f"pretrain: {said}{limit}", file=sys.stderr, flush=True)
    return count


def processes_beside(folder: Path, device: torch.device, precision: str, threads: int) -> int:
    """Choose how many trainings of classifiers on the model in `folder` run side by side: one per core, as many as fit into memory.

    One where `threads` is 1, and on a GPU.
    """
    wanted = threads_of(threads)
    if device.type != "cpu" or wanted == 1:
        return 1
    config = load_config(folder)
    tokens = inference.TOKENS_AT_ONCE["cpu"]
    return min(wanted, _in_memory(config, tokens, config.max_position_embeddings, precision, device))


def stacked_beside(folder: Path, device: torch.device, precision: str) -> int:
    """Choose how many classifiers on the model in `folder` are trained as one network.

    On a GPU as many as fit into half of its memory; one on a CPU, which computes small products as fast as large ones.
    """
    if device.type != "cuda":
        return 1
    config, tokens = load_config(folder), stacked.TOKENS_AT_ONCE["cuda"]
    state = memory_needed(config, _parameters(config), 0, 0, precision, device)
    computed = memory_needed(config, 0, tokens, config.max_position_embeddings, precision, device)
    return max(1, int(STACKED * free_memory(device) - computed) // state)


def _parameters(config: BertConfig) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in BertForMaskedLM(config).parameters())


def _in_memory(config: BertConfig, tokens: int, longest: int, precision: str, device: torch.device) -> int:
    """Return how many processes of a training fit into the memory of this machine, at least one."""
    each = PROGRAM + memory_needed(config, _parameters(config), tokens, longest, precision, device)
    return max(1, int(SHARE * free_memory(device)) // each)


def fewer_tokens(tokens: int, longest: int, device: torch.device) -> int:
    """Halve the tokens at once after an estimate that was too low; raises an InputError where one window does not fit."""
    if tokens <= longest:
        raise InputError(
            f"pretrain: out of memory on {device} with one window of {longest} tokens at once; take a smaller `pretraining.size`, shorter "
            "windows (`corpus.longest`), or a device that no other job uses"
        )
    print(f"pretrain: out of memory with {tokens:,} tokens at once, trying half as many", file=sys.stderr, flush=True)
    return max(longest, tokens // 2)


def free_memory(device: torch.device) -> int:
    """Return the bytes that may still be allocated: on a GPU by its driver, else free memory within the limits of the job."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for line in Path("/proc/meminfo").read_text().splitlines() if Path("/proc/meminfo").is_file() else ():
        if line.startswith("MemAvailable:"):
            free = int(line.split()[1]) * 1024
    groups = Path("/proc/self/cgroup")
    limits = [*memory_limits(groups.read_text(), CONTROL_GROUPS)] if groups.is_file() else []
    asked = os.environ.get("SLURM_MEM_PER_NODE", "")  # MB; a site may hold jobs to it without a control group
    return min([free, *limits, *([int(asked) << 20] if asked.isdigit() and int(asked) else [])])


def memory_limits(groups: str, root: Path) -> Iterator[int]:
    """Yield the limits in bytes of the control groups of a process and of their parents; `groups` is the text of /proc/self/cgroup."""
    for line in groups.splitlines():
        _, controllers, path = line.split(":", 2)
        top, name = (root, "memory.max") if not controllers else (root / "memory", "memory.limit_in_bytes")
        if controllers and "memory" not in controllers.split(","):
            continue
        folder = top / path.lstrip("/")
        for place in (folder, *folder.parents):
            file = place / name
            if place.is_relative_to(top) and file.is_file() and (text := file.read_text().strip()).isdigit():
                yield int(text)
