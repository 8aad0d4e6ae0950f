"""A lease on the folder of a run: one training writes, and a second one stops with the reason.

The driver of a workflow may be killed while its jobs continue, and a restart submits them again. The holder renews its lease every few
seconds. Liveness is detected by these renewals, because the clocks of nodes differ. A lease that is not renewed for a while is taken
over: its holder was killed, or its node lost.
"""

import os
import platform
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from grover.runtime.errors import InputError
from grover.runtime.files import write_json
from grover.runtime.json_files import read_json

FILE = "lease.json"
RENEWED_EVERY = 5.0  # seconds
WATCHED_FOR = 30.0  # seconds: six renewals may come late before a holder counts as dead
SETTLING = 0.5  # seconds in which two that take over the same lease see which of them has it
UNREADABLE = {"job": "", "host": "a host that is not known", "process": 0, "token": "", "beats": 0}


class Lease:
    """The right to write in a folder; `check` raises an InputError once another training has it."""

    def __init__(self, folder: Path):
        self.path = Path(folder) / FILE
        self.beats = 0
        self.holder = {
            "job": os.environ.get("SLURM_JOB_ID", ""),
            "host": platform.node(),
            "process": os.getpid(),
            "token": uuid.uuid4().hex,
        }

    def renew(self) -> None:
        """Renew the lease."""
        self.beats += 1
        write_json(self.path, self.holder | {"beats": self.beats, "renewed": time.ctime()})

    def lost(self) -> dict | None:
        """Return another holder of the lease, or None."""
        now = _read(self.path)
        return now if now and now["token"] != self.holder["token"] else None

    def check(self) -> None:
        """Raise an InputError where another training has taken over; call it before anything is written."""
        if other := self.lost():
            raise InputError(f"{self.path.parent}: {_name(other)} has taken over this training; this one stops")


@contextmanager
def lease(folder: Path, every: float = RENEWED_EVERY, watched: float = WATCHED_FOR) -> Iterator[Lease]:
    """Hold the lease on `folder` while the block runs; `every` and `watched` are in seconds.

    Raises an InputError that names the holder where another training holds it and is alive.
    """
    own = Lease(folder)
    _wait_until_free(own.path, every, watched)
    try:
        own.path.touch(exist_ok=False)  # of two that find none, one can create it
        own.renew()
    except FileExistsError:
        own.renew()
        time.sleep(min(SETTLING, every))  # of two that take over, the last has it
        own.check()
    over = threading.Event()

    def keep_renewing() -> None:
        while not over.wait(every):
            with suppress(OSError):  # a full disk or a file server that is away: the next renewal may come through
                if own.lost():
                    return  # `check` stops the training
                own.renew()

    thread = threading.Thread(target=keep_renewing, daemon=True)
    thread.start()
    try:
        yield own
    finally:
        over.set()
        thread.join()
        if not own.lost():
            own.path.unlink(missing_ok=True)


def _wait_until_free(path: Path, every: float, watched: float) -> None:
    """Return once there is no lease, or its holder is dead."""
    seen = _read(path)
    if seen is None or _dead(seen):
        return
    end = time.monotonic() + watched
    while time.monotonic() < end:
        time.sleep(min(every, watched) / 5)
        now = _read(path)
        if now is None:
            return
        if now["beats"] and (now["token"], now["beats"]) != (seen["token"], seen["beats"]):
            stop = f"scancel {now['job']}" if now["job"] else f"kill {now['process']} on {now['host']}"
            raise InputError(
                f"{path.parent}: {_name(now)} trains this model and is alive; wait until it has ended, or stop it "
                f"({stop}) and start again"
            )


def _dead(holder: dict) -> bool:
    """Return whether the holder has certainly ended: a process of this host that is gone, or this job before it was requeued to another
    host.
    """
    if holder["host"] != platform.node():
        return bool(holder["job"]) and holder["job"] == os.environ.get("SLURM_JOB_ID")
    try:
        os.kill(holder["process"], 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return holder["process"] == os.getpid()  # a number given anew, as to the first process of a container


def _read(path: Path) -> dict | None:
    """Return the holder, or None where there is none.

    Renewals replace the file atomically. A file that a crash has left empty has an unknown holder, and is watched like any other.
    """
    try:
        return UNREADABLE | read_json(path)
    except FileNotFoundError:
        return None
    except InputError:
        return UNREADABLE


def _name(holder: dict) -> str:
    """Name a holder for messages."""
    job = f"SLURM job {holder['job']}" if holder["job"] else f"process {holder['process']}"
    return f"{job} on {holder['host']}"
