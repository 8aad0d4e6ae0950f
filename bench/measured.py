"""Run a script of the workflow as Python does, and write what it took: `python bench/measured.py FOLDER SCRIPT ARGUMENTS`.

`bench/scale.py` puts this in the place of Python. The file in FOLDER is named after the log of the rule, which is part of the command of
the shell that started this process. Imports are few, since a new process inherits the largest memory of the one that started it.
"""

import json
import os
import re
import sys
import time

LOG = re.compile(rb"/logs/([^/\s']+)\.log")
SAMPLED = 0.1  # seconds


def main() -> None:
    folder, *command = sys.argv[1:]
    with open(f"/proc/{os.getppid()}/cmdline", "rb") as stream:
        stage = LOG.findall(stream.read())[-1].decode()
    started = time.perf_counter()
    process = os.posix_spawn(sys.executable, [sys.executable, *command], os.environ)
    own = 0
    while not (ended := os.wait4(process, os.WNOHANG))[0]:
        own = max(own, *map(own_kilobytes, below(process)))
        time.sleep(SAMPLED)
    _, status, used = ended
    if status == 0:
        found = {
            "seconds": round(time.perf_counter() - started, 1),
            "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
            "peak_mb": used.ru_maxrss // 1024,
            "own_mb": own // 1024,
        }
        with open(f"{folder}/{stage}.json", "w") as stream:
            json.dump(found, stream)
    sys.exit(os.waitstatus_to_exitcode(status))


def below(process: int) -> list[int]:
    """A process and those that it started."""
    try:
        with open(f"/proc/{process}/task/{process}/children") as stream:
            children = map(int, stream.read().split())
    except OSError:
        return [process]
    return [process, *(each for child in children for each in below(child))]


def own_kilobytes(process: int) -> int:
    """Resident memory of a process that is no file; 0 where it has ended."""
    try:
        with open(f"/proc/{process}/status") as stream:
            return next((int(line.split()[1]) for line in stream if line.startswith("RssAnon")), 0)
    except OSError:
        return 0


if __name__ == "__main__":
    main()
