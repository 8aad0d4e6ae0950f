"""What a section of the report is made of, and where it finds its artefacts."""

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from grover.config.names import CHOSEN, is_random, random_of
from grover.genome.contig_table import read_rows
from grover.pretraining.trained_on import TRAINED_ON, read_trained_on
from grover.runtime.json_files import read_json

CHOICE, CONTIGS = "selection/chosen.txt", "genome/contigs.tsv"
BETTER, WORSE, SAME = "outperforms", "underperforms", "does not differ measurably from"
NUMBER = re.compile(r"–|[-+]?[\d.,]+(e[-+]\d+)?%?( \(.*\))?")


@dataclass
class Picture:
    """A figure with its caption; `source` is the artefact it shows, relative to the results folder."""

    name: str
    figure: Figure
    caption: str
    source: str


@dataclass
class Table:
    """A table of values that are already formatted, with its caption and the artefact it shows."""

    frame: pd.DataFrame
    caption: str
    source: str

    @property
    def numeric(self) -> list[bool]:
        """Whether each column holds numbers (perhaps with an interval) or dashes only, which are set flush right."""
        return [all(NUMBER.fullmatch(text) for text in self.frame[column]) for column in self.frame]


@dataclass
class Scatter:
    """Points that a reader colours, filters and looks up in the browser; `data` comes from `grover.report.scatter.prepare`."""

    name: str
    data: dict
    caption: str
    source: str


@dataclass
class Code:
    """Text that is shown as it is, folded under its title."""

    title: str
    text: str


@dataclass
class Folded:
    """Paragraphs, lists of sentences, pictures and tables that are folded under their title."""

    title: str
    parts: list


@dataclass
class Section:
    """A chapter of the report: `parts` are paragraphs (text), lists of sentences, pictures, scatters, tables, code and what is
    folded, in reading order.

    `findings` are sentences; the first stands below the title and may be repeated in the summary. `vocabulary` is that of the model that
    the section is about, where it may be another than the chosen one. `lead` names the picture that stays open, where it is not the first.
    """

    key: str
    title: str
    parts: list = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    vocabulary: str = ""
    lead: str = ""


class Results:
    """The artefacts of a run by their names relative to its folder; only the given files exist for it."""

    def __init__(self, folder: Path | str, files: Iterable[Path | str]) -> None:
        self.folder = Path(folder).resolve()
        paths = [Path(path).resolve() for path in files]
        self.names = {str(path.relative_to(self.folder)) for path in paths if path.is_relative_to(self.folder)}
        self.chosen = self.path(CHOICE).read_text().split()[0] if CHOICE in self.names else CHOSEN

    def find(self, pattern: str) -> list[str]:
        """Names that match a pattern such as `vocabulary/*/statistics.parquet`, sorted, those of the chosen
        vocabulary first."""
        found = sorted(name for name in self.names if fnmatchcase(name, pattern))
        return sorted(found, key=lambda name: not {CHOSEN, self.chosen} & set(name.split("/")))

    def of_main_model(self, pattern: str) -> str:
        """The name that matches a pattern such as `embeddings/*/umap.parquet` and is of the main model."""
        found = {name.split("/")[1]: name for name in self.find(pattern)}
        return found[self.main_model(found)]

    def main_model(self, names: Iterable[str]) -> str:
        """Return the embedded model that the sections describe: the chosen one, else the first in the alphabet.

        Models of the run come before external models, which have no randomly initialised one beside them.
        """
        names, chosen = set(names), [CHOSEN, self.chosen]
        models = [name for name in names if not is_random(name)]
        return min(models, key=lambda name: (name not in chosen, random_of(name) not in names, name), default=CHOSEN)

    def path(self, name: str) -> Path:
        return self.folder / name

    def table(self, name: str) -> pd.DataFrame:
        """A Parquet, TSV or BED file as a pandas table."""
        path = self.path(name)
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        if path.suffix == ".bed":
            names = ["chrom", "start", "end", "name"]
            types = {"chrom": str, "name": str}  # a contig may be called NA or 1, or have a quote in its name
            return pd.read_csv(
                path, sep="\t", header=None, names=names, dtype=types, keep_default_na=False, quoting=csv.QUOTE_NONE
            )
        if name == CONTIGS:
            return read_rows(path)
        return pd.read_csv(path, sep="\t", keep_default_na=False, na_values=[""])

    def trained_on(self) -> pd.DataFrame | None:
        """What the chosen model was trained on (chrom, start, end), or None where the run does not say."""
        found = self.find(f"models/*/{TRAINED_ON}")  # a link to the chosen model has the name of that model
        return read_trained_on(self.path(found[0])) if found else None

    def json(self, name: str) -> Any:
        return read_json(self.path(name))

    def array(self, name: str) -> np.ndarray:
        return np.load(self.path(name), mmap_mode="r")


def bases(count: float) -> str:
    """Bases in the unit that reads best: `26.08 Mb`."""
    for unit, size in (("Gb", 1e9), ("Mb", 1e6), ("kb", 1e3)):
        if count >= size:
            return f"{count / size:.4g} {unit}"
    return f"{count:.0f} b"


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 contig`, `2 contigs`."""
    return f"{number:,} " + (noun if number == 1 else plural or f"{noun}s")


def with_interval(value: float, low: float, high: float, *, digits: int = 3) -> str:
    """`0.812 (0.780 to 0.840)`, or the value alone where no interval is known."""
    if np.isnan(low) or np.isnan(high):
        return f"{value:.{digits}f}"
    return f"{value:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def verdict(subject: str, comparator: str, difference: float, low: float, high: float, unit: str) -> str:
    """An honest sentence on a difference, where positive is better, and its 95 % interval."""
    relation = judge(low, high)
    if relation == SAME:
        return f"{subject} {SAME} {comparator}: {signed(difference)} {unit} ({interval(low, high)})."
    return f"{subject} {relation} {comparator} by {abs(difference):.3f} {unit} ({interval(low, high)})."


def judge(low: float, high: float) -> str:
    """The verb that the 95 % interval of a difference allows."""
    return BETTER if low > 0 else WORSE if high < 0 else SAME


def interval(low: float, high: float) -> str:
    """`95 % interval +0.1 to +0.2` with spaces that do not break."""
    return f"95\u00a0%\u00a0interval {between(low, high)}"


def between(low: float, high: float) -> str:
    """`+0.1 to +0.2` with spaces that do not break."""
    return f"{signed(low)}\u00a0to\u00a0{signed(high)}"


def listed(items: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else items[0]


def in_brackets(items: list[str]) -> str:
    """` (a, b and c)`, or nothing."""
    return f" ({listed(items)})" if items else ""


def signed(value: float) -> str:
    """A number with its sign, the minus as wide as the plus."""
    return f"{value:+.3f}".replace("-", "\u2212")


def formatted(frame: pd.DataFrame, formats: dict[str, str] | None = None, default: str = "{:,.4g}") -> pd.DataFrame:
    """All cells as text: whole numbers with thousands separators, others by `formats` (column -> format), missing as
    a dash."""
    formats = formats or {}

    def cell(column: str, value: Any) -> str:
        if pd.isna(value):
            return "–"
        if column in formats:
            return formats[column].format(value)
        if isinstance(value, (bool, np.bool_)):
            return "yes" if value else "no"
        if isinstance(value, (int, np.integer)):
            return f"{value:,}"
        if isinstance(value, (float, np.floating)):
            return default.format(value)
        return str(value)

    return pd.DataFrame({column: [cell(column, value) for value in frame[column]] for column in frame.columns})
