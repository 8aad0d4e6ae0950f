"""A place in sequences as genome browsers write it: `chr1:1,001-1,120`, counted from 1, both ends included."""

import re
from collections.abc import Mapping

from grover.intervals.contigs import some_of
from grover.runtime.errors import InputError

PLACE = re.compile(r"(?P<chrom>\S+):(?P<start>[\d,]+)-(?P<end>[\d,]+)")


def parse_locus(text: str, lengths: Mapping[str, int]) -> tuple[str, int, int]:
    """Return contig, start and end, 0-based half-open. Raises InputError for another text or a place that the contigs do not have."""
    found = PLACE.fullmatch(text.strip())
    if not found:
        raise InputError(f"--locus {text}: expected a contig with its first and last base, such as chr1:1001-1120")
    chrom = found["chrom"]
    start, end = int(found["start"].replace(",", "")) - 1, int(found["end"].replace(",", ""))
    if chrom not in lengths:
        raise InputError(f"--locus {text}: there is no contig {chrom} ({some_of(lengths)})")
    if not 0 <= start < end <= lengths[chrom]:
        raise InputError(
            f"--locus {text}: {chrom} has the bases 1 to {lengths[chrom]:,}; give the first of them before the last"
        )
    return chrom, start, end
