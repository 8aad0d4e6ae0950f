"""Two processes that the launcher starts train together, end together, and receive the signals of the launcher.

They start once, since the start of Python takes most of the time, and run what `ranks.py` describes.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from grover.network.checkpoints import Checkpoints
from grover.tokenization.vocabulary import Vocabulary
from tests.fakes.trainings import STEADY, Killed, dying, ordered_corpus, run

pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.slow]
ROOT = Path(__file__).parents[2]
LONGEST = 150  # seconds, after which the processes wait for each other without end
SIZES = ["--layers", "1", "--hidden", "16", "--heads", "2", "--intermediate", "32", "--positions", "40"]


def free_ports(number: int) -> list[str]:
    sockets = [socket.socket() for _ in range(number)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [str(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


def options_of(folder: Path) -> list[str]:
    """Options of pretrain.py for a small corpus."""
    tokens, windows = ordered_corpus()
    np.save(folder / "tokens.npy", tokens)
    windows.assign(region="train").to_parquet(folder / "windows.parquet")
    Vocabulary.from_merges("bpe-0", np.zeros((0, 2), np.int32)).save(folder / "vocabulary")
    files = {"tokens": "tokens.npy", "windows": "windows.parquet", "vocabulary": "vocabulary/tokenizer.json"}
    files |= {"model": "model/model.safetensors", "training": "training.parquet", "checkpoints": "checkpoints"}
    named = [part for name, path in files.items() for part in (f"--{name}", str(folder / path))]
    return [*named, *SIZES, "--split", "region", "--batch", "16", "--checkpoint-minutes", "0.0001", "--device", "cpu"]


def steps_of(folder: Path) -> list[int]:
    return [step for each in folder.glob("checkpoints/*") for step in Checkpoints(each).steps()]


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """The folder of two processes that got SIGUSR1 in their last training, the exit code of their launcher, and what they said."""
    folder = tmp_path_factory.mktemp("processes")
    with pytest.raises(Killed):
        checkpoints = dying(Checkpoints(folder / "killed"), 4)
        run(ordered_corpus(), steps=6, architecture=STEADY, checkpoints=checkpoints, minutes=0)
    command = [sys.executable, str(ROOT / "workflow/scripts/launch.py"), "--processes", "2"]
    command += [str(ROOT / "tests/gpu_path/ranks.py"), str(folder), *free_ports(4)]
    command += [str(ROOT / "workflow/scripts/pretrain.py"), *options_of(folder)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLURM")}
    environment |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with open(folder / "log", "w") as log:
        process = subprocess.Popen(
            command, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    deadline = time.monotonic() + LONGEST
    try:
        while process.poll() is None and max(steps_of(folder), default=0) <= 3:
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.1)
        process.send_signal(signal.SIGUSR1)
        yield folder, process.wait(LONGEST), (folder / "log").read_text()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def test_a_signal_to_the_launcher_ends_all_processes_with_a_checkpoint(ended):
    folder, code, said = ended
    assert code not in (0, -signal.SIGUSR1), said  # the launcher did not die of the signal
    steps = set(re.findall(r"pretrain: interrupted after step ([\d,]+)", said))
    assert len(steps) == 1 and int(steps.pop().replace(",", "")) == max(steps_of(folder)), said


def test_all_processes_leave_the_others_before_they_end_after_the_last_step_and_after_a_signal(ended):
    folder, _, said = ended
    assert (folder / "model/model.safetensors").is_file() and (folder / "training.parquet").is_file()
    ends = re.findall(r"^RANK (\d) ends with (\d+)", said, re.M)
    assert sorted(ends) == [("0", "0"), ("0", "143"), ("1", "0"), ("1", "0")], said
    for rank in "01":
        assert re.findall(rf"^RANK {rank} (\w+)", said, re.M) == ["left", "ends"] * 2, said


def test_two_processes_have_the_loss_curve_of_one(ended):
    folder, corpus = ended[0], ordered_corpus()
    alone, curve = run(corpus, steps=6, architecture=STEADY)
    together_curve = pd.read_parquet(folder / "curve.parquet")
    np.testing.assert_allclose(together_curve["loss"], curve["loss"], rtol=1e-4)
    assert together_curve["tokens"].tolist() == curve["tokens"].tolist()
    for name, tensor in torch.load(folder / "weights.pt").items():
        torch.testing.assert_close(tensor, alone.state_dict()[name], rtol=1e-2, atol=1e-3)
    # with the kernel of a GPU, too, where one process has none
    of_the_kernel = pd.read_parquet(folder / "curve_of_the_kernel.parquet")["loss"]
    np.testing.assert_allclose(of_the_kernel, run(corpus, architecture=STEADY)[1]["loss"], rtol=0.02)


def test_all_processes_go_on_from_what_the_first_one_sees(ended):
    found = Checkpoints(ended[0] / "killed")
    assert found.steps()[0] == 6
    alone, _ = run(ordered_corpus(), steps=6, architecture=STEADY)
    for name, tensor in found.load()[1]["model"].items():
        torch.testing.assert_close(tensor, alone.state_dict()[name], rtol=1e-2, atol=1e-3)
