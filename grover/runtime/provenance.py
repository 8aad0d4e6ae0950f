"""What an artefact was made from: command, inputs, code, versions, hardware, time."""

import platform
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from grover.runtime.digest import code_digest
from grover.runtime.files import checksum, write_json
from grover.runtime.json_files import read_record
from grover.runtime.machine import cores
from grover.runtime.version import version

PACKAGES = ("torch", "transformers", "tokenizers", "numpy", "pandas", "scikit-learn", "numba", "pysam", "snakemake")
SUFFIX = ".provenance.json"
# what a reader relies on
KINDS = {
    "command": list,
    "arguments": dict,
    "inputs": dict,
    "outputs": dict,
    "code": str,
    "versions": dict,
    "started": str,
}


def record(outputs: list[Path], inputs: list[Path], arguments: dict[str, Any], started: float) -> None:
    """Write `FIRST_OUTPUT.provenance.json`; without outputs nothing is written.

    `started` is the time in seconds since the epoch at which the command began. The checksum of each output lets a
    reader tell whether a sidecar still belongs to its file.
    """
    if not outputs:
        return
    script = Path(sys.argv[0]).resolve()
    write_json(
        f"{outputs[0]}{SUFFIX}",
        {
            "command": [script.name, *sys.argv[1:]],
            "arguments": {name: _plain(value) for name, value in arguments.items()},
            "inputs": {str(path): known_checksum(path) for path in inputs if path.is_file()},
            "outputs": {str(path): _stamp(path) for path in outputs if path.is_file()},
            "code": code_digest(script),
            "git": _git_revision(script.parent),
            "versions": {"grover": version(), "python": platform.python_version(), **_versions()},
            "hardware": _hardware(),
            "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
            "seconds": round(time.time() - started, 2),
        },
    )


def read(output: Path | str) -> dict[str, Any] | None:
    """Return the provenance beside an output, or None where there is none that this project wrote and that is whole."""
    return read_sidecar(Path(f"{output}{SUFFIX}"))


def read_sidecar(path: Path) -> dict[str, Any] | None:
    """Return the provenance in a file; None where it is absent, damaged, or written by another program under such a name."""
    found = read_record(path)
    whole = found is not None and all(isinstance(found.get(key), kind) for key, kind in KINDS.items())
    return found if whole else None


def versions_below(folder: Path) -> set[str]:
    """Return the versions of this project that made files in a folder or below."""
    records = map(read_sidecar, folder.rglob(f"*{SUFFIX}"))
    return {str(record["versions"]["grover"]) for record in records if record and "grover" in record["versions"]}


def known_checksum(path: Path) -> str:
    """SHA-256 of a file, taken from a sidecar in its folder if size and time still agree, since genomes are large."""
    status = path.stat()
    for sidecar in path.parent.glob(f"[!.]*{SUFFIX}"):
        stamp = (read_sidecar(sidecar) or {"outputs": {}})["outputs"].get(str(path))
        if stamp and (stamp["size"], stamp["modified"]) == (status.st_size, status.st_mtime_ns):
            return str(stamp["sha256"])
    return checksum(path)


def _stamp(path: Path) -> dict[str, Any]:
    status = path.stat()
    return {"sha256": checksum(path), "size": status.st_size, "modified": status.st_mtime_ns}


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _git_revision(folder: Path) -> str | None:
    """Commit of the installation, with `-dirty` where files differ from it; None outside a git checkout."""
    try:
        run = ["git", "-C", str(folder), "-c", "safe.directory=*", "describe", "--always", "--dirty", "--abbrev=40"]
        return subprocess.run(run, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def _hardware() -> dict[str, Any]:
    model = ""
    if Path("/proc/cpuinfo").is_file():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
    torch = sys.modules.get("torch")
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] if torch else []
    return {"host": platform.node(), "cpu": model, "cores": cores(), "gpus": gpus}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
