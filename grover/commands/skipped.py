"""Inputs that were not computed: each keeps its row, whose column `status` gives the reason."""

from dataclasses import dataclass, field

import pandas as pd

from grover.interpretation.vcf import STATUSES

OK = "ok"
UNKNOWN_CONTIG, OUTSIDE, EMPTY, NO_BASES = "unknown_contig", "outside", "empty", "no_bases"
TOO_LONG = "too_long"
REASONS = STATUSES | {
    UNKNOWN_CONTIG: "on contigs that the FASTA does not have",
    OUTSIDE: "beyond the ends of their contig",
    EMPTY: "whose end is not after their start",
    NO_BASES: "without a base A, C, G or T",
    TOO_LONG: "longer than the model reads",
}


@dataclass
class Skipped:
    """How many inputs there were, and how many were skipped for which reason, with the first of each."""

    inputs: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    first: dict[str, str] = field(default_factory=dict)

    def add(self, rows: pd.DataFrame) -> None:
        """Count rows with chrom, start, end and status."""
        for status, number in rows["status"].value_counts(sort=False).items():
            if status == OK or not number:
                continue
            if status not in self.counts:
                place = int((rows["status"] == status).to_numpy().argmax())
                chrom, start, end = rows.iloc[place][["chrom", "start", "end"]]
                self.first[status] = f"{chrom}:{start}-{end}, row {self.inputs + place + 1:,}"
            self.counts[status] = self.counts.get(status, 0) + int(number)
        self.inputs += len(rows)

    @property
    def number(self) -> int:
        """Inputs that were skipped."""
        return sum(self.counts.values())

    @property
    def share(self) -> float:
        """Share of the inputs that were skipped."""
        return self.number / self.inputs if self.inputs else 0.0

    def summary(self) -> str:
        """Return one line about what was skipped."""
        parts = [
            f"{number:,} {REASONS.get(status, status)} ({status}; the first is {self.first[status]})"
            for status, number in self.counts.items()
        ]
        return f"skipped: {self.number:,} of {self.inputs:,} inputs: {'; '.join(parts)}"
