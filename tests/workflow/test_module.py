"""The workflow as a module of another one: from a local copy it plans and runs, from elsewhere it says how to get a copy."""

import ast
import functools
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading

import pytest

from tests.installation import ROOT, Installation

pytestmark = pytest.mark.workflow

MODULE = """
import yaml

with open({config!r}) as file:
    settings = yaml.safe_load(file)


module grover:
    snakefile:
        {snakefile!r}
    config:
        settings


use rule * from grover as grover_*


rule all:
    default_target: True
    input:
        rules.grover_all.input,
"""


def run(installation: Installation, snakefile: str, *arguments: str, text: str = MODULE) -> str:
    """Run a workflow that takes all rules of `snakefile`; output and errors as one text, with the exit code in front."""
    work = installation.work
    text = text.format(config=str(installation.root / "config/test.yaml"), snakefile=snakefile)
    (work / "Snakefile").write_text(text)
    environment = {**os.environ, "XDG_CACHE_HOME": str(work.parent / "cache")}
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
    done = subprocess.run(
        command, cwd=work, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return f"{done.returncode}\n{done.stdout}"


@pytest.mark.slow
def test_another_workflow_goes_on_from_what_the_workflow_itself_has_made(finished, tmp_path):
    """All rules have the same params, inputs and commands, but for two that record how the run was started."""
    copy = finished.copy_to(tmp_path)
    snakefile = str(copy.root / "workflow/Snakefile")
    done = run(copy, snakefile)
    assert set(re.findall(r"^(?:local)?rule (\w+):", done, re.MULTILINE)) == {
        "all",
        "grover_write_reproduction",
        "grover_write_report",
    }
    assert done.startswith("0\n") and "(100%) done" in done, done
    assert "snakemake --snakefile Snakefile" in (copy.work / "results/test/report.html").read_text()
    again = run(copy, snakefile, "--dry-run")
    assert "Nothing to be done" in again, again


@pytest.mark.slow
def test_another_workflow_trains_a_model(finished, tmp_path):
    copy = finished.copy_to(tmp_path)
    model = copy.work / "results/test/models/kmer-3/model.safetensors"
    trained = model.read_bytes()
    model.unlink()
    shutil.rmtree(copy.work / "results/test/checkpoints")
    done = run(copy, str(copy.root / "workflow/Snakefile"), str(model.relative_to(copy.work)))
    assert done.startswith("0\n") and "rule grover_pretrain:" in done, done
    assert model.read_bytes() == trained


def test_mistakes_name_the_module(installation):
    config = installation.root / "config/test.yaml"
    config.write_text(config.read_text() + "\nsead: 3\n")
    done = run(installation, str(installation.root / "workflow/Snakefile"), "--dry-run")
    assert done.startswith("1\n") and "`config` of the module grover: unknown key `sead`" in done, done


def test_a_workflow_from_elsewhere_stops_with_the_command_that_gets_a_copy(installation):
    serve = functools.partial(http.server.SimpleHTTPRequestHandler, directory=ROOT)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        done = run(installation, f"http://127.0.0.1:{server.server_port}/workflow/Snakefile", "--dry-run")
        server.shutdown()
    assert done.startswith("1\n") and "git clone" in done and "Traceback" not in done, done
    assert "is no folder of this machine" in done, done


def test_two_modules_of_one_copy_leave_the_params_of_each_other_alone(installation):
    """A param that a second module adds would rerun all jobs of the first."""
    again = """
module second:
    snakefile:
        {snakefile!r}
    config:
        settings | {{"run": "second"}}


use rule * from second as second_*


print("params:", {{each.name: sorted(each.params.keys()) for each in workflow.rules}})
"""
    done = run(installation, str(installation.root / "workflow/Snakefile"), "--dry-run", text=MODULE + again)
    params = ast.literal_eval(re.search(r"^params: (.*)$", done, re.MULTILINE)[1])
    first, second = (
        {name.removeprefix(f"{prefix}_"): params[name] for name in params if name.startswith(f"{prefix}_")}
        for prefix in ("grover", "second")
    )
    assert first["pretrain"] and first == second


def test_another_workflow_changes_the_resources_of_a_rule(installation):
    changed = """
use rule pretrain from grover as grover_pretrain with:
    resources:
        mem_mb=9000,
"""
    done = run(installation, str(installation.root / "workflow/Snakefile"), "--dry-run", text=MODULE + changed)
    assert done.startswith("0\n"), done
    found = re.findall(r"^rule grover_pretrain:.*?resources: ([^\n]*)", done, re.MULTILINE | re.DOTALL)
    assert found and all("mem_mb=9000" in each and f"scripts={installation.root}" in each for each in found), found
