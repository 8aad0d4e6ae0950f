import errno
import json

import pytest
import torch

from grover.network.checkpoints import Checkpoints, folder_of
from grover.runtime.errors import InputError

STATE = {"model": {"weight": torch.arange(6.0)}, "curve": {"rows": [(1, 2.5)]}}


def test_two_generations_are_kept_and_the_newest_is_loaded(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.load() is None
    for step in (3, 10, 200):
        checkpoints.save(step, {**STATE, "step": step})
    assert checkpoints.steps() == [200, 10]
    step, state = checkpoints.load()
    assert step == 200 == state["step"] and torch.equal(state["model"]["weight"], torch.arange(6.0))
    assert {path.name for path in tmp_path.iterdir()} == {
        f"step-000000{n}.{s}" for n in ("200", "010") for s in ("pt", "json")
    }


def test_a_file_without_its_proof_is_no_checkpoint(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(1, STATE)
    checkpoints.save(2, STATE)
    checkpoints.path(2).with_suffix(".json").unlink()  # killed between the two
    assert checkpoints.load()[0] == 1


def test_a_full_disk_leaves_the_checkpoint_before_it_whole(tmp_path, monkeypatch):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(5, STATE)

    def full(state, path):
        path.write_bytes(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(torch, "save", full)
        with pytest.raises(InputError, match=r"step-000000006.pt.*No space left.*step 5 is whole; make room"):
            checkpoints.save(6, STATE)
    assert checkpoints.load()[0] == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-000000005.json", "step-000000005.pt"]
    checkpoints.save(6, STATE)
    assert checkpoints.load()[0] == 6


@pytest.mark.parametrize("proof", [b"", b'{"step": 9', None])
def test_a_damaged_one_is_no_generation_any_more(tmp_path, proof, capsys):
    checkpoints = Checkpoints(tmp_path)
    for step in (8, 9):
        checkpoints.save(step, STATE)
    if proof is None:
        checkpoints.path(9).write_bytes(b"")
    else:
        checkpoints.path(9).with_suffix(".json").write_bytes(proof)
    (tmp_path / ".partial-x-step-000000009.pt").touch()  # of a kill while it was written
    assert checkpoints.load()[0] == 8 and "step-000000009.pt is damaged" in capsys.readouterr().err
    checkpoints.save(10, STATE)
    assert checkpoints.steps() == [10, 8] and checkpoints.load()[0] == 10
    assert {path.suffix for path in tmp_path.iterdir()} == {".pt", ".json"} and len(list(tmp_path.iterdir())) == 4


def test_nothing_is_written_without_leave(tmp_path):
    def refuse():
        raise InputError("another one writes here")

    with pytest.raises(InputError, match="another one"):
        Checkpoints(tmp_path, refuse).save(1, STATE)
    assert not list(tmp_path.iterdir())


def test_the_folder_follows_the_configuration(tmp_path):
    identity = {"batch": 64, "masking": {"share": 0.022}, "betas": (0.9, 0.98)}
    folder = folder_of(tmp_path, "bpe-600", identity)
    assert folder == folder_of(tmp_path, "bpe-600", dict(reversed(identity.items())))
    assert folder.parent == tmp_path and folder.name.startswith("bpe-600-")
    assert folder != folder_of(tmp_path, "bpe-600", {**identity, "batch": 32})
    (folder / "identity.json").write_text(json.dumps({"batch": 1}))
    with pytest.raises(InputError, match="belong to another configuration"):
        folder_of(tmp_path, "bpe-600", identity)
