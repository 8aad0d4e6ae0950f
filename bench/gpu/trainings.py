"""Checks of pretraining: speed, memory, interruption, several processes, too little memory."""

import contextlib
import io
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import torch

from bench.gpu.scale import Scale
from grover.config.tables import read_table
from grover.network.checkpoints import Checkpoints
from grover.network.training import Interrupted, Recording
from grover.pretraining import preflight, pretrain

ROOT = Path(__file__).resolve().parents[2]
WARM = 4  # steps that are not timed


def speed(scale: Scale) -> dict:
    """Tokens per second and share of the peak, memory beside the estimate, and how often the CPU waits for the GPU."""
    found: dict = {}
    peak = _peak(torch.cuda.get_device_name()) if scale.on_gpu else None
    for paper in (False, True):
        for compiled in (False, True):
            name = f"{'paper' if paper else 'full'}_{'compiled' if compiled else 'eager'}"
            if scale.on_gpu:
                torch.cuda.empty_cache()
                torch.cuda.reset_peak_memory_stats()
            model, said = scale.model(), io.StringIO()
            with contextlib.redirect_stderr(said):
                curve = scale.train(model, scale.steps, paper, compiled)
            later = curve[curve["step"] > WARM]
            rate = float(
                (later["tokens"].iloc[-1] - later["tokens"].iloc[0])
                / (later["seconds"].iloc[-1] - later["seconds"].iloc[0])
            )
            window = float(scale.windows(paper)["length"].mean()) + 2
            found[name] = {"tokens_per_second": round(rate), "left_out": "is left out" in said.getvalue()}
            if peak:
                found[name] |= {
                    "mfu": round(rate * _flops(scale, window) / peak, 3),
                    "peak_gb": round(torch.cuda.max_memory_allocated() / 1e9, 2),
                    "estimated_gb": round(_estimate(scale, model, window) / 1e9, 2),
                }
    found["waits_per_step"] = _waits(scale)
    return found | {
        "passed": found["waits_per_step"] < 1
        and not any(each["left_out"] for each in found.values() if isinstance(each, dict))
    }


def _peak(name: str) -> float | None:
    known = {row["gpu"]: float(row["tflops"]) * 1e12 for row in read_table(ROOT / "resources/gpus.tsv")}
    plain = name.replace(" ", "").lower()
    # the longest name that fits: L40S before L4
    fitting = sorted((each for each in known if each.lower() in plain), key=len)
    return known[fitting[-1]] if fitting else None


def _flops(scale: Scale, window: float) -> float:
    shape = scale.architecture
    core = shape.layers * (4 * shape.hidden**2 + 2 * shape.hidden * shape.intermediate)
    return 6 * core + 12 * shape.layers * shape.hidden * window


def _estimate(scale: Scale, model: torch.nn.Module, window: float) -> float:
    parameters = sum(parameter.numel() for parameter in model.parameters())
    tokens = min(preflight.TOKENS_AT_ONCE[scale.device.type], scale.batch * (scale.longest + 2))
    return preflight.memory_needed(model.config, parameters, tokens, scale.longest + 2, "bf16", scale.device)


def _waits(scale: Scale) -> float:
    """Synchronisations per step of a training, as torch reports them; those of the start are counted apart by a shorter one."""
    if not scale.on_gpu:
        return 0.0
    counts = []
    for steps in (WARM, 3 * WARM):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            try:
                scale.train(scale.model(), steps)
            finally:
                torch.cuda.set_sync_debug_mode("default")
        counts.append(sum("synchronizing" in str(each.message) for each in caught))
    return round((counts[1] - counts[0]) / (2 * WARM), 2)


def resume(scale: Scale) -> dict:
    """A training that SIGTERM ends resumes to the weights of an undisturbed one: bit for bit on a CPU, nearly on a GPU."""
    steps, at = 2 * WARM, WARM
    alone = scale.model()
    curve = scale.train(alone, steps)
    with tempfile.TemporaryDirectory() as folder:

        def stop(row: dict[str, float]) -> None:
            if row["step"] == at:
                os.kill(os.getpid(), signal.SIGTERM)

        checkpoints = Checkpoints(Path(folder))
        started = time.perf_counter()
        try:
            scale.train(scale.model(), steps, recording=Recording(checkpoints, 60, stop))
            stopped = 0
        except Interrupted as interrupted:
            stopped = interrupted.step
        seconds = time.perf_counter() - started
        again, after = scale.model(), []
        resumed = scale.train(again, steps, recording=Recording(checkpoints, 60, lambda row: after.append(row["step"])))
    pairs = zip(alone.parameters(), again.parameters(), strict=True)
    difference = max(
        float((one - other).detach().norm() / one.detach().norm().clamp_min(1e-12))
        for one, other in pairs
        if one.dim() > 1
    )
    found = {
        "stopped_at": stopped,
        "went_on_at": int(after[0]),
        "weights_differ_by": difference,
        "loss_differs_by": float((curve["loss"] - resumed["loss"]).abs().max()),
        "seconds_to_stop": round(seconds, 2),
    }
    went_on = at <= stopped < after[0]  # a training from the start would end in the same weights
    return found | {"passed": went_on and (difference < 1e-2 if scale.on_gpu else difference == 0)}


def processes(scale: Scale) -> dict:
    """A process that trains by DistributedDataParallel over NCCL, or Gloo on a CPU, ends by itself."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "bench.gpu.rank", scale.device.type, "full" if scale.on_gpu else "tiny"]
    started = time.perf_counter()
    done = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120 if scale.on_gpu else 600
    )
    ended = time.time()
    trained = [float(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("trained ")]
    found = {"exit_code": done.returncode, "seconds": round(time.perf_counter() - started, 1)}
    found["seconds_to_exit"] = round(ended - trained[0], 1) if trained else None
    if done.returncode:
        found["error"] = done.stderr[-2000:]
    soon = bool(trained) and (not scale.on_gpu or ended - trained[0] < 20)  # a busy CPU may take long
    return found | {"passed": done.returncode == 0 and soon}


def memory(scale: Scale) -> dict:
    """Where the estimate was too low, half as many tokens are tried until they fit."""
    said, before = io.StringIO(), preflight.TOKENS_AT_ONCE[scale.device.type]
    true = pretrain.prove_memory
    window = scale.longest + 2
    try:
        if scale.on_gpu:
            torch.cuda.empty_cache()
            share = 1.5 * _estimate_of(scale, 16 * window) / torch.cuda.mem_get_info()[1]
            torch.cuda.set_per_process_memory_fraction(min(1.0, share))
        else:
            preflight.TOKENS_AT_ONCE["cpu"] = 8 * window
            pretrain.prove_memory = _short_of(2 * window, true)
        with contextlib.redirect_stderr(said):
            scale.train(scale.model(), 2)
    finally:
        pretrain.prove_memory = true
        preflight.TOKENS_AT_ONCE[scale.device.type] = before
        if scale.on_gpu:
            torch.cuda.set_per_process_memory_fraction(1.0)
    tried = said.getvalue().count("trying half as many")
    return {"halved": tried, "passed": tried > 0}


def _estimate_of(scale: Scale, tokens: int) -> float:
    config = scale.model().config
    return preflight.memory_needed(config, 87_000_000, tokens, scale.longest + 2, "bf16", scale.device)


def _short_of(most: int, true):
    def proof(model, batch, *rest, **parts):
        if len(batch["input_ids"]) > most:
            raise torch.OutOfMemoryError
        true(model, batch, *rest, **parts)

    return proof
