"""Seeds that are finished are kept: killed commands, deleted outputs, more seeds, other settings."""

import json
import os
import shutil

import pandas as pd
import pytest

from grover.finetuning import seeds as module
from grover.statistics.metrics import by_seed

WEIGHTS = b"0123456789" * 100


@pytest.fixture
def run(tmp_path):
    """Trains in `out`, noting in `run.trained` which seeds were; `killed_at` is a seed in whose training the command dies."""

    def run(*seeds, identity="same", killed_at=None, at_once=1, together=1):
        def train_all(inputs, folders):
            run.calls.append([*folders])
            return [train(inputs, seed, folder) for seed, folder in folders.items()]

        def train(inputs, seed, folder):
            assert inputs == ["read"]
            if seed == killed_at:
                raise KeyboardInterrupt
            run.trained.append(seed)
            if seed == seeds[0]:
                folder.mkdir(parents=True)
                (folder / "model.safetensors").write_bytes(WEIGHTS)
            table = pd.DataFrame({"example": [0, 1, 2, 3], "seed": seed, "fold": ["valid", "valid", "test", "test"]})
            table = table.assign(label=[0, 1, 0, 1], probability=[0.2, 0.6, 0.3, 0.5 + seed / 100])
            table.attrs = {"epochs": seed + 10, "n_train": 7}
            return table

        def read():
            run.read += 1
            return ["read"]

        facts = {"task": "ctcf", "model": "cnn", "settings": {"epochs": 3}}
        out, files = tmp_path / "out", {"model.safetensors": tmp_path / "out/model.safetensors"}
        outputs = module.Outputs(out / "predictions.parquet", out / "metrics.json", files)
        module.train_seeds(
            module.Seeds(seeds, at_once, together),
            read,
            train_all,
            outputs,
            identity=[identity],
            facts=facts,
            call="half",
        )
        predicted = pd.read_parquet(out / "predictions.parquet")
        return predicted, json.loads((out / "metrics.json").read_text())

    run.out, run.trained, run.calls, run.read = tmp_path / "out", [], [], 0
    return run


def folders(out):
    return sorted(path.relative_to(out).parts[1] for path in out.glob("seeds-*/*"))


def test_seeds_that_are_trained_side_by_side_give_the_same(run):
    alone, measured = run(4, 2, 9)
    shutil.rmtree(run.out)
    predicted, metrics = run(4, 2, 9, at_once=2)
    assert run.trained == [4, 2, 9] and run.read == 2  # the second time in other processes
    pd.testing.assert_frame_equal(predicted, alone)
    assert metrics | {"seconds": 0} == measured | {"seconds": 0}
    assert run(4, 2, 9, 8, at_once=2)[0]["seed"].nunique() == 4 and run.trained == [
        4,
        2,
        9,
        8,
    ]  # one seed needs no process


def test_seeds_that_are_trained_together_give_the_same(run):
    alone, measured = run(4, 2, 9)
    shutil.rmtree(run.out)
    run.calls.clear()
    predicted, metrics = run(4, 2, 9, together=2)
    assert run.calls == [[4, 2], [9]]
    pd.testing.assert_frame_equal(predicted, alone)
    assert metrics | {"seconds": 0} == measured | {"seconds": 0}
    run(4, 2, 9, 5, together=3)
    assert run.calls[2:] == [[5]]


def test_the_outputs_are_those_of_all_seeds_in_their_order(run):
    predicted, metrics = run(4, 2)
    assert predicted["seed"].tolist() == [4] * 4 + [2] * 4 and run.trained == [4, 2] and run.read == 1
    assert metrics["epochs"] == [14, 12] and metrics["n_train"] == 7 and metrics["settings"] == {"epochs": 3}
    assert metrics["seeds"] == by_seed(predicted, "half") and metrics["task"] == "ctcf"
    seconds = [pd.read_parquet(path).attrs["seconds"] for path in run.out.glob("seeds-*/*/predictions.parquet")]
    assert len(seconds) == 2 and metrics["seconds"] == round(sum(seconds), 2)


def test_more_seeds_train_what_is_new_and_fewer_train_nothing(run, capsys):
    run(0, 1, 2)
    assert capsys.readouterr().err == ""
    predicted, metrics = run(0, 1, 2, 3, 4)
    assert run.trained == [0, 1, 2, 3, 4] and metrics["epochs"] == [10, 11, 12, 13, 14]
    assert predicted["seed"].unique().tolist() == [0, 1, 2, 3, 4]
    assert capsys.readouterr().err == "ctcf, cnn: 3 of 5 seeds are finished and kept: 0, 1, 2\n"
    predicted, metrics = run(0, 2)
    assert len(run.trained) == 5 and metrics["epochs"] == [10, 12] and predicted["seed"].unique().tolist() == [0, 2]
    assert folders(run.out) == [f"seed-{seed}" for seed in range(5)]


def test_deleted_outputs_are_written_again_without_reading_or_training(run):
    before = run(0, 1)
    for name in ("predictions.parquet", "metrics.json", "model.safetensors"):
        (run.out / name).unlink()
    after = run(0, 1)
    assert run.trained == [0, 1] and run.read == 1 and after[1] == before[1]
    pd.testing.assert_frame_equal(after[0], before[0])
    assert (run.out / "model.safetensors").read_bytes() == WEIGHTS


def test_a_seed_without_the_classifier_that_the_first_one_needs_is_trained_again(run):
    run(0, 1)
    run(1, 0)
    assert run.trained == [0, 1, 1]
    run(0, 1)
    assert run.trained == [0, 1, 1]


def test_the_classifier_takes_its_place_on_disk_once_and_is_new(run):
    run(0)
    (kept,), model = run.out.glob("seeds-*/seed-0/model.safetensors"), run.out / "model.safetensors"
    assert model.samefile(kept) and model.stat().st_nlink == 2
    os.utime(model, (1, 1))
    run(0)
    assert model.stat().st_mtime > 1 and model.samefile(kept) and model.stat().st_nlink == 2
    assert not list(run.out.glob(".partial-*"))


def test_without_links_the_classifier_is_copied(run, monkeypatch):
    def no_links(*_):
        raise OSError("not permitted")

    monkeypatch.setattr(os, "link", no_links)
    run(0)
    model = run.out / "model.safetensors"
    assert model.read_bytes() == WEIGHTS and model.stat().st_nlink == 1


def test_other_seeds_go_when_the_metrics_are_written_and_not_before(run, monkeypatch):
    run(0, identity="old")
    run.trained.clear()
    with pytest.raises(KeyboardInterrupt):
        run(0, 1, identity="new", killed_at=1)
    assert folders(run.out) == ["seed-0", "seed-0"]
    with monkeypatch.context() as broken, pytest.raises(OSError):
        broken.setattr(module, "write_json", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
        run(0, 1, identity="new")
    assert folders(run.out) == ["seed-0", "seed-0", "seed-1"] and run.trained == [0, 1]
    run(0, 1, identity="new")
    assert folders(run.out) == ["seed-0", "seed-1"] and run.trained == [0, 1]
    run(0, identity="old")
    assert run.trained == [0, 1, 0] and folders(run.out) == ["seed-0"]
