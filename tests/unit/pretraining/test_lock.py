import json
import os
import platform
import subprocess
import sys
import threading
import time

import pytest

from grover.pretraining.lock import FILE, lease
from grover.runtime.errors import InputError

FAST = {"every": 0.05, "watched": 0.4}


def holder(folder, **changes):
    """A lease that somebody on another host wrote."""
    content = {"job": "", "host": "node7", "process": 42, "token": "theirs", "beats": 3, "renewed": ""} | changes
    (folder / FILE).write_text(json.dumps(content))


def test_the_lease_is_renewed_and_given_back(tmp_path):
    with lease(tmp_path, **FAST) as own:
        first = json.loads((tmp_path / FILE).read_text())
        time.sleep(0.2)
        assert json.loads((tmp_path / FILE).read_text())["beats"] > first["beats"]
        own.check()
    assert not (tmp_path / FILE).exists()


def test_a_second_trainer_is_told_who_lives(tmp_path, monkeypatch):
    monkeypatch.setattr("grover.pretraining.lock.platform.node", lambda: "elsewhere")
    with lease(tmp_path, **FAST):
        monkeypatch.setattr("grover.pretraining.lock.platform.node", lambda: "here")
        with (
            pytest.raises(
                InputError, match=rf"process {os.getpid()} on elsewhere trains this model and is alive.*kill"
            ),
            lease(tmp_path, **FAST),
        ):
            pass
    assert not (tmp_path / FILE).exists()


def test_a_slurm_job_is_named_with_the_command_that_stops_it(tmp_path):
    over = threading.Event()

    def beat():
        beats = 0
        while not over.wait(0.05):
            beats += 1
            holder(tmp_path, job="1234", beats=beats)

    holder(tmp_path, job="1234")
    thread = threading.Thread(target=beat)
    thread.start()
    with (
        pytest.raises(InputError, match="SLURM job 1234 on node7 .* is alive; .*scancel 1234"),
        lease(tmp_path, **FAST),
    ):
        pass
    over.set()
    thread.join()


def test_a_lease_that_nobody_renews_is_taken_over(tmp_path):
    holder(tmp_path)
    started = time.monotonic()
    with lease(tmp_path, **FAST):
        assert time.monotonic() - started >= 0.4
        assert json.loads((tmp_path / FILE).read_text())["process"] == os.getpid()


def test_a_second_trainer_in_the_same_job_on_the_same_host_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "77")
    living = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    over = threading.Event()

    def beat():
        beats = 0
        while not over.wait(0.05):
            beats += 1
            holder(tmp_path, job="77", host=platform.node(), process=living.pid, beats=beats)

    holder(tmp_path, job="77", host=platform.node(), process=living.pid)
    thread = threading.Thread(target=beat)
    thread.start()
    with pytest.raises(InputError, match="SLURM job 77 .* is alive"), lease(tmp_path, **FAST):
        pass
    over.set()
    thread.join()
    living.kill()


@pytest.mark.parametrize("text", ["", '{"job": "1'])
def test_a_lease_that_a_crash_has_cut_is_watched_and_taken_over(tmp_path, text):
    (tmp_path / FILE).write_text(text)
    started = time.monotonic()
    with lease(tmp_path, **FAST):
        assert time.monotonic() - started >= 0.4


def test_a_dead_process_of_this_host_and_the_job_that_was_requeued_do_not_delay(tmp_path, monkeypatch):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for changes in ({"host": platform.node(), "process": gone.pid}, {"job": "77"}):
        holder(tmp_path, **changes)
        monkeypatch.setenv("SLURM_JOB_ID", "77")
        started = time.monotonic()
        with lease(tmp_path, **FAST):
            assert time.monotonic() - started < 0.3


def test_who_lost_the_lease_must_not_write_and_leaves_the_new_one_alone(tmp_path):
    with lease(tmp_path, **FAST) as own:
        holder(tmp_path, job="9")
        with pytest.raises(InputError, match="SLURM job 9 on node7 has taken over this training"):
            own.check()
        time.sleep(0.2)
    assert json.loads((tmp_path / FILE).read_text())["token"] == "theirs"
