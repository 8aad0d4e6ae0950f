"""How stable the tokens of a window are: cut from its surroundings, shifted, mutated at one base, or read on the other strand.

Two readings of the same bases are compared, the reference and the disturbed one. The terms hold for all measures:

boundary: a place between two bases where one token ends and the next begins. Only boundaries strictly inside the compared
    stretch count, since its two ends are boundaries of a reading that was cut there by construction.
kept: a boundary of the reference that is one of the disturbed reading too. A token is kept where the disturbed reading has a token
    of exactly the same bases; one that holds a substituted base is not, and only tokens that lie wholly inside the stretch count.
in step: two readings are in step from their first common token on, seen from the disturbance. Behind it they are equal up to
    the next place where they differ in their bases. For k-mers this is plain. For byte pairs it holds since a
    segmentation is the encoding of its text if and only if all neighbours can be adjacent. So the left part of one reading
    and the right part of another with a common token also make an encoding. There is only one encoding.
distance: bases from the disturbance to the place where the readings are in step. It counts the bases that both readings hold but
    that lie in other tokens. A distance of 0 means that the token right beside the disturbance is the same. A window whose
    readings have no token in common on that side never comes back in step; its distance is infinite.

Overlapping k-mers have one token per base and no boundaries, so that nothing here applies to them.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numba import njit

from grover.genome.assembly import Genome
from grover.genome.bases import reverse_complement
from grover.runtime.errors import InputError
from grover.tokenization.vocabulary import Vocabulary

QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95, "q99": 0.99}
NEAR = 100  # bases beside a disturbance; GROVER's authors pad a stretch by as many before they cut its tokens out
PHASES = 60  # divisible by 1 to 6, the usual sizes of k-mers
NORMAL_95 = 1.959964

CUT_LEFT, CUT_RIGHT, SHIFT = "cut-left", "cut-right", "shift"
MUTATION_LEFT, MUTATION_RIGHT, REVERSE_COMPLEMENT = "mutation-left", "mutation-right", "reverse-complement"
DISTURBANCES = (CUT_LEFT, CUT_RIGHT, SHIFT, MUTATION_LEFT, MUTATION_RIGHT, REVERSE_COMPLEMENT)


class Windows(NamedTuple):
    """Windows with their surroundings, copied out of a genome.

    `codes`: uint8, the stretches end to end; stretch i is `codes[bounds[i]:bounds[i + 1]]`, bounds int64 [windows + 1]; the window in
    it is `codes[starts[i]:ends[i]]`, int64. `substitutes`: uint8 [windows], another base for the one at `middles`.
    """

    codes: np.ndarray
    bounds: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    substitutes: np.ndarray

    @property
    def middles(self) -> np.ndarray:
        """Place in `codes` of the base in the middle of each window, int64."""
        return self.starts + (self.ends - self.starts) // 2


def sample_windows(genome: Genome, number: int, length: int, flank: int, seed: int) -> Windows:
    """Draw windows of `length` bases, uniformly among all places where a segment holds one with its surroundings.

    Places are drawn with replacement, and windows may overlap. The surroundings have at least `flank` bases on either
    side. On each side up to `PHASES - 1` more are drawn, uniformly, so that k-mers are read in every phase equally often.
    The place of a window does not give the phase in which a genome is read. Substitutes are drawn uniformly
    among the three other bases. Raises `InputError` where no segment is long enough.
    """
    rng = np.random.default_rng(seed)
    margin = flank + PHASES - 1
    places = np.maximum(0, np.diff(genome.bounds) - (length + 2 * margin) + 1)
    if places.sum() == 0:
        longest = genome.segments.iloc[int(np.argmax(np.diff(genome.bounds)))]
        raise InputError(
            f"the longest segment, {longest['chrom']}:{longest['start']}-{longest['end']}, holds "
            f"{longest['end'] - longest['start']:,} bases, but a window of {length:,} bases with its surroundings needs "
            f"{length + 2 * margin:,}; lower `atlas.stability_length` or `atlas.flank`"
        )
    # sorted, so that a memory-mapped genome is read from front to back
    drawn = np.sort(rng.integers(0, places.sum(), number))
    segments = np.searchsorted(np.cumsum(places), drawn, side="right")
    starts = genome.bounds[segments] + margin + drawn - (np.cumsum(places) - places)[segments]
    before, after = flank + rng.integers(0, PHASES, (2, number))
    sizes = before + length + after
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    codes = np.empty(bounds[-1], np.uint8)
    for place, first, size in zip(bounds, starts - before, sizes, strict=False):
        codes[place : place + size] = genome.codes[first : first + size]
    inside = bounds[:-1] + before
    substitutes = (codes[inside + length // 2] + rng.integers(1, 4, number)) % 4
    return Windows(codes, bounds, inside, inside + length, substitutes.astype(np.uint8))


def measure(vocabulary: Vocabulary, windows: Windows, threads: int = 1) -> pd.DataFrame:
    """Disturb each window in four ways and compare its tokens with what they were.

    The reference is the window in its surroundings, encoded together, except for the shift. The disturbances:

    cut-left, cut-right: the window encoded alone. The distance is counted from its left, or right, end; the shares are
        the same in both rows, but for those near the end.
    shift: the window without its first base encoded alone, beside the window encoded alone. The distance is counted
        from the second base. Of k-mers the last k - 1 bases, which may be spelt in single bases, are left out.
    mutation-left, mutation-right: the base in the middle substituted, with the surroundings. The distance is counted
        from that base towards either end; all shares are the same in both rows.
    reverse-complement: the reverse complement of the window in its surroundings, its boundaries mirrored. There is no distance, since
        no place is disturbed more than another: the readings fall in and out of step all along.

    Returns one row per disturbance, in the order of `DISTURBANCES`:
        vocabulary, disturbance, windows (their number), length (bases of a window);
        kept, kept_low, kept_high: share of the boundaries in the window that are kept, mean over the windows and its
            95 % interval; the interval is from the standard error, and overlapping windows count as independent;
        near, near_low, near_high: the same within `NEAR` bases of the disturbance;
        chance: the share of all places inside the window that are boundaries of the disturbed reading; `kept` would have
            this value if boundaries were placed at random;
        tokens_kept: mean share of the tokens inside the window that are kept;
        tokens_changed: mean number of those that are not;
        q05, q25, median, q75, q95, q99: quantiles of the distance in bases, the smallest that at least this share
            of the windows does not exceed. A window that never comes back in step counts as infinite; an infinite
            quantile is missing;
        largest: the largest distance of the windows that come back in step;
        never: share of the windows that never come back in step;
        within_50, within_100: share of the windows that are in step after at most 50, or 100, bases.
    For the reverse complement `near` and all from q05 on are missing.
    """
    starts, ends, middles = windows.starts, windows.ends, windows.middles
    codes, bounds = windows.codes, windows.bounds
    reference = _read(vocabulary, codes, bounds[:-1], bounds[1:], threads)
    rows = []

    alone = _read(vocabulary, codes, starts, ends, threads)
    cut = _compare(reference, alone, starts, ends)
    near = _compare(reference, alone, starts, np.minimum(starts + NEAR, ends))
    rows.append(_shares(cut, near) | _quantiles(_or_never(cut.first, cut.first - starts)))
    near = _compare(reference, alone, np.maximum(ends - NEAR, starts), ends)
    rows.append(_shares(cut, near) | _quantiles(_or_never(cut.last, ends - cut.last)))

    shifted = _read(vocabulary, codes, starts + 1, ends, threads)
    stop = ends - max(0, vocabulary.k - 1)
    shift = _compare(alone, shifted, starts + 1, stop)
    near = _compare(alone, shifted, starts + 1, np.minimum(starts + 1 + NEAR, stop))
    rows.append(_shares(shift, near) | _quantiles(_or_never(shift.first, shift.first - (starts + 1))))

    changed = codes.copy()
    changed[middles] = windows.substitutes
    mutated = _read(vocabulary, changed, bounds[:-1], bounds[1:], threads)
    mutation = _compare(reference, mutated, starts, ends, middles)
    around = np.maximum(middles - NEAR, starts), np.minimum(middles + 1 + NEAR, ends)
    shares = _shares(mutation, _compare(reference, mutated, *around, middles))
    left = _compare(reference, mutated, starts, middles)
    rows.append(shares | _quantiles(_or_never(left.last, middles - left.last)))
    right = _compare(reference, mutated, middles + 1, ends)
    rows.append(shares | _quantiles(_or_never(right.first, right.first - (middles + 1))))

    mirrored = _read_mirrored(vocabulary, codes, bounds, threads)
    rows.append(_shares(_compare(reference, mirrored, starts, ends), None) | _quantiles(None))

    table = pd.DataFrame(rows)
    table.insert(0, "vocabulary", vocabulary.name)
    table.insert(1, "disturbance", DISTURBANCES)
    table.insert(2, "windows", len(starts))
    table.insert(3, "length", int(ends[0] - starts[0]))
    return table


class _Reading(NamedTuple):
    """Windows in tokens: where each begins, the bases of all tokens, and which tokens belong to which window."""

    begins: np.ndarray
    lengths: np.ndarray
    offsets: np.ndarray


class _Comparison(NamedTuple):
    """What two readings have in common in each window, all int64 [windows].

    `places` inside the stretch, `boundaries` of the reference, those `kept`, boundaries of the `other` reading; `tokens` of the
    reference, and `tokens_kept`; where the `first` common token begins, and where the `last` ends, -1 where there is none.
    """

    places: np.ndarray
    boundaries: np.ndarray
    kept: np.ndarray
    other: np.ndarray
    tokens: np.ndarray
    tokens_kept: np.ndarray
    first: np.ndarray
    last: np.ndarray


def _read(vocabulary: Vocabulary, codes: np.ndarray, starts: np.ndarray, ends: np.ndarray, threads: int) -> _Reading:
    tokens, offsets = vocabulary.encode_windows(codes, starts, ends, threads)
    return _Reading(starts, vocabulary.strides[tokens].astype(np.int64), offsets)


def _read_mirrored(vocabulary: Vocabulary, codes: np.ndarray, bounds: np.ndarray, threads: int) -> _Reading:
    """The stretches read on the other strand, in coordinates of this one."""
    ends = len(codes) - bounds[::-1]
    reading = _read(vocabulary, reverse_complement(codes), ends[:-1], ends[1:], threads)
    offsets = len(reading.lengths) - reading.offsets[::-1]
    return _Reading(bounds[:-1], np.ascontiguousarray(reading.lengths[::-1]), np.ascontiguousarray(offsets))


def _compare(
    reference: _Reading, other: _Reading, lows: np.ndarray, highs: np.ndarray, changed: np.ndarray | None = None
) -> _Comparison:
    """Compare two readings between `lows` and `highs`, which both must cover; `changed` is the base that differs."""
    changed = np.full(len(lows), -1, np.int64) if changed is None else changed
    return _Comparison(*_compare_windows(*reference, *other, lows, highs, changed))


@njit(cache=True, nogil=True)
def _compare_windows(  # noqa: PLR0913 - a numba kernel takes arrays and numbers
    begins: np.ndarray,
    lengths: np.ndarray,
    offsets: np.ndarray,
    other_begins: np.ndarray,
    other_lengths: np.ndarray,
    other_offsets: np.ndarray,
    lows: np.ndarray,
    highs: np.ndarray,
    changed: np.ndarray,
) -> np.ndarray:
    found = np.zeros((8, lows.size), np.int64)
    places, boundaries, kept, others, tokens, tokens_kept, first, last = found
    for window in range(lows.size):
        low, high = lows[window], highs[window]
        i, j = offsets[window], other_offsets[window]
        here, there = begins[window], other_begins[window]
        places[window] = max(0, high - low - 1)
        first[window] = last[window] = -1
        while here < high or there < high:
            # two tokens at a time where both begin at the same base, else the one that lies further left
            length = lengths[i] if here <= there else 0
            other_length = other_lengths[j] if there <= here else 0
            if length > 0:
                inside = low < here < high
                boundaries[window] += inside
                kept[window] += inside and other_length > 0
                whole = low <= here and here + length <= high
                tokens[window] += whole
                if whole and length == other_length and not here <= changed[window] < here + length:
                    tokens_kept[window] += 1
                    if first[window] < 0:
                        first[window] = here
                    last[window] = here + length
                i += 1
            if other_length > 0:
                others[window] += low < there < high
                j += 1
            here += length
            there += other_length
    return found


def _or_never(place: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Distances as float64, infinite where no common token was found."""
    return np.where(place < 0, np.inf, distance)


