"""What surrounds the work of a subcommand: device, messages on standard error, a temporary folder, and its end."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import torch
import typer

from grover.commands.options import STANDARD, Computation, Result
from grover.commands.outputs import check_result
from grover.commands.skipped import Skipped
from grover.external_models.network import TOKENS_AT_ONCE as EXTERNAL_TOKENS
from grover.network.device import choose_device, computes_in_bf16
from grover.network.inference import compute_at_once
from grover.runtime.errors import InputError
from grover.runtime.files import checksum
from grover.runtime.progress import Progress

TOO_MANY_SKIPPED = 3  # exit code
COPY = "standard-input"


@dataclass(frozen=True)
class Session:
    """Where a subcommand computes and what it may print.

    The device and the precision of the network; whether it is `quiet`; a temporary `folder` that is deleted at the end. `kept`: what was
    opened once and is used again.
    """

    device: torch.device
    precision: str
    quiet: bool
    folder: Path
    kept: dict[str, Any] = field(default_factory=dict)

    def say(self, text: str) -> None:
        """Print a line on standard error."""
        if not self.quiet:
            print(text, file=sys.stderr, flush=True)

    def progress(self, total: int, label: str, unit: str) -> Progress:
        """Return the progress of the work, on standard error."""
        return Progress(total, label, unit, silent=self.quiet)

    def local(self, path: str, option: str = "") -> Path:
        """Return a file by its path; standard input (`-`) is copied to a file first, since readers look at a file more than once.

        option: the one that names it; two cannot both be standard input.
        """
        if path != STANDARD:
            return Path(path)
        copy = self.folder / COPY
        if self.kept.setdefault(STANDARD, option) != option:
            raise InputError("- is given for two inputs, but there is one standard input; give a file for one of them")
        if not copy.exists():
            with open(copy, "wb") as stream:
                shutil.copyfileobj(sys.stdin.buffer, stream)
        return copy

    def stamp(self, path: str) -> str:
        """What tells a file from others: size and date, of standard input its checksum. Call `local` first."""
        if path == STANDARD:
            return checksum(self.folder / COPY)
        place = Path(path) / "sequence.npy" if Path(path).is_dir() else Path(path)
        status = place.stat()
        return f"{path} {status.st_size} {status.st_mtime_ns}"

    def end(self, skipped: Skipped, max_skipped: float) -> None:
        """Summarise what was skipped, and exit with code 3 where it is more than the share `max_skipped`."""
        if skipped.number:
            self.say(skipped.summary())
        if skipped.share > max_skipped:
            print(
                f"error: {skipped.share:.1%} of the inputs were skipped, more than --max-skipped {max_skipped:g} allows; the result has a "
                "row with the reason for each",
                file=sys.stderr,
            )
            raise typer.Exit(TOO_MANY_SKIPPED)


@contextmanager
def session(computation: Computation, result: Result | None = None) -> Iterator[Session]:
    """Choose the device, print it, and hold a temporary folder while the block runs.

    Raises InputError at once where the `result` could not be written. Errors call the copy of standard input by that name.
    """
    if result is not None:
        check_result(result)
    with redirect_stderr(StringIO()) if computation.quiet else redirect_stderr(sys.stderr):
        device = choose_device(computation.device, computation.threads)
    computes_in_bf16(device, computation.precision)  # raises an error where it cannot
    if computation.batch_tokens:
        compute_at_once(device.type, computation.batch_tokens)
        EXTERNAL_TOKENS[device.type] = computation.batch_tokens
    with tempfile.TemporaryDirectory(prefix="grover-") as folder:
        try:
            yield Session(device, computation.precision, computation.quiet, Path(folder))
        except InputError as error:
            raise InputError(str(error).replace(str(Path(folder) / COPY), "standard input")) from None
