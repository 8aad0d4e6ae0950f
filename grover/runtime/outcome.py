"""How a run of the workflow ended.

The reason of each failed job is one sentence, on the screen and for a command of the user.
"""

import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryFile
from threading import Thread
from typing import IO, Any

from grover.runtime.machine import CLOCKS

SHOWN = 10  # failed jobs that are listed
TAIL = 100_000  # bytes at the end of a log in which the reason is looked for
LINE = 600  # characters of a reason that are shown
NOTIFY_SECONDS = 60

SENTENCE = re.compile(r"^ *error: (.*\S)", re.MULTILINE)
# what SLURM and the kernel write where they end a job, in one of its logs
ENDED = re.compile(r"^.*(?:oom[-_ ]kill|out of memory|exceeded memory limit|due to time limit).*$", re.I | re.MULTILINE)
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")  # colours and the like
STATUS = re.compile(r"SLURM status is: '([^']+)'")


@dataclass(frozen=True)
class Failure:
    """A failed job: its rule, its wildcards, its log, and the reason in one sentence."""

    rule: str
    wildcards: Mapping[str, str]
    log: str
    error: str


@dataclass(frozen=True)
class Run:
    """A start of the workflow: the name of the run, the place of its report, and when it began, in seconds since the epoch."""

    name: str
    report: Path
    started: float


class JobMessages(logging.Handler):
    """Collect what Snakemake says of failed jobs, such as the state that SLURM gave them, and their further logs."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: dict[Any, str] = {}
        self.logs: dict[Any, list[str]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the message and the logs of a failed job by its number; a later attempt takes the place of the one before."""
        if getattr(record, "event", None) == "job_error":
            number = getattr(record, "jobid", None)
            self.messages[number] = str(getattr(record, "rule_msg", None) or "")
            self.logs[number] = [str(path) for path in getattr(record, "log", None) or []]


def end(run: Run, failed: Sequence[Failure], command: str = "") -> list[str]:
    """Return the last lines on the screen: the failed jobs, or the report; `command` gets the same, where there is one."""
    report = str(run.report) if run.report.is_file() else None
    if command:
        outcome = {"run": run.name, "outcome": "error" if failed else "success", "report": report}
        notify(command, outcome | {"failed": list(failed), "seconds": round(time.time() - run.started)})
    if failed:
        return summary(failed)
    return [f"report: {report}"] if report else ["done; the report was not asked for"]


def failures(jobs: Iterable[Any], said: JobMessages, started: float) -> list[Failure]:
    """Return the failed jobs, those of groups one by one, in the order of their numbers.

    jobs: of Snakemake. said: what it said of them. started: when the run began, in seconds since the epoch.
    """
    single = [job for each in jobs for job in (each.jobs if each.is_group() else [each])]
    found = []
    for job in sorted(single, key=lambda job: job.jobid):
        logs = list(dict.fromkeys([*map(str, job.log), *said.logs.get(job.jobid, [])]))
        why = reason(logs, said.messages.get(job.jobid, ""), started)
        found.append(Failure(job.rule.name, dict(job.wildcards_dict), logs[0] if logs else "", why))
    return found


def reason(logs: Sequence[str], message: str, started: float) -> str:
    """Return why a job failed: the last `error:` sentence of its logs, else what ended it, else the last line of its log.

    logs: that of the program first. message: what Snakemake said of the job. started: when the run began, in seconds since the epoch; older
    logs are of another run.
    """
    return _plain(_reason([_end(Path(path)) for path in logs if _is_recent(Path(path), started)], message))


def _reason(texts: Sequence[str], message: str) -> str:
    for text in texts:
        if found := SENTENCE.findall(text):
            return str(found[-1])
    state = STATUS.search(message)
    parts = [f"SLURM says {state[1]}"] if state else []
    ended = next((found[-1].strip() for text in texts if (found := [match[0] for match in ENDED.finditer(text)])), "")
    last = next(
        (lines[-1] for text in texts[:1] if (lines := [line for line in text.splitlines() if line.strip()])), ""
    )
    if ended:
        parts.append(ended)
    elif last:
        parts.append(f"the log ends with: {last.strip()}")
    elif message and not state:
        parts.append(message.strip().splitlines()[0])
    else:
        parts.append("the log is empty; the job was ended from outside, or could not start")
    return "; ".join(parts)


def summary(failures: Sequence[Failure]) -> list[str]:
    """Return two lines for each of the first failures, where it was and why, under their number."""
    if not failures:
        return []
    number = "1 job failed" if len(failures) == 1 else f"{len(failures)} jobs failed"
    lines = ["", f"{number}, the first {SHOWN} are:" if len(failures) > SHOWN else f"{number}:"]
    for each in failures[:SHOWN]:
        wildcards = ", ".join(f"{name}={value}" for name, value in each.wildcards.items())
        lines.append(f"{each.rule}{f' ({wildcards})' if wildcards else ''}, log: {each.log or 'none'}")
        lines.append(f"    error: {each.error}")
    return lines


def notify(command: str, outcome: dict[str, Any]) -> None:
    """Run `command` in a shell with the outcome of a run as JSON on its standard input; say it where that fails.

    outcome: plain values and lists of `Failure`.
    """
    said: deque[bytes] = deque(maxlen=2)
    with TemporaryFile() as stream:
        stream.write(json.dumps(outcome, default=asdict).encode() + b"\n")
        stream.seek(0)
        try:
            process = subprocess.Popen(
                command,
                shell=True,
                stdin=stream,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that its children end with it
            )
        except OSError as error:
            code, problem = None, f"could not be started: {error}"
        else:
            # what a child in the background writes is not waited for, and of endless output the end alone is kept
            reader = Thread(target=_keep_end, args=(process.stdout, said), daemon=True)
            reader.start()
            try:
                code = process.wait(NOTIFY_SECONDS)
                reader.join(1)
                last = _plain(b"".join(said).decode("utf-8", "replace").strip().rpartition("\n")[2])
                problem = f"ended with {code}{f' ({last})' if last else ''}"
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                code, problem = process.wait(), f"was ended after {NOTIFY_SECONDS} s"
    if code != 0:
        print(f"`notify`: {_plain(command)} {problem}; the outcome of the run is not affected", file=sys.stderr)


def _keep_end(stream: IO[bytes], said: deque[bytes]) -> None:
    while text := stream.read1(TAIL):  # type: ignore[attr-defined]
        said.append(text)


def _plain(text: str) -> str:
    """Return a line without control characters, of which a terminal would obey some, cut where it is long."""
    shown = ESCAPE.sub("", text)
    shown = "".join(letter if letter.isprintable() else " " for letter in shown).strip()
    return shown if len(shown) <= LINE else f"{shown[:LINE]} ..."


def _is_recent(path: Path, started: float) -> bool:
    try:
        return path.stat().st_mtime > started - CLOCKS
    except OSError:
        return False


def _end(path: Path) -> str:
    """The end of a log, its progress bars as lines; "" for one that cannot be read, which must not hide the other jobs."""
    try:
        with open(path, "rb") as stream:
            stream.seek(max(0, path.stat().st_size - TAIL))
            return stream.read().decode("utf-8", "replace").replace("\r", "\n")
    except OSError:
        return ""
