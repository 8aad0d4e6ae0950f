"""The sources that a benchmark is built from, each read and compared with the assembly, for its data set and for the check before it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from grover.config.benchmark_table import BUILDERS
from grover.intervals.coding import read_coding
from grover.intervals.contigs import Contigs, check
from grover.intervals.formats import read_bed
from grover.intervals.overlaps import overlaps
from grover.intervals.sites import read_masked, read_peaks, read_tss
from grover.intervals.splice import read_junctions
from grover.runtime.errors import InputError

READERS: dict[str, Callable[..., pd.DataFrame]] = {
    "tss": read_tss,
    "narrowPeak": read_peaks,
    "splice": read_junctions,
    "coding": read_coding,
    "bed": read_bed,
    "repeats": read_masked,
}
# sources of these names are read wherever they are given
REPEATS, BLACKLIST = "repeats", "blacklist"


@dataclass(frozen=True)
class Placed:
    """Number of rows of a source, and those of them that overlap the segments of the genome."""

    rows: int
    inside: pd.DataFrame


@dataclass(frozen=True)
class SiteSources:
    """Files by key of the source, `rename` of those that have one, the contigs of the assembly, and its segments.

    Sites are kept, since several tasks read them from the same file of millions of rows.
    """

    files: Mapping[str, Path]
    renames: Mapping[str, str]
    contigs: Contigs
    segments: pd.DataFrame
    _sites: dict[tuple[str, str, bool], Placed] = field(default_factory=dict, init=False, repr=False, compare=False)

    def sites(self, key: str, builder: str, options: Mapping[str, str]) -> Placed:
        """Read the sites of a builder."""
        summits = builder == "tfbs" or int(options.get("summit", 0)) > 0
        wanted = key, BUILDERS[builder].format, summits
        if wanted not in self._sites:
            settings = {"summits": True} if summits else {}
            self._sites[wanted] = self.read(key, wanted[1], **settings)
        return self._sites[wanted]

    def check_number(self, key: str, placed: Placed, least: int) -> None:
        """Raise `InputError` where fewer than `least` rows of a source overlap the segments."""
        if len(placed.inside) < least:
            raise InputError(
                f"{self.files[key]}: {len(placed.inside)} intervals of it lie in the genome but at least {least} are needed; give an "
                "annotation that covers these regions"
            )

    def read(self, key: str, form: str, **settings: bool) -> Placed:
        """Read a source by the reader of a form of `READERS`."""
        path = self.files[key]
        table = READERS[form](path, contigs=self.contigs.names(self.renames.get(key, "")), **settings)
        placed = check(table, self.contigs.lengths, path)
        return Placed(len(table), placed[overlaps(placed, self.segments)])
