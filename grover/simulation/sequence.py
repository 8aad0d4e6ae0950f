"""Random DNA for the simulated genome: Markov background, degenerate motifs, repeat families and their decayed copies.

Sequences are uint8 codes A 0, C 1, G 2, T 3. With these, `code ^ 2` is the transition partner of a base and `3 - code`
its complement.
"""

from dataclasses import dataclass

import numpy as np

# Odds of a dinucleotide against the product of its bases, rounded values of the human genome (rows: first base).
# CpG is the fourth of what is expected; TpG and CpA, its products of decay, are in excess (Burge et al. 1992).
DINUCLEOTIDE_ODDS = np.array(
    [[1.13, 0.85, 1.16, 0.88], [1.21, 1.19, 0.24, 1.16], [1.01, 1.00, 1.19, 0.85], [0.73, 1.01, 1.21, 1.13]]
)
SHORT_CHAIN = 50
IUPAC = {"A": "A", "C": "C", "G": "G", "T": "T", "R": "AG", "Y": "CT", "M": "AC", "W": "AT", "N": "ACGT"}


def codes(text: str) -> np.ndarray:
    """Codes of an upper-case ACGT string."""
    return np.array(["ACGT".index(base) for base in text], dtype=np.uint8)


def text(sequence: np.ndarray) -> str:
    """Upper-case string of codes."""
    return "".join("ACGT"[code] for code in sequence)


def reverse_complement(sequence: np.ndarray) -> np.ndarray:
    """The other strand, read in its own direction."""
    return 3 - sequence[::-1]


def markov(rng: np.random.Generator, gc: np.ndarray, steps: int) -> np.ndarray:
    """First-order Markov chains with `DINUCLEOTIDE_ODDS`, one per row: uint8 [len(gc), steps].

    `gc` is the GC share of the base frequencies of each chain. All chains advance together, so the loop is short.
    """
    gc = np.asarray(gc, dtype=float)
    frequencies = np.stack([(1 - gc) / 2, gc / 2, gc / 2, (1 - gc) / 2], axis=1)
    transition = frequencies[:, None, :] * DINUCLEOTIDE_ODDS
    transition = transition / transition.sum(axis=2, keepdims=True)
    cumulative = np.cumsum(transition, axis=2)[:, :, :3]
    chain = np.arange(len(gc))
    drawn = np.empty((steps, len(gc)), dtype=np.uint8)
    state = (rng.random((len(gc), 1)) > np.cumsum(frequencies, axis=1)[:, :3]).sum(axis=1)
    for step in range(steps):
        drawn[step] = state
        state = (rng.random((len(gc), 1)) > cumulative[chain, state]).sum(axis=1)
    return drawn.T


