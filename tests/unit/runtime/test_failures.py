"""What stops a command: limits of the machine, provoked for real, end it with one sentence; other errors keep their traceback."""

import errno
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import matplotlib
import matplotlib.figure
import numpy as np
import pandas as pd
import pyarrow as pa
import pysam
import pytest
import torch
from safetensors.torch import save_file
from typer.testing import CliRunner

from grover.commands import application
from grover.embeddings.vectors import Writer
from grover.network.checkpoints import Checkpoints
from grover.runtime.errors import InputError
from grover.runtime.failures import PARTIAL, describe, one_sentence
from grover.runtime.files import atomic, write_array, write_json, write_table, write_text

ROOT = Path(__file__).resolve().parents[3]
MUCH = np.random.default_rng(0).random(40_000)  # 320 kB that hardly compress
NOBODY = 65534


def stream(path, write, opened):
    """Write to the file that takes the name `path` when it is whole."""
    with atomic(path) as temporary, opened(temporary) as file:
        write(file)


def embeddings(path):
    with Writer(path, {}) as writer:
        for _ in range(3):
            writer.write({"a": MUCH})


def named(path, write):
    with atomic(path) as temporary:
        write(temporary)


def plain(path):
    return open(path, "wb")


def block_gzip(path):
    return pysam.BGZFile(str(path), "wb", None)


def draw(path):
    figure = matplotlib.figure.Figure()
    figure.add_subplot().plot(MUCH[:20_000])
    figure.savefig(path)


WRITERS = {
    "array.npy": lambda path: write_array(path, MUCH),
    "arrays.npz": lambda path: stream(path, lambda file: np.savez(file, a=MUCH), plain),
    "table.parquet": lambda path: write_table(path, pd.DataFrame({"a": MUCH})),
    "table.tsv": lambda path: write_table(path, pd.DataFrame({"a": MUCH})),
    "text.txt": lambda path: write_text(path, "x" * 200_000),
    "facts.json": lambda path: write_json(path, MUCH[:20_000]),
    "states.parquet": embeddings,
    "model.safetensors": lambda path: named(path, lambda at: save_file({"a": torch.tensor(MUCH)}, at)),
    "state.pt": lambda path: named(path, lambda at: torch.save({"a": torch.tensor(MUCH)}, at)),
    "many.pt": lambda path: named(path, lambda at: torch.save({str(i): torch.rand(3_000) for i in range(40)}, at)),
    "rows.tsv.gz": lambda path: stream(path, lambda file: file.write(MUCH.tobytes()), block_gzip),
    "figure.svg": lambda path: named(path, draw),
    "copy.bin": lambda path: named(path, lambda at: shutil.copyfile(pysam.libchtslib.__file__, at)),
}


