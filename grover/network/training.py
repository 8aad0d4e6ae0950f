"""The training loop that pretraining, next-k-mer prediction and fine-tuning share.

Everything that a step does is a function of its number: the batch, the masks, the learning rate and the dropout. The weights, the
state of the optimiser and the number of steps done are therefore all that a training needs to go on exactly as if it
had never stopped, on as many threads and processes; no random generator has a state that outlives a step.
"""

import math
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field

import pandas as pd
import torch
from torch.nn.parallel import DistributedDataParallel

from grover.network.checkpoints import Checkpoints
from grover.network.device import autocast
from grover.network.distributed import ALONE, Processes
from grover.runtime.errors import InputError
from grover.runtime.progress import Progress

Batch = dict  # `targets`, one for each prediction, and `tokens`, how many it holds without padding, at least
POINTS = 500  # rows of the loss curve at most
SMOOTHED = 50  # steps over which the loss is averaged before it may count as diverging
RISE = 1.0  # nats above the start at which it does
SIGNALS = (signal.SIGTERM, signal.SIGUSR1)  # pre-emption, and a time limit that is near


class Interrupted(Exception):
    """A signal ended the training after `step` steps of which `done_here` were done by this process; all is in a checkpoint."""

    def __init__(self, step: int, done_here: int):
        super().__init__(f"interrupted after step {step:,}")
        self.step, self.done_here = step, done_here


@dataclass(frozen=True)
class Optimisation:
    """AdamW with warm-up and linear decay; what the paper leaves open is DNABERT's (Ji et al. 2021)."""

    steps: int
    learning_rate: float = 4e-4
    warmup: float = 0.1  # share of the steps
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.98)
    epsilon: float = 1e-6
    clip: float = 1.0  # largest norm of the gradient

    def rate(self, step: int) -> float:
        """Learning rate of a step, counted from 0: up to `learning_rate` over the warm-up, then down towards 0."""
        warmup = max(1, round(self.warmup * self.steps))
        return self.learning_rate * min((step + 1) / warmup, (self.steps - step) / max(1, self.steps - warmup), 1.0)


@dataclass
class Curve:
    """What the training has seen and lost so far; plain numbers, so that a checkpoint holds it."""

    rows: list[tuple] = field(default_factory=list)
    tokens: int = 0
    seconds: float = 0.0
    loss: float = 0.0  # summed since the last row, as are the targets
    targets: int = 0
    start: list[float] = field(default_factory=list)  # mean losses of the first steps
    latest: deque[float] = field(default_factory=lambda: deque(maxlen=SMOOTHED))

    def add(self, loss: float, targets: int, tokens: int) -> None:
        """Count one step; `loss` is summed over its targets."""
        self.loss, self.targets, self.tokens = self.loss + loss, self.targets + targets, self.tokens + tokens
        if targets:
            self.latest.append(loss / targets)
            if len(self.start) < SMOOTHED:
                self.start.append(loss / targets)

    def close_row(self, step: int, rate: float, norm: float) -> dict[str, float]:
        """End the row of the curve at `step`; returns it."""
        self.rows.append((step, self.loss / max(1, self.targets), rate, norm, self.tokens, self.seconds))
        self.loss, self.targets = 0.0, 0
        return dict(zip(COLUMNS, self.rows[-1], strict=True))

    def diverges(self) -> bool:
        """Whether the loss is far above where it began."""
        full = len(self.latest) == SMOOTHED == len(self.start)
        return full and sum(self.latest) / SMOOTHED > sum(self.start) / SMOOTHED + RISE

    def state(self) -> dict:
        """Lists and numbers."""
        return {**vars(self), "latest": list(self.latest)}

    @classmethod
    def of(cls, state: dict) -> "Curve":
        """The curve of which `state` is the state."""
        return cls(**{**state, "latest": deque(state["latest"], maxlen=SMOOTHED)})


COLUMNS = ["step", "loss", "learning_rate", "gradient_norm", "tokens", "seconds"]


