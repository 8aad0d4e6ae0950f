"""One process per core: processes of one thread share a training on CPUs, and trainings that are independent run side by side.

Threads of one operation wait for one another: on two cores, two threads were 1.08 times as fast as one, two processes 1.60 times. The
processes are forked before a network is computed, so that they share what was read and import nothing again.
"""

import ctypes
import gc
import multiprocessing
import os
import signal
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

import torch
from threadpoolctl import threadpool_limits

from grover.network.distributed import Processes
from grover.runtime.errors import InputError
from grover.runtime.machine import cores

FORK = multiprocessing.get_context("fork")
PATIENCE = 10.0  # seconds in which a process that is gone says why
PR_SET_PDEATHSIG = 1  # of Linux: the signal that a process gets when the one that forked it ends

Answer = TypeVar("Answer")
Item = TypeVar("Item")


def threads_of(threads: int) -> int:
    """Return the cores for this process: `threads`, but no more than it may run on, and all of those where `threads` is 0."""
    return min(threads, cores()) if threads else cores()


def share(run: Callable[[Processes], Answer], count: int, here: Processes, threads: int = 1) -> Answer:
    """Run `run(processes)` in `count` processes, this one and those that it forks, each with so many `threads`, and return its answer here.

    They meet in `grover.network.distributed.together`. An error of another process is raised here; one that is killed ends all with
    an InputError.
    """
    if count == 1:
        return run(here)
    with tempfile.TemporaryDirectory() as folder:
        first, *others = here.divided(count, f"file://{folder}/store")
        started = []
        for each in others:
            work = partial(_ignoring, run, each)
            started.append(_Forked(f"{each.rank + 1} of {each.world}", work, threads))
        torch.set_num_threads(threads)
        try:
            answer = run(first)
            for process in started:
                process.process.join()
            return answer
        except RuntimeError:  # of Gloo, where another process is gone
            _raise_reason(started)
            raise
        finally:
            for process in started:
                process.end()


def side_by_side(run: Callable[[Item], Answer], items: Sequence[Item], count: int) -> list[Answer]:
    """Return `run(item)` of each item, in their order, computed by up to `count` processes of one thread that this one forks.

    Items are taken in turn. The first error of a process is raised here, and ends the others.
    """
    count = min(count, len(items))
    if count <= 1:
        return [run(item) for item in items]
    following = FORK.Value("i", 0)

    def work(said: Connection) -> None:
        while True:
            with following.get_lock():
                number = following.value
                following.value += 1
            if number >= len(items):
                return
            said.send((number, run(items[number])))

    found: dict[int, Answer] = {}
    started = [_Forked(f"{number + 1} of {count}", work, 1) for number in range(count)]
    try:
        while len(found) < len(items):
            listening = [process.said for process in started if process.works]
            if not listening:
                raise RuntimeError("training: the processes ended without the results of all items")
            for said in wait(listening):
                process = next(process for process in started if process.said is said)
                if (answer := process.hear()) is not None:
                    number, found[number] = answer[0], answer[1]
        return [found[number] for number in range(len(items))]
    finally:
        for process in started:
            process.end()


def _ignoring(run: Callable[[Processes], Answer], processes: Processes, said: Connection) -> None:
    """Run what one of several processes runs; what it returns is that of all."""
    run(processes)


class _Forked:
    """A process that this one forks: it runs `work(said)` with so many threads, and ends when this one does.

    `said` takes what it has to say; an exception is said by itself.
    """

    def __init__(self, name: str, work: Callable[[Connection], object], threads: int):
        self.name, self.works = name, True
        self.said, there = FORK.Pipe(duplex=False)
        self.process = FORK.Process(target=_run, args=(work, threads, os.getpid(), there))
        # the other process must destroy nothing of this one: what waits for threads, which a fork does not copy, would wait for ever
        gc.collect()
        gc.freeze()
        self.process.start()
        gc.unfreeze()
        there.close()  # so that the end of the process ends what is read here

    def hear(self) -> Any:
        """Return what it says, or None where it has ended well; raises its exception, or an InputError where it was killed."""
        try:
            heard = self.said.recv()
        except EOFError:
            self.works = False
            self.process.join()
            if self.process.exitcode is not None and self.process.exitcode < 0:
                name = signal.Signals(-self.process.exitcode).name
                raise InputError(
                    f"training: process {self.name} was ended by {name}; where nobody did so, the memory of the machine was used up: ask "
                    "for more memory or for fewer `threads`, and start again"
                ) from None
            if self.process.exitcode:
                raise InputError(
                    f"training: process {self.name} ended with exit code {self.process.exitcode}; its message is above"
                ) from None
            return None
        if isinstance(heard, BaseException):
            raise heard
        return heard

    def end(self) -> None:
        """End it, if it has not ended."""
        self.process.kill()
        self.process.join()
        self.said.close()


def _run(work: Callable[[Connection], object], threads: int, parent: int, said: Connection) -> None:
    """Work in a process of its own, which ends with the one that forked it."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before
        os._exit(1)
    torch.set_num_threads(threads)
    threadpool_limits(threads)  # of linear algebra
    try:
        work(said)
    except (InputError, OSError, KeyboardInterrupt) as error:
        said.send(error)
    except BaseException as error:
        # what Gloo raises where another process is gone is no reason
        if not (isinstance(error, RuntimeError) and "gloo" in str(error)):
            said.send(RuntimeError(traceback.format_exc()))


def _raise_reason(started: list[_Forked]) -> None:
    """Raise why one of the processes is gone; return where none says so."""
    until = time.monotonic() + PATIENCE
    while any(process.works for process in started) and (
        ready := wait([process.said for process in started if process.works], max(0.0, until - time.monotonic()))
    ):
        for process in started:
            if process.said in ready:
                process.hear()