@contextmanager
def largest(size: int):
    """No file that this process writes may become larger: the real limit of the operating system."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def ended(capsys, work, code=1) -> str:
    """The one line with which a program ends."""
    with pytest.raises(SystemExit) as stop, one_sentence():
        work()
    lines = capsys.readouterr().err.splitlines()
    lines = [line for line in lines if not line.startswith("[E::bgzf")]  # htslib's own
    assert stop.value.code == code and len(lines) == 1, lines
    return lines[0]


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_above_the_limit_is_one_sentence_and_leaves_nothing(name, tmp_path, capsys):
    with largest(65_536):
        line = ended(capsys, lambda: WRITERS[name](tmp_path / name))
    assert line.startswith(
        f"error: {tmp_path / name}: the file exceeds the limit of 65.5 kB for the size of a file (`ulimit -f`)"
    )
    assert f"in {tmp_path} (on a disk with " in line and "have the limit raised or write to another disk" in line
    assert not list(tmp_path.iterdir())
    WRITERS[name](tmp_path / name)  # and without the limit it is written
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_checkpoint_that_is_not_written_names_the_one_before_it(tmp_path, capsys):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(5, {"a": torch.zeros(3)})
    with largest(65_536):
        line = ended(capsys, lambda: checkpoints.save(6, {"a": torch.tensor(MUCH)}))
    assert f"{tmp_path}/step-000000006.pt: the file exceeds the limit of 65.5 kB" in line
    assert "the one of step 5 is whole and will be resumed" in line
    assert checkpoints.load()[0] == 5 and not list(tmp_path.glob(f"{PARTIAL}*"))


TOO_MUCH = {
    "python": lambda: [0] * (1 << 60),
    "numpy": lambda: np.empty(1 << 55),
    "torch": lambda: torch.empty(1 << 50),
    "pyarrow": lambda: pa.allocate_buffer(1 << 50),
}


@pytest.mark.parametrize("library", TOO_MUCH)
def test_memory_that_is_refused_is_one_sentence(library, capsys):
    line = ended(capsys, TOO_MUCH[library])
    assert re.match(
        r"error: the memory is used up: this command held [\d.]+ [MG]B and was refused more; give it more", line
    )


def test_the_memory_of_a_gpu_has_a_sentence_of_its_own(capsys):
    def fill():
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of")

    assert ended(capsys, fill).startswith(
        "error: the memory of the GPU is used up (CUDA out of memory); use a GPU with"
    )


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, r"the disk is full: {folder} is on a disk with .* free; free space there or write to another"),
        (
            errno.EDQUOT,
            r"the disk quota is used up in {folder} .*; delete files of yours there, ask for a larger quota",
        ),
        (errno.EROFS, r"{folder} is on a file system that is read-only; write to another disk"),
    ],
)
@pytest.mark.parametrize("form", ["errno", "rust", "text"])
def test_each_limit_of_a_disk_is_known_in_the_words_of_each_library(number, sentence, form, tmp_path, capsys):
    words = os.strerror(number)
    raised = {
        "errno": OSError(number, words),
        "rust": ValueError(f"Error while serializing: I/O error: {words} (os error {number})"),
        "text": RuntimeError(f"cannot write: {words}"),
    }[form]

    def fail(path):
        raise raised

    line = ended(capsys, lambda: named(tmp_path / "new/x.npy", fail))
    assert re.match(f"error: {tmp_path}/new/x.npy: " + sentence.format(folder=f"{tmp_path}/new"), line), line


@pytest.fixture
def shut():
    """A folder that may be read and not written; root gives up its rights meanwhile."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "secret").write_text("")
        (folder / "secret").chmod(0o000)
        folder.chmod(0o555)
        root = os.geteuid() == 0
        if root:
            os.seteuid(NOBODY)
        yield folder
        if root:
            os.seteuid(0)
        folder.chmod(0o755)


def test_a_folder_or_file_without_permission_is_named_with_its_owner(shut, capsys):
    owner = shut.owner()
    line = ended(capsys, lambda: write_text(shut / "out.txt", "x"))
    assert line == (
        f"error: {shut}/out.txt: permission denied; make the folder {shut} accessible and writable (owner {owner}, mode dr-xr-xr-x), or "
        "ask its owner to, then start again"
    )
    line = ended(capsys, lambda: (shut / "secret").read_text())
    assert f"{shut}/secret: permission denied; make it readable (owner {owner}, mode ----------)" in line
    assert "new" in ended(capsys, lambda: write_text(shut / "new/out.txt", "x"))


def test_an_error_without_a_name_is_blamed_on_the_output(tmp_path, monkeypatch):
    monkeypatch.setattr("grover.runtime.failures.room", lambda folder: 0 if folder == tmp_path else 1 << 40)
    assert f"{tmp_path}/out: the disk is full" in describe(
        OSError(errno.ENOSPC, "full"), [Path("/a"), tmp_path / "out"]
    )
    unnamed = RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 81600 vs 81488")
    assert f"{tmp_path}/out: the disk is full" in describe(unnamed, [tmp_path / "out"])
    monkeypatch.setattr("grover.runtime.failures.room", lambda folder: 1 << 40)
    assert "could not be written ([enforce fail" in describe(unnamed, [tmp_path / "out"])


