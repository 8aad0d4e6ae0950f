"""Whether genes have introns enough for tasks of splice sites, from a look into the file when the workflow is put together.

Genes of bacteria have none, and are no mistake. The look ends as soon as there are enough introns.
"""

import math
import re
from collections import Counter
from pathlib import Path

from grover.config.benchmark_table import BUILDERS, Task
from grover.config.configuration import Configuration
from grover.config.files import file_name, local_path
from grover.intervals.lines import data_lines
from grover.intervals.loci import SHORTEST
from grover.runtime.errors import InputError

OWNER = re.compile(r'(?:^|;)\s*(transcript_id|Parent|ID)[ =]"?([^";]+)')


def lacking_introns(task: Task, configuration: Configuration, installation: Path) -> str:
    """Return why a task of splice sites has too few, empty for enough, other tasks, and a file that cannot be looked into yet."""
    path = _place(task.sites[0], configuration, installation) if BUILDERS[task.builder].format == "splice" else None
    if path is None:
        return ""
    needed = needed_sites(configuration)
    try:
        found = count_introns(path, needed)
    except InputError:  # the check of the sources says so
        return ""
    if found >= needed:
        return ""
    minimum = f"{configuration.benchmarks.minimum} examples of each label in each fold (`benchmarks.minimum`)"
    return f"{path.name} has {found} gaps between exons or coding sequences, which count as introns, and {minimum} need about {needed}"


def needed_sites(configuration: Configuration) -> int:
    """Return the number of sites of which the smallest fold is expected to get `benchmarks.minimum`."""
    shares = [share for share in (configuration.folds.valid, configuration.folds.test) if isinstance(share, float)]
    return math.ceil(configuration.benchmarks.minimum / min(shares, default=1))


def count_introns(path: Path, most: int) -> int:
    """Count the introns of a GTF or GFF3, up to `most`: gaps between exons, or coding sequences, of one owner that follow each other.

    Any other table counts as `most`.
    """
    last: dict[tuple[str, str], tuple[int, int]] = {}
    introns: Counter[str] = Counter()
    for _, line in data_lines(path):
        cells = line.split("\t")
        if len(cells) < 9 or not (cells[3].isdecimal() and cells[4].isdecimal()):
            return most
        kind = cells[2].lower()
        if not kind.endswith(("exon", "cds")):
            continue
        start, end = int(cells[3]), int(cells[4])
        owner = _owner(cells[8])
        before = last.get((kind, owner))
        if owner and before and max(start - before[1], before[0] - end) - 1 >= SHORTEST:
            introns[kind] += 1
        last[kind, owner] = start, end
        if introns[kind] >= most:
            return most
    return max(introns.values(), default=0)


def _owner(attributes: str) -> str:
    """The transcript of a row: `transcript_id` of GTF, `Parent` of GFF3, else its own ID, which the parts of a gene share."""
    found = dict(OWNER.findall(attributes))
    return next((found[key] for key in ("transcript_id", "Parent", "ID") if key in found), "")


def _place(key: str, configuration: Configuration, installation: Path) -> Path | None:
    """Where the file of a source is, linked or downloaded; None for a simulated one and for one that is not here."""
    source = configuration.sources[key]
    if source.simulated is not None:
        return None
    try:
        place = local_path(key, source, configuration.data, installation)
    except InputError:  # the workflow says so when it looks for its sources
        return None
    path = Path(place or Path(configuration.downloads, key, file_name(source, None)))
    return path if path.is_file() else None
