"""Checkpoints of a training: two generations, whole or not there, and proven by a checksum.

They lie in a folder of their own that is no output of the workflow. Snakemake removes outputs before a job starts and when
it fails. The name of the folder holds a hash of all that decides what is learnt; a checkpoint of another configuration can
therefore not be taken by mistake.
"""

import hashlib
import json
import re
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import torch

from grover.runtime.errors import InputError
from grover.runtime.failures import PARTIAL, describe
from grover.runtime.files import atomic, checksum, write_json
from grover.runtime.json_files import read_record

GENERATIONS = 2
# of a checkpoint and of its proof; a copy such as `step-1 (2).pt` is none
NAME = re.compile(r"step-(\d{9,})\.(pt|json)")


def folder_of(parent: Path, name: str, identity: dict) -> Path:
    """`parent/name-HASH`, of which `identity.json` says what the hash covers."""
    text = json.dumps(identity, sort_keys=True, default=str)
    folder = Path(parent) / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    known = folder / "identity.json"
    found = read_record(known)
    if found is None:
        write_json(known, json.loads(text))
    elif found != json.loads(text):
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
        return sorted((step for step, path in self._files() if path.suffix == ".json"), reverse=True)

    def path(self, step: int) -> Path:
        """The file of a step."""
        return self.folder / f"step-{step:09d}.pt"

    def _files(self) -> list[tuple[int, Path]]:
        """Checkpoints and proofs with the step that their names say."""
        named = ((NAME.fullmatch(path.name), path) for path in self.folder.glob("step-*"))
        return [(int(name[1]), path) for name, path in named if name]

    def save(self, step: int, state: dict) -> None:
        """Write the state after `step` steps, prove it, and only then remove what is older than two generations.

        Raises an InputError where the disk takes no more; earlier checkpoints stay as they are.
        """
        self.allowed()
        path = self.path(step)
        _proof(path).unlink(missing_ok=True)
        try:
            with atomic(path) as temporary:
                torch.save(state, temporary)
                written = {"sha256": checksum(temporary), "bytes": temporary.stat().st_size}
            write_json(_proof(path), {"step": step, **written, "code": self.code})
        except (OSError, RuntimeError) as error:
            reason = describe(error)
            if reason is None:
                raise
            kept = self.steps()
            last = f"the one of step {kept[0]:,} is whole and will be resumed" if kept else "there is no earlier one"
            raise InputError(f"{reason} (this checkpoint could not be written; {last})") from None
        self._tidy()

    def _tidy(self) -> None:
        """Remove older generations, files without a proof, and what a kill in the middle of writing has left."""
        kept = self.steps()[:GENERATIONS]
        for step, old in self._files():
            if step not in kept:
                old.unlink()
        for half in self.folder.glob(f"{PARTIAL}*"):
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
        proof = read_record(_proof(path), silent=True)
        try:
            if proof is None or checksum(path) != proof.get("sha256"):
                return None
        except PermissionError:
            raise
        except OSError:  # it is gone, or its part of the disk cannot be read
            return None
        state: dict = torch.load(path, map_location="cpu", weights_only=True)
        return state

    def same_code(self, step: int) -> bool:
        """Whether the code that trains wrote the checkpoint of `step`, too."""
        return (read_record(_proof(self.path(step))) or {}).get("code") == self.code

    def set_aside(self, step: int) -> Path:
        """Move the checkpoints so that a training can begin anew beside them; returns where they are now.

        What was set aside at the same step before stays: the folders are numbered.
        """
        name = f"{self.folder.name}.until-{step}"
        names = (name if number == 1 else f"{name}.{number}" for number in count(1))
        aside = next(folder for folder in map(self.folder.with_name, names) if not folder.exists())
        aside.mkdir()
        for _, path in self._files():
            path.rename(aside / path.name)
        return aside


def _proof(path: Path) -> Path:
    """The file with the checksum of a checkpoint, without which it is none."""
    return path.with_suffix(".json")
