"""Collect what an installation without a network needs into one folder, with a manifest and an install.sh that verifies it."""

import filecmp
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Literal

from typer import Option

from grover.finetuning.predictors import external_folders
from grover.planning.defaults import complete_for_genome
from grover.planning.dry_run import read_configuration
from grover.runtime.cli import main
from grover.runtime.errors import InputError
from grover.runtime.machine import cores
from grover.runtime.version import version
from grover.sources.bundle import fetched, local_parts, write_manifest

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "envs/lock.txt"
FILES = ("install.sh", "debian.txt")  # of envs/, at the top of the bundle


def bundle(
    output: Annotated[Path, Option(help="folder of the bundle, which does not exist yet")],
    configfile: Annotated[
        list[Path], Option(help="configuration; repeat the option as for snakemake", exists=True)
    ] = [],  # noqa: B006
    config: Annotated[list[str], Option(help="KEY=VALUE, as for snakemake")] = [],  # noqa: B006
    torch: Annotated[Literal["cpu", "cuda"], Option(help="build of torch")] = "cpu",
    debs: Annotated[bool, Option(help="add the Debian packages and all that they need, by apt-get")] = False,
    dry_run: Annotated[bool, Option(help="print what would be collected, and write nothing")] = False,
) -> None:
    """Collect the project, wheels, and of a configuration its sources, tables and models; without one the program alone."""
    if output.exists() and not dry_run:
        raise InputError(f"{output} exists; remove it, or name another folder (make: BUNDLE=FOLDER)")
    part = output.with_name(f"{output.name}.part")
    constraint = torch_pin(torch)
    with tempfile.TemporaryDirectory() as work:
        moved = [*config, f"results={work}", f"downloads={part.absolute() / 'downloads'}"]
        targets, parts = _of_configuration(configfile, config, moved) if configfile else ([], {})
        if dry_run:
            print(f"project: grover {version()}, commit {_commit()}", f"wheels: {LOCK.name}, {constraint}", sep="\n")
            names = [target.removeprefix(f"{part.absolute()}/").removeprefix(f"{work}/") for target in targets]
            for line in (*(f"fetched: {name}" for name in names), *(f"copied: {name}" for name in parts)):
                print(line)
            return
        _refuse_changes()
        _clear(part)
        if targets:
            _fetch(configfile, moved, targets)
    for name, found in parts.items():
        destination = part / name
        destination.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if found.is_dir() else shutil.copyfile)(found, destination)
    _run(["git", "-C", ROOT, "archive", "--output", part.absolute() / "project.tar", "HEAD"], "pack the project")
    _collect_wheels(part / "wheels", constraint)
    for name in FILES:
        shutil.copyfile(ROOT / "envs" / name, part / name)
    if debs:
        _collect_debs(part / "debian")
    (part / "README.txt").write_text(_readme(torch, configfile, part))
    digest = write_manifest(part)
    part.rename(output)
    size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file()) / 1e9
    print(f"{output}: {size:.2f} GB; SHA-256 of its manifest: {digest}")


def _clear(part: Path) -> None:
    """Make the folder of an unfinished bundle; of one that was interrupted the downloads are kept."""
    part.mkdir(parents=True, exist_ok=True)
    for each in part.iterdir():
        if each.name != "downloads":
            shutil.rmtree(each) if each.is_dir() else each.unlink()


def _refuse_changes() -> None:
    """Raise InputError where the lock or the installer differ from the last commit, which is packed."""
    _commit()
    done = subprocess.run(["git", "-C", str(ROOT), "diff", "--quiet", "HEAD", "--", "envs"], capture_output=True)
    if done.returncode:
        raise InputError(
            f"{ROOT / 'envs'} has changes that are not committed, but the last commit is packed; commit them"
        )


def _of_configuration(configfile: list[Path], own: list[str], moved: list[str]) -> tuple[list[str], dict[str, Path]]:
    """What is fetched and what is copied for a configuration; own, moved: `--config` of the user, and with the folders of the bundle."""
    names = [path.name for path in configfile]
    for path in configfile:
        own_file = ROOT / "config" / path.name
        if names.count(path.name) > 1 or own_file.is_file() and not filecmp.cmp(own_file, path, shallow=False):
            raise InputError(f"{path}: the bundle has another configuration of this name; rename it")
    origin = " ".join(map(str, configfile))
    settings, _ = complete_for_genome(read_configuration(configfile, own), origin, ROOT)
    folders = external_folders(settings, ROOT, origin)
    parts = local_parts(settings, ROOT, folders, origin) | {f"files/config/{path.name}": path for path in configfile}
    settings, _ = complete_for_genome(read_configuration(configfile, moved), origin, ROOT)
    return fetched(settings, ROOT, folders), parts


