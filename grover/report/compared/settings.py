"""Section of the comparison: keys of the configuration, input files, and versions that differ between runs."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import yaml

from grover.config.names import CHOSEN
from grover.report.compared.runs import FOLDS, SEQUENCE, Run
from grover.report.parts import Section, Table, count, listed
from grover.report.sections.provenance import machine, merged_versions

KEY, TITLE = "settings", "What differs between the runs"
ABSENT = "–"
CHECKED = "genome/inputs.tsv"  # its provenance has the checksum of every input file
MODEL = f"models/{CHOSEN}/model.safetensors"
NAMED = 6
DIGITS = 12  # of a checksum
LONGEST = 160  # characters of a value
# keys that name a run and its places
OWN = {"run", "results", "downloads", "report.title"}


def section(runs: list[Run]) -> Section:
    """Return the tables of what differs. What is equal in all runs is not listed."""
    keys = differing({run.name: flat(run.configuration) for run in runs})
    keys = keys[~keys["key"].isin(OWN)]
    files = differing({run.name: files_of(run) for run in runs})
    versions = differing({run.name: versions_of(run) for run in runs})
    findings = [_sentence(keys, files, versions)]
    parts: list = [
        Table(table.rename(columns={"key": title}), caption, "")
        for table, title, caption in (
            (
                keys,
                "key",
                "Keys of the configuration that differ. A dash: the configuration of this run has no such key.",
            ),
            (files, "file", f"Inputs and derived files that differ, by the first {DIGITS} digits of their SHA-256."),
            (
                versions,
                "software",
                "Versions and machines that differ. Several: stages of the run used different ones.",
            ),
        )
        if len(table)
    ]
    return Section(KEY, TITLE, [*findings, *parts], findings)


def _sentence(keys: pd.DataFrame, files: pd.DataFrame, versions: pd.DataFrame) -> str:
    """Return how many keys, files and versions differ."""
    clauses = []
    for table, noun in ((keys, "key of the configuration"), (files, "input or derived file"), (versions, "version")):
        plural = noun.replace("key", "keys").replace("file", "files").replace("version", "versions")
        names = list(table["key"])
        named = names if len(names) <= NAMED else [*names[: NAMED - 1], f"{len(names) - NAMED + 1} more"]
        clauses.append(count(len(names), noun, plural) + (f" ({listed(named)})" if named else ""))
    return f"Between the runs differ: {'; '.join(clauses)}."


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested settings as texts by dotted key."""
    found: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            found |= flat(value, f"{prefix}{key}.")
        else:
            text = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True)
            text = text.removesuffix("...\n").strip()
            found[f"{prefix}{key}"] = text
    return found


def differing(values: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    """Return a row per key whose values differ: key, and a column per run with the values, cut where they are long; values: by run."""
    keys = dict.fromkeys(key for each in values.values() for key in each)
    rows = [(key, *(each.get(key, ABSENT) for each in values.values())) for key in keys]
    kept = [[key, *map(_cut, of_runs)] for key, *of_runs in rows if len(set(of_runs)) > 1]
    return pd.DataFrame(kept, columns=["key", *values])


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def files_of(run: Run) -> dict[str, str]:
    """Return the first digits of the checksums of sequence, folds and input files, by their names."""
    own = {name: run.checksum(name) for name in (SEQUENCE, FOLDS)}
    record = run.records.get(CHECKED, {"inputs": {}, "arguments": {}})
    sources = [text.partition("=") for text in record["arguments"].get("source", [])]
    own |= {f"source {key}": record["inputs"].get(path, "") for key, _, path in sources}
    return {name: digest[:DIGITS] for name, digest in own.items() if digest}


def versions_of(run: Run) -> dict[str, str]:
    """Return versions, code revisions and the machine of the pretraining."""
    found = merged_versions(run.records)
    revisions = sorted({str(record["git"])[:DIGITS] for record in run.records.values() if record.get("git")})
    found |= {"revision of the code": ", ".join(revisions)} if revisions else {}
    pretrained = run.records.get(MODEL) or next(
        (record for name, record in run.records.items() if name.startswith("models/") and name.endswith("safetensors")),
        None,
    )
    return found | ({"machine of the pretraining": machine(pretrained["hardware"])} if pretrained else {})
