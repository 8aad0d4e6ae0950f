"""The training loop that pretraining, next-k-mer prediction and fine-tuning share.

Everything that a step does is a function of its number: the batch, the masks, the learning rate and the dropout. The weights, the state
of the optimiser and the number of steps done are therefore all that a resume needs; no random generator has a state that outlives a step.
On the CPU, with the same number of threads and processes, a resumed training ends in the same weights bit for bit. With another number
its steps have the same windows, masks and dropout, and its weights are equal up to rounding. So are those of a GPU, whose kernels add in
no fixed order. Another number of GPUs changes the dropout.
"""

import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any

import pandas as pd
import torch
from torch.nn.parallel import DistributedDataParallel

from grover.network.checkpoints import Checkpoints
from grover.network.curve import COLUMNS, RISE, SMOOTHED, Curve
from grover.network.device import autocast, computes_in_bf16
from grover.network.distributed import ALONE, Processes
from grover.network.inference import moved
from grover.network.transfer import Copied, pinned
from grover.runtime.errors import InputError
from grover.runtime.progress import Progress

Batch = dict[str, Any]  # `targets`, one for each prediction, and `tokens`, how many it holds without padding, at least
Loss = Callable[[torch.nn.Module, Batch], torch.Tensor]
POINTS = 500  # rows of the loss curve at most
SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)  # pre-emption, a time limit that is near, Ctrl-C


class Stack(torch.nn.Module):
    """`count` networks that are trained as one; the first dimension of each weight is that of the networks.

    The loss of a batch is the mean over the networks, and its targets are those of one. Gradients are clipped network by network.
    """

    count: int


class Interrupted(Exception):
    """Signals ended the training after `step` steps, `done_here` of them by this process; a checkpoint holds its state.

    `signals` are those that this process got; of several processes it may be another one that got them.
    """

    def __init__(self, step: int, done_here: int, signals: Iterable[str] = ()):
        super().__init__(f"interrupted after step {step:,}")
        self.step, self.done_here, self.signals = step, done_here, frozenset(signals)


@dataclass(frozen=True)
class Optimisation:
    """AdamW with warm-up and linear decay; what the paper leaves open is DNABERT's (Ji et al. 2021)."""

    steps: int
    learning_rate: float
    warmup: float  # share of the steps
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.98)
    epsilon: float = 1e-6
    clip: float = 1.0  # largest norm of the gradient

    def rate(self, step: int) -> float:
        """Learning rate of a step, counted from 0: up to `learning_rate` over the warm-up, then down towards 0."""
        warmup = max(1, round(self.warmup * self.steps))
        return self.learning_rate * min((step + 1) / warmup, (self.steps - step) / max(1, self.steps - warmup), 1.0)


@dataclass(frozen=True)
class Execution:
    """Where a training runs: device, precision (auto, fp32, bf16), the seed of its random numbers, and the processes that share it.

    `label` names the training in its messages.
    """

    device: torch.device
    precision: str
    seed: int
    processes: Processes = ALONE
    label: str = "train"


@dataclass(frozen=True)
class Recording:
    """What a training leaves while it runs: a checkpoint every so many `minutes`, and each row of the curve, given to `watch`."""

    checkpoints: Checkpoints | None
    minutes: float
    watch: Callable[[dict[str, float]], None] = lambda row: None


NOTHING = Recording(None, 0)