def _shares(whole: _Comparison, near: _Comparison | None) -> dict[str, float]:
    row = _mean("kept", whole.kept, whole.boundaries)
    row |= (
        _mean("near", near.kept, near.boundaries) if near else dict.fromkeys(("near", "near_low", "near_high"), np.nan)
    )
    row["chance"] = whole.other.sum() / max(1, whole.places.sum())
    row["tokens_kept"] = _mean("kept", whole.tokens_kept, whole.tokens)["kept"]
    row["tokens_changed"] = float((whole.tokens - whole.tokens_kept).mean())
    return row


def _mean(name: str, part: np.ndarray, of: np.ndarray) -> dict[str, float]:
    """The mean of `part / of` over the windows where `of` is not 0, with its 95 % interval."""
    share = part[of > 0] / of[of > 0]
    if len(share) == 0:
        return dict.fromkeys((name, f"{name}_low", f"{name}_high"), np.nan)
    mean = share.mean()
    half = NORMAL_95 * share.std(ddof=1) / np.sqrt(len(share)) if len(share) > 1 else np.nan
    return {name: mean, f"{name}_low": np.maximum(0.0, mean - half), f"{name}_high": np.minimum(1.0, mean + half)}


def _quantiles(distance: np.ndarray | None) -> dict[str, float]:
    names = (*QUANTILES, "largest", "never", "within_50", "within_100")
    if distance is None:
        return dict.fromkeys(names, np.nan)
    ordered = np.sort(distance)
    back = ordered[np.isfinite(ordered)]
    ranks = {name: int(np.ceil(share * len(ordered))) - 1 for name, share in QUANTILES.items()}
    row = {name: back[rank] if rank < len(back) else np.nan for name, rank in ranks.items()}
    row["largest"] = back[-1] if len(back) else np.nan
    row["never"] = 1 - len(back) / len(ordered)
    return row | {f"within_{most}": np.mean(ordered <= most) for most in (50, 100)}
