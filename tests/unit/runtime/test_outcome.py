"""The reason of a failed job in one sentence, whatever ended it, and what a command of the user gets."""

import json
import os
import time
from pathlib import Path

import pytest

from grover.runtime import outcome
from grover.runtime.outcome import Failure, Run, end, notify, reason, summary

SLURM = "SLURM-job '19' failed, SLURM status is: '{}'. For further error details see the cluster/cloud log."


@pytest.mark.parametrize(
    ("log", "slurm_log", "message", "expected"),
    [
        ("training\r 50%\rerror: the first\nerror: the last one\n", "", "", "the last one"),
        ("Traceback (most recent call last):\n  x()\nKeyError: nan\n\n", "", "", "the log ends with: KeyError: nan"),
        ("step 3\n", "", SLURM.format("TIMEOUT"), "SLURM says TIMEOUT; the log ends with: step 3"),
        (
            "step 3\n",
            "slurmstepd: error: Detected 1 oom_kill event in StepId=19.batch.\n",
            SLURM.format("OUT_OF_MEMORY"),
            "SLURM says OUT_OF_MEMORY; slurmstepd: error: Detected 1 oom_kill event in StepId=19.batch.",
        ),
        ("", "", "Output x has older modification time\nthan y", "Output x has older modification time"),
        ("", "", "", "the log is empty; the job was ended from outside, or could not start"),
    ],
)
def test_the_reason_is_the_sentence_else_what_ended_the_job_else_the_last_line(
    tmp_path, log, slurm_log, message, expected
):
    logs = [tmp_path / "job.log", tmp_path / "19.log"]
    for path, text in zip(logs, (log, slurm_log), strict=True):
        path.write_text(text, newline="")
    assert reason([str(path) for path in logs], message, 0) == expected


def test_a_log_of_an_earlier_run_and_a_missing_one_are_not_quoted(tmp_path):
    log = tmp_path / "job.log"
    log.write_text("error: of last week\n")
    os.utime(log, (1000, 1000))
    assert reason([str(log), str(tmp_path / "none")], SLURM.format("FAILED"), 500_000) == (
        "SLURM says FAILED; the log is empty; the job was ended from outside, or could not start"
    )


def test_the_last_line_of_the_summary_is_the_reason_and_many_failures_are_counted():
    failures = [Failure("embed", {"model": "chosen", "shard": str(i)}, f"{i}.log", f"reason {i}") for i in range(12)]
    lines = summary(failures)
    assert lines[1:3] == ["12 jobs failed, the first 10 are:", "embed (model=chosen, shard=0), log: 0.log"]
    assert len(lines) == 2 + 2 * 10 and lines[-1] == "    error: reason 9"
    assert summary(failures[:1])[1] == "1 job failed:"


def test_a_command_gets_the_outcome_and_the_screen_the_report(tmp_path, capsys):
    report, told = tmp_path / "report.html", tmp_path / "told.json"
    report.touch()
    run, command = Run("demo", report, 0.0), f"cat > '{told}'"
    assert end(run, [], command) == [f"report: {report}"]
    found = json.loads(told.read_text())
    assert found.pop("seconds") > 1e9
    assert found == {"run": "demo", "outcome": "success", "report": str(report), "failed": []}
    failure = Failure("pretrain", {"name": "bpe-600"}, "pretrain.log", "no GPU")
    assert end(run, [failure], command)[-1] == "    error: no GPU"
    found = json.loads(told.read_text())
    assert found["outcome"] == "error" and found["failed"] == [
        {"rule": "pretrain", "wildcards": {"name": "bpe-600"}, "log": "pretrain.log", "error": "no GPU"}
    ]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("command", ["echo no route >&2; exit 3", "no-such-command-anywhere", "exec true < /dev/null"])
def test_a_command_that_fails_is_said_and_raises_nothing(command, capsys):
    notify(command, {"run": "x" * 1_000_000})
    said = capsys.readouterr().err
    assert said == "" if command.startswith("exec") else "the outcome of the run is not affected" in said
    assert "no route" not in command or "ended with 3 (no route)" in said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"x" * 90_000, "the log ends with: " + "x" * 581 + " ..."),
        (b"error: \x1b[31mno GPU\x1b[0m\n", "no GPU"),
        (b"\x00\x07\x1b[2Jdone\x1bc\n", "the log ends with:   done c"),
    ],
)
def test_what_a_log_holds_cannot_spoil_the_screen(tmp_path, text, expected):
    log = tmp_path / "job.log"
    log.write_bytes(text)
    assert reason([str(log)], "", 0) == expected
    log.unlink()
    log.mkdir()
    assert reason([str(log)], "", 0).startswith("the log is empty")


def test_a_command_ends_with_its_children_and_its_output_is_not_kept(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(outcome, "NOTIFY_SECONDS", 0.3)
    pid = tmp_path / "pid"
    notify(f"sleep 100 & echo $! > '{pid}'; yes", {})
    assert "was ended after 0.3 s" in capsys.readouterr().err
    ended = time.monotonic() + 10
    while _runs(int(pid.read_text())):
        assert time.monotonic() < ended
        time.sleep(0.01)


def test_a_child_in_the_background_is_not_waited_for(tmp_path, capsys):
    pid = tmp_path / "pid"
    notify(f"sleep 100 & echo $! > '{pid}'", {})
    assert capsys.readouterr().err == ""
    os.kill(int(pid.read_text()), 9)


def _runs(pid: int) -> bool:
    try:
        return "(sleep) Z" not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
