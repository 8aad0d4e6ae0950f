"""The environment of external models has what their commands import, and their page is true."""

import ast
import re
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.utils import canonicalize_name

from grover.config.configuration import complete
from grover.external_models import adapters

ROOT = Path(__file__).parents[3]


def pins(lines):
    """Name and version of lines such as `numpy==2.4.6  # arrays`; anything looser fails."""
    lines = [line.partition("#")[0].strip() for line in lines]
    found = [re.fullmatch(r"([A-Za-z0-9._-]+)==([0-9][A-Za-z0-9.]*)", line).groups() for line in lines if line]
    return {canonicalize_name(name): version for name, version in found}


def test_both_files_of_the_environment_pin_the_same_and_share_the_versions_of_the_lock():
    text = pins((ROOT / "envs/external.txt").read_text().splitlines())
    environment = yaml.safe_load((ROOT / "envs/external.yaml").read_text())
    assert pins(environment["dependencies"][-1]["pip"]) == text and "python=3.11" in environment["dependencies"]
    lock = pins((ROOT / "envs/lock.txt").read_text().splitlines())
    differing = {name for name in text if lock.get(name) != text[name]}
    assert text["torch"] == lock["torch"] and text["transformers"].startswith("4.")
    assert differing == {"transformers", "tokenizers", "huggingface-hub", "einops"}


@pytest.mark.parametrize("command", ["finetune_external", "embed_external"])
def test_the_command_imports_only_what_the_environment_of_external_models_has(command):
    """Of the modules that it reaches, what stands at their tops."""
    waiting, reached, used = [ROOT / f"workflow/scripts/{command}.py"], set(), set()
    while waiting:
        path = waiting.pop()
        reached.add(path)
        for node in ast.parse(path.read_text()).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            found = {ROOT.joinpath(*name.split(".")).with_suffix(".py") for name in names if name.startswith("grover")}
            waiting += [path for path in found - reached if path.is_file()]
            used |= {name.split(".")[0] for name in names}
    owners = packages_distributions()
    needed = {canonicalize_name(owners[name][0]) for name in used - {"grover"} if name in owners}
    assert {"torch", "transformers"} <= needed <= set(pins((ROOT / "envs/external.txt").read_text().splitlines()))


def test_the_example_of_the_page_is_a_valid_configuration():
    example = re.search(r"```yaml\n(.*?)```", (ROOT / "docs/how-to/add-an-external-model.md").read_text(), re.S)[1]
    given = {"run": "x", "sources": {"genome": {"url": "genome.fa"}}, **yaml.safe_load(example)}
    config = complete(given, "docs/how-to/add-an-external-model.md")
    assert config.benchmarks.external_models["nt"].adapter in adapters.ADAPTERS


def test_the_page_has_a_row_for_each_adapter():
    rows = re.findall(r"^\| `([a-z0-9-]+)` \|", (ROOT / "docs/reference/external-models.md").read_text(), re.M)
    assert rows == list(adapters.ADAPTERS)
