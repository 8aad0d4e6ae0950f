"""Progress for long work: a bar on a terminal, plain lines in a log file."""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, TypeVar

from tqdm import tqdm

SECONDS_BETWEEN_LINES = 10.0

Item = TypeVar("Item")


class Progress:
    """Counts towards `total`; draws with tqdm on a terminal, else prints one line every ten seconds.

    Use as a context manager: `with Progress(total, "pretrain") as bar: bar.update(1, loss=3.2)`. `begun` are the units done before, by
    a process that this one goes on from; of several processes all but one are `silent`.
    """

    def __init__(self, total: int, label: str, unit: str = "steps", begun: int = 0, silent: bool = False):
        self.total, self.label, self.unit, self.done, self.begun = total, label, unit, begun, begun
        self.started = self.printed = time.monotonic()
        settings = {"total": total, "initial": begun, "desc": label, "unit": f" {unit}", "dynamic_ncols": True}
        self.silent = silent
        self.bar = tqdm(**settings) if sys.stderr.isatty() and not silent else None
        self.note = ""
        self.complete = False

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *exception: Any) -> None:
        if self.bar is not None:
            self.bar.close()
        elif exception[0] is None and not self.complete:
            self._line()

    def update(self, steps: int = 1, **values: Any) -> None:
        """Advance by `steps`; `values` (such as the loss) are shown beside the count."""
        self.done += steps
        self.note = "  ".join(
            f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in values.items()
        )
        if self.bar is not None:
            self.bar.update(steps)
            self.bar.set_postfix_str(self.note, refresh=False)
        elif not self.complete and (self.done >= self.total or time.monotonic() - self.printed > SECONDS_BETWEEN_LINES):
            self.complete = self.done >= self.total
            self._line()

    def _line(self) -> None:
        self.printed = time.monotonic()
        seconds = self.printed - self.started
        share = self.done / self.total if self.total else 1.0
        here = self.done - self.begun
        left = f", {seconds / here * (self.total - self.done):.0f} s left" if here and share < 1 else ""
        count = f"{self.done:,} of {self.total:,} {self.unit} ({share:.0%})"
        if not self.silent:
            with suppress(OSError):  # whoever reads the log may have gone; the work goes on
                print(f"{self.label}: {count}  {self.note}  {seconds:.0f} s{left}", file=sys.stderr, flush=True)


def track(items: Iterable[Item], total: int, label: str, unit: str = "steps") -> Iterator[Item]:
    """Iterate over `items` and show progress."""
    with Progress(total, label, unit) as bar:
        for item in items:
            yield item
            bar.update(1)
