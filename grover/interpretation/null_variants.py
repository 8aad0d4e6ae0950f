"""Random variants of fold train, and scores as the difference from them.

Whatever a variant does, its score depends on how many tokens an allele has and on the substitution itself. That of an insertion or
deletion depends on its length, too. `llr_centred` and `llr_length_adjusted` subtract what random variants of the same kind have.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd

from grover.genome.assembly import Genome
from grover.genome.bases import decode
from grover.interpretation.changes import Change, as_record, change, change_at
from grover.interpretation.training_places import draw_places
from grover.interpretation.vcf import LEAST_FLANK, OK

LONGEST = 50  # bases of a random insertion or deletion
LENGTHS = np.array([1, 2, 3, 4, 6, 10, 20, LONGEST + 1])  # each begins a class of lengths
MOST_TOKENS = 2  # a larger change in the number of tokens counts as this one
FEWEST = 10  # random variants of which a mean or median is taken
COMPLEMENT = str.maketrans("ACGT", "TGCA")


def draw_snvs(genome: Genome, folds: pd.DataFrame, number: int, seed: int) -> pd.DataFrame:
    """Draw substitutions of single bases: chrom, pos, ref, alt, status."""
    rng = np.random.default_rng([seed, 0])
    places = draw_places(genome, folds, 2 * LEAST_FLANK + 1, number, rng) + LEAST_FLANK
    codes = genome.codes[places]
    return _table(genome, places, list(decode(codes)), list(decode((codes + rng.integers(1, 4, number)) % 4)))


def draw_indels(genome: Genome, folds: pd.DataFrame, number: int, seed: int) -> pd.DataFrame:
    """Draw as many deletions as insertions, of 1 to `LONGEST` bases, short ones more often.

    Half of the insertions repeat the bases before them, as slippage of the polymerase does; the others are sequence from elsewhere.
    """
    rng = np.random.default_rng([seed, 1])
    sizes = np.exp(rng.uniform(0, np.log(LONGEST + 1), number)).astype(np.int64)
    reach = 2 * LEAST_FLANK + 2 * LONGEST
    places = draw_places(genome, folds, reach, number, rng) + LEAST_FLANK + LONGEST
    elsewhere = draw_places(genome, folds, reach, number, rng)
    rows = []
    for i, (place, size, other) in enumerate(zip(places, sizes, elsewhere, strict=True)):
        base, codes = decode(genome.codes[place - 1 : place]), genome.codes
        if i % 2 == 0:
            ref, alt = base + decode(codes[place : place + size]), base
        else:
            source = place - size if i % 4 == 1 else other
            ref, alt = base, base + decode(codes[source : source + size])
        rows.append(as_record(genome, change_at(genome, int(place) - 1, ref, alt)))
    table = _table(genome, places, [row[1] for row in rows], [row[2] for row in rows])
    return table.assign(pos=[row[0] for row in rows])


def _table(genome: Genome, places: np.ndarray, ref: Iterable[str], alt: Iterable[str]) -> pd.DataFrame:
    chroms, coordinates = genome.locate(places)
    names = [genome.chroms[number] for number in chroms]
    return pd.DataFrame({"chrom": names, "pos": coordinates + 1, "ref": ref, "alt": alt, "status": OK})


class Null(NamedTuple):
    """What random variants have: `change` and `context` say which kind, `llr` what is subtracted."""

    snvs: pd.DataFrame
    indels: pd.DataFrame

    @classmethod
    def of(cls, scored: pd.DataFrame, genome: Genome) -> "Null":
        """Summarise scored random variants: chrom, pos, ref, alt, status and the columns of `Scorer.score`."""
        scored = scored[(scored["status"] == OK) & scored["llr"].notna()]
        single = (scored["ref"].str.len() == 1) & (scored["alt"].str.len() == 1)
        indels = scored[~single]
        kinds = indel_kinds(indels, genome)
        medians = indels["llr"].groupby(kinds).agg(["median", "size"])
        return cls(_means(scored[single]), medians[medians["size"] >= FEWEST])

    def centred(self, table: pd.DataFrame) -> np.ndarray:
        """Return `llr` minus the mean of random substitutions of equal change in token number and equal bases, strand by strand.

        NaN for anything but substitutions of a single base.
        """
        strands = [
            table[f"llr_{strand}"].to_numpy() - self.snvs["llr"].reindex(kinds).to_numpy()
            for strand, kinds in zip(("plus", "minus"), snv_kinds(table), strict=True)
        ]
        return (strands[0] + strands[1]) / 2

    def length_adjusted(self, table: pd.DataFrame, genome: Genome) -> np.ndarray:
        """Return `llr` minus the median of random insertions or deletions of about equal length and equal repeat context.

        NaN for anything else, for lengths beyond `LONGEST`, and where there are too few.
        """
        return table["llr"].to_numpy() - self.indels["median"].reindex(indel_kinds(table, genome)).to_numpy()


def snv_kinds(table: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return the kind of each substitution as it is read on the plus and on the minus strand, such as `C>T+1`; else an empty text."""
    single = (table["ref"].str.len() == 1) & (table["alt"].str.len() == 1) & (table["status"] == OK)
    found = []
    for suffix, complement in (("", {}), ("_minus", COMPLEMENT)):
        change = (table[f"tokens_alt{suffix}"] - table[f"tokens_ref{suffix}"]).clip(-MOST_TOKENS, MOST_TOKENS)
        ref, alt = (table[name].str.translate(complement) for name in ("ref", "alt"))
        found.append((ref + ">" + alt + change.map("{:+d}".format)).where(single & (table["ref"] != table["alt"]), ""))
    return found[0], found[1]


