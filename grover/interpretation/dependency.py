"""Dependency maps: how much a substitution at one base changes the prediction of another (Tomaz da Silva et al. 2025, dependencies_DNALM).

Each of the 3 L substitutions of a sequence of L bases is read beside the sequence itself. The value of (i, j) is the largest absolute
change of the log2 odds of any base at j over the substitutions at i; the diagonal is 0.

Only masked tokens are read, since the output of a visible token is partly a copy of it. Every n-th token is masked in one pass, so that n
passes read all of them. The two sequences of a comparison hide the same bases in the same tokens, and the substituted base is visible.
Substitutions that change the number of tokens are left out, since they move all tokens behind them to other positions. A pair is NaN
where no substitution is left. Then both bases are in one token, or each substitution at i changes the number of tokens or the borders of
the token at j. Other visible tokens may be cut anew by a substitution; this is part of its effect.

Overlapping k-mers are read base by base: all tokens that hold j are masked.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from transformers import BertForMaskedLM

from grover.interpretation.bases import BASES, TokenBases, overlapping_marginals, run_marginals
from grover.network.bert import check_length
from grover.network.inference import TOKENS_AT_ONCE, each, evaluating, threads_for
from grover.network.masked import masked_logits
from grover.network.packed import group_by_tokens, pack_rows
from grover.tokenization.vocabulary import MASK, Vocabulary

LEAST = 1e-10  # probability, so that odds stay finite
OTHERS = BASES - 1  # substitutions per base


@dataclass(frozen=True)
class Units:
    """What is masked and read together, int64 arrays.

    Unit u masks the tokens `first[u]` to before `last[u]` and predicts the bases `start[u]` to before `end[u]`. A unit is a token, or a
    base where k-mers overlap. Units are in the order of their bases.
    """

    first: np.ndarray
    last: np.ndarray
    start: np.ndarray
    end: np.ndarray

    @classmethod
    def of(cls, tokens: np.ndarray, vocabulary: Vocabulary) -> "Units":
        """The units of a sequence that is cut into `tokens`."""
        if vocabulary.kind == "overlap":
            base = np.arange(len(tokens) + vocabulary.k - 1)
            first = np.maximum(base - vocabulary.k + 1, 0)
            return cls(first, np.minimum(base, len(tokens) - 1) + 1, base, base + 1)
        number = np.arange(len(tokens))
        end = np.cumsum(vocabulary.spans[tokens], dtype=np.int64)
        return cls(number, number + 1, end - vocabulary.spans[tokens], end)

    def __getitem__(self, chosen: np.ndarray) -> "Units":
        return Units(self.first[chosen], self.last[chosen], self.start[chosen], self.end[chosen])

    def __len__(self) -> int:
        return len(self.first)

    def in_sequence(self, other: "Units", place: int) -> np.ndarray:
        """Return for each unit the one with the same bases in the sequence of `other`, whose base at `place` is another, int64.

        It is -1 where there is none, or where it would mask that base.
        """
        at = np.minimum(np.searchsorted(other.start, self.start), len(other) - 1)
        holds = np.searchsorted(other.start, place, side="right") - 1
        hidden = (other.first[at] <= other.first[holds]) & (other.last[at] >= other.last[holds])
        same = (other.start[at] == self.start) & (other.end[at] == self.end)
        return np.where(same & ~hidden, at, -1)


@dataclass(frozen=True)
class Pass:
    """Tokens of a sequence and the units that are masked at once; the answers belong to `row`."""

    row: int
    tokens: np.ndarray
    units: Units


@dataclass
class Plan:
    """All passes of a map.

    `changed`: of the substituted sequences; row r is the substitution of base r // 3. `unchanged`: of the sequence itself. `partner`: int64
    [3 length, length], the row of `unchanged` that hides the same bases as the substitution does where it reads base j; -1 where it does
    not read it.
    """

    partner: np.ndarray
    changed: list[Pass] = field(default_factory=list)
    unchanged: list[Pass] = field(default_factory=list)

    @classmethod
    def of(cls, codes: np.ndarray, vocabulary: Vocabulary, passes: int) -> "Plan":
        """Plan the map of `codes`, uint8 [length], A0 C1 G2 T3, in at least 2 `passes` per sequence.

        The sequence itself has a pass for each set of units that substitutions leave to be read, which are few.
        """
        own = vocabulary.encode(codes)
        units = Units.of(own, vocabulary)
        step = passes * vocabulary.mask_span
        plan = cls(np.full((OTHERS * len(codes), len(codes)), -1))
        known: dict[bytes, int] = {}
        for row in range(OTHERS * len(codes)):
            sequence, place = codes.copy(), row // OTHERS
            sequence[place] = (codes[place] + 1 + row % OTHERS) % BASES
            tokens = vocabulary.encode(sequence)
            if len(tokens) != len(own):
                continue  # all tokens behind it would have other positions
            others = Units.of(tokens, vocabulary)
            there = units.in_sequence(others, place)
            for first in range(min(step, len(units))):
                read = np.arange(first, len(units), step)
                read = read[there[read] >= 0]
                if not len(read):
                    continue
                partner = known.setdefault(read.tobytes(), len(known))
                if partner == len(plan.unchanged):
                    plan.unchanged.append(Pass(partner, own, units[read]))
                plan.changed.append(Pass(row, tokens, others[there[read]]))
                plan.partner[row, _bases_of(units[read])] = partner
        return plan


@dataclass(frozen=True)
class Reader:
    """A pretrained model with its vocabulary, and how it is run."""

    model: BertForMaskedLM
    vocabulary: Vocabulary
    passes: int
    device: torch.device
    precision: str

    def dependency_map(self, codes: np.ndarray) -> np.ndarray:
        """Return the dependency map of `codes`, uint8 [length], A0 C1 G2 T3: float32 [length, length], rows are substituted bases.

        Raises InputError where the tokens exceed the positions of the model.
        """
        length = len(codes)
        plan = Plan.of(codes, self.vocabulary, self.passes)
        if not plan.changed:
            return np.where(np.eye(length, dtype=bool), 0, np.nan).astype(np.float32)
        changed = self._odds(plan.changed, OTHERS * length, length)
        unchanged = self._odds(plan.unchanged, len(plan.unchanged), length)
        # a pair that is not read takes a value of any row here, and NaN from `changed`
        change = np.abs(changed - unchanged[plan.partner, np.arange(length)]).max(axis=2)
        found = np.fmax.reduce(change.reshape(length, OTHERS, length), axis=1)
        np.fill_diagonal(found, 0)
        return found

    def _odds(self, passes: list[Pass], rows: int, length: int) -> np.ndarray:
        """log2 odds of each base at the places that are read, float32 [rows, length, 4]; NaN elsewhere."""
        bases = TokenBases.of(self.vocabulary)
        lengths = np.array([len(each.tokens) for each in passes])
        check_length(int(lengths.max()), self.model.config.max_position_embeddings, "loci of dependency maps")
        groups = [[passes[i] for i in group] for group in group_by_tokens(lengths, TOKENS_AT_ONCE[self.device.type])]
        found = np.full((rows, length, BASES), np.nan, np.float32)
        with evaluating(self.model, self.device):
            read = each(lambda group: self._read(group, bases), groups, threads_for(self.device, len(groups)))
            for group, odds in zip(groups, read, strict=True):
                places = [_bases_of(each.units) for each in group]
                row = np.repeat([each.row for each in group], list(map(len, places)))
                found[row, np.concatenate(places)] = odds
        return found

    def _read(self, group: list[Pass], bases: TokenBases) -> np.ndarray:
        """log2 odds of all bases that the passes read, in their order, float64 [bases, 4]."""
        ids, lengths = pack_rows([each.tokens for each in group])
        begins = np.cumsum(lengths) - lengths + 1  # behind [CLS]
        masked = [begin + _tokens_of(each.units) for begin, each in zip(begins, group, strict=True)]
        positions, place = np.unique(np.concatenate(masked), return_inverse=True)
        words, ids[positions] = ids[positions], MASK
        logits = masked_logits(self.model, ids, lengths, positions, self.device, self.precision)
        # the marginals renormalise, so that logits serve as logarithms of probabilities
        logs = logits.cpu().numpy()[place]
        sizes = np.concatenate([each.units.last - each.units.first for each in group])
        bounds = np.concatenate([[0], np.cumsum(sizes)])
        starts, ends = (np.concatenate([getattr(each.units, name) for each in group]) for name in ("start", "end"))
        if bases.k:
            begin = np.concatenate([_tokens_of(each.units) for each in group])
            marginals = overlapping_marginals(logs, bases, words[place], np.repeat(starts, sizes) - begin, bounds)
        else:
            marginals = run_marginals(logs, bases, bounds, ends - starts)
        marginals = marginals.clip(LEAST, 1 - LEAST)
        odds: np.ndarray = np.log2(marginals) - np.log2(1 - marginals)
        return odds


def _bases_of(units: Units) -> np.ndarray:
    """All bases that units answer for, in their order."""
    return _ranges(units.start, units.end)


def _tokens_of(units: Units) -> np.ndarray:
    """All tokens that units mask, unit by unit."""
    return _ranges(units.first, units.last)


def _ranges(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The numbers from `start` to before `end` of each pair, end to end."""
    sizes = end - start
    return np.repeat(start - np.cumsum(sizes) + sizes, sizes) + np.arange(sizes.sum())
