"""Made-up programs of SLURM, which print what a test needs."""

from pathlib import Path

# what `sinfo --noheader --format=%P|%l|%G` says of a site with typed GPUs
SITE = """\
cpu*|1-00:00:00|(null)
cpu*|1-00:00:00|(null)
long|infinite|(null)
a100|2-00:00:00|gpu:a100:4(S:0-1)
mixed|1:00:00|gpu:v100:2,gpu:3090:8
"""


def program(folder: Path, name: str, text: str) -> None:
    """Write a program of the shell into a folder for PATH."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def site(folder: Path, accounts: str = "mylab") -> Path:
    """Write sbatch, sinfo and sacctmgr of that site; nothing is ever submitted."""
    program(folder, "sbatch", "exit 1")
    program(folder, "sinfo", f"cat << END\n{SITE}END")
    program(folder, "sacctmgr", f"echo '{accounts}'")
    return folder
