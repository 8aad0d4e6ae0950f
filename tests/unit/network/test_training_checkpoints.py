"""Killed, interrupted and finished trainings, and what they resume from."""

import os
import signal

import pandas as pd
import pytest

from grover.network import training
from grover.network.checkpoints import Checkpoints
from grover.network.training import Execution, Interrupted, Optimisation, train
from grover.runtime.errors import InputError
from tests.fakes.trainings import CPU, Killed, dying, one_number, run, same

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("at", [1, 6])
def test_a_killed_training_goes_on_to_the_same_weights_bit_for_bit(corpus, tmp_path, at):
    alone, whole = run(corpus, steps=9)
    with pytest.raises(Killed):
        run(corpus, steps=9, checkpoints=dying(Checkpoints(tmp_path), at), minutes=0)
    resumed, curve = run(corpus, steps=9, checkpoints=Checkpoints(tmp_path), minutes=0)
    assert same(alone, resumed)
    kept = ["step", "loss", "learning_rate", "gradient_norm", "tokens"]
    pd.testing.assert_frame_equal(curve[kept], whole[kept], check_exact=True)
    assert Checkpoints(tmp_path).steps() == [9, 8]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT])
def test_a_signal_ends_the_step_leaves_a_checkpoint_and_the_rest_is_the_same(
    corpus, tmp_path, capsys, number, heard_ctrl_c
):
    before = signal.getsignal(number)
    alone, _ = run(corpus, steps=12)
    seen = []

    def watch(row):
        seen.append(row["step"])
        if row["step"] == 5:
            os.kill(os.getpid(), number)

    with pytest.raises(Interrupted) as interrupted:
        run(corpus, steps=12, checkpoints=Checkpoints(tmp_path), watch=watch)
    assert 5 <= interrupted.value.step <= 8 and interrupted.value.done_here == interrupted.value.step
    assert interrupted.value.signals == {number.name}
    resumed, curve = run(corpus, steps=12, checkpoints=Checkpoints(tmp_path))
    assert same(alone, resumed) and curve["step"].tolist() == list(range(1, 13))
    assert f"resumed at step {interrupted.value.step} of 12" in capsys.readouterr().err
    assert signal.getsignal(number) == before


def test_a_sigint_that_is_ignored_stays_ignored(corpus, tmp_path, heard_ctrl_c):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell starts what is to run in the background
    run(corpus, steps=3, checkpoints=Checkpoints(tmp_path), watch=lambda row: os.kill(os.getpid(), signal.SIGINT))
    assert Checkpoints(tmp_path).steps() == [3]


def test_without_checkpoints_ctrl_c_ends_at_once(corpus, heard_ctrl_c):
    with pytest.raises(KeyboardInterrupt):
        run(corpus, steps=9, watch=lambda row: os.kill(os.getpid(), signal.SIGINT))


@pytest.mark.parametrize(("steps", "rows"), [(1, 1), (5, 5), (6, 3), (9, 5), (10, 5), (11, 4)])
def test_a_curve_has_at_most_so_many_rows_and_ends_with_the_last_step(steps, rows, monkeypatch):
    assert training.POINTS == 500
    monkeypatch.setattr(training, "POINTS", 5)
    model, batches, loss = one_number(0)
    curve = train(
        model,
        lambda step: batches,
        loss,
        Optimisation(steps, learning_rate=4e-4, warmup=0.1),
        Execution(CPU, precision="fp32", seed=0),
    )
    assert len(curve) == rows <= 5 and curve["step"].iloc[-1] == steps == curve["tokens"].iloc[-1]


def test_a_damaged_checkpoint_is_named_and_the_one_before_it_taken(corpus, tmp_path, capsys):
    alone, _ = run(corpus, steps=9)
    with pytest.raises(Killed):
        run(corpus, steps=9, checkpoints=dying(Checkpoints(tmp_path), 6), minutes=0)
    newest = Checkpoints(tmp_path).path(6)
    newest.write_bytes(newest.read_bytes()[:-100] + bytes(100))
    resumed, _ = run(corpus, steps=9, checkpoints=Checkpoints(tmp_path), minutes=0)
    said = capsys.readouterr().err
    assert f"{newest} is damaged" in said and "resumed at step 5" in said and same(alone, resumed)
    for step in Checkpoints(tmp_path).steps():
        Checkpoints(tmp_path).path(step).write_bytes(b"")
    with pytest.raises(InputError, match="every checkpoint is damaged"):
        run(corpus, steps=9, checkpoints=Checkpoints(tmp_path))


def test_a_finished_training_is_not_repeated_but_by_other_code_or_for_fewer_steps(corpus, tmp_path, capsys):
    first, _ = run(corpus, steps=4, checkpoints=Checkpoints(tmp_path / "a", code="x"))
    again, curve = run(corpus, steps=4, seed=0, checkpoints=Checkpoints(tmp_path / "a", code="x"))
    assert same(first, again) and len(curve) == 4 and "resumed at step 4 of 4" in capsys.readouterr().err
    run(corpus, steps=4, checkpoints=Checkpoints(tmp_path / "a", code="y"))
    assert "finished by other code; kept in" in capsys.readouterr().err
    fewer, _ = run(corpus, steps=3, checkpoints=Checkpoints(tmp_path / "a", code="y"))
    assert "beyond the steps asked for" in capsys.readouterr().err and same(fewer, run(corpus, steps=3)[0])
    longer, _ = run(corpus, steps=6, checkpoints=Checkpoints(tmp_path / "a", code="z"))
    assert "resumed at step 3 of 6; the code has changed since then" in capsys.readouterr().err
