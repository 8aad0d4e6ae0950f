"""What a training must pass in its first seconds: its data belong together, it fits into memory, one step computes the right thing."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from transformers import BertConfig, BertForMaskedLM

from grover.device import autocast, computes_in_bf16
from grover.errors import InputError
from grover.files import checksum
from grover.packed import Layout, logits_at
from grover.provenance import read as read_provenance
from grover.training import Batch

TOKENS_AT_ONCE = {"cpu": 8_192, "cuda": 65_536}  # computed at once, where memory allows
STATE_BYTES = 16  # a parameter with its gradient and the two moments of Adam, float32
ACTIVATIONS = (
    34  # bytes a token, layer and unit of width that the backward pass needs in 16 bits (Korthikanti and others 2022)
)
SHARE = 0.9  # of the free memory that is planned with
TOLERANCE = (
    0.1  # nats between the loss computed packed and as Hugging Face computes it; bfloat16 differs by thousandths
)
PROVEN_WINDOWS = 8


def check_data(tokens: Path, windows: Path, vocabulary: Path) -> None:
    """Raise an InputError where files have changed since they were written, or where the tokens are of another vocabulary.

    What is known of them stands in their provenance; a file that has none is said to be taken on trust.
    """
    for path in (tokens, windows):
        made = read_provenance(path)
        if made is None:
            print(f"{path}: no provenance beside it, taken on trust", file=sys.stderr)
            continue
        known = {Path(name).name: stamp["sha256"] for name, stamp in made["outputs"].items()}
        if path.name in known and checksum(path) != known[path.name]:
            raise InputError(
                f"{path}: its content has changed since {made['started']}, when it was written; remove it and run the workflow "
                "again"
            )
        used = {Path(name).name: sha256 for name, sha256 in made["inputs"].items()}
        wanted = vocabulary / "tokenizer.json"
        if "tokenizer.json" in used and used["tokenizer.json"] != checksum(wanted):
            raise InputError(
                f"{path}: it was made with another vocabulary than {wanted}; tokenise the genome with this one, or name the other"
            )


def memory_needed(config: BertConfig, parameters: int, tokens: int, precision: str, device: torch.device) -> int:
    """Bytes that a training needs for its state and for `tokens` computed at once; an estimate."""
    width = 1 if computes_in_bf16(device, precision) else 2  # ACTIVATIONS are bytes, counted for 16-bit numbers
    activations = ACTIVATIONS * config.num_hidden_layers * config.hidden_size * width
    return parameters * STATE_BYTES + tokens * activations


def fitting_tokens(model: BertForMaskedLM, longest: int, device: torch.device, precision: str) -> int:
    """How many tokens are computed at once: a usual number, or fewer where memory is short.

    Raises an InputError where not even one window of `longest` tokens fits, before anything is allocated.
    """
    parameters = sum(parameter.numel() for parameter in model.parameters())
    room = int(SHARE * free_memory(device))
    state = memory_needed(model.config, parameters, 0, precision, device)
    each = memory_needed(model.config, 0, 1, precision, device)
    fitting = TOKENS_AT_ONCE[device.type]
    while fitting > longest and fitting * each > room - state:
        fitting = max(longest, fitting // 2)  # in halves, so that a little more or less free memory changes nothing
    if fitting * each > room - state:
        needed = memory_needed(model.config, parameters, longest, precision, device)
        raise InputError(
            f"pretrain: one window of {longest} tokens needs about {needed / 1e9:.1f} GB with the state of {parameters:,} parameters, "
            f"but {room / 1e9:.1f} GB are free on {device}; take a smaller `pretraining.size`, shorter windows (`corpus.longest`) or "
            "a device with more memory"
        )
    return max(fitting, longest)


def fewer_tokens(tokens: int, longest: int, device: torch.device) -> int:
    """Half as many tokens at once, where the estimate was too low; raises an InputError where that is less than one window."""
    if tokens <= longest:
        raise InputError(
            f"pretrain: out of memory on {device} with one window of {longest} tokens at once; take a smaller `pretraining.size`, shorter "
            "windows (`corpus.longest`), or a device that no other job uses"
        )
    print(
        f"pretrain: out of memory with {tokens:,} tokens at once, half as many are tried", file=sys.stderr, flush=True
    )
    return max(longest, tokens // 2)


def free_memory(device: torch.device) -> int:
    """Bytes that may still be allocated: on a GPU what the driver says, else of the machine and of the control group of the job."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for line in Path("/proc/meminfo").read_text().splitlines() if Path("/proc/meminfo").is_file() else ():
        if line.startswith("MemAvailable:"):
            free = int(line.split()[1]) * 1024
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        if Path(limit).is_file() and (text := Path(limit).read_text().strip()).isdigit():
            free = min(free, int(text))
    return free


def prove_step(
    model: BertForMaskedLM,
    batch: Batch,
    loss: Callable[[torch.nn.Module, Batch], torch.Tensor],
    device: torch.device,
    precision: str,
) -> None:
    """Run one step without taking it, and compare the loss of its first windows with that of the model as Hugging Face computes it.

    Raises an InputError where they differ: a kernel of this machine then computes something else.
    """
    batch = {name: value.to(device) if hasattr(value, "to") else value for name, value in batch.items()}
    model.train()
    with autocast(device, precision):
        loss(model, batch).backward()
    model.zero_grad(set_to_none=True)

    lengths = batch["layout"].lengths[:PROVEN_WINDOWS]
    ids = batch["input_ids"][: sum(lengths)]
    rows = torch.nn.utils.rnn.pad_sequence(ids.split(lengths), batch_first=True)
    inside = (torch.arange(rows.shape[1]) < torch.tensor(lengths)[:, None]).to(device)
    positions = torch.arange(len(ids), device=device)
    model.eval()
    with torch.inference_mode(), autocast(device, precision):
        layout = Layout.of(torch.tensor(lengths).numpy()).to(device)
        ours = logits_at(model, ids, layout, positions).log_softmax(1)
        theirs = model(input_ids=rows, attention_mask=inside.long()).logits[inside].float().log_softmax(1)
    model.train()
    difference = float((ours - theirs).gather(1, ids[:, None]).mean().abs())
    if not difference < TOLERANCE:
        raise InputError(
            f"pretrain: on {device} the packed model loses {difference:.3g} nats a token more or less than the plain one, where less than "
            f"{TOLERANCE} is expected; a kernel of this machine is wrong: try `precision: fp32` or another GPU"
        )
