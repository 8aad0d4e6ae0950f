"""How a model cuts changed sequences of a site into tokens, and what of the cut changes."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from grover.benchmarks.tokenise import tokens_within
from grover.genome.bases import encode
from grover.interpretation.sites import Site
from grover.tokenization.vocabulary import Vocabulary


@dataclass(frozen=True)
class Cut:
    """Tokens of several sequences end to end: ids (uint16), the first base of each (int64), and offsets (int64 [sequences + 1])."""

    tokens: np.ndarray
    starts: np.ndarray
    offsets: np.ndarray

    def of(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Ids and first bases of one sequence."""
        rows = slice(self.offsets[number], self.offsets[number + 1])
        return self.tokens[rows], self.starts[rows]

    def inputs(self, longest: int) -> list[np.ndarray]:
        """The ids of each sequence, at most the first `longest`: a change may make more tokens than a model reads."""
        return [self.of(number)[0][:longest] for number in range(len(self.offsets) - 1)]


def cut(site: Site, codes: np.ndarray, vocabulary: Vocabulary) -> Cut:
    """Cut versions of a site's sequence, uint8 [sequences, length], between the bases beside the site, as the datasets are read
    (`grover.benchmarks.tokenise`).

    Where the dataset gives the pieces, the pieces that changed are cut anew, each alone, and the others stay.
    """
    codes = np.atleast_2d(codes)
    ids = {text: number for number, text in enumerate(vocabulary.tokens)}
    if site.pieces and all(piece in ids for piece in site.pieces):
        return _cut_pieces(codes, [encode(piece) for piece in site.pieces], vocabulary)
    number, length = codes.shape
    before, after = (np.tile(beside, (number, 1)) for beside in (site.before, site.after))
    whole = np.concatenate([before, codes, after], axis=1)
    bounds = np.arange(number + 1, dtype=np.int64) * whole.shape[1]
    first = len(site.before)
    found = Cut(*tokens_within(whole.ravel(), bounds, first, first + length, vocabulary))
    if (np.diff(found.offsets) > 0).all():
        return found
    # no token lies wholly in a sequence, which is then read alone
    empty = np.diff(found.offsets) == 0
    parts = [
        _cut_alone(row, vocabulary) if alone else found.of(i)
        for i, (row, alone) in enumerate(zip(codes, empty, strict=True))
    ]
    return _joined(parts)


def bases_of(starts: np.ndarray, spans: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The bases that tokens hold, int64, and the number of the token that holds each."""
    owner = np.repeat(np.arange(len(starts)), spans)
    return starts[owner] + np.arange(len(owner)) - (np.cumsum(spans) - spans)[owner], owner


def spans_per_base(site: Site, vocabulary: Vocabulary) -> np.ndarray:
    """Bases of the longest token that holds each base of a site, int32 [length]; 0 where none does."""
    tokens, starts = cut(site, site.codes, vocabulary).of(0)
    bases, owner = bases_of(starts, vocabulary.spans[tokens])
    found = np.zeros(len(site.codes), np.int32)
    np.maximum.at(found, bases, vocabulary.spans[tokens][owner])
    return found


def _cut_alone(codes: np.ndarray, vocabulary: Vocabulary) -> tuple[np.ndarray, np.ndarray]:
    tokens = vocabulary.encode(codes)
    strides = vocabulary.strides[tokens].astype(np.int64)
    return tokens, np.cumsum(strides) - strides


def _cut_pieces(codes: np.ndarray, pieces: list[np.ndarray], vocabulary: Vocabulary) -> Cut:
    ids = {text: number for number, text in enumerate(vocabulary.tokens)}
    firsts = np.concatenate([[0], np.cumsum([len(piece) for piece in pieces])])
    known: dict[bytes, tuple[np.ndarray, np.ndarray]] = {}
    for piece in pieces:
        text = "".join("ACGTN"[code] for code in piece)
        known[piece.tobytes()] = np.array([ids[text]], np.uint16), np.zeros(1, np.int64)
    rows = []
    for row in np.ascontiguousarray(codes, np.uint8):
        parts = []
        for first, last in zip(firsts[:-1], firsts[1:], strict=True):
            key = row[first:last].tobytes()
            if key not in known:
                known[key] = _cut_alone(row[first:last], vocabulary)
            parts.append((known[key][0], known[key][1] + first))
        rows.append(tuple(np.concatenate(each) for each in zip(*parts, strict=True)))
    return _joined(rows)


def _joined(rows: list) -> Cut:
    tokens, starts = (np.concatenate(each) for each in zip(*rows, strict=True))
    return Cut(tokens, starts, np.concatenate([[0], np.cumsum([len(row[0]) for row in rows])]))


def compare_cuts(reference: Cut, changed: Cut, position: np.ndarray, vocabulary: Vocabulary) -> dict[str, np.ndarray]:
    """What single substitutions change in the cut of a sequence, for each of the `changed` ones.

    position: int64 [sequences], the substituted base. Returns `tokens_changed` (int32: tokens that the reference does not have at this
    place); `reach` (int32: bases outside of the token of the substituted base whose token has other bounds than before);
    `boundary_moved` (bool: any token has other bounds).
    """
    tokens, starts = reference.of(0)
    changed_tokens, reach, moved = _compare(
        tokens,
        starts,
        starts + vocabulary.spans[tokens],
        (changed.tokens, changed.starts, changed.starts + vocabulary.spans[changed.tokens], changed.offsets),
        position,
    )
    return {"tokens_changed": changed_tokens, "reach": reach, "boundary_moved": moved}


@njit(cache=True)
def _compare(
    tokens: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    changed: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    position: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    ids, firsts, lasts, offsets = changed
    number = position.size
    different, reach = np.zeros(number, np.int32), np.zeros(number, np.int32)
    moved = np.zeros(number, np.bool_)
    for row in range(number):
        i, j = 0, offsets[row]
        stop = offsets[row + 1]
        while i < starts.size or j < stop:
            if j < stop and (i == starts.size or firsts[j] < starts[i]):
                different[row] += 1
                moved[row] = True
                j += 1
                continue
            same = j < stop and firsts[j] == starts[i] and lasts[j] == ends[i]
            if not same:
                moved[row] = True
                if not starts[i] <= position[row] < ends[i]:
                    reach[row] += ends[i] - starts[i]
            if j < stop and firsts[j] == starts[i]:
                if not same or ids[j] != tokens[i]:
                    different[row] += 1
                j += 1
            i += 1
    return different, reach, moved
