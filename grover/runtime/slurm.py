"""What the workflow asks of SLURM and of the variables that site administrators set."""

import re
import shutil
import subprocess

from grover.runtime.errors import InputError

# as sbatch reads times: minutes, minutes:seconds, hours:minutes:seconds, days-hours, days-hours:minutes, days-hours:minutes:seconds
TIME = re.compile(r"(?:(?P<days>\d+)-)?(?P<first>\d+)(?::(?P<second>\d+))?(?::(?P<third>\d+))?")
SECONDS = 20  # for an answer of the controller


def minutes(text: str, name: str) -> int:
    """Return a time limit in whole minutes; raise InputError, naming the variable `name`, for what SLURM does not read as one."""
    found = TIME.fullmatch(text.strip())
    days, first, second, third = (int(value or 0) for value in found.groups()) if found else (0, 0, 0, 0)
    in_hours = found and (found["days"] or found["third"])
    limit = days * 24 * 60 + first * 60 + second + third // 60 if in_hours else first + second // 60
    if limit < 1:
        raise InputError(
            f"{name} is {text!r}, but minutes or a time in a form of SLURM, such as 24:00:00 or 7-00:00:00, was expected; correct it"
        )
    return limit


def check_slurm() -> None:
    """Raise InputError where this machine has no SLURM that answers."""
    instead = "start where sbatch works, such as a login node, or leave out `--profile slurm`"
    if shutil.which("sbatch") is None:
        raise InputError(f"there is no sbatch on this machine; {instead}")
    try:
        done = subprocess.run(
            ["sinfo", "--noheader"], capture_output=True, text=True, timeout=SECONDS, errors="replace"
        )
    except subprocess.TimeoutExpired:
        raise InputError(f"SLURM did not answer in {SECONDS} s; {instead}, or try again later") from None
    except OSError as error:
        raise InputError(f"SLURM's sinfo cannot be started ({error}); {instead}") from None
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise InputError(f"SLURM does not answer on this machine ({said}); {instead}")
