"""Every check of `make test-gpu` runs on a CPU with a tiny network, so that it cannot be broken unnoticed."""

import json

import pytest

from bench.gpu import __main__ as program
from bench.gpu import trainings
from bench.gpu.scale import full, tiny
from tests.fakes.trainings import CPU

pytestmark = pytest.mark.usefixtures("one_thread")

IN_PROCESS = [name for name in program.CHECKS if name != "processes"]


@pytest.mark.parametrize("name", [*IN_PROCESS, pytest.param("processes", marks=pytest.mark.slow)])
def test_a_check_passes_on_a_cpu_and_prints_a_line(name, capsys):
    (found,) = program.run(tiny(CPU), [name])
    assert found["passed"], found
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert [json.loads(line) for line in lines] == [found] and found["check"] == name


def test_the_network_of_the_paper_is_the_one_that_is_checked_on_a_gpu():
    scale = full(CPU)
    assert scale.architecture.layers == 12 and scale.architecture.hidden == 768
    lengths = scale.windows()["length"]
    assert lengths.max() == 510 and 0.4 < (lengths == 510).mean() < 0.6
    assert set(scale.windows(paper=False)["length"]) == {510}


def test_the_peak_is_that_of_the_gpu_that_the_driver_names():
    names = {
        "NVIDIA H200": 989e12,
        "NVIDIA A100-SXM4-80GB": 312e12,
        "NVIDIA L40S": 362e12,
        "NVIDIA GeForce RTX 4090": 165.2e12,
    }
    assert {name: trainings._peak(name) for name in names} == names
    assert trainings._peak("Another card") is None


def test_a_check_that_fails_is_a_finding_and_a_late_one_is_left_out(monkeypatch, tmp_path):
    def broken(scale):
        raise RuntimeError("no kernel image | is available")

    monkeypatch.setattr(program, "CHECKS", {"machine": program.CHECKS["machine"], "broken": broken})
    found = program.run(tiny(CPU), ["broken", "machine"])
    assert [each["passed"] for each in found] == [False, True]
    path = program.keep(found, tmp_path / "gpu", "NVIDIA H200")
    assert path.name == "nvidia-h200.json" and json.loads(path.read_text())["checks"] == json.loads(json.dumps(found))
    rows = path.with_suffix(".md").read_text().splitlines()
    assert len(rows) == 4 and rows[2].startswith("| broken | NO |") and rows[2].count("|") == 5
    monkeypatch.setattr(program, "LIMIT", -1)
    (late,) = program.run(tiny(CPU), ["machine"])
    assert not late["passed"] and "left out after" in late["error"]