def train(
    model: torch.nn.Module,
    batches: Callable[[int], list[Batch]],
    loss: Loss,
    optimisation: Optimisation,
    execution: Execution,
    recording: Recording = NOTHING,
    after: Callable[[int], bool] | None = None,
) -> pd.DataFrame:
    """Train `model` in place and return its loss curve; the model stays on the device, in evaluation mode.

    `batches(step)` gives the micro-batches of one step for this process, and `loss(model, batch)` the loss summed over the targets
    of one. Gradients are added up over micro-batches and processes and divided by the number of all targets of the step, so
    that neither cut matters. After each step `after(steps done)` may end the training by returning true. The curve has the
    columns step, loss (mean per target since the row before), learning_rate, gradient_norm, tokens (seen so far,
    without padding) and seconds.

    With checkpoints the training resumes from the newest one. It writes one after the given minutes, at the end, and at SIGTERM,
    SIGUSR1 or SIGINT, after which it raises Interrupted. Only the first process writes. Raises an InputError if the loss is no
    longer finite or diverges.
    """
    processes, steps = execution.processes, optimisation.steps
    model.to(execution.device).train()
    optimiser = _optimiser(model, optimisation)
    begun, curve = _restore(model, optimiser, steps, execution, recording.checkpoints)
    network = _distributed(_Objective(model, loss), execution)
    number_format = "bf16" if computes_in_bf16(execution.device, execution.precision) else "fp32"
    with (
        Progress(steps, execution.label, begun=begun, silent=not processes.first) as bar,
        _signals(recording.checkpoints is not None) as asked,
    ):
        ledger = _Ledger(curve, begun, steps, execution, recording, bar)
        for step, micro_batches in _ahead(batches, begun, steps, execution.device):
            # what torch draws differs between steps and processes, and is the same in a resumed training
            torch.manual_seed((execution.seed * 1_000_003 + step) * 4_099 + processes.rank)
            rate = optimisation.rate(step)
            for group in optimiser.param_groups:
                group["lr"] = rate
            sums = _backward(network, micro_batches, execution, bool(asked))
            norm = _mean_gradient(model, sums[1], processes.world, optimisation.clip)
            found = Copied(torch.cat([sums, norm[None]]))

            # the step before is accounted for only now, while a GPU computes this one
            ledger.settle()
            if ledger.stopping or (asked and processes.world == 1):
                # the same in all processes; this step is not taken and is computed again by the resumed training
                ledger.save(step, model, optimiser)
                processes.wait()
                with suppress(OSError):
                    if processes.first:
                        print(
                            f"{execution.label}: stopped by {' '.join(asked) or 'a signal'}",
                            file=sys.stderr,
                            flush=True,
                        )
                raise Interrupted(step, step - begun, asked)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
            if number_format not in curve.formats[-1:]:
                curve.formats.append(number_format)
            done, ledger.pending = step + 1, _Step(step + 1, rate, found)

            if done == steps or ledger.due():
                ledger.settle()
                ledger.save(done, model, optimiser)
            if after is not None and after(done):
                ledger.settle()
                break
    processes.wait()
    model.eval()
    rows = pd.DataFrame(curve.rows, columns=COLUMNS)
    rows.attrs["computed_in"] = ", then ".join(curve.formats)
    return rows


@dataclass(frozen=True)
class _Step:
    """A step that was computed: steps `done` with it, and its learning rate.

    What `_backward` sums up and the norm of the gradient are on their way to the CPU.
    """

    done: int
    rate: float
    found: Copied


class _Ledger:
    """Accounts for the steps of a training: curve, progress, checkpoints, and whether a process was asked to stop (`stopping`).

    The step in `pending` was computed and is not yet accounted for; a GPU computes the next one meanwhile.
    """

    def __init__(
        self, curve: Curve, begun: int, steps: int, execution: Execution, recording: Recording, progress: Progress
    ):
        self.curve, self.steps, self.execution, self.recording = curve, steps, execution, recording
        self.progress = progress
        self.every = max(1, math.ceil(steps / POINTS))
        self.started = self.saved_at = time.monotonic()
        self.seconds_before, self.tokens_before = curve.seconds, curve.tokens
        self.saved = begun
        self.pending: _Step | None = None
        self.stopping = False

    def settle(self) -> None:
        """Account for the pending step, if there is one. Raises an InputError where its loss is not finite or diverges."""
        if self.pending is None:
            return
        step, self.pending = self.pending, None
        loss, targets, tokens, stop, norm = step.found.tensor().tolist()
        mean = loss / max(1, targets)
        self.curve.add(loss, int(targets), int(tokens))
        self.curve.seconds = self.seconds_before + time.monotonic() - self.started
        if not math.isfinite(mean) or not math.isfinite(norm) or self.curve.diverges():
            raise InputError(self._failure(step, mean, norm))
        if step.done % self.every == 0 or step.done == self.steps:
            self.recording.watch(self.curve.close_row(step.done, step.rate, norm))
        speed = (self.curve.tokens - self.tokens_before) / (self.curve.seconds - self.seconds_before)
        self.progress.update(1, loss=mean, **{"tokens/s": round(speed)})
        self.stopping = self.stopping or stop > 0

    def due(self) -> bool:
        """Whether it is time for a checkpoint."""
        return self.recording.checkpoints is not None and time.monotonic() - self.saved_at > 60 * self.recording.minutes

    def save(self, done: int, model: torch.nn.Module, optimiser: torch.optim.Optimizer) -> None:
        """Write the checkpoint after `done` steps, unless there is one; only the first process does."""
        checkpoints = self.recording.checkpoints
        if checkpoints is not None and self.execution.processes.first and done > self.saved:
            state = {
                "model": model.state_dict(),
                "optimiser": optimiser.state_dict(),
                "curve": self.curve.state(),
                "processes": self.execution.processes.world,
                "bf16": computes_in_bf16(self.execution.device, self.execution.precision),
            }
            checkpoints.save(done, state)
        self.saved, self.saved_at = done, time.monotonic()

    def _failure(self, step: _Step, loss: float, norm: float) -> str:
        """The sentence for a loss that is not finite or that rises."""
        what = (
            f"the mean loss of the last {SMOOTHED} steps is {sum(self.curve.latest) / SMOOTHED:.3g}, more than {RISE} above that of "
            "the first ones"
            if math.isfinite(loss) and math.isfinite(norm)
            else f"the loss became {loss:.3g} (norm of the gradient {norm:.3g})"
        )
        checkpoints = self.recording.checkpoints
        kept = checkpoints.steps() if checkpoints is not None else []
        last = f"; the last good checkpoint is {checkpoints.path(kept[0])}" if checkpoints is not None and kept else ""
        return (
            f"{self.execution.label}: {what} at step {step.done:,} of {self.steps:,} (learning rate {step.rate:.3g}); lower the "
            f"learning rate or lengthen the warm-up{last}"
        )


