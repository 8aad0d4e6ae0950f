"""How well hidden tokens are predicted on held-out windows, and what simple counts predict at the same places.

A predictor gives, for each hidden token, its negative log-likelihood in nats and its rank (0 = the most likely token).
Floors:

`frequency`   the frequencies of the tokens in the training windows
`neighbours`  counts of tokens between their two neighbours, discounted and backed off to each neighbour alone (absolute
              discounting; Ney, Essen and Kneser 1994)
`untrained`   the same network with random weights
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from transformers import BertForMaskedLM

from grover.batching import by_length, gather
from grover.device import autocast
from grover.errors import InputError
from grover.masking import Masking, hide
from grover.model import check_length, logits_at
from grover.vocabulary import FIRST_LETTER

EPOCH = 2**31  # of the masks of an evaluation, which no training reaches
TOKENS_AT_ONCE = 16_384
PLACES_AT_ONCE = 4_096
RESAMPLES = 1_000


@dataclass(frozen=True)
class Hidden:
    """Windows with tokens hidden: `batches` of padded ids and the flat positions to predict; over all hidden tokens
    their ids `targets`, the visible `left` and `right` neighbours (MASK where hidden too, CLS and SEP at the ends), and
    `window`.
    """

    batches: list[tuple[np.ndarray, np.ndarray]]
    targets: np.ndarray
    left: np.ndarray
    right: np.ndarray
    window: np.ndarray


@dataclass(frozen=True)
class Predicted:
    """For each hidden token: negative log-likelihood in nats (float64) and rank (int64, 0 = the best)."""

    nats: np.ndarray
    rank: np.ndarray


def choose_windows(windows: pd.DataFrame, split: str, most: int, seed: int) -> pd.DataFrame:
    """At most `most` windows of fold test under `split`, drawn at random and in the order of the table."""
    held_out = windows[windows[split] == "test"]
    if held_out.empty:
        raise InputError(f"no window has fold test in column {split}; give the test fold a larger share")
    chosen = np.random.default_rng(seed).permutation(len(held_out))[:most]
    return held_out.iloc[np.sort(chosen)]


def hide_tokens(tokens: np.ndarray, windows: pd.DataFrame, size: int, share: float, seed: int) -> Hidden:
    """Hide `share` of the tokens of each window (first, length) behind [MASK], the same ones at every call."""
    first, length, names = windows["first"].to_numpy(), windows["length"].to_numpy(), windows.index.to_numpy()
    batches, targets, left, right, window = [], [], [], [], []
    for rows in by_length(length, TOKENS_AT_ONCE):
        ids = gather(tokens, first[rows], length[rows])
        shown, chosen = hide(ids, names[rows], size, Masking(share, mask=1.0), seed, EPOCH)
        line, column = np.nonzero(chosen)
        batches.append((shown, np.flatnonzero(chosen)))
        targets.append(ids[line, column])
        left.append(shown[line, column - 1])
        right.append(shown[line, column + 1])
        window.append(rows[line])
    return Hidden(batches, *map(np.concatenate, (targets, left, right, window)))


def predict(model: BertForMaskedLM, hidden: Hidden, device: torch.device, precision: str = "auto") -> Predicted:
    """The predictions of a network."""
    check_length(max(ids.shape[1] for ids, _ in hidden.batches) - 2, model.config.max_position_embeddings, "windows")
    model.to(device).eval()
    nats, ranks, done = [], [], 0
    with torch.inference_mode(), autocast(device, precision):
        for ids, positions in hidden.batches:
            logits = logits_at(model, torch.from_numpy(ids).to(device), torch.from_numpy(positions).to(device))
            targets = torch.from_numpy(hidden.targets[done : done + len(positions)]).to(device)[:, None]
            score = logits.gather(1, targets)
            nats.append((logits.logsumexp(1) - score[:, 0]).double().cpu().numpy())
            ranks.append((logits > score).sum(1).cpu().numpy())
            done += len(positions)
    return Predicted(np.concatenate(nats), np.concatenate(ranks))


def score(probabilities: np.ndarray, targets: np.ndarray) -> Predicted:
    """The predictions that a table of probabilities [hidden, vocabulary] makes."""
    own = np.take_along_axis(probabilities, targets[:, None], axis=1)
    return Predicted(-np.log(own[:, 0].astype(np.float64)), (probabilities > own).sum(axis=1))


class TokenCounts:
    """Counts of single tokens, neighbours and triples in training windows, as a predictor of hidden tokens.

    `contexts` are the pairs of neighbours whose triples will be asked for; no others are counted, which keeps the table
    small. Memory: two tables of vocabulary x vocabulary.
    """

    def __init__(
        self, tokens: np.ndarray, windows: pd.DataFrame, size: int, left: np.ndarray, right: np.ndarray, most: int
    ):
        self.size = size
        single, pairs = np.zeros(size, np.int64), np.zeros(size * size, np.int64)
        asked = np.zeros(size * size, bool)
        asked[left * size + right] = True
        triples = []
        for ids, inside in _training_tokens(tokens, windows, most):
            single += np.bincount(ids, minlength=size)
            pair = ids[:-1] * size + ids[1:]
            pairs += np.bincount(pair[inside], minlength=size * size)
            context = ids[:-2] * size + ids[2:]
            triple = inside[:-1] & inside[1:] & asked[context]
            triples.append(context[triple] * size + ids[1:-1][triple])
        self.single = single
        self.pairs = pairs.reshape(size, size)
        self.triples, self.triple_counts = np.unique(np.concatenate(triples), return_counts=True)

    def frequency(self) -> np.ndarray:
        """Probabilities of the tokens, float64 [vocabulary]; one is added to each count, none to the specials."""
        counts = np.where(np.arange(self.size) < FIRST_LETTER, 0, self.single + 1.0)
        return counts / counts.sum()

    def between(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Probabilities [places, vocabulary] of the token between two neighbours.

        The back-off takes both neighbours as independent given the token, p(t|l) p(t|r) / p(t); a neighbour that is
        hidden or that a window's end has is left out.
        """
        frequency = self.frequency()
        after, before = (
            self._given_neighbour(self.pairs, left, frequency),
            self._given_neighbour(self.pairs.T, right, frequency),
        )
        backed = after * before / np.maximum(frequency, 1e-300)
        backed /= backed.sum(axis=1, keepdims=True)

        discount = _discount(self.triple_counts)
        context = left * self.size + right
        start = np.searchsorted(self.triples, context * self.size)
        seen = np.searchsorted(self.triples, (context + 1) * self.size) - start
        row = np.repeat(np.arange(len(context)), seen)
        place = np.arange(seen.sum()) - np.repeat(np.cumsum(seen) - seen, seen) + start[row]
        total = np.bincount(row, weights=self.triple_counts[place], minlength=len(context))
        backed *= np.where(total > 0, discount * seen / np.maximum(total, 1), 1.0)[:, None]
        backed[row, self.triples[place] % self.size] += (self.triple_counts[place] - discount) / total[row]
        return backed

    def _given_neighbour(self, pairs: np.ndarray, neighbour: np.ndarray, frequency: np.ndarray) -> np.ndarray:
        """p(token | neighbour), discounted and backed off to the frequencies."""
        known, place = np.unique(neighbour, return_inverse=True)
        discount = _discount(pairs[pairs > 0])
        counts = pairs[known].astype(np.float64)
        total = counts.sum(axis=1, keepdims=True)
        spared = np.where(total > 0, discount * (counts > 0).sum(axis=1, keepdims=True) / np.maximum(total, 1), 1.0)
        return (np.maximum(counts - discount, 0) / np.maximum(total, 1) + spared * frequency)[place]


