"""The documentation names files, targets and keys that exist."""

import re
from pathlib import Path

import yaml

from grover.config.configuration import complete

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def test_links_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert target.startswith("https://") or (page.parent / target).exists(), f"{page.name} links to {target}"


def test_pages_and_decisions_that_the_code_names_exist():
    """Messages, comments and configurations name pages by their path in the project."""
    numbers = set(re.findall(r"^(\d+)\. \*\*", (ROOT / "docs/decisions.md").read_text(), re.M))
    for folder in ("grover", "workflow", "config", "bench", "profiles", "envs", "resources", "tests"):
        for path in (ROOT / folder).rglob("*.*"):
            if path.suffix in {".py", ".smk", ".yaml", ".tsv", ".txt", ".modulefile", ".md"}:
                text = path.read_text()
                for name in re.findall(r"\bdocs/[\w/-]+\.(?:md|ipynb|png)\b", text):
                    assert (ROOT / name).is_file(), f"{path.relative_to(ROOT)} names {name}"
                assert set(re.findall(r"docs/decisions\.md, (\d+)", text)) <= numbers, path


def test_named_configurations_and_targets_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    for page in PAGES:
        text = page.read_text()
        for name in re.findall(r"\bconfig/[\w./-]+\.(?:yaml|tsv)", text):
            assert (ROOT / name).is_file(), f"{page.name} names {name}"
        for target in re.findall(r"(?:`|^)make ([a-z-]+)", text, re.M):
            assert target in targets, f"{page.name} names make {target}"


def test_the_example_of_an_own_assembly_is_a_valid_configuration():
    example = re.search(r"```yaml\n(.*?)```", (ROOT / "docs/how-to/own-assembly.md").read_text(), re.S)[1]
    config = complete(yaml.safe_load(example), "docs/how-to/own-assembly.md")
    assert config.genome.minimum_segment == 20


def test_the_profiles_read_the_variables_that_the_page_names():
    page = (ROOT / "docs/reference/site-installation.md").read_text()
    profile = (ROOT / "profiles/slurm/profile.yaml").read_text()
    named = set(re.findall(r"^\| `(GROVER_\w+)`", page, re.M))
    assert set(re.findall(r"GROVER_\w+", profile)) <= named


def test_the_modulefile_sets_variables_that_the_page_explains():
    page = (ROOT / "docs/reference/site-installation.md").read_text()
    template = (ROOT / "envs/grover.modulefile").read_text()
    named = set(re.findall(r"^\| `([A-Z_]+)`", page, re.M)) | {"GROVER_ROOT"}
    assert set(re.findall(r"\b[A-Z]+_[A-Z_]+\b|\bMPLCONFIGDIR\b", template)) <= named
