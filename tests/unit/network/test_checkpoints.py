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
        with pytest.raises(InputError, match=r"step-000000006.pt: the disk is full: .* the one of step 5 is whole"):
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


def test_files_of_other_names_are_no_checkpoints_and_stay(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    others = {"step-copy.json", "step-000000002 (1).pt", "step-1.json.bak", "step-.json", "step-000000001-old.json"}
    for name in others:
        (tmp_path / name).write_text("")
    assert checkpoints.load() is None
    for step in (1, 2, 3):
        checkpoints.save(step, STATE)
    assert checkpoints.load()[0] == 3 and checkpoints.steps() == [3, 2]
    assert others < {path.name for path in tmp_path.iterdir()}
    assert not list(checkpoints.set_aside(3).glob("*copy*"))


def test_what_is_set_aside_stays_however_often_it_happens_at_the_same_step(tmp_path):
    folder, seen = tmp_path / "bpe-600-abc", []
    for content in range(4):
        checkpoints = Checkpoints(folder)
        checkpoints.save(9, {"content": content})
        seen.append(checkpoints.set_aside(9))
        assert checkpoints.load() is None
    assert [path.name for path in seen] == [f"bpe-600-abc.until-9{tail}" for tail in ("", ".2", ".3", ".4")]
    assert [Checkpoints(path).load() for path in seen] == [(9, {"content": content}) for content in range(4)]


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


@pytest.mark.parametrize("damage", ["", '{"batch": ', "[]"])
def test_a_damaged_identity_counts_as_absent_and_is_written_again(tmp_path, damage, capsys):
    identity = {"batch": 64}
    known = folder_of(tmp_path, "bpe-600", identity) / "identity.json"
    whole = known.read_text()
    known.write_text(damage)
    assert folder_of(tmp_path, "bpe-600", identity) == known.parent and known.read_text() == whole
    assert f"{known} is damaged" in capsys.readouterr().err


def test_a_proof_without_the_digest_of_the_code_is_of_other_code(tmp_path):
    checkpoints = Checkpoints(tmp_path, code="x")
    checkpoints.save(1, STATE)
    proof = checkpoints.path(1).with_suffix(".json")
    assert checkpoints.same_code(1)
    proof.write_text(json.dumps({"sha256": json.loads(proof.read_text())["sha256"]}))
    assert checkpoints.load()[0] == 1 and not checkpoints.same_code(1)
