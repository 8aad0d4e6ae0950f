"""Time limits as SLURM writes them, and machines whose SLURM is absent or does not answer."""

import pytest

from grover.runtime.errors import InputError
from grover.runtime.slurm import check_slurm, minutes


# the forms that the manual of sbatch lists under --time
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90", 90),
        ("90:30", 90),
        ("24:00:00", 1440),
        ("1:02:59", 62),
        ("7-0", 10080),
        ("1-12:30", 2190),
        ("2-01:30:59", 2970),
        (" 60 ", 60),
    ],
)
def test_forms_of_time(text, expected):
    assert minutes(text, "GROVER_MAX_MINUTES") == expected


@pytest.mark.parametrize("text", ["", "1 day", "UNLIMITED", "-5", "1.5", "0", "0:30", "1-", "1:2:3:4"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(InputError, match="GROVER_MAX_MINUTES is .* such as 24:00:00"):
        minutes(text, "GROVER_MAX_MINUTES")


def program(folder, name: str, text: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def test_a_machine_without_slurm_and_one_whose_controller_does_not_answer(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="there is no sbatch on this machine; start where sbatch works"):
        check_slurm()
    program(tmp_path, "sbatch", "")
    with pytest.raises(InputError, match="sinfo cannot be started"):
        check_slurm()
    program(tmp_path, "sinfo", "echo 'sinfo: one' >&2; echo 'sinfo: fatal: no configuration' >&2; exit 1")
    with pytest.raises(InputError, match=r"does not answer on this machine \(sinfo: fatal: no configuration\)"):
        check_slurm()
    program(tmp_path, "sinfo", "echo 'cpu up 1:00 1 idle n1'")
    check_slurm()