@pytest.mark.parametrize(
    "error", [KeyError("x"), FileNotFoundError(2, "no"), RuntimeError("shapes differ"), OSError("no PNG")]
)
def test_faults_of_the_code_keep_their_traceback(error):
    with pytest.raises(type(error)), one_sentence():
        raise error


def test_an_input_error_and_ctrl_c_are_one_line(capsys):
    def wrong():
        raise InputError("a.bed, line 3: expected a number")

    assert ended(capsys, wrong) == "error: a.bed, line 3: expected a number"
    # a shell starts background jobs with SIGINT ignored
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        line = ended(capsys, lambda: signal.raise_signal(signal.SIGINT), code=130)
    finally:
        signal.signal(signal.SIGINT, before)
    assert line == "interrupted: stopped by Ctrl-C (SIGINT); start again to repeat this step"


def test_the_grover_command_uses_the_same_words(monkeypatch, tmp_path):
    for error, code, words in [
        (
            OSError(errno.EROFS, "Read-only file system", str(tmp_path / "x")),
            1,
            f"error: {tmp_path}/x: {tmp_path} is on a",
        ),
        (KeyboardInterrupt(), 130, "interrupted: stopped by Ctrl-C"),
    ]:

        def fail(folder, error=error):
            raise error

        monkeypatch.setattr("grover.commands.info.describe", fail)
        done = CliRunner().invoke(application.application, ["info", str(tmp_path)])
        assert done.exit_code == code and done.output.startswith(words) and done.output.count("\n") == 1


# -- whole programs ----------------------------------------------------------------------------------------------------

SCRIPT = '''"""A command."""

import resource
import sys
import time

import numpy as np

from grover.runtime.cli import Output, main
from grover.runtime.files import write_array


def command(output: Output, megabytes: int = 1, memory: int = 0, sleep: bool = False):
    """Write an array."""
    if memory:
        resource.setrlimit(resource.RLIMIT_AS, (memory << 20, memory << 20))
    if sleep:
        print("ready", flush=True)
        time.sleep(60)
    write_array(output, np.ones(megabytes << 20, np.uint8))


if __name__ == "__main__":
    main(command)
'''


@pytest.fixture
def script(tmp_path) -> list:
    (tmp_path / "command.py").write_text(SCRIPT)
    return [sys.executable, tmp_path / "command.py", "--output", tmp_path / "out/array.npy"]


def test_a_command_that_runs_out_of_memory(script, tmp_path):
    done = subprocess.run([*script, "--memory", "2000", "--megabytes", "4000"], capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("error: the memory is used up: this command held ")
    assert done.stderr.count("\n") == 1 and not (tmp_path / "out").exists()


def test_a_command_on_a_full_disk(script, tmp_path):
    """On a file system of 300 kB, which only this process sees."""
    small = tmp_path / "out"
    small.mkdir()
    mount = f'mount -t tmpfs -o size=300k none {small} && "$@"; code=$?; ls -A {small}; exit $code'
    spaces = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]
    if subprocess.run([*spaces, "mount", "-t", "tmpfs", "none", small], capture_output=True).returncode:
        pytest.skip("this machine lets no process mount a file system of its own")
    done = subprocess.run([*spaces, "sh", "-c", mount, "sh", *script], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert done.stderr.startswith(f"error: {small}/array.npy: the disk is full: {small} is on a disk with ")
    assert done.stderr.count("\n") == 1


def test_a_command_that_ctrl_c_ends(script, tmp_path):
    running = subprocess.Popen(
        [*script, "--sleep"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a shell starts background jobs, such as these tests, with an ignored SIGINT
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert running.stdout.readline() == "ready\n"
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert (
        running.returncode == 130
        and said == "interrupted: stopped by Ctrl-C (SIGINT); start again to repeat this step\n"
    )
    assert not (tmp_path / "out").exists()
