"""Processes that this one forks share a training. The script as a whole is tested in tests/gpu_path/test_cores.py."""

import os
import signal
from pathlib import Path

import pytest
import torch

from grover.network import cores
from grover.network.checkpoints import Checkpoints
from grover.network.cores import share, side_by_side, threads_of
from grover.network.distributed import ALONE, Processes, together
from grover.network.training import Interrupted
from grover.runtime.errors import InputError
from tests.fakes.trainings import CPU, TINY, ordered_corpus, run, same

pytestmark = pytest.mark.usefixtures("one_thread")


def shared(count: int, folder: Path | None = None, steps: int = 6, stop: int = 0):
    """Train with dropout in so many processes; the last of them is asked to stop while it has made step `stop`."""
    corpus = ordered_corpus()

    def training(processes: Processes):
        def watch(row: dict) -> None:
            if row["step"] == stop and processes.rank == processes.world - 1:
                os.kill(os.getpid(), signal.SIGUSR1)

        recording = {"checkpoints": Checkpoints(folder) if folder else None, "watch": watch}
        with together(processes, CPU):
            try:
                return run(corpus, steps=steps, architecture=TINY, processes=processes, **recording)
            except Interrupted as stopped:
                return stopped

    return share(training, count, ALONE)


def test_the_weights_of_two_processes_are_those_of_one_with_dropout(tmp_path, capfd):
    (alone, curve), (together_, of_two) = shared(1), shared(2)
    assert not same(alone, together_)  # the sums have another order
    for (name, one), two in zip(alone.named_parameters(), together_.parameters(), strict=True):
        torch.testing.assert_close(two, one, rtol=1e-3, atol=2e-5, msg=name)
    torch.testing.assert_close(torch.tensor(of_two["loss"]), torch.tensor(curve["loss"]), rtol=1e-5, atol=0)
    assert of_two["tokens"].tolist() == curve["tokens"].tolist()


def test_a_training_of_two_processes_goes_on_bit_for_bit_and_with_one_up_to_rounding(tmp_path, capfd):
    whole, _ = shared(2, steps=8)
    for count, said in ((2, "resumed at step 5 of 8\n"), (1, "; it was computed by 2 processes and is by 1 now")):
        stopped = shared(2, tmp_path / str(count), steps=8, stop=3)
        assert isinstance(stopped, Interrupted) and stopped.step == 5  # a signal to one of them ends all
        assert Checkpoints(tmp_path / str(count)).steps() == [5]
        resumed, _ = shared(count, tmp_path / str(count), steps=8)
        assert said in capfd.readouterr().err
        assert same(resumed, whole) == (count == 2)
        for one, two in zip(resumed.parameters(), whole.parameters(), strict=True):
            torch.testing.assert_close(two, one, rtol=1e-3, atol=2e-5)


def test_the_error_of_another_process_is_raised_once_and_a_killed_one_is_named(capfd, monkeypatch):
    def fails(processes: Processes) -> None:
        with together(processes, CPU):
            processes.wait()  # until all are connected
            if processes.rank == 1:
                raise InputError("windows.parquet: the reason")
            processes.wait()

    def killed(processes: Processes) -> None:
        with together(processes, CPU):
            processes.wait()
            if processes.rank == 2:
                os.kill(os.getpid(), signal.SIGKILL)
            processes.wait()

    def own(processes: Processes) -> None:
        with together(processes, CPU):
            if not processes.first:
                signal.pause()
            raise InputError("the reason of the first")

    with pytest.raises(InputError, match="^windows.parquet: the reason$"):
        share(fails, 2, ALONE)
    _leave()
    with pytest.raises(InputError, match="process 3 of 3 was ended by SIGKILL; .* ask for more memory or for fewer"):
        share(killed, 3, ALONE)
    _leave()
    with pytest.raises(InputError, match="the reason of the first"):
        share(own, 2, ALONE)  # and the other one, which waits, is ended
    _leave()
    assert "Traceback" not in capfd.readouterr().err


def test_items_are_computed_side_by_side_in_order_and_the_first_error_ends_all():
    items = list(range(7))
    found = side_by_side(lambda item: (item * item, os.getpid(), torch.get_num_threads()), items, 3)
    assert [square for square, _, _ in found] == [item * item for item in items]
    assert os.getpid() not in {process for _, process, _ in found} and {threads for _, _, threads in found} == {1}
    assert side_by_side(lambda item: os.getpid(), [1], 3) == [os.getpid()]  # one needs no other process

    def fails(item: int) -> None:
        if item == 1:
            raise InputError("dataset.parquet: the reason")
        signal.pause()

    with pytest.raises(InputError, match="^dataset.parquet: the reason$"):
        side_by_side(fails, items, 3)
    with pytest.raises(InputError, match="process . of 2 was ended by SIGKILL"):
        side_by_side(lambda item: os.kill(os.getpid(), signal.SIGKILL) if item == 0 else signal.pause(), [0, 1], 2)

    def stopped(item: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        side_by_side(stopped, items, 2)
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        side_by_side(lambda item: item / 0, [1, 2], 2)
    # the file of a full disk, and processes that end on their own
    with pytest.raises(FileNotFoundError) as lost:
        side_by_side(lambda item: Path("/nowhere/file").read_bytes(), [1, 2], 2)
    assert lost.value.filename == "/nowhere/file"
    with pytest.raises(InputError, match="process . of 2 ended with exit code 3; its message is above"):
        side_by_side(lambda item: os._exit(3), [1, 2], 2)
    with pytest.raises(RuntimeError, match="ended without the results of all items"):
        side_by_side(lambda item: os._exit(0), [1, 2], 2)


def _leave() -> None:
    """Leave the group of processes of a failed training, as the end of the program does."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def test_processes_that_stand_for_one_of_a_node_have_its_places():
    assert ALONE.divided(2, "file:///x") == [Processes(0, 2, 0, 2, "file:///x"), Processes(1, 2, 1, 2, "file:///x")]
    # of the second of three nodes, which meet at the address that srun gave
    assert Processes(1, 3).divided(2, "file:///x") == [Processes(2, 6, 0, 2), Processes(3, 6, 1, 2)]


def test_threads_are_at_most_the_cores_of_this_process(monkeypatch):
    monkeypatch.setattr(cores, "cores", lambda: 3)
    assert [threads_of(number) for number in (0, 1, 3, 8)] == [3, 1, 3, 3]
