"""Settings as options of rules: what Snakemake reruns when the configuration names one more, or another value. In a small workflow."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.workflow

SNAKEFILE = """
from pathlib import Path

from grover.config import rule_params
from grover.config.configuration import complete

config = complete(dict(config), "test.yaml")
TOY = rule_params.options(Path("toy.py"), config, windows=lambda wildcards: wildcards.split)


rule all:
    input:
        "region.txt",


rule toy:
    output:
        "{split}.txt",
    params:
        options=TOY,
        code="code 1",
    shell:
        "echo {params.options} > {output}"


rule other:
    input:
        "region.txt",
    output:
        "other.txt",
    shell:
        "touch {output}"


for each in workflow.rules:
    each.set_params(**rule_params.named_params(each.params._allitems()))
"""
SCRIPT = '''from typing import Annotated

from grover.config.options import Seed
from grover.config.sections.genome import Corpus
from grover.config.sections.pretraining import Masking
from grover.runtime.settings import Setting


def toy(masking: Masking, windows: Annotated[str, Setting(Corpus, "split")], seed: Seed):
    """Compute."""
'''
SMALLEST = {"run": "test", "sources": {"genome": {"url": "genome.fa"}}}


@pytest.fixture(scope="module")
def workflow(tmp_path_factory):
    """Run Snakemake with sections of the configuration, the first time really: its output."""
    folder = tmp_path_factory.mktemp("toy")
    (folder / "Snakefile").write_text(SNAKEFILE)
    (folder / "toy.py").write_text(SCRIPT)

    def run(*words: str, **sections) -> str:
        (folder / "test.yaml").write_text(yaml.safe_dump(SMALLEST | sections))
        command = [sys.executable, "-m", "snakemake", "--configfile", "test.yaml", "--cores", "1", *words]
        done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0, done.stdout
        return done.stdout

    run()
    run.folder = folder
    return run


def test_the_command_has_the_options_of_the_script(workflow):
    text = Path(workflow.folder / "region.txt").read_text()
    assert text == "--mask-span 0 --mask-ratio 0.022 --mask-keep 0.0 --windows region --seed 1\n"


@pytest.mark.parametrize(
    "sections",
    [
        {"pretraining": {"mask_ratio": 0.022, "mask_keep": 0, "learning_rate": 0.0004}, "seed": 1},
        {"pretraining": {"learning_rate": 0.1, "steps": 7}, "corpus": {"split": "random"}, "gpus": 3},
    ],
    ids=["defaults written out", "settings of other scripts, and one that is given otherwise"],
)
def test_a_setting_that_keeps_its_value_or_is_not_declared_reruns_nothing(workflow, sections):
    assert "Nothing to be done" in workflow("--dry-run", **sections)


@pytest.mark.parametrize(
    ("sections", "before", "now"),
    [
        ({"pretraining": {"mask_ratio": 0.15, "steps": 7}}, "mask_ratio=0.022", "mask_ratio=0.15"),
        # 1 is the value of the seed, too
        ({"pretraining": {"mask_span": 1}}, "mask_span=0", "mask_span=1"),
    ],
)
def test_a_changed_setting_reruns_and_the_reason_names_it_alone(workflow, sections, before, now):
    assert f"before: '{before}' now: '{now}' " in workflow("--dry-run", **sections)