def train(
    model: torch.nn.Module,
    batches: Callable[[int], list[Batch]],
    loss: Callable[[torch.nn.Module, Batch], torch.Tensor],
    optimisation: Optimisation,
    device: torch.device,
    precision: str = "auto",
    seed: int = 0,
    label: str = "train",
    after: Callable[[int], bool] | None = None,
    processes: Processes = ALONE,
    checkpoints: Checkpoints | None = None,
    minutes: float = 15.0,
    watch: Callable[[dict], None] = lambda row: None,
) -> pd.DataFrame:
    """Train `model` in place and return its loss curve.

    `batches(step)` gives the micro-batches of one step for this process, and `loss(model, batch)` the loss summed over the targets
    of one. Gradients are added up over micro-batches and processes and divided by the number of all targets of the step, so
    that neither cut matters. After each step `after(steps done)` may end the training by returning true. The curve has the
    columns step, loss (mean over a target since the row before), learning_rate, gradient_norm, tokens (seen so far,
    without padding) and seconds; `watch` is given each row.

    With `checkpoints` the training goes on from the newest one, writes one every so many `minutes`, at SIGTERM or
    SIGUSR1, after which it raises Interrupted, and at the end. Only the first process writes. Raises an InputError if
    the loss is no longer finite or diverges.
    """
    model.to(device).train()
    optimiser = _optimiser(model, optimisation)
    curve, begun = Curve(), 0
    if checkpoints is not None:
        begun, state = _go_on(checkpoints, optimisation.steps, label, processes, device)
        if state:
            model.load_state_dict(state["model"])
            optimiser.load_state_dict(state["optimiser"])
            curve = Curve.of(state["curve"])
        del state
    every = max(1, optimisation.steps // POINTS)
    before, started = curve.seconds, time.monotonic()
    saved = begun, started
    network = _distributed(_Objective(model, loss), processes, device)

    def save(done: int) -> None:
        nonlocal saved
        if checkpoints is not None and processes.first and done > saved[0]:
            state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "curve": curve.state()}
            checkpoints.save(done, state)
        saved = done, time.monotonic()

    def settle(done: int, sums: torch.Tensor, norm: torch.Tensor, rate: float) -> bool:
        """Account for a step that was computed; returns whether a process was asked to stop. A GPU computes the next step meanwhile."""
        summed, targets, tokens, stop = sums.tolist()
        curve.add(summed, int(targets), int(tokens))
        curve.seconds = before + time.monotonic() - started
        mean = summed / max(1, targets)
        if not math.isfinite(mean) or not math.isfinite(float(norm)) or curve.diverges():
            raise InputError(_failure(label, done, optimisation.steps, curve, mean, float(norm), rate, checkpoints))
        if done % every == 0 or done == optimisation.steps:
            watch(curve.close_row(done, rate, float(norm)))
        speed = (curve.tokens - first_tokens) / (curve.seconds - before)
        bar.update(1, loss=mean, **{"tokens/s": round(speed)})
        return stop > 0

    first_tokens = curve.tokens
    pending, stopping = None, False
    with (
        Progress(optimisation.steps, label, begun=begun, silent=not processes.first) as bar,
        _signals(checkpoints is not None) as asked,
    ):
        for step, micro_batches in _ahead(batches, begun, optimisation.steps):
            # dropout differs between steps and processes, and is the same in a resumed training
            torch.manual_seed((seed * 1_000_003 + step) * 4_099 + processes.rank)
            rate = optimisation.rate(step)
            for group in optimiser.param_groups:
                group["lr"] = rate

            targets, tokens = (sum(counts) for counts in zip(*map(_counts, micro_batches), strict=True))
            sums = torch.tensor([0.0, targets, tokens, bool(asked)], dtype=torch.float64).to(device, non_blocking=True)
            for number, batch in enumerate(micro_batches, 1):
                batch = {name: _moved(value, device) for name, value in batch.items()}
                exchanged = processes.world == 1 or number == len(micro_batches)
                with nullcontext() if exchanged else network.no_sync():
                    with autocast(device, precision):
                        part = network(batch)
                    part.backward()
                sums[0] += part.detach()
            processes.total(sums)
            gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
            # the processes' gradients come averaged
            torch._foreach_mul_(gradients, (processes.world / sums[1].clamp(min=1)).float())
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), optimisation.clip)

            # the step before is accounted for only now, so that a GPU never waits for its loss to be read
            if pending is not None:
                stopping, pending = settle(*pending) or stopping, None
            if stopping or (asked and processes.world == 1):
                # the same in all processes; this step is not taken, it comes again when the training goes on
                save(step)
                processes.wait()
                with suppress(OSError):
                    print(f"{label}: {' '.join(asked) or 'a signal'} ends it", file=sys.stderr, flush=True)
                raise Interrupted(step, step - begun)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)

            done, pending = step + 1, (step + 1, sums, norm, rate)
            last = done == optimisation.steps
            due = checkpoints is not None and time.monotonic() - saved[1] > 60 * minutes
            if last or due or after is not None:
                stopping, pending = settle(*pending) or stopping, None
            if last or due:
                save(done)
            if after is not None and after(done):
                break
    processes.wait()
    model.eval()
    return pd.DataFrame(curve.rows, columns=COLUMNS)