def neighbour_floor(counts: TokenCounts, hidden: Hidden) -> Predicted:
    """The predictions of the counts between neighbours, worked out in pieces, since a row has the size of the
    vocabulary.
    """
    pieces = []
    for begin in range(0, len(hidden.targets), PLACES_AT_ONCE):
        part = slice(begin, begin + PLACES_AT_ONCE)
        pieces.append(score(counts.between(hidden.left[part], hidden.right[part]), hidden.targets[part]))
    return Predicted(np.concatenate([p.nats for p in pieces]), np.concatenate([p.rank for p in pieces]))


def frequency_floor(counts: TokenCounts, hidden: Hidden) -> Predicted:
    """The predictions of the token frequencies."""
    frequency = counts.frequency()
    rank = np.searchsorted(np.sort(-frequency), -frequency)
    return Predicted(-np.log(frequency[hidden.targets]), rank[hidden.targets])


def summarise(predicted: Predicted, targets: np.ndarray, lengths: np.ndarray, top: int) -> dict[str, float]:
    """Loss in nats a token, shares of hidden tokens ranked first and among the first `top`, perplexity, also as a share
    of the vocabulary that could be meant (specials left out), and bits a hidden base. `lengths` are the bases of each
    token of the vocabulary.

    Bits a base are conditional on the segmentation: the number and the lengths of the tokens around are given.
    """
    loss = float(predicted.nats.mean())
    return {
        "loss": loss,
        "top1": float((predicted.rank == 0).mean()),
        "topk": float((predicted.rank < top).mean()),
        "perplexity": float(np.exp(loss)),
        "perplexity_share": float(np.exp(loss) / (len(lengths) - FIRST_LETTER)),
        "bits_per_base": float(predicted.nats.sum() / np.log(2) / lengths[targets].sum()),
    }