def background(rng: np.random.Generator, gc: float, length: int) -> np.ndarray:
    """One stretch of background of evenly distributed GC, put together from short chains: uint8 [length]."""
    return markov(rng, np.full(length // SHORT_CHAIN + 1, gc), SHORT_CHAIN).ravel()[:length]


def independent(rng: np.random.Generator, gc: float, length: int) -> np.ndarray:
    """One stretch of independent bases, in which CpG is as frequent as its bases allow: uint8 [length]."""
    return rng.choice(4, length, p=[(1 - gc) / 2, gc / 2, gc / 2, (1 - gc) / 2]).astype(np.uint8)


def matrix(consensus: str, strength: float | list[float]) -> np.ndarray:
    """Position probabilities float [len(consensus), 4] of an IUPAC consensus.

    The bases that the consensus allows share `strength` (one number, or one per position), the others the rest.
    """
    allowed = np.array([[base in IUPAC[symbol] for base in "ACGT"] for symbol in consensus], dtype=float)
    inside = np.broadcast_to(np.asarray(strength, dtype=float), len(consensus))[:, None]
    outside = 4 - allowed.sum(axis=1, keepdims=True)
    inside = np.where(outside == 0, 1.0, inside)
    return allowed / allowed.sum(axis=1, keepdims=True) * inside + (1 - allowed) / np.maximum(outside, 1) * (1 - inside)


def sample(rng: np.random.Generator, probabilities: np.ndarray) -> np.ndarray:
    """One sequence drawn from position probabilities [length, 4]: uint8 [length]."""
    drawn = rng.random((len(probabilities), 1)) > np.cumsum(probabilities, axis=1)[:, :3]
    return drawn.sum(axis=1).astype(np.uint8)


@dataclass
class Family:
    """A repeat family: its consensus, its age (mean divergence of a copy), and the part of the genome it fills."""

    name: str
    repeat_class: str
    family: str
    consensus: np.ndarray
    divergence: float
    coverage: float
    gc_bias: float  # above 0: prefers GC-rich isochores, below 0: AT-rich ones
    mean_length: int  # of the retained part; the whole consensus where it is as long


def repeat_families(rng: np.random.Generator) -> list[Family]:
    """The interspersed families, with invented consensus sequences and the habits of their real models.

    Alu: two related CpG-rich monomers with an A-rich linker and a poly-A tail, in subfamilies of different age. L1:
    long, AT-rich, with a poly-A tail. LTR: TG..CA ends. DNA: terminal inverted repeats.
    """

    monomer = independent(rng, 0.62, 128)
    linker = codes("AAAAATACAAAAA")
    alu = np.concatenate([monomer, linker, decay(rng, monomer, 0.15)[0]])
    subfamilies = {"AluDemoY": alu}
    for name in ("AluDemoS", "AluDemoJ"):
        changed = alu.copy()
        places = rng.choice(len(alu), 12, replace=False)
        changed[places] ^= 2
        subfamilies[name] = alu = changed
    old_line = background(rng, 0.40, 3000)
    young_line = old_line.copy()
    places = rng.choice(3000, 240, replace=False)
    young_line[places] ^= 2
    end = background(rng, 0.5, 28)
    transposon = np.concatenate([end, background(rng, 0.42, 184), reverse_complement(end)])
    hat_end = background(rng, 0.45, 16)
    hat = np.concatenate([hat_end, background(rng, 0.38, 308), reverse_complement(hat_end)])
    solo = np.concatenate([codes("TG"), background(rng, 0.48, 436), codes("CA")])
    old_solo = np.concatenate([codes("TG"), background(rng, 0.44, 376), codes("CA")])
    return [
        Family("AluDemoY", "SINE", "Alu", subfamilies["AluDemoY"], 0.04, 0.020, 5, 280),
        Family("AluDemoS", "SINE", "Alu", subfamilies["AluDemoS"], 0.09, 0.070, 8, 275),
        Family("AluDemoJ", "SINE", "Alu", subfamilies["AluDemoJ"], 0.16, 0.040, 8, 250),
        Family("L1DemoA", "LINE", "L1", young_line, 0.05, 0.050, -8, 1100),
        Family("L1DemoB", "LINE", "L1", old_line, 0.15, 0.090, -8, 800),
        Family("LTRDemo1", "LTR", "ERV1", solo, 0.08, 0.025, -2, 430),
        Family("LTRDemo2", "LTR", "ERVL-MaLR", old_solo, 0.17, 0.020, -2, 330),
        Family("TiggerDemo1", "DNA", "TcMar-Tigger", transposon, 0.12, 0.020, 0, 220),
        Family("CharlieDemo1", "DNA", "hAT-Charlie", hat, 0.19, 0.015, 0, 240),
    ]


def decay(rng: np.random.Generator, sequence: np.ndarray, divergence: float) -> tuple[np.ndarray, tuple]:
    """Return a copy of `sequence` with substitutions at rate `divergence`, and single-base deletions and insertions.

    There are two transitions to each transversion, one deletion for ten substitutions, and one insertion for twelve.

    Returns the copy and its numbers of substitutions, deletions and insertions.
    """
    copy, substitutions = _substitute(rng, sequence, divergence)
    kept = rng.random(len(copy)) >= divergence / 10
    copy = copy[kept]
    before = np.flatnonzero(rng.random(len(copy)) < divergence / 12)
    copy = np.insert(copy, before, rng.integers(0, 4, len(before), dtype=np.uint8))
    return copy, (substitutions, int((~kept).sum()), len(before))


def repeat_copy(rng: np.random.Generator, family: Family) -> tuple[np.ndarray, dict]:
    """One inserted copy in the orientation of its consensus, and what RepeatMasker would report of it.

    SINE and LINE lose their 5' part and carry a poly-A tail; LTR and DNA elements lose either end. The report holds
    `consensus_start`, `consensus_end` (0-based half-open) and substitutions, deletions, insertions.
    """
    full = len(family.consensus)
    retro = family.repeat_class in ("SINE", "LINE")
    if family.repeat_class == "LINE":
        length = min(full, 150 + int(rng.exponential(family.mean_length - 150)))
    else:
        # Most copies are complete; the others lose up to two thirds, so that the mean is the family's.
        lost = 3 * (1 - family.mean_length / full)
        length = full - (int(rng.random() * full * 2 / 3) if rng.random() < lost else 0)
    start = full - length if retro else int(rng.integers(0, full - length + 1))
    divergence = float(np.clip(rng.normal(family.divergence, 0.15 * family.divergence + 0.005), 0.02, 0.20))
    copy, (substitutions, deletions, insertions) = decay(rng, family.consensus[start : start + length], divergence)
    if retro:
        tail = np.zeros(int(rng.integers(8, 31)), dtype=np.uint8)
        copy = np.concatenate([copy, decay(rng, tail, divergence / 2)[0]])
    return copy, _report(start, start + length, substitutions, deletions, insertions)


def tandem(rng: np.random.Generator, unit: np.ndarray, length: int, divergence: float) -> tuple[np.ndarray, dict]:
    """`length` bases of `unit` repeated head to tail, each base decayed, with the report of `repeat_copy`."""
    copy, substitutions = _substitute(rng, np.resize(unit, length), divergence)
    return copy, _report(0, min(length, len(unit)), substitutions)


def _substitute(rng: np.random.Generator, sequence: np.ndarray, rate: float) -> tuple[np.ndarray, int]:
    """A copy with substitutions, two transitions to each transversion, and their number."""
    copy = sequence.copy()
    hit = np.flatnonzero(rng.random(len(copy)) < rate)
    copy[hit] ^= rng.choice(np.array([2, 2, 2, 2, 1, 3], dtype=np.uint8), len(hit))
    return copy, len(hit)


def _report(start: int, end: int, substitutions: int, deletions: int = 0, insertions: int = 0) -> dict[str, int]:
    """What RepeatMasker would report of a copy of the consensus from `start` to `end`."""
    changes = {"substitutions": substitutions, "deletions": deletions, "insertions": insertions}
    return {"consensus_start": start, "consensus_end": end} | changes