def _means(snvs: pd.DataFrame) -> pd.DataFrame:
    """Mean score of each kind of substitution on one strand, strands pooled; of a rare kind the sum of the effects of its parts."""
    kinds = pd.concat(snv_kinds(snvs), ignore_index=True)
    values = pd.concat([snvs["llr_plus"], snvs["llr_minus"]], ignore_index=True)
    bases, change = kinds.str[:3], kinds.str[3:]
    cells = values.groupby(kinds).agg(["mean", "size"])
    overall = values.mean()
    of_bases, of_change = (values.groupby(part).mean() - overall for part in (bases, change))
    all_kinds = [
        f"{a}>{b}{change:+d}"
        for a in "ACGT"
        for b in "ACGT"
        if a != b
        for change in range(-MOST_TOKENS, MOST_TOKENS + 1)
    ]
    added = pd.Series(
        {kind: overall + of_bases.get(kind[:3], 0.0) + of_change.get(kind[3:], 0.0) for kind in all_kinds}
    )
    enough = cells.loc[cells["size"] >= FEWEST, "mean"]
    return pd.DataFrame({"llr": enough.reindex(added.index).fillna(added)})


def indel_kinds(table: pd.DataFrame, genome: Genome) -> pd.Series:
    """Return the kind of each insertion and deletion: its sign, the class of its length, and its repeat context; else an empty text.

    The context is `tandem` where the same bases stand beside it, that is where it could be moved by its own length, else `unique`.
    """
    lengths = table["ref"].str.len() - table["alt"].str.len()
    rows = table[["chrom", "pos", "ref", "alt"]].itertuples(index=False, name=None)
    wanted = (table["status"] == OK) & (lengths != 0)
    kinds = [_indel_kind(change(genome, *row)) if asked else "" for row, asked in zip(rows, wanted, strict=True)]
    return pd.Series(kinds, table.index, dtype="str")


def _indel_kind(found: Change) -> str:
    size = len(found.ref) + len(found.alt)
    if (len(found.ref) and len(found.alt)) or size > LONGEST:
        return ""
    sign = "-" if len(found.ref) else "+"
    shortest = LENGTHS[np.searchsorted(LENGTHS, size, side="right") - 1]
    return f"{sign}{shortest} {'tandem' if found.reach >= size else 'unique'}"
