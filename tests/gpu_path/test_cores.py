"""The script of a pretraining on two cores: its processes end together at a signal, with one checkpoint, and leave none behind."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.gpu_path.test_processes import LONGEST, ROOT, options_of, steps_of

pytestmark = pytest.mark.slow


def of_group(group: int) -> list[int]:
    """The processes of a group that have not ended."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            fields = (place / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(int(place.name))
    return found


def test_two_cores_train_as_two_processes_that_end_at_a_signal(tmp_path):
    assert len(os.sched_getaffinity(0)) > 1, "this test needs two cores"
    command = [sys.executable, str(ROOT / "workflow/scripts/launch.py"), "--processes", "1", "--threads", "2"]
    command += [
        str(ROOT / "workflow/scripts/pretrain.py"),
        *options_of(tmp_path),
        "--steps",
        "1000000",
        "--threads",
        "2",
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLURM")}
    with open(tmp_path / "log", "w") as log:
        process = subprocess.Popen(
            command,
            env=environment | {"PYTHONPATH": str(ROOT)},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + LONGEST
        while process.poll() is None and not steps_of(tmp_path):
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()
            time.sleep(0.1)
        assert len(of_group(process.pid)) == 2
        process.send_signal(signal.SIGUSR1)
        code, said = process.wait(LONGEST), (tmp_path / "log").read_text()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert code == 143 and "Traceback" not in said, said
    assert "pretrain: 2 processes share each step, one per core\n" in said
    assert len(re.findall("pretrain: stopped by SIGUSR1", said)) == 1, said
    (step,) = re.findall(r"pretrain: interrupted after step ([\d,]+)", said)
    assert int(step.replace(",", "")) == max(steps_of(tmp_path))
    assert of_group(process.pid) == []