class _Objective(torch.nn.Module):
    """The loss as a module, which is what DistributedDataParallel wraps."""

    def __init__(self, model: torch.nn.Module, loss: Loss):
        super().__init__()
        self.model, self.loss = model, loss

    def forward(self, batch: Batch) -> torch.Tensor:
        return self.loss(self.model, batch)


def _distributed(objective: _Objective, execution: Execution) -> torch.nn.Module:
    """The objective; with several processes, their gradients are exchanged in its backward pass."""
    if execution.processes.world == 1:
        return objective
    device = execution.device
    return DistributedDataParallel(
        objective,
        device_ids=[device.index] if device.type == "cuda" else None,
        forward_sync_buffers=False,  # of BERT they are constants
        gradient_as_bucket_view=True,
    )


def _restore(
    model: torch.nn.Module,
    optimiser: torch.optim.Optimizer,
    steps: int,
    execution: Execution,
    checkpoints: Checkpoints | None,
) -> tuple[int, Curve]:
    """Load the state to resume from into the model and the optimiser; returns the steps done and the curve so far."""
    begun, state = _resume(checkpoints, steps, execution) if checkpoints is not None else (0, {})
    if not state:
        return begun, Curve()
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    return begun, Curve.of(state["curve"])


def _resume(checkpoints: Checkpoints, steps: int, execution: Execution) -> tuple[int, dict[str, Any]]:
    """Return the step and the state to resume from, or `(0, {})`, with unusable checkpoints set aside.

    The first process decides, and the others load the same step, however old their view of the file system is. A training that went
    beyond the steps asked for cannot be shortened, and a finished training of other code is repeated.
    """
    step, processes = 0, execution.processes
    state: dict[str, Any] = {}
    if processes.first and (found := checkpoints.load()):
        step, state = found
        same = checkpoints.same_code(step)
        why = "beyond the steps asked for" if step > steps else "" if step < steps or same else "finished by other code"
        if why:
            aside = checkpoints.set_aside(step)
            said = f"a checkpoint of step {step:,} is {why}; kept in {aside}, training starts anew"
            step, state = 0, {}
        else:
            said = f"resumed at step {step:,} of {steps:,}" + ("" if same else "; the code has changed since then")
            said += _said_of_processes(state.get("processes", processes.world), processes.world)
            bf16 = computes_in_bf16(execution.device, execution.precision)
            if state.get("bf16", bf16) != bf16:  # under `precision: auto` on another processor
                said += f"; from here on it is computed in {'bf16' if bf16 else 'fp32'}"
        print(f"{execution.label}: {said}", file=sys.stderr, flush=True)
    agreed = processes.agreed(step, execution.device)
    if agreed != step:
        loaded = checkpoints.load_step(agreed)
        if not loaded:
            raise InputError(
                f"{checkpoints.path(agreed)}: process {processes.rank} cannot read the checkpoint that the first process resumes from; "
                "start again, and if this repeats, check that all nodes see the same files there"
            )
        state = loaded
    return agreed, state


