"""One lock: every way to install the project installs the same versions, and the code imports nothing beside them."""

import ast
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def pins(lines) -> dict[str, str]:
    """Name and version of lines such as `numpy==2.4.6  # arrays`; anything looser fails."""
    found = {}
    for line in (line.partition("#")[0].strip() for line in lines):
        if line:
            name, version = re.fullmatch(r"([A-Za-z0-9._-]+)==([0-9][A-Za-z0-9.]*)", line).groups()
            found[canonicalize_name(name)] = version
    return found


DIRECT = pins((ROOT / "envs/requirements.txt").read_text().splitlines())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = pins((ROOT / "envs/lock.txt").read_text().splitlines())


def test_each_direct_pin_says_why():
    for line in (ROOT / "envs/requirements.txt").read_text().splitlines():
        assert line.startswith("#") or re.search(r"==\S+  # \w", line), line


def test_the_lock_holds_the_direct_pins():
    assert {name: LOCK.get(name) for name in DIRECT} == DIRECT


def test_the_package_asks_for_at_least_the_direct_pins_and_pins_nothing_itself():
    for line in [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["workflow"]]:
        requirement = Requirement(line)
        assert str(requirement.specifier) == f">={DIRECT[canonicalize_name(requirement.name)]}", line


def test_the_package_depends_on_what_it_imports_and_on_nothing_else():
    distributions = metadata.packages_distributions()
    # what scripts of the workflow alone use may import what only the workflow needs
    paths = [path for path in (ROOT / "grover").rglob("*.py") if path != ROOT / "grover/planning/dry_run.py"]
    names = {name for path in paths for name in imported(path)}
    needed = {canonicalize_name(distributions[name][0]) for name in names - {"grover"} - sys.stdlib_module_names}
    assert needed == {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    assert not [path for path in paths if "grover.planning.dry_run" in path.read_text()]


def test_setup_installs_the_lock_and_then_the_project_without_a_network():
    """What builds the package is in the lock, so that nothing else is fetched."""
    makefile = (ROOT / "Makefile").read_text()
    stamps = r"^\.venv/installed: envs/lock\.txt\n((?:\t.*\n)+)", r"^\.venv/linked: pyproject\.toml .*\n((?:\t.*\n)+)"
    found = [
        re.findall(r"pip install (?:--disable-pip-version-check )?(.*)", re.search(stamp, makefile, re.M)[1])
        for stamp in stamps
    ]
    assert found == [["-r envs/lock.txt"], ["--no-deps --no-build-isolation -e ."]]
    assert "setup: .venv/installed .venv/linked" in makefile
    [build] = map(Requirement, tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"])
    assert build.specifier.contains(LOCK[canonicalize_name(build.name)])


def test_the_lock_is_what_is_installed():
    assert {name: metadata.version(name).split("+")[0] for name in LOCK} == LOCK


def test_the_lock_is_closed():
    """Whatever its packages require on this machine is in the lock; CUDA is the business of torch."""
    required = {
        canonicalize_name(requirement.name)
        for name in LOCK
        for requirement in map(Requirement, metadata.distribution(name).requires or [])
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""})
    }
    cuda = {name for name in required if name.startswith(("nvidia-", "cuda-")) or name == "triton"}
    assert required - cuda <= LOCK.keys()


def test_conda_lists_the_pins_of_the_lock():
    environment = yaml.safe_load((ROOT / "envs/grover.yaml").read_text())
    assert environment["channels"] == ["conda-forge", "bioconda"]
    assert pins(environment["dependencies"][-1]["pip"]) == LOCK
    assert "python=3.11" in environment["dependencies"]
    assert any(str(part).startswith("bedtools=") for part in environment["dependencies"])


def test_image_and_bundle_install_the_lock_and_then_the_project_as_setup_does():
    installer = (ROOT / "envs/install.sh").read_text()
    found = re.findall(r"^pip install --quiet --no-index (.*)$", installer, re.M)
    assert found == [
        '--find-links wheels -r "$target/envs/lock.txt"',
        '--no-deps --no-build-isolation -e "$target"',
    ]
    assert len(re.findall("pip install|-m pip", installer)) == 3


def test_the_image_has_what_torch_compile_calls_and_the_profile_shows_gpus_to_it():
    packages = (ROOT / "envs/debian.txt").read_text()
    assert all(
        re.search(rf"^{name}  # ", packages, re.M) for name in ("gcc", "libc6-dev", "python3.11-dev", "bedtools")
    )
    assert 'apptainer-args: "--nv"' in (ROOT / "profiles/slurm/profile.yaml").read_text()


def imported(path: Path) -> set[str]:
    """Top-level names that a Python file, or the plain import lines of a Snakefile, import."""
    text = path.read_text()
    if path.suffix != ".py":
        text = "\n".join(line for line in text.splitlines() if re.match(r"(import|from) ", line))
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module)
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("folder", ["grover", "workflow", "tests", "bench", "envs"])
def test_every_import_is_a_direct_pin(folder):
    """Looked up in the installed metadata, since `yaml` comes from PyYAML and `sklearn` from scikit-learn."""
    distributions = metadata.packages_distributions()
    files = [path for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".smk") and not path.is_symlink()]
    if folder == "workflow":
        files.append(ROOT / "Snakefile")
    # comparisons may import what make peers installs
    lines = (ROOT / "envs/peers.txt").read_text().splitlines() if folder == "bench" else []
    peers = {canonicalize_name(line.partition("==")[0]).replace("-", "") for line in lines}
    own = {"grover", "tests", "workflow", "bench"} | {path.stem for path in files if path.parent == ROOT / folder}
    for path in files:
        for name in imported(path) - own - sys.stdlib_module_names:
            offered = {canonicalize_name(distribution) for distribution in distributions.get(name, [])}
            assert offered & DIRECT.keys() or name in peers, (
                f"{path.relative_to(ROOT)} imports {name}, not in requirements.txt"
            )


def test_each_hook_runs_a_program_of_lint_in_the_environment_of_the_project():
    lint = re.search(r"^lint: .*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.M)[1]
    commands = re.findall(r"^\t\$\(BIN\)/(ruff \w+|python \S+|\w+)", lint, re.M)
    [local] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    entries = [re.sub(" --.*", "", hook["entry"]) for hook in local["hooks"]]
    assert sorted(entries) == sorted(f".venv/bin/{command}" for command in commands)