class _Objective(torch.nn.Module):
    """The loss as a module, which is what DistributedDataParallel wraps."""

    def __init__(self, model: torch.nn.Module, loss: Callable[[torch.nn.Module, Batch], torch.Tensor]):
        super().__init__()
        self.model, self.loss = model, loss

    def forward(self, batch: Batch) -> torch.Tensor:
        return self.loss(self.model, batch)


def _distributed(objective: _Objective, processes: Processes, device: torch.device) -> torch.nn.Module:
    """The objective, and where there are several processes with an exchange of gradients behind its backward pass."""
    if processes.world == 1:
        return objective
    return DistributedDataParallel(objective, device_ids=[device.index] if device.type == "cuda" else None)


def _go_on(
    checkpoints: Checkpoints, steps: int, label: str, processes: Processes, device: torch.device
) -> tuple[int, dict]:
    """Step and state to go on from; 0 and nothing, with older checkpoints set aside, where there is none of use.

    The first process decides, and the others load the same, however old their view of the file system is. A longer training
    than the one asked for cannot be shortened, and what other code has finished is not its work.
    """
    step, state = 0, {}
    if processes.first and (found := checkpoints.load()):
        step, state = found
        same = checkpoints.same_code(step)
        why = "beyond the steps asked for" if step > steps else "" if step < steps or same else "finished by other code"
        if why:
            aside = checkpoints.set_aside(step)
            said = f"a checkpoint of step {step:,} is {why}; kept in {aside}, training begins anew"
            step, state = 0, {}
        else:
            said = f"resumed at step {step:,} of {steps:,}" + ("" if same else "; the code has changed since then")
        print(f"{label}: {said}", file=sys.stderr, flush=True)
    agreed = processes.agreed(step, device)
    if agreed != step and not (state := checkpoints.load_step(agreed)):
        raise InputError(
            f"{checkpoints.path(agreed)}: process {processes.rank} cannot read what the first one goes on from; start again, and if it "
            "comes back, look whether all nodes see the same files there"
        )
    return agreed, state


def _optimiser(model: torch.nn.Module, optimisation: Optimisation) -> torch.optim.AdamW:
    """AdamW in one fused kernel; biases and the scales of LayerNorm, which are vectors, do not decay."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": optimisation.weight_decay},
        {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=0.0, betas=optimisation.betas, eps=optimisation.epsilon, fused=True)


def _ahead(batches: Callable[[int], list[Batch]], begin: int, end: int) -> Iterator[tuple[int, list[Batch]]]:
    """Steps and their micro-batches; the next step's are made while this one is computed."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(batches, begin) if begin < end else None
        for step in range(begin, end):
            made = waiting.result()
            waiting = pool.submit(batches, step + 1) if step + 1 < end else None
            yield step, made


@contextmanager
def _signals(wanted: bool) -> Iterator[list[str]]:
    """Collect the signals that ask for an end instead of dying of them; only the main thread can."""
    asked, before = [], {}

    def note(number: int, frame) -> None:
        asked.append(signal.Signals(number).name)  # and nothing else: it may come while a line is being printed

    if wanted and threading.current_thread() is threading.main_thread():
        before = {number: signal.signal(number, note) for number in SIGNALS}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _counts(batch: Batch) -> tuple[int, int]:
    return len(batch["targets"]), batch["tokens"]


def _moved(value, device: torch.device):
    return value.to(device, non_blocking=True) if hasattr(value, "to") else value


def _failure(
    label: str,
    step: int,
    steps: int,
    curve: Curve,
    loss: float,
    norm: float,
    rate: float,
    checkpoints: Checkpoints | None,
) -> str:
    """The sentence for a loss that is no number or that rises."""
    what = (
        f"the mean loss of the last {SMOOTHED} steps is {sum(curve.latest) / SMOOTHED:.3g}, more than {RISE} above that of the first ones"
        if math.isfinite(loss) and math.isfinite(norm)
        else f"the loss became {loss:.3g} (norm of the gradient {norm:.3g})"
    )
    kept = checkpoints.steps() if checkpoints is not None else []
    last = f"; the last good checkpoint is {checkpoints.path(kept[0])}" if kept else ""
    return (
        f"{label}: {what} at step {step:,} of {steps:,} (learning rate {rate:.3g}); lower the learning rate or lengthen the "
        f"warm-up{last}"
    )
