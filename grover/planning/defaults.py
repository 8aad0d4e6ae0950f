"""Defaults that suit genome and device: what a configuration leaves open is less than the paper's for a small genome or a CPU.

The values are in resources/defaults.tsv. They depend on the size class of the genome as its source shows it, and on
`device`. They never depend on results or on the machine, so that the driver, its jobs and the next start have the same values.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from grover.config.configuration import REQUIRED, Configuration, complete
from grover.config.files import file_name, installed, local_path
from grover.config.tables import read_table
from grover.config.validation import validate
from grover.planning.continuation import adopt_source
from grover.runtime.errors import InputError

TABLE, ASSEMBLIES = "resources/defaults.tsv", "resources/assemblies.tsv"
PAPER = "."  # a cell of the table: the default of the setting, which is the paper's
CLASSES = {"small": 30_000_000, "middle": 300_000_000}  # most bases; a larger genome is `large`
# what the values of a column were chosen for, by `make plan`
AIMS = {
    "cpu_small": "a report within 45 minutes on two cores",
    "cpu_middle": "a pretraining of half an hour on eight cores",
    "cpu_large": "a pretraining of a night on eight cores",
    "gpu_small": "a pretraining of minutes on one GPU",
    "gpu_middle": "a pretraining of an hour on one GPU",
}
BASES_PER_BYTE = {".gz": 3.4, ".bgz": 3.4, ".xz": 4.2, ".2bit": 4.0}  # of a genome's file; 0.98 of plain FASTA
UNKNOWN = 3_000_000_000


def complete_for_genome(raw: dict[str, Any], origin: str, installation: Path) -> tuple[Configuration, list[str]]:
    """Complete a configuration as `complete` does, with defaults that suit genome and device.

    Returns it with lines that name the values chosen and why. A value of the configuration counts instead of a chosen one;
    `defaults: paper` chooses none. What the model of `pretraining.from` decides counts like a value of the configuration.
    """
    draft, _ = validate(Configuration, raw, REQUIRED)  # its mistakes are reported by `complete`
    raw, taken = adopt_source(raw, draft, origin, installation)
    if draft.defaults == "paper":
        return complete(raw, origin), taken
    bases, known = source_bases(draft, installation)
    column = suitable(bases, draft.device)
    chosen, reasons = read_defaults(installation / TABLE, column)
    chosen = _with_windows(raw, {key: value for key, value in chosen.items() if not _names(raw, key)})
    size = f"{bases / 1e6:,.{0 if bases >= 1e7 else 1}f} Mb" if bases >= 50_000 else f"{bases / 1e3:,.0f} kb"
    title = f"defaults for {size} ({known}) on {'a GPU' if draft.device == 'cuda' else 'the CPU'}"
    return complete(_laid_under(raw, chosen), origin), [*taken, *_lines(title, column, chosen, reasons)]


def suitable(bases: int, device: str) -> str:
    """Return the column of the table; `device: auto` counts as the CPU, since it must finish without a GPU."""
    size = next((name for name, most in CLASSES.items() if bases <= most), "large")
    return f"{'gpu' if device == 'cuda' else 'cpu'}_{size}"


def read_defaults(table: Path, column: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values of a column by dotted key, without those that are the paper's, and the reason of each key."""
    rows = read_table(table)
    values = {row["key"]: yaml.safe_load(row[column]) for row in rows if row.get(column, PAPER) != PAPER}
    return values, {row["key"]: row["reason"] for row in rows}


