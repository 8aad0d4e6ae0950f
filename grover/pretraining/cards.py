"""Parts of model cards: the README.md of a Hugging Face folder, Markdown with a YAML head.

A card names files without their folders, which are of the machine that made them.
"""

import math
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

import yaml

from grover.tokenization.vocabulary import Vocabulary

PUBLIC = ("http", "https", "ftp")


def document(head: dict, sections: Mapping[str, Iterable[str]]) -> str:
    """Join the YAML head and the paragraphs of each section; the first title is that of the card."""
    parts = [f"---\n{yaml.safe_dump(head, sort_keys=False, allow_unicode=True)}---"]
    for number, (title, paragraphs) in enumerate(sections.items()):
        parts += [f"{'##' if number else '#'} {title}", *paragraphs]
    return "\n\n".join(parts) + "\n"


def text_of(vocabulary: Vocabulary, sequence: str = "sequence") -> str:
    """Return the Python expression for what the tokenizer reads of a `sequence`."""
    if vocabulary.kind != "overlap":
        return sequence
    return f'" ".join({sequence}[i : i + {vocabulary.k}] for i in range(len({sequence}) - {vocabulary.k - 1}))'


def reading(positions: int) -> str:
    """Return the paragraph about what a tokenizer reads."""
    return (
        "Bases are A, C, G and T in either case; anything else is one [UNK] per base. "
        f"At most {positions:,} tokens fit, [CLS] and [SEP] included; `truncation=True` cuts there."
    )


def machine(record: dict | None) -> str:
    """Return the table of hardware, software and checksums of a provenance `record`."""
    if record is None:
        return "Not recorded."
    hardware = record["hardware"]
    rows = [
        ["processor", f"{hardware['cores']} cores, {hardware['cpu'] or 'not recorded'}"],
        ["GPUs", ", ".join(hardware["gpus"]) or "no GPU"],
        ["started (UTC)", record["started"]],
        ["seconds of the last job", f"{record['seconds']:,.1f}"],
        ["revision of the code", f"`{record['git'] or 'not recorded'}`"],
        ["digest of the code", f"`{record['code']}`"],
        ["versions", ", ".join(f"{name} {version}" for name, version in record["versions"].items())],
    ]
    rows += [[f"SHA-256 of `{file_name(path)}`", f"`{stamp['sha256']}`"] for path, stamp in record["outputs"].items()]
    return table(["", "value"], rows)


def own_settings(record: dict) -> dict:
    """Return the arguments of a command that name no file, empty ones left out."""
    files = {*record["inputs"], *record["outputs"]}
    return {
        name: value
        for name, value in record["arguments"].items()
        if value not in (None, "", []) and not any(_names_file(item, files) for item in _listed(value))
    }


def origin(address: str) -> str:
    """Return a public address as it is but without a user's name; of anything else the name of the file."""
    parts = urlsplit(address)
    if parts.scheme not in PUBLIC:
        return file_name(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def file_name(path: str) -> str:
    """Return the name of a file without its folders."""
    return path.rpartition("/")[2]


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table."""
    header = list(header)
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def interval(values: Mapping, style: str, low: str = "low", high: str = "high") -> str:
    """Return the 95 % interval among `values`, in brackets."""
    if values[low] is None or math.isnan(values[low]):
        return " (too few blocks for an interval)"
    return f" (95 % interval {values[low]:{style}} to {values[high]:{style}})"


def plain(value: object) -> str:
    """Return a value as a reader expects it: thousands separated, lists with commas."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _listed(value: object) -> list:
    return value if isinstance(value, list) else [value]


def _names_file(value: object, files: set[str]) -> bool:
    return isinstance(value, str) and (value in files or "/" in value)
