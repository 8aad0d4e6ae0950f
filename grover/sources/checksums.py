"""Checksums of sources: MD5, SHA-256, and that of the command `sum`; given by themselves or in a listing beside the file."""

import re
from pathlib import Path

from grover.runtime import files
from grover.runtime.errors import InputError

SUM = "sum"
# Digests are told apart by their length in hexadecimal digits.
LENGTHS = {32: "md5", 64: "sha256"}
ALGORITHMS = ("md5", "sha256", SUM)


def digest(path: Path | str, algorithm: str = "sha256") -> str:
    """Return the checksum of a file: hexadecimal digits, or what `sum` prints."""
    if algorithm == SUM:
        from grover.sources.bsd_sum import bsd_sum  # only here, since it imports numba

        return bsd_sum(path)
    return files.checksum(path, algorithm)


def read_digest(algorithm: str, value: str) -> tuple[str, str]:
    """Return an algorithm with its checksum as `digest` writes it. Raises `InputError` for what is no such checksum."""
    words = value.strip().lower().split()
    if algorithm == SUM:
        if len(words) != 2 or not re.fullmatch("[0-9]{1,5} [0-9]+", " ".join(words)):
            raise InputError(f"{value!r} is no checksum of `sum`; give its two numbers, such as 05231 1204")
        return algorithm, f"{int(words[0]):05d} {int(words[1])}"
    text = "".join(words)
    if LENGTHS.get(len(text)) != algorithm or set(text) - set("0123456789abcdef"):
        length = next(length for length, known in LENGTHS.items() if known == algorithm)
        raise InputError(f"{value!r} is no {algorithm} checksum; give its {length} hexadecimal digits")
    return algorithm, text


def read_listing(text: str) -> dict[str, tuple[str, str]]:
    """Return algorithm and checksum of each file in a listing, by its name without folder; other lines are passed over.

    Listings are those of md5sum (NCBI's `md5checksums.txt`, UCSC's `md5sum.txt`), of sha256sum, and of `sum` (Ensembl's `CHECKSUMS`). One
    checksum alone in a listing has the name "".
    """
    listed: dict[str, tuple[str, str]] = {}
    rows = [line.split() for line in text.splitlines() if line.strip()]
    for row in rows:
        alone = len(rows) == len(row) == 1
        name = "" if alone else row[-1].lstrip("*").rsplit("/", 1)[-1]
        if len(row) == 3 and row[0].isdecimal() and row[1].isdecimal():
            value, algorithm = " ".join(row[:2]), SUM
        elif len(row) > 1 or alone:
            value, algorithm = row[0], LENGTHS.get(len(row[0]), "")
        else:
            continue
        if algorithm:
            listed.setdefault(name, read_digest(algorithm, value))
    return listed


def find_listed(text: str, name: str, place: str) -> tuple[str, str]:
    """Return algorithm and checksum of `name` in a listing; one checksum alone needs no name. `place` is for the message."""
    listed = read_listing(text)
    found = listed.get(name) or listed.get("")
    if found is None:
        raise InputError(f"{place} has no md5, sha256 or sum checksum for {name}; correct the address of the listing")
    return found