def source_bases(settings: Configuration, installation: Path) -> tuple[int, str]:
    """Return the size of the genome and how it is known before any job: from the configuration and the file of the source."""
    if settings.simulate is not None:
        return settings.simulate.bases, "`simulate.bases`"
    if settings.genome.bases:
        return settings.genome.bases, "`genome.bases`"
    entry, cut = settings.sources.get("genome"), settings.sources.get("regions")
    if entry is None:
        return UNKNOWN, "`sources.genome` is missing"
    try:
        regions = local_path("regions", cut, settings.data, installation) if cut else None
        place = local_path("genome", entry, settings.data, installation)
    except InputError:  # the workflow says so when it looks for its sources
        return UNKNOWN, "a file of the sources is missing"
    if regions:
        return bed_bases(Path(regions)), f"the regions in {Path(regions).name}"
    name = file_name(entry, place)
    assemblies = {row["assembly"]: int(row["bases"]) for row in read_table(installed(ASSEMBLIES, installation))}
    stem = re.sub(r"(\.fa|\.fasta|\.fna)?(\.gz|\.bgz|\.xz)?$|\.2bit$", "", name)
    if stem in assemblies:
        return assemblies[stem], f"the size of {stem}"
    if place:
        return file_bases(Path(place)), f"the size of the file {name}"
    return UNKNOWN, f"a mammal's, since {name} is not here yet; `genome.bases` gives the true size"


def file_bases(path: Path) -> int:
    """Estimate the bases in a file by its size and its compression."""
    return int(path.stat().st_size * BASES_PER_BYTE.get(path.suffix, 0.98))


def bed_bases(path: Path) -> int:
    """Add up the intervals of a BED file."""
    from grover.intervals.formats import read_bed  # only here, since it imports pandas

    return int(read_bed(path)[["start", "end"]].diff(axis=1)["end"].sum())


def _names(raw: dict[str, Any], key: str) -> bool:
    """Whether a configuration has a dotted key, even an empty one, which `complete` refuses."""
    section, _, name = key.rpartition(".")
    place = raw.get(section) if section else raw
    return isinstance(place, dict) and name in place


def _length(raw: dict[str, Any], key: str) -> int | None:
    """The whole number that a configuration gives for a key of a section, None where it gives none."""
    section, _, name = key.rpartition(".")
    value = raw[section][name] if _names(raw, key) else None
    return value if isinstance(value, int) else None


def _with_windows(raw: dict[str, Any], chosen: dict[str, Any]) -> dict[str, Any]:
    """Chosen values with which windows fit into the positions and contain what a configuration asks of them."""
    longest, window = keys = ("corpus.longest", "embeddings.window_tokens")
    fitted = dict(chosen)
    if longest in chosen:
        fitted[longest] = max(chosen[longest], _length(raw, "corpus.shortest") or 0)
    context = _length(raw, "embeddings.context") or 0
    if window in chosen and 2 * context >= chosen[window]:
        fitted[window] = 4 * context  # as much between both contexts as in them
    if "pretraining.positions" in chosen:
        given = [length for key in keys if (length := fitted.get(key) or _length(raw, key)) is not None]
        fitted["pretraining.positions"] = max([chosen["pretraining.positions"], *(length + 2 for length in given)])
    elif (positions := _length(raw, "pretraining.positions")) is not None:
        fitted |= {key: min(fitted[key], positions - 2) for key in keys if key in fitted}
    return fitted


def _laid_under(raw: dict[str, Any], chosen: dict[str, Any]) -> dict[str, Any]:
    """A configuration with the chosen values; a section that is no mapping is left for `complete` to refuse."""
    result = dict(raw)
    for key, value in chosen.items():
        section, _, name = key.rpartition(".")
        if not section:
            result[name] = value
        elif isinstance(result.get(section, {}), dict):
            result[section] = result.get(section, {}) | {name: value}
    return result


def _lines(title: str, column: str, chosen: dict[str, Any], reasons: dict[str, str]) -> list[str]:
    """The values by reason, below one line that says for what they were chosen."""
    if not chosen:
        return [f"{title}: those of docs/reference/configuration.md"]
    groups: dict[str, list[str]] = {}
    for key, value in chosen.items():
        shown = f"{value:,}" if isinstance(value, int) else value
        groups.setdefault(reasons[key], []).append(f"{key} {shown}")
    aim = f"chosen for {AIMS[column]} (docs/how-to/own-assembly.md); a value of the configuration counts instead"
    return [f"{title}, {aim}:", *(f"  {', '.join(values)}: {reason}" for reason, values in groups.items())]
