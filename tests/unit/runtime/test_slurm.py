"""Time limits as SLURM writes them, machines whose SLURM is absent or does not answer, and what it would refuse."""

import pytest

from grover.runtime.errors import InputError
from grover.runtime.slurm import Request, check_slurm, minutes, partitions, request, request_problems
from tests.fakes.slurm import program, site


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


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """A site of made-up programs."""
    monkeypatch.setenv("PATH", f"{site(tmp_path / 'bin')}:/usr/bin:/bin")


def test_partitions_with_their_limits_and_the_most_gpus_of_each_type(cluster):
    found = partitions()
    assert {name: (one.default, one.minutes, one.gpus) for name, one in found.items()} == {
        "cpu": (True, 1440, {}),
        "long": (False, None, {}),
        "a100": (False, 2880, {"a100": 4}),
        "mixed": (False, 60, {"v100": 2, "3090": 8}),
    }


@pytest.mark.parametrize(
    ("gres", "expected"), [("gpu:2", (2, "")), ("gpu:a100:4", (4, "a100")), ("gpu:3090:1", (1, "3090")), ("", (0, ""))]
)
def test_the_gpus_that_a_job_asks_for(gres, expected):
    asked = request({"gres": gres, "runtime": 90, "slurm_partition": "p", "mem_mb": 5})
    assert (asked.gpus, asked.gpu, asked.minutes, asked.partition, asked.account) == (*expected, 90, "p", "")


@pytest.mark.parametrize(
    "asked",
    [
        Request(minutes=1440),
        Request("long", minutes=10**6),
        Request("a100,mixed", gpus=8),
        Request("a100", "MyLab", gpus=4, gpu="a100"),
        Request("mixed", gpus=8, minutes=60),
    ],
)
def test_what_slurm_would_take(cluster, asked):
    assert request_problems([asked]) == []


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (Request("gpu"), "SLURM has no partition gpu; set GROVER_CPU_PARTITION to one of cpu, long, a100, mixed"),
        (
            Request("cpu,no", gpus=1),
            "SLURM has no partition no; set GROVER_GPU_PARTITION to one of cpu, long, a100, mixed",
        ),
        (
            Request("a100", gpus=1, gpu="h100"),
            "partition a100 has no GPU of type h100; its types are a100; set GROVER_GPU_TYPE to one of them, or unset GROVER_GPU_TYPE",
        ),
        (
            Request("long", gpus=1),
            "partition long has no GPUs; set GROVER_GPU_PARTITION to one that has them, or set device: cpu",
        ),
        (Request("a100", gpus=8), "jobs ask for 8 GPUs on a node, but nodes of partition a100 have 4; set gpus: 4"),
        (
            Request(minutes=2880),
            "jobs ask for 2880 minutes, but partition cpu ends them after 1440; set GROVER_MAX_MINUTES=1440, or GROVER_CPU_PARTITION "
            "to a partition with a longer limit",
        ),
    ],
)
def test_what_slurm_would_refuse_is_a_sentence(cluster, asked, sentence):
    assert request_problems([asked, Request(), asked]) == [sentence]


def test_an_account_that_is_not_the_users_and_a_site_that_keeps_none(cluster, tmp_path):
    (said,) = request_problems([Request(account="other")])
    assert "charge the account other; set GROVER_SLURM_ACCOUNT to one of mylab" in said
    program(tmp_path / "bin", "sacctmgr", "echo 'no accounting' >&2; exit 1")
    assert request_problems([Request(account="other")]) == []


def test_a_site_without_a_default_partition(cluster, tmp_path):
    program(tmp_path / "bin", "sinfo", "echo 'cpu|infinite|(null)'")
    assert request_problems([Request()]) == ["SLURM has no default partition; set GROVER_CPU_PARTITION to one of cpu"]
