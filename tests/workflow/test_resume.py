"""Pretraining as a command: killed, started twice, started as two processes."""

import json
import os
import random
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grover.runtime.cli import record
from grover.tokenization.vocabulary import Vocabulary

pytestmark = pytest.mark.workflow
SCRIPTS = Path(__file__).resolve().parents[2] / "workflow/scripts"
SIZE = [
    "--layers",
    "1",
    "--hidden",
    "16",
    "--heads",
    "2",
    "--intermediate",
    "32",
    "--positions",
    "64",
    "--batch",
    "16",
    "--mask-ratio",
    "0.15",
    "--learning-rate",
    "0.001",
]
WATCHED = ["--device", "cpu", "--threads", "1", "--seed", "5"]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Tokens, windows and a vocabulary, as the workflow makes them."""
    folder = tmp_path_factory.mktemp("data")
    Vocabulary.from_merges("bpe-2", np.array([[0, 0], [4, 3]], np.int32)).save(folder / "vocabulary")
    rng = np.random.default_rng(0)
    np.save(folder / "tokens.npy", rng.integers(5, 11, 60_000).astype(np.uint16))
    first = rng.integers(0, 59_000, 2000)
    pd.DataFrame({"first": first, "length": rng.integers(20, 61, 2000), "region": "train"}).to_parquet(
        folder / "windows.parquet"
    )
    started = time.time()
    record([folder / "tokens.npy"], [folder / "vocabulary/tokenizer.json"], {}, started)
    record([folder / "windows.parquet"], [folder / "tokens.npy"], {}, started)
    return folder


def command(data: Path, model: Path, *options: str, launch: tuple[str, ...] = ()) -> list[str]:
    places = [
        "--tokens",
        data / "tokens.npy",
        "--windows",
        data / "windows.parquet",
        "--vocabulary",
        data / "vocabulary/tokenizer.json",
    ]
    places += ["--model", model / "model.safetensors", "--training", model / "training.parquet"]
    places += ["--checkpoints", model.parent / "checkpoints"]
    launcher = [SCRIPTS / "launch.py", *launch] if launch else []
    return list(map(str, [sys.executable, *launcher, SCRIPTS / "pretrain.py", *places, *SIZE, *WATCHED, *options]))


def run(*arguments, **options) -> subprocess.CompletedProcess:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLURM")}
    return subprocess.run(
        command(*arguments, **options),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )


def start(*arguments, **options) -> subprocess.Popen:
    return subprocess.Popen(command(*arguments, **options), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def wait_until(there: Callable[[], bool]) -> None:
    for _ in range(4000):
        if there():
            return
        time.sleep(0.05)
    raise AssertionError("what was waited for did not come")


def wait_for_checkpoint(folder: Path, beyond: int) -> None:
    """Until there is a checkpoint of a step beyond that one."""
    wait_until(lambda: any(int(path.stem.split("-")[1]) > beyond for path in folder.glob("checkpoints/*/step-*.json")))


STEPS = "400"


@pytest.fixture(scope="module")
def undisturbed(data, tmp_path_factory) -> bytes:
    """The weights of a training that nothing interrupts."""
    model = tmp_path_factory.mktemp("alone") / "bpe-2"
    alone = run(data, model, "--steps", STEPS)
    assert alone.returncode == 0, alone.stdout
    return (model / "model.safetensors").read_bytes()


def test_killed_at_a_random_step_it_goes_on_to_the_same_weights_bit_for_bit(data, tmp_path, undisturbed):
    options = "--steps", STEPS, "--checkpoint-minutes", "0.002"
    beyond = random.Random(os.getpid()).randrange(1, 200)
    training = start(data, tmp_path / "killed/bpe-2", *options)
    wait_for_checkpoint(tmp_path / "killed", beyond)
    training.kill()
    training.communicate()
    assert not (tmp_path / "killed/bpe-2/model.safetensors").exists()
    assert list((tmp_path / "killed").glob("checkpoints/*/lease.json"))  # a killed holder cannot give it back
    resumed = run(data, tmp_path / "killed/bpe-2", *options)
    assert resumed.returncode == 0 and "pretrain: resumed at step " in resumed.stdout, resumed.stdout
    assert (tmp_path / "killed/bpe-2/model.safetensors").read_bytes() == undisturbed
    assert not list((tmp_path / "killed").glob("checkpoints/*/lease.json"))


def test_a_second_trainer_is_refused_and_sigterm_leaves_a_checkpoint(data, tmp_path):
    options = "--steps", "100000", "--checkpoint-minutes", "0.005"
    first = start(data, tmp_path / "bpe-2", *options)
    wait_for_checkpoint(tmp_path, 0)
    second = run(data, tmp_path / "bpe-2", *options)
    assert second.returncode == 1 and "Traceback" not in second.stdout
    assert f"error: {tmp_path}/checkpoints/bpe-2-" in second.stdout
    assert f"process {first.pid} on " in second.stdout and "trains this model and is alive; wait" in second.stdout, (
        second.stdout
    )
    first.send_signal(signal.SIGTERM)
    output, _ = first.communicate(timeout=200)
    assert first.returncode == 143 and "pretrain: interrupted after step" in output, output
    step = int(output.split("interrupted after step ")[1].split(",")[0].split()[0].replace(",", ""))
    newest = max(int(path.stem.split("-")[1]) for path in tmp_path.glob("checkpoints/*/step-*.json"))
    assert str(newest).startswith(str(step)) and not list(tmp_path.glob("checkpoints/*/lease.json"))


def heard() -> None:
    """Before the start of a process: a shell starts background jobs, such as these tests, with an ignored SIGINT."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


