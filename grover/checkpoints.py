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
from collections.abc import Callable
from pathlib import Path

import torch

from grover.errors import InputError
from grover.files import atomic, checksum, write_json

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
        path.with_suffix(".json").unlink(missing_ok=True)
        try:
            with atomic(path) as temporary:
                with open(temporary, "wb") as stream:
                    torch.save(state, stream)
                    stream.flush()
                    os.fsync(stream.fileno())
                proof = {
                    "step": step,
                    "sha256": checksum(temporary),
                    "bytes": temporary.stat().st_size,
                    "code": self.code,
                }
            write_json(path.with_suffix(".json"), proof)
        except (OSError, RuntimeError) as error:
            # torch reports a failed write as a RuntimeError whose cause may be lost
            if isinstance(error, OSError) and error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            kept = self.steps()
            last = f"the checkpoint of step {kept[0]:,} is whole" if kept else "there is no earlier one"
            raise InputError(
                f"{path}: the checkpoint could not be written ({error}); {last}; make room and start again to go on from there"
            ) from None
        for old in self.steps()[GENERATIONS:]:
            self.path(old).with_suffix(".json").unlink()
            self.path(old).unlink(missing_ok=True)

    def load(self) -> tuple[int, dict] | None:
        """Step and state of the newest whole checkpoint, or None where there is none at all.

        A damaged one is named, and the one before it taken. Raises an InputError if all are damaged.
        """
        steps = self.steps()
        for step in steps:
            path = self.path(step)
            proof = json.loads(path.with_suffix(".json").read_text())
            if path.is_file() and checksum(path) == proof["sha256"]:
                return step, torch.load(path, map_location="cpu", weights_only=True)
            print(f"checkpoint: {path} is damaged, the one before it is taken", file=sys.stderr, flush=True)
        if steps:
            raise InputError(f"{self.folder}: every checkpoint is damaged; move the folder away to train anew")
        return None

    def same_code(self, step: int) -> bool:
        """Whether the code that trains wrote the checkpoint of `step`, too."""
        return json.loads(self.path(step).with_suffix(".json").read_text())["code"] == self.code

    def set_aside(self, step: int) -> Path:
        """Rename the checkpoints so that a training can begin anew beside them; returns where they are now."""
        aside = self.folder.with_name(f"{self.folder.name}.until-{step}")
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        for path in self.folder.glob("step-*"):
            path.rename(aside / path.name)
        return aside
