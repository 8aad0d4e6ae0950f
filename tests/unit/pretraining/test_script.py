"""What the script of a pretraining hands on to the training."""

import runpy
import sys

import pandas as pd
import pytest

from tests.gpu_path.test_processes import ROOT, options_of


class Seen(Exception):
    """Ends the script where the training would begin."""


def handed_on(folder, monkeypatch, *words):
    """The windows, and the folder of the checkpoints, with which a training begins."""
    seen = {}

    def stop(model, tokens, windows, settings, execution, recording):
        seen.update(windows=windows, checkpoints=recording.checkpoints.folder)
        raise Seen

    script = str(ROOT / "workflow/scripts/pretrain.py")
    monkeypatch.setattr("grover.pretraining.pretrain.pretrain", stop)
    monkeypatch.setattr(sys, "argv", [script, *options_of(folder), "--steps", "1", "--threads", "1", *words])
    folds = pd.read_parquet(folder / "windows.parquet")
    folds["region"] = ["test", "train", "train", "valid"] * (len(folds) // 4) + ["train"] * (len(folds) % 4)
    folds.to_parquet(folder / "windows.parquet")
    with pytest.raises(Seen):
        runpy.run_path(script, run_name="__main__")
    return folds, seen


def test_windows_keep_their_row_numbers_which_name_them_in_the_masking(tmp_path, monkeypatch):
    folds, seen = handed_on(tmp_path, monkeypatch)
    assert seen["windows"].index.tolist() == folds.index[folds["region"] == "train"].tolist()
    assert seen["windows"]["first"].tolist() == folds["first"][folds["region"] == "train"].tolist()


def test_a_training_in_fp32_does_not_go_on_from_one_in_whatever_the_processor_had(tmp_path, monkeypatch):
    places = [
        handed_on(tmp_path, monkeypatch, "--precision", each)[1]["checkpoints"] for each in ("auto", "fp32", "bf16")
    ]
    assert len(set(places)) == 3
