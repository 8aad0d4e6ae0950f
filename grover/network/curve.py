"""The loss curve of a training: one row for a number of steps, and whether the loss diverges."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

COLUMNS = ["step", "loss", "learning_rate", "gradient_norm", "tokens", "seconds"]
SMOOTHED = 50  # steps over which the loss is averaged before it may count as diverging
RISE = 1.0  # nats above the mean of the first steps at which it does


@dataclass
class Curve:
    """What the training has seen and its losses so far; plain numbers, so that a checkpoint can hold them."""

    rows: list[tuple] = field(default_factory=list)
    tokens: int = 0
    seconds: float = 0.0
    loss: float = 0.0  # summed since the last row, as are the targets
    targets: int = 0
    start: list[float] = field(default_factory=list)  # mean losses of the first steps
    latest: deque[float] = field(default_factory=lambda: deque(maxlen=SMOOTHED))
    formats: list[str] = field(
        default_factory=list
    )  # of numbers, in which it was computed: bf16, fp32, or one after the other

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
        """Whether the loss is far above that of the first steps."""
        full = len(self.latest) == SMOOTHED == len(self.start)
        return full and sum(self.latest) / SMOOTHED > sum(self.start) / SMOOTHED + RISE

    def state(self) -> dict[str, Any]:
        """Lists and numbers."""
        return {**vars(self), "latest": list(self.latest)}

    @classmethod
    def of(cls, state: dict[str, Any]) -> "Curve":
        """The curve of which `state` is the state."""
        return cls(**{**state, "latest": deque(state["latest"], maxlen=SMOOTHED)})
