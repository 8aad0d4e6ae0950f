"""Masked tokens of held-out windows, and what a network and simple counts predict for them.

A predictor gives, for each masked token, its negative log-likelihood in nats and its rank: how many tokens are more likely.
The model is compared with the baselines of `grover.pretraining.count_baselines` and `untrained`, the same network with random
weights.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from transformers import BertForMaskedLM

from grover.intervals.overlaps import union, within
from grover.network.bert import check_length
from grover.network.device import autocast
from grover.network.forward import hidden_states
from grover.network.inference import evaluating
from grover.network.packed import Layout, group_by_tokens, pack
from grover.pretraining.count_baselines import NeighbourBaseline, TokenCounts, in_pieces
from grover.pretraining.masking import Masking, mask
from grover.pretraining.token_auc import TokenCurves
from grover.runtime.errors import InputError
from grover.tokenization.vocabulary import MASK

EPOCH = 2**31  # of the masks of an evaluation, which no training reaches
TOKENS_AT_ONCE = 16_384

Batch = tuple[np.ndarray, np.ndarray, np.ndarray]  # packed ids, lengths with specials, positions to predict


@dataclass(frozen=True)
class Masked:
    """Windows with masked tokens, as packed `batches`.

    Over all masked tokens, int64 [masked]: `targets`, their ids; `left` and `right`, the visible neighbours (MASK where masked too, CLS and
    SEP at the ends); `position` in the array of tokens.
    """

    batches: list[Batch]
    targets: np.ndarray
    left: np.ndarray
    right: np.ndarray
    position: np.ndarray


NOTHING = Masked([], *[np.zeros(0, np.int64)] * 4)


@dataclass(frozen=True)
class Predicted:
    """For each masked token: negative log-likelihood in nats (float64) and rank (int64): how many tokens are more likely."""

    nats: np.ndarray
    rank: np.ndarray


def choose_windows(windows: pd.DataFrame, split: str, most: int, seed: int) -> pd.DataFrame:
    """Draw at most `most` windows of fold test under `split`, in the order of the table."""
    held_out = windows[windows[split] == "test"]
    if held_out.empty:
        raise InputError(f"no window has fold test in column {split}; give the test fold a larger share")
    return _draw(held_out, most, seed)


def tuning_windows(windows: pd.DataFrame, split: str, scored: pd.DataFrame, most: int, seed: int) -> pd.DataFrame:
    """Draw at most `most` windows of fold valid that are neither training windows under `split` nor among the `scored` ones."""
    free = (windows["region"] == "valid") & (windows[split] != "train") & ~windows.index.isin(scored.index)
    return _draw(windows[free], most, seed)


def _draw(windows: pd.DataFrame, most: int, seed: int) -> pd.DataFrame:
    chosen = np.random.default_rng(seed).permutation(len(windows))[:most]
    return windows.iloc[np.sort(chosen)]


def mask_tokens(tokens: np.ndarray, windows: pd.DataFrame, size: int, masking: Masking, seed: int) -> Masked:
    """Mask tokens of each window (first, length) as `masking` says, the same ones at every call."""
    names = windows.index.to_numpy()

    def choose(ids: np.ndarray, lengths: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return mask(ids, lengths, names[rows], size, masking, seed, EPOCH)

    return _masked(tokens, windows["first"].to_numpy(), windows["length"].to_numpy(), choose)


def mask_marked(tokens: np.ndarray, offsets: np.ndarray, marked: np.ndarray) -> Masked:
    """Mask the tokens where `marked`, bool [tokens], is true; window i is `tokens[offsets[i]:offsets[i + 1]]`."""
    first, length = offsets[:-1], np.diff(offsets)

    def choose(ids: np.ndarray, lengths: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # packed as the tokens are; the ids of the specials around a window are neither 0 nor 1
        chosen = pack(marked, first[rows], length[rows])[0] == 1
        return np.where(chosen, MASK, ids), chosen

    return _masked(tokens, first, length, choose)


def _masked(tokens: np.ndarray, first: np.ndarray, length: np.ndarray, choose: Callable) -> Masked:
    """Pack windows and mask the tokens that `choose` selects."""
    batches, found = [], []
    for rows in group_by_tokens(length, TOKENS_AT_ONCE):
        ids, lengths = pack(tokens, first[rows], length[rows])
        shown, chosen = choose(ids, lengths, rows)
        at = np.flatnonzero(chosen)
        batches.append((shown, lengths, at))
        ends = np.cumsum(lengths)
        row = np.searchsorted(ends, at, side="right")
        offset = at - (ends - lengths)[row] - 1  # behind [CLS]
        found.append((ids[at], shown[at - 1], shown[at + 1], first[rows][row] + offset))
    masked = Masked(batches, *map(np.concatenate, zip(*found, strict=True)))
    if not len(masked.targets):
        raise InputError(
            "evaluation: none of the tokens of the test windows was masked; raise `evaluation.maximum_windows` or `evaluation.mask_ratio`"
        )
    return masked


def seen(position: np.ndarray, training: pd.DataFrame) -> np.ndarray:
    """Return whether each position in the array of tokens is inside a training window (first, length), bool."""
    first = training["first"].to_numpy(np.int64)
    return within(position, *union(first, first + training["length"].to_numpy(np.int64)))


def predict(
    model: BertForMaskedLM,
    masked: Masked,
    device: torch.device,
    precision: str,
    curves: TokenCurves | None = None,
) -> Predicted:
    """Predict masked tokens with a network; all probabilities are added to `curves`.

    The output layer is computed in float32 with every precision: in bfloat16 many tokens of a large vocabulary tie.
    """
    longest = max(int(lengths.max()) for _, lengths, _ in masked.batches) - 2
    check_length(longest, model.config.max_position_embeddings, "windows")
    nats, ranks, done = [], [], 0
    with evaluating(model, device), torch.inference_mode():
        for ids, lengths, at in masked.batches:
            if not len(at):
                continue
            layout = Layout.of(lengths).to(device)
            with autocast(device, precision):
                states = hidden_states(
                    model.bert, torch.from_numpy(ids).to(device), layout, torch.from_numpy(at).to(device)
                )
            logits = model.cls(states.float())
            targets = torch.from_numpy(masked.targets[done : done + len(at)]).to(device)
            score = logits.gather(1, targets[:, None])
            total = logits.logsumexp(1, keepdim=True)
            nats.append((total - score)[:, 0].double().cpu().numpy())
            ranks.append((logits > score).sum(1).cpu().numpy())
            if curves is not None:
                curves.add(logits - total, targets)
            done += len(at)
    return Predicted(np.concatenate(nats), np.concatenate(ranks))


def tabulate(
    masked: Masked, predicted: dict[str, Predicted], base: np.ndarray, strides: np.ndarray | None, seen: np.ndarray
) -> pd.DataFrame:
    """Tabulate masked tokens as `grover.pretraining.scores` reads them.

    base: int64 [masked], where each token begins in the genome's codes; strides: bases by id, None for overlapping k-mers;
    seen: bool [masked]. The middle base of an even number is the left one of the two.
    """
    bases = np.full(len(base), np.nan) if strides is None else strides[masked.targets]
    middle = base if strides is None else base + (bases - 1) // 2
    table = pd.DataFrame({"target": masked.targets.astype(np.uint16), "bases": bases, "base": middle, "seen": seen})
    for name, prediction in predicted.items():
        table[f"nats_{name}"] = prediction.nats.astype(np.float32)
        table[f"rank_{name}"] = prediction.rank.astype(np.int32)
    return table


def score(probabilities: np.ndarray, targets: np.ndarray) -> Predicted:
    """Turn a table of probabilities [masked, vocabulary] into predictions."""
    own = np.take_along_axis(probabilities, targets[:, None], axis=1)
    return Predicted(-np.log(own[:, 0].astype(np.float64)), (probabilities > own).sum(axis=1))


def neighbour_baseline(baseline: NeighbourBaseline, masked: Masked) -> Predicted:
    """Predict from the counts between neighbours."""
    pieces = [
        score(baseline.between(masked.left[rows], masked.right[rows]), masked.targets[rows])
        for rows in in_pieces(len(masked.targets))
    ]
    return Predicted(np.concatenate([p.nats for p in pieces]), np.concatenate([p.rank for p in pieces]))


def frequency_baseline(counts: TokenCounts, masked: Masked) -> Predicted:
    """Predict from the frequencies of tokens."""
    frequency = counts.frequency()
    rank = np.searchsorted(np.sort(-frequency), -frequency)
    return Predicted(-np.log(frequency[masked.targets]), rank[masked.targets])
