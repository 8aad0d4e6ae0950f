"""Checkpoints of a training: two generations, whole or not there, and proven by a checksum.

They lie in a folder of their own that is no output of the workflow, since Snakemake removes outputs before a job starts and when
it fails. The name of the folder holds a hash of all that decides what is learnt; a checkpoint of another configuration can
therefore not be taken by mistake.
"""

import errno
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from grover.runtime.errors import InputError
from grover.runtime.files import atomic, checksum, write_json

GENERATIONS = 2


def folder_of(parent: Path, name: str, identity: dict) -> Path:
    """`parent/name-HASH`, of which `identity.json` says what the hash covers."""
    text = json.dumps(identity, sort_keys=True, default=str)
    folder = Path(parent) / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    known = folder / "identity.json"
    if not known.is_file():
        write_json(known, identity)
    elif json.loads(known.read_text()) != json.loads(text):
        raise InputError(
            f"{known}: these checkpoints belong to another configuration than the folder's name says; move the folder "
            "away and start again"
        )
    return folder


class Checkpoints:
    """The generations in one folder; `allowed` is called before anything is written and may raise; `code` is the digest of the code that
    trains.
    """

    def __init__(self, folder: Path, allowed: Callable[[], None] = lambda: None, code: str = ""):
        self.folder, self.allowed, self.code = Path(folder), allowed, code

    def steps(self) -> list[int]:
        """Steps of which there is a checkpoint with its checksum, newest first."""
        return sorted((int(path.stem.split("-")[1]) for path in self.folder.glob("step-*.json")), reverse=True)

    def path(self, step: int) -> Path:
        """The file of a step."""
        return self.folder / f"step-{step:09d}.pt"

    def save(self, step: int, state: dict) -> None:
        """Write the state after `step` steps, prove it, and only then remove what is older than two generations.

        Raises an InputError where the disk is full; earlier checkpoints stay as they are.
        """
        self.allowed()
        path = self.path(step)
        _proof(path).unlink(missing_ok=True)
        try:
            with _lasting(path) as temporary:
                torch.save(state, temporary)
                written = {"sha256": checksum(temporary), "bytes": temporary.stat().st_size}
            with _lasting(_proof(path)) as temporary:
                temporary.write_text(json.dumps({"step": step, **written, "code": self.code}), encoding="utf-8")
        except (OSError, RuntimeError) as error:
            if not _disk_is_full(error):
                raise
            kept = self.steps()
            last = f"the checkpoint of step {kept[0]:,} is whole" if kept else "there is no earlier one"
            raise InputError(
                f"{path}: the checkpoint could not be written ({error}); {last}; make room and start again to go on from there"
            ) from None
        self._tidy()

    def _tidy(self) -> None:
        """Remove older generations, files without a proof, and what a kill in the middle of writing has left."""
        kept = self.steps()[:GENERATIONS]
        for old in self.folder.glob("step-*"):
            if int(old.stem.split("-")[1]) not in kept:
                old.unlink()
        for half in self.folder.glob(".partial-*"):
            if "step-" in half.name:
                half.unlink(missing_ok=True)

    def load(self) -> tuple[int, dict] | None:
        """Step and state of the newest whole checkpoint, or None where there is none at all.

        A damaged one is named, and the one before it taken. Raises an InputError if all are damaged.
        """
        damaged: list[Path] = []
        for step in self.steps():
            state = self.load_step(step)
            if state is not None:
                for path in damaged:
                    _proof(path).unlink(missing_ok=True)  # it counts no longer as a generation
                return step, state
            damaged.append(self.path(step))
            print(f"checkpoint: {self.path(step)} is damaged, the one before it is taken", file=sys.stderr, flush=True)
        if damaged:
            raise InputError(f"{self.folder}: every checkpoint is damaged; move the folder away to train anew")
        return None

    def load_step(self, step: int) -> dict | None:
        """State of one checkpoint on the CPU, or None where it or its proof is damaged."""
        path = self.path(step)
        try:
            if checksum(path) == json.loads(_proof(path).read_text(encoding="utf-8"))["sha256"]:
                return torch.load(path, map_location="cpu", weights_only=True)
        except (OSError, ValueError, KeyError):
            pass
        return None

    def same_code(self, step: int) -> bool:
        """Whether the code that trains wrote the checkpoint of `step`, too."""
        return json.loads(_proof(self.path(step)).read_text(encoding="utf-8"))["code"] == self.code

    def set_aside(self, step: int) -> Path:
        """Rename the checkpoints so that a training can begin anew beside them; returns where they are now."""
        aside = self.folder.with_name(f"{self.folder.name}.until-{step}")
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        for path in self.folder.glob("step-*"):
            path.rename(aside / path.name)
        return aside


def _proof(path: Path) -> Path:
    """The file with the checksum of a checkpoint, without which it is none."""
    return path.with_suffix(".json")


@contextmanager
def _lasting(path: Path) -> Iterator[Path]:
    """Like `atomic`, and on the disk itself before the name is given: a node that loses its power leaves no empty file."""
    with atomic(path) as temporary:
        yield temporary
        with open(temporary, "rb") as stream:
            os.fsync(stream.fileno())


def _disk_is_full(error: Exception) -> bool:
    """torch says of a failed write, as a RuntimeError, only where in its own code it was."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return "inline_container" in str(error) or "PytorchStreamWriter" in str(error)