def _said_of_processes(before: int, now: int) -> str:
    """Say what another number of processes means; nothing for the same number."""
    if before == now:
        return ""
    return f"; it was computed by {before} processes and is by {now} now, so that its weights are equal up to rounding"


def _optimiser(model: torch.nn.Module, optimisation: Optimisation) -> torch.optim.AdamW:
    """AdamW in one fused kernel; biases and the scales of LayerNorm, which are vectors, do not decay."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    vector = 1 + isinstance(model, Stack)
    groups: list[dict[str, Any]] = [
        {"params": [p for p in parameters if p.dim() > vector], "weight_decay": optimisation.weight_decay},
        {"params": [p for p in parameters if p.dim() <= vector], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=0.0, betas=optimisation.betas, eps=optimisation.epsilon, fused=True)


def _ahead(
    batches: Callable[[int], list[Batch]], begin: int, end: int, device: torch.device
) -> Iterator[tuple[int, list[Batch]]]:
    """Steps and their micro-batches; those of the next step are made, and pinned for a GPU, while this one is computed."""

    def make(step: int) -> list[Batch]:
        return [pinned(batch, device) for batch in batches(step)]

    def begin_thread() -> None:
        if device.type == "cuda":
            torch.cuda.set_device(device)  # a thread begins with the first GPU, which may be that of another process

    with ThreadPoolExecutor(1, initializer=begin_thread) as pool:
        waiting = [pool.submit(make, begin)] if begin < end else []
        for step in range(begin, end):
            made = waiting.pop().result()
            if step + 1 < end:
                waiting.append(pool.submit(make, step + 1))
            yield step, made


def _backward(network: torch.nn.Module, micro_batches: list[Batch], execution: Execution, asked: bool) -> torch.Tensor:
    """Add up the gradients of a step's micro-batches; those of several processes come averaged.

    Returns sums over all processes, float64 [4] on the device: loss, targets, tokens, and how many were asked to stop.
    """
    device, processes = execution.device, execution.processes
    targets = sum(len(batch["targets"]) for batch in micro_batches)
    tokens = sum(batch["tokens"] for batch in micro_batches)
    counted = torch.tensor([0.0, targets, tokens, asked], dtype=torch.float64, pin_memory=device.type == "cuda")
    sums = counted.to(device, non_blocking=True)
    for number, batch in enumerate(micro_batches, 1):
        last = number == len(micro_batches)
        with nullcontext() if last or not isinstance(network, DistributedDataParallel) else network.no_sync():
            with autocast(device, execution.precision):
                loss = network(moved(batch, device))
            loss.backward()
        sums[0] += loss.detach()
    return processes.total(sums)


def _mean_gradient(model: torch.nn.Module, targets: torch.Tensor, world: int, clip: float) -> torch.Tensor:
    """Divide the gradients, averaged over `world` processes, by the targets of the step and clip them; returns their norm before."""
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    count = model.count if isinstance(model, Stack) else 1
    torch._foreach_mul_(gradients, (world * count / targets.clamp(min=1)).float())
    if count == 1:
        return torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
    norms = torch.stack([gradient.flatten(1).norm(dim=1) for gradient in gradients]).norm(dim=0)
    shares = (clip / (norms + 1e-6)).clamp(max=1)  # as torch's function has them
    for gradient in gradients:
        gradient.mul_(shares.view(-1, *[1] * (gradient.dim() - 1)))
    return norms.max()


@contextmanager
def _signals(wanted: bool) -> Iterator[list[str]]:
    """Collect the names of the signals that ask for an end instead of dying of them; only the main thread can.

    A SIGINT that is ignored, as in a background job of a shell, stays ignored: Ctrl-C is then meant for other programs.
    """
    asked: list[str] = []
    before = {}

    def note(number: int, frame: FrameType | None) -> None:
        asked.append(signal.Signals(number).name)  # and nothing else: it may come while a line is being printed

    if wanted and threading.current_thread() is threading.main_thread():
        ignored = {signal.SIGINT} if signal.getsignal(signal.SIGINT) == signal.SIG_IGN else set()
        before = {number: signal.signal(number, note) for number in SIGNALS if number not in ignored}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
