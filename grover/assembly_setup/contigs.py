"""Which contigs of an assembly are read, and which are held out: whole chromosomes where there are enough, else blocks."""

import glob
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import combinations

from grover.assembly_setup.described import ALTERNATE, CHROMOSOME, ORGANELLE, PLASMID, Contig
from grover.config.sections.genome import Extraction

ASSEMBLED = 0.8  # share of the bases on chromosomes from which the scaffolds beside them are left out
MOST_CHROMOSOMES = 120  # more contigs with such names are a draft
LISTED = 200  # contigs that a configuration names one by one
ENOUGH = 10  # chromosomes from which whole ones are held out
FEWEST_BLOCKS = 40
SEX = ("x", "y", "z", "w", "u", "v")
# of the bases of a fold: what whole chromosomes may miss, and what is near enough
TOLERANCE, CLOSE = 0.35, 0.1


@dataclass(frozen=True)
class Kept:
    """Contigs that are read, the patterns for them in a configuration (empty for the default ones), and why others are not."""

    contigs: list[Contig]
    patterns: dict[str, list[str]]
    reason: str


def choose_contigs(contigs: Sequence[Contig], names_of: Callable[[str], Iterable[str]]) -> Kept:
    """Leave out organelles and alternative sequence, and scaffolds where chromosomes have most of the bases.

    names_of: all names of a contig, by which the patterns of a configuration match it.
    """
    nuclear = [contig for contig in contigs if contig.kind not in (ORGANELLE, ALTERNATE)] or list(contigs)
    chromosomes = [contig for contig in nuclear if contig.kind == CHROMOSOME]
    assembled = len(chromosomes) <= MOST_CHROMOSOMES and bases_of(chromosomes) >= ASSEMBLED * bases_of(nuclear)
    kept = [contig for contig in nuclear if not assembled or contig.kind in (CHROMOSOME, PLASMID)]
    names = {contig.name for contig in kept}
    left = Counter(contig.kind for contig in contigs if contig.name not in names)
    reason = (
        "left out: " + ", ".join(f"{number:,} {_plural(kind, number)}" for kind, number in left.items()) if left else ""
    )
    return Kept(kept, _patterns(contigs, names, names_of), reason)


def bases_of(contigs: Iterable[Contig]) -> int:
    """Add up the lengths."""
    return sum(contig.length for contig in contigs)


def _patterns(
    contigs: Sequence[Contig], kept: set[str], names_of: Callable[[str], Iterable[str]]
) -> dict[str, list[str]]:
    """Patterns that choose these contigs: none where the default ones do, else the shorter list of names."""
    usual = Extraction().exclude

    def is_usual(name: str) -> bool:
        return not any(fnmatchcase(other, pattern) for other in names_of(name) for pattern in usual)

    if all(is_usual(contig.name) == (contig.name in kept) for contig in contigs):
        return {}
    dropped = [glob.escape(contig.name) for contig in contigs if contig.name not in kept]
    if len(dropped) <= min(len(kept), LISTED):
        return {"exclude": dropped}
    return {"include": [glob.escape(contig.name) for contig in contigs if contig.name in kept], "exclude": []}


@dataclass(frozen=True)
class FoldChoice:
    """The section `folds` of a configuration, and the reason."""

    section: dict[str, object]
    reason: str


def choose_folds(
    contigs: Sequence[Contig], valid: float, test: float, block: int, gap: int, window: int = 0
) -> FoldChoice:
    """Hold out whole chromosomes where there are enough of a fitting length, else blocks, shorter ones in a small genome.

    valid, test: shares of the bases; block, gap: those that suit the size class of the genome; window: bases of the longest window, of
    which a block has room for two.
    """
    whole = [contig for contig in contigs if contig.kind == CHROMOSOME]
    if len(whole) == len(contigs) and ENOUGH <= len(whole) <= MOST_CHROMOSOMES:
        tested = _hold_out(whole, test * bases_of(whole))
        rest = [contig for contig in whole if contig not in tested]
        validated = _hold_out(rest, valid * bases_of(whole))
        if tested and validated:
            section: dict[str, object] = {
                "method": "contigs",
                "valid": [contig.name for contig in validated],
                "test": [contig.name for contig in tested],
            }
            shares = [f"{bases_of(fold) / bases_of(whole):.0%}" for fold in (validated, tested)]
            return FoldChoice(
                section, f"whole chromosomes, {len(whole)} are enough: {shares[0]} valid, {shares[1]} test"
            )
    suited = max(1000, 2 * window, min(block, _round(bases_of(contigs) // FEWEST_BLOCKS)))
    pieces = [max(1, round(contig.length / suited)) for contig in contigs]
    section = {"method": "blocks", "block": suited, "gap": min(gap, suited // 10), "valid": valid, "test": test}
    uncut = pieces.count(1)
    if uncut == len(pieces):  # the length of a block says nothing
        blocks = f"{uncut:,} whole {'contig' if uncut == 1 else 'contigs'} as blocks"
    else:
        blocks = f"{sum(pieces):,} blocks of about {suited:,} bases"
        blocks += f", {uncut:,} of them whole contigs" if uncut else ""
    return FoldChoice(section, f"{blocks}: {valid:.0%} valid, {test:.0%} test")


def _hold_out(contigs: Sequence[Contig], bases: float) -> list[Contig]:
    """A few chromosomes of about so many bases, of middle rank in length and no sex chromosomes; none where nothing fits."""
    ranked = sorted(contigs, key=lambda contig: contig.length)
    middle = sorted(
        (contig for contig in ranked[:-1] if contig.name.lower().removeprefix("chr") not in SEX),
        key=lambda contig: abs(ranked.index(contig) - len(ranked) / 2),
    )[:20]
    best: tuple[Contig, ...] = ()
    allowed = TOLERANCE * bases
    for number in (2, 3, 1, 4, 5):  # two spread more than one; more leave less variety for training
        for chosen in combinations(middle, number):
            missed = abs(bases_of(chosen) - bases)
            if missed < allowed:
                best, allowed = chosen, missed
            if missed <= CLOSE * bases:  # the first one is of the most middle ranks
                return sorted(chosen, key=contigs.index)
    return sorted(best, key=contigs.index)


def _round(number: int) -> int:
    """The number to one significant digit, downwards."""
    unit = 10 ** (len(str(number)) - 1)
    return number // unit * unit


def _plural(kind: str, number: int) -> str:
    words = {ALTERNATE: "alternative sequence"}.get(kind, kind)
    return words if number == 1 else f"{words}s"