def torch_pin(torch: str) -> str:
    """Return the pin of the lock for the build of torch: `===` compares the local part, such as `+cpu`, too."""
    [pin] = re.findall(r"^torch==(\S+)", LOCK.read_text(), re.M)
    return f"torch==={pin}{'+cpu' if torch == 'cpu' else ''}"


def _fetch(configfile: list[Path], config: list[str], targets: list[str]) -> None:
    """Fetch and verify files by the workflow's own rules."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--cores", cores(), "--quiet"]
    _run([*command, "--configfile", *configfile, "--config", *config, "--", *targets], "fetch the sources")


def _collect_wheels(folder: Path, constraint: str) -> None:
    """Collect the packages of the lock; what comes as source alone is built."""
    folder.mkdir()
    with tempfile.TemporaryDirectory() as scratch:
        pins = Path(scratch, "constraint.txt")
        pins.write_text(f"{constraint}\n")
        command = [
            sys.executable,
            "-m",
            "pip",
            "--disable-pip-version-check",
            "wheel",
            "--quiet",
            "--wheel-dir",
            folder,
        ]
        remedy = (
            "; for TORCH=cpu set PIP_EXTRA_INDEX_URL to PyTorch's index of CPU builds" if "+cpu" in constraint else ""
        )
        _run([*command, "-r", LOCK, "-c", pins], f"collect the wheels of {LOCK.name} with {constraint}", remedy)


def _collect_debs(folder: Path) -> None:
    """Collect the Debian packages as if none were installed."""
    packages = [line.partition("#")[0].strip() for line in (ROOT / "envs/debian.txt").read_text().splitlines()]
    (folder / "partial").mkdir(parents=True)
    status = folder / "status"
    status.touch()
    options = [f"Dir::State::status={status.absolute()}", f"Dir::Cache::archives={folder.absolute()}"]
    options += ["APT::Sandbox::User=root", "Debug::NoLocking=1"]
    command = ["apt-get", *(word for option in options for word in ("-o", option)), "--download-only", "-qq", "-y"]
    _run([*command, "--no-install-recommends", "install", *filter(None, packages)], "collect the Debian packages")
    status.unlink()
    (folder / "partial").rmdir()


def _readme(torch: str, configfile: list[Path], folder: Path) -> str:
    """What the bundle contains; `install.sh` prints its last lines with the folder of the installation in place of FOLDER."""
    folders = [f"{name}=FOLDER/{name}" for name in ("downloads", "data") if (folder / name).is_dir()]
    run = "FOLDER/.venv/bin/snakemake --snakefile FOLDER/Snakefile --cores all"
    names = [f"FOLDER/config/{path.name}" for path in configfile] or ["CONFIGURATION.yaml"]
    run = " ".join([run, "--configfile", *names, *(["--config", *folders] if folders else [])])
    return (
        f"GROVER {version()}, commit {_commit()}, torch for {torch}. Needs the Debian packages of debian.txt.\n"
        "Verify and install: bash install.sh FOLDER\n"
        f"installed: grover {version()} in FOLDER; the command is FOLDER/.venv/bin/grover\nrun: {run}\n"
    )


def _commit() -> str:
    """Return the commit that is packed. Raises InputError where the project is no git repository."""
    done = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "HEAD"], capture_output=True, text=True)
    if done.returncode:
        raise InputError(f"{ROOT} is no git repository, from whose last commit the project is packed; clone it by git")
    return done.stdout.strip()


def _run(command: list, what: str, remedy: str = "") -> None:
    """Run a program that prints its own messages. Raises InputError where it fails, which ends with `remedy`."""
    done = subprocess.run(list(map(str, command)), stdout=sys.stderr)
    if done.returncode:
        raise InputError(f"{command[0]} could not {what}; see its message above{remedy}")


if __name__ == "__main__":
    main(bundle)