def difference(one: Predicted, other: Predicted, window: np.ndarray, seed: int = 0) -> dict[str, float]:
    """Loss of `one` minus that of `other`, nats a hidden token, with a 95 % bootstrap interval over windows."""
    windows, row = np.unique(window, return_inverse=True)
    summed, count = np.bincount(row, weights=one.nats - other.nats), np.bincount(row)
    rng = np.random.default_rng(seed)
    drawn = (rng.integers(0, len(windows), len(windows)) for _ in range(RESAMPLES))
    low, high = np.quantile([summed[rows].sum() / count[rows].sum() for rows in drawn], [0.025, 0.975])
    return {"difference": float(summed.sum() / count.sum()), "low": float(low), "high": float(high)}


def by_token(predicted: Predicted, targets: np.ndarray, tokens: list[str]) -> pd.DataFrame:
    """A row for each token that was hidden: id, token, n, accuracy (share ranked first), loss; the best first."""
    table = pd.DataFrame({"id": targets, "accuracy": predicted.rank == 0, "loss": predicted.nats})
    table = (
        table.groupby("id").agg(n=("loss", "size"), accuracy=("accuracy", "mean"), loss=("loss", "mean")).reset_index()
    )
    table.insert(1, "token", [tokens[number] for number in table["id"]])
    return table.sort_values(["accuracy", "loss"], ascending=[False, True], ignore_index=True)


def _training_tokens(tokens: np.ndarray, windows: pd.DataFrame, most: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Ids of at most `most` tokens of training windows in pieces, and which of their neighbours share a window."""
    order = np.random.default_rng(0).permutation(len(windows))
    first, length = windows["first"].to_numpy()[order], windows["length"].to_numpy(np.int64)[order]
    enough = max(1, int(np.searchsorted(np.cumsum(length), most, side="right")))
    for begin in range(0, enough, PLACES_AT_ONCE):
        part = slice(begin, min(begin + PLACES_AT_ONCE, enough))
        owner = np.repeat(np.arange(part.stop - part.start), length[part])
        within = np.arange(len(owner)) - np.repeat(np.cumsum(length[part]) - length[part], length[part])
        yield tokens[first[part][owner] + within].astype(np.int64), owner[1:] == owner[:-1]


def _discount(counts: np.ndarray) -> float:
    """The amount taken off each count: n1 / (n1 + 2 n2), of the counts seen once and twice (Ney and others 1994)."""
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    return once / (once + 2 * twice) if once and twice else 0.5
