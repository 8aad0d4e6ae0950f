"""Two processes that the launcher starts train together, end together, and hear the signals that the launcher gets."""

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

from grover.network.checkpoints import Checkpoints
from grover.tokenization.vocabulary import Vocabulary
from tests.fakes.trainings import STEADY, run

pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.slow]
ROOT = Path(__file__).parents[2]
SIZES = ["--layers", "1", "--hidden", "16", "--heads", "2", "--intermediate", "32", "--positions", "40"]


def free_ports(number: int) -> list[str]:
    sockets = [socket.socket() for _ in range(number)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [str(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture
def options(corpus, tmp_path):
    """Options of pretrain.py for a small corpus."""
    tokens, windows = corpus
    np.save(tmp_path / "tokens.npy", tokens)
    windows.assign(region="train").to_parquet(tmp_path / "windows.parquet")
    Vocabulary.from_merges("bpe-0", np.zeros((0, 2), np.int32)).save(tmp_path / "vocabulary")
    files = {"tokens": "tokens.npy", "windows": "windows.parquet", "vocabulary": "vocabulary/tokenizer.json"}
    files |= {"model": "model/model.safetensors", "training": "training.parquet", "checkpoints": "checkpoints"}
    named = [part for name, path in files.items() for part in (f"--{name}", str(tmp_path / path))]
    return [*named, *SIZES, "--split", "region", "--batch", "16", "--checkpoint-minutes", "0.0001", "--device", "cpu"]


@pytest.fixture
def launched(options, tmp_path):
    """The launcher with two processes that are in the last of their trainings, and the file of what they print."""
    command = [sys.executable, str(ROOT / "workflow/scripts/launch.py"), "--processes", "2"]
    command += [str(ROOT / "tests/gpu_path/ranks.py"), str(tmp_path), *free_ports(2)]
    command += [str(ROOT / "workflow/scripts/pretrain.py"), *options]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLURM")}
    environment |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with open(tmp_path / "log", "w") as log:
        process = subprocess.Popen(
            command, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield process, tmp_path / "log"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def steps_of(folder: Path) -> list[int]:
    return [step for each in folder.glob("checkpoints/*") for step in Checkpoints(each).steps()]


def test_processes_finish_together_and_stop_together_at_a_signal_to_their_launcher(launched, corpus, tmp_path):
    process, log = launched
    while process.poll() is None and max(steps_of(tmp_path), default=0) <= 3:
        time.sleep(0.1)
    process.send_signal(signal.SIGUSR1)
    code = process.wait()
    said = log.read_text()
    assert code not in (0, -signal.SIGUSR1), said  # the launcher did not die of the signal

    # both finished the second training, and both stopped the third one at the same step with a checkpoint
    steps = set(re.findall(r"pretrain: interrupted after step ([\d,]+)", said))
    assert len(steps) == 1 and int(steps.pop().replace(",", "")) == max(steps_of(tmp_path)), said
    assert (tmp_path / "model/model.safetensors").is_file() and (tmp_path / "training.parquet").is_file()
    ends = re.findall(r"^RANK (\d) ends with (\d+)", said, re.M)
    assert sorted(ends) == [("0", "0"), ("0", "143"), ("1", "0"), ("1", "0")], said
    # all left the group of processes each time, before they ended
    for rank in "01":
        assert re.findall(rf"^RANK {rank} (\w+)", said, re.M) == ["left", "ends"] * 2, said

    # with the kernel of a GPU two processes have the loss of one, where one has no kernel
    alone = run(corpus, architecture=STEADY)[1]
    np.testing.assert_allclose(pd.read_parquet(tmp_path / "curve.parquet")["loss"], alone["loss"], rtol=0.02)