RULE = """
rule pretrain:
    output: "bpe-2/model.safetensors"
    log: "pretrain.log"
    shell: {command!r} " 2>&1 | tee -i {{log}}"
"""


@pytest.mark.parametrize("under", ["shell", "snakemake"])
def test_ctrl_c_leaves_a_checkpoint_and_the_rest_is_the_same_bit_for_bit(data, tmp_path, undisturbed, under):
    """Ctrl-C of a terminal goes to all processes in the foreground: Snakemake, the shell, the training and tee."""
    started = command(data, tmp_path / "bpe-2", "--steps", STEPS, launch=("--processes", "1"))
    if under == "snakemake":
        (tmp_path / "Snakefile").write_text(RULE.format(command=shlex.join(started)))
        started = [sys.executable, "-m", "snakemake", "--cores", "1", "--directory", str(tmp_path)]
        started += ["--snakefile", str(tmp_path / "Snakefile")]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    running = subprocess.Popen(started, **pipes, preexec_fn=heard, start_new_session=True)
    wait_until(lambda: any(tmp_path.glob("checkpoints/*/tensorboard/*")))  # the first steps are done
    os.killpg(running.pid, signal.SIGINT)
    output, _ = running.communicate(timeout=200)
    log = (tmp_path / "pretrain.log").read_text() if under == "snakemake" else output
    assert running.returncode == (1 if under == "snakemake" else 130), output
    assert "pretrain: stopped by SIGINT" in log and log.endswith(" by Ctrl-C; start again to resume there\n"), log
    step = int(log.split("interrupted after step ")[1].split()[0].replace(",", ""))
    [newest] = [int(path.stem.split("-")[1]) for path in tmp_path.glob("checkpoints/*/step-*.json")]
    assert newest == step < int(STEPS) and not list(tmp_path.glob("checkpoints/*/lease.json"))
    assert not (tmp_path / "bpe-2/model.safetensors").exists()
    resumed = subprocess.run(started, **pipes)
    assert resumed.returncode == 0 and f"resumed at step {step} of {STEPS}" in resumed.stdout, resumed.stdout
    assert (tmp_path / "bpe-2/model.safetensors").read_bytes() == undisturbed


def test_no_rule_writes_its_log_by_a_tee_that_ctrl_c_ends():
    rules = "".join(path.read_text() for path in (SCRIPTS.parent / "rules").glob("*.smk"))
    assert rules.count("| tee -i {log:q}") == rules.count("tee ") > 0


def test_two_processes_train_together_and_one_goes_on_from_their_checkpoint(data, tmp_path):
    done = run(data, tmp_path / "bpe-2", "--steps", "30", launch=("--processes", "2"))
    assert done.returncode == 0 and "resumed" not in done.stdout, done.stdout
    curve = pd.read_parquet(tmp_path / "bpe-2/training.parquet")
    windows = pd.read_parquet(data / "windows.parquet")
    order = np.random.Generator(np.random.Philox(key=[5, 0])).permutation(len(windows))
    assert curve["tokens"].iloc[-1] == windows["length"].iloc[order[: 30 * 16]].sum()
    made = json.loads((tmp_path / "bpe-2/model.safetensors.provenance.json").read_text())
    assert made["arguments"]["steps"] == 30
    longer = run(data, tmp_path / "bpe-2", "--steps", "40")
    assert longer.returncode == 0 and "resumed at step 30 of 40" in longer.stdout, longer.stdout


@pytest.fixture
def another(data, tmp_path) -> Path:
    Vocabulary.from_merges("bpe-1", np.array([[2, 2]], np.int32)).save(tmp_path / "another")
    return tmp_path / "another/tokenizer.json"


def test_tokens_of_another_vocabulary_and_changed_files_are_refused(data, tmp_path, another):
    wrong = command(data, tmp_path / "bpe-2")
    wrong[wrong.index("--vocabulary") + 1] = str(another)
    done = subprocess.run(wrong, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 1 and "Traceback" not in done.stdout
    assert f"error: {data}/tokens.npy: it was made with another vocabulary than {another}" in done.stdout, done.stdout
    whole = (data / "tokens.npy").read_bytes()
    try:
        (data / "tokens.npy").write_bytes(whole[:-2] + b"\x05\x00")
        done = run(data, tmp_path / "bpe-2")
    finally:
        (data / "tokens.npy").write_bytes(whole)
    assert done.returncode == 1 and f"{data}/tokens.npy: its content has changed since" in done.stdout, done.stdout
    assert not (tmp_path / "checkpoints").exists()
