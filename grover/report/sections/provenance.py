"""Section of the report: where every number comes from."""

from pathlib import Path

import pandas as pd

from grover.report.parts import Code, Section, Table, count
from grover.runtime.provenance import SUFFIX, read_sidecar

TITLE = "Provenance"


def section(folder: Path, configuration: str) -> Section:
    """Versions, revision, machine and seconds of each stage, from the sidecars below `folder`, and the configuration
    as YAML."""
    records = records_of(folder)
    settings = Code("Configuration", configuration)
    if not records:
        return Section("provenance", TITLE, ["No provenance was found beside the artefacts.", settings])
    ordered = sorted(records.items(), key=lambda item: item[1].get("started", ""))
    stages = pd.DataFrame(
        [
            {
                "artefact": name,
                "command": (record.get("command") or ["–"])[0],
                "started (UTC)": record.get("started", "–").replace("T", " ").removesuffix("Z"),
                "seconds": f"{record.get('seconds', float('nan')):,.1f}",
                "machine": machine(record.get("hardware", {})),
            }
            for name, record in ordered
        ]
    )
    took = duration(sum(record.get("seconds", 0) for record in records.values()))
    versions = pd.DataFrame(merged_versions(records).items(), columns=["software", "version"])
    revisions = sorted({str(record.get("git")) for record in records.values()})
    text = "\n\n".join(f"# {name}\n{' '.join(map(str, record.get('command', [])))}" for name, record in ordered)
    parts = [
        f"{count(len(records), 'command')} took {took} in all. Code revision: {', '.join(revisions)}.",
        Table(stages, "Commands in the order in which they ran.", ""),
        Table(versions, "Versions.", ""),
        settings,
        Code("Every command in full", text),
    ]
    return Section("provenance", TITLE, parts)


def records_of(folder: Path) -> dict[str, dict]:
    """Return the provenance below a folder by artefact, relative to the folder."""
    found = {path: read_sidecar(path) for path in sorted(folder.rglob(f"*{SUFFIX}"))}
    return {str(path.relative_to(folder)).removesuffix(SUFFIX): record for path, record in found.items() if record}


def machine(hardware: dict) -> str:
    """`2 cores, Xeon; NVIDIA H200`."""
    return "; ".join(
        [f"{hardware.get('cores', '?')} cores, {hardware.get('cpu') or 'CPU unknown'}", *hardware.get("gpus", [])]
    )


def merged_versions(records: dict[str, dict]) -> dict[str, str]:
    """Version of each package; several, where stages ran with different ones."""
    found: dict[str, set] = {}
    for record in records.values():
        for name, version in record.get("versions", {}).items():
            found.setdefault(name, set()).add(version)
    return {name: ", ".join(sorted(versions)) for name, versions in found.items()}


def duration(seconds: float) -> str:
    """`3 h 12 min`, `12 min 5 s` or `8.2 s`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
