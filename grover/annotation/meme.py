"""Motifs from files in MEME format.

The reader keeps to https://meme-suite.org/meme/doc/meme-format.html. `w=` and `nsites=` may be absent. Text may precede the line
`MEME version`, as in the output of MEME. Where `w=` is absent, a matrix ends at the first line without numbers.
"""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from grover.runtime.errors import InputError
from grover.runtime.text import open_text

BASES = "ACGT"
MATRIX, LOG_ODDS = "letter-probability matrix", "log-odds matrix"
# largest distance of a row's sum from 1: four probabilities with two decimals
ROUNDED = 0.0201
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Motif:
    """A motif of a MEME file: the words of its line `MOTIF MA0139.1 CTCF`, and the number of that line from 1.

    name: empty where the line has one word. matrix: base probabilities, float64 [4, width], rows A, C, G, T; None where the file gives
    the motif none.
    """

    identifier: str
    name: str
    line: int
    matrix: np.ndarray | None


def read_matrix(path: Path | str, motif: str) -> np.ndarray:
    """Return base probabilities of one motif of a MEME file, float64 [4, width], rows A, C, G, T.

    motif: its identifier or its name; an identifier counts first. Raises `InputError` where it is missing, stands for several motifs or
    has no matrix.
    """
    motifs = read_meme(path)
    found = [each for each in motifs if each.identifier == motif] or [each for each in motifs if each.name == motif]
    if not found:
        words = sorted({word for each in motifs for word in (each.identifier, each.name) if word})
        near = [word for word in words if motif.lower() in word.lower()] or get_close_matches(motif, words, cutoff=0.5)
        hint = f"did you mean {', '.join(near[:5])}?" if near else f"it contains {', '.join(words[:5])} and others"
        raise InputError(f"{path}: no motif {motif!r} among {len(motifs):,}; {hint}")
    if len(found) > 1:
        identifiers = [each.identifier for each in found]
        lines = ", ".join(str(each.line) for each in found)
        advice = f"choose one by its identifier: {', '.join(identifiers)}"
        if len({*identifiers}) < len(identifiers):
            advice = "give each an identifier of its own"
        raise InputError(f"{path}, lines {lines}: {motif!r} names {len(found)} motifs; {advice}")
    if found[0].matrix is None:
        raise InputError(
            f"{path}, line {found[0].line}: motif {motif} has no {MATRIX}; give one, which a log-odds matrix cannot replace"
        )
    return found[0].matrix


def read_meme(path: Path | str) -> list[Motif]:
    """Return all motifs of a MEME file in their order; raise `InputError`, naming file and line, where it is no such file."""
    with open_text(path) as stream:
        lines = [line.strip() for line in stream]
    begin = next((n for n, line in enumerate(lines) if line.startswith("MEME version")), None)
    if begin is None:
        raise InputError(f"{path}: no line begins with 'MEME version'; give motifs in MEME format")
    _check_alphabet(path, lines)
    starts = [number for number, line in enumerate(lines) if re.match(r"MOTIF(\s|$)", line) and number > begin]
    ends = [*starts, len(lines)][1:]
    motifs = [_motif(path, lines, start, end) for start, end in zip(starts, ends, strict=True)]
    if all(motif.matrix is None for motif in motifs):
        other = f"; a {LOG_ODDS} cannot replace it" if any(line.startswith(LOG_ODDS) for line in lines) else ""
        raise InputError(f"{path}: no motif with a {MATRIX}; give a complete file{other}")
    return motifs


def _check_alphabet(path: Path | str, lines: list[str]) -> None:
    """Raise `InputError` for an alphabet other than DNA; without any, the columns are A, C, G, T."""
    for number, line in enumerate(lines, 1):
        if given := re.match(r"ALPHABET\s*=\s*(\S*)", line):
            letters = given.group(1)
        elif re.match(r"ALPHABET\b", line):
            # an alphabet of one's own has a line for each pair of complementary letters, such as A "Adenine" ~ T "Thymine"
            rest = lines[number : lines.index("END ALPHABET", number) if "END ALPHABET" in lines[number:] else None]
            pairs = [re.match(r"(\S)(\s.*)?\s~\s*(\S)(\s|$)", row) for row in rest]
            letters = "".join(sorted(letter for pair in pairs if pair for letter in (pair.group(1), pair.group(3))))
        else:
            continue
        if letters.upper() != BASES:
            raise InputError(
                f"{path}, line {number}: the alphabet is {letters or 'not DNA'}, but {BASES} in this order was expected; give "
                "motifs of DNA"
            )


def _motif(path: Path | str, lines: list[str], start: int, end: int) -> Motif:
    """Read the motif whose line `MOTIF` has the index `start`; the next motif begins at `end`."""
    identifier, name = [*lines[start].split()[1:3], "", ""][:2]
    if not identifier:
        raise InputError(f"{path}, line {start + 1}: the motif has no identifier; write MOTIF and a name")
    place = next((number for number in range(start + 1, end) if lines[number].startswith(MATRIX)), None)
    matrix = None if place is None else _matrix(path, lines, place, end, identifier)
    return Motif(identifier, "" if name == "width" else name, start + 1, matrix)  # old versions: MOTIF 1 width = 8


def _matrix(path: Path | str, lines: list[str], place: int, end: int, identifier: str) -> np.ndarray:
    """Read the rows below the line with the index `place`, float64 [4, rows]."""
    settings = dict(re.findall(r"\b(w|alength)\s*=\s*(\d+)", lines[place]))
    first = next((number for number in range(place + 1, end) if lines[number]), end)
    rows: list[list[float]] = []
    for number in range(first, end):
        words = lines[number].split()
        if not words or not NUMBER.fullmatch(words[0]):
            break
        rows.append(_row(words, f"{path}, line {number + 1}: motif {identifier}"))
    if not rows or len(rows) != int(settings.get("w", len(rows))):
        what = f"as many rows as `w=` says ({settings['w']})" if "w" in settings else "rows"
        raise InputError(
            f"{path}, line {place + 1}: motif {identifier}: expected {what}, each four probabilities; found {len(rows)}"
        )
    return np.ascontiguousarray(np.array(rows).T)


def _row(words: list[str], place: str) -> list[float]:
    expected = "expected four probabilities that add up to 1"
    if len(words) != len(BASES) or not all(map(NUMBER.fullmatch, words)):
        raise InputError(f"{place}: {expected}, found {' '.join(words)}")
    row = [float(word) for word in words]
    if min(row) < 0 or abs(sum(row) - 1) > ROUNDED:
        advice = "; these are counts, divide each by the sum of its row" if min(row) >= 0 and sum(row) > 1.5 else ""
        raise InputError(f"{place}: {expected}, found {' '.join(words)}, which add up to {sum(row):g}{advice}")
    return row
