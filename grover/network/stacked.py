"""Classifiers of one shape that are trained as one network: of each weight, those of all classifiers lie in one tensor.

A GPU computes the small products of a fine-tuning faster than they are launched. A product of stacked weights is one launch for all
classifiers. Attention, which is computed within windows, needs no stack. Each classifier has its own batch, loss and clipped gradient.
Its weights are those of a training of its own, up to rounding. On a GPU the dropout is drawn for all of them, so it differs.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch.nn import functional
from torch.nn.functional import cross_entropy
from transformers.activations import ACT2FN

from grover.network.attention import weigh
from grover.network.batching import SPECIALS
from grover.network.classifier import Classifier, Schedule
from grover.network.device import autocast, computes_in_bf16, precision_to_train
from grover.network.forward import dropout
from grover.network.inference import evaluating, moved
from grover.network.packed import Layout, pack_rows
from grover.network.splitmix import window_keys
from grover.network.training import Batch, Execution, Optimisation, Stack, train
from grover.tokenization.vocabulary import PAD

TOKENS_AT_ONCE = {"cpu": 4_096, "cuda": 16_384}  # fewer than of one network, whose weights take less of the memory
TOLERANCE = {"fp32": 1e-3, "bf16": 0.05}  # largest difference of logits, as a share of the largest


class Stacked(Stack):
    """The classifiers `members`, whose own weights become views of the stacked ones: each can predict at any time."""

    def __init__(self, members: Sequence[Classifier]):
        super().__init__()
        self.members = list(members)
        self.count = len(self.members)
        self.config, self.pooling = members[0].config, members[0].pooling
        each = [dict(member.named_parameters()) for member in members]
        self.numbers = {name: number for number, name in enumerate(each[0])}
        self.weights = torch.nn.ParameterList(
            torch.stack([own[name].detach() for own in each]) for name in self.numbers
        )
        self._bind()

    def _apply(self, fn: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> "Stacked":
        super()._apply(fn, recurse)
        self._bind()
        return self

    def _bind(self) -> None:
        for number, member in enumerate(self.members):
            for name, weight in member.named_parameters():
                weight.data = self._weight(name).detach()[number]

    def forward(self, input_ids: torch.Tensor, layout: Layout) -> torch.Tensor:
        """Logits, float32 [members, rows, classes], of what `lay_together` has laid."""
        config, embeddings = self.config, "bert.embeddings"
        share, activation = config.hidden_dropout_prob, ACT2FN[config.hidden_act]
        keys = layout.keys if self.training else None

        def dropped(states: torch.Tensor, ahead: int) -> torch.Tensor:
            return dropout(states, share, self.training, None if keys is None else keys + ahead)

        states = self._embedded(f"{embeddings}.word_embeddings", input_ids)
        states = states + self._embedded(f"{embeddings}.position_embeddings", layout.places)
        types = self._weight(f"{embeddings}.token_type_embeddings.weight")[:, :1]
        states = self._normal(f"{embeddings}.LayerNorm", (self._by_member(states) + types).flatten(0, 1))
        states = dropped(states, 0)
        positions = self._read(layout)
        for number in range(config.num_hidden_layers):
            layer = f"bert.encoder.layer.{number}"
            mixed = weigh(self._projected(f"{layer}.attention.self", states), layout)
            if positions is not None and number == config.num_hidden_layers - 1:
                mixed, states = mixed.index_select(0, positions), states.index_select(0, positions)
                keys = None if keys is None else keys.index_select(0, positions)
            added = dropped(self._linear(f"{layer}.attention.output.dense", mixed), 2 * number + 2)
            states = self._normal(f"{layer}.attention.output.LayerNorm", added + states)
            grown = activation(self._linear(f"{layer}.intermediate.dense", states))
            added = dropped(self._linear(f"{layer}.output.dense", grown), 2 * number + 3)
            states = self._normal(f"{layer}.output.LayerNorm", added + states)
        if positions is None:
            means = torch.segment_reduce(states.float(), "mean", offsets=layout.bounds, axis=0, unsafe=True)
            states = self._by_member(means)[:, :-1].flatten(0, 1)
        states = functional.dropout(states, self.members[0].dropout.p, self.training)
        return self._by_member(self._linear("classifier", states)).float()

    def _read(self, layout: Layout) -> torch.Tensor | None:
        """Places of the tokens whose states the classifiers read; None where they read the mean of all. The last window is padding."""
        if self.pooling == "mean":
            return None
        places = layout.bounds[:-1] if self.pooling == "cls" else layout.bounds[1:] - 1
        return self._by_member(places)[:, :-1].flatten()

    def _weight(self, name: str) -> torch.Tensor:
        return self.weights[self.numbers[name]]

    def _by_member(self, rows: torch.Tensor) -> torch.Tensor:
        return rows.unflatten(0, (self.count, -1))

    def _embedded(self, name: str, numbers: torch.Tensor) -> torch.Tensor:
        weight = self._weight(f"{name}.weight")
        first = torch.arange(self.count, device=numbers.device)[:, None] * weight.shape[1]
        return functional.embedding((self._by_member(numbers) + first).flatten(), weight.flatten(0, 1))

    def _normal(self, name: str, states: torch.Tensor) -> torch.Tensor:
        states = functional.layer_norm(states, states.shape[-1:], eps=self.config.layer_norm_eps)
        weight, bias = self._weight(f"{name}.weight"), self._weight(f"{name}.bias")
        return (self._by_member(states) * weight[:, None] + bias[:, None]).flatten(0, 1)

    def _linear(self, name: str, states: torch.Tensor) -> torch.Tensor:
        return self._product(states, self._weight(f"{name}.weight"), self._weight(f"{name}.bias"))

    def _product(self, states: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        return torch.baddbmm(bias[:, None], self._by_member(states), weight.mT).flatten(0, 1)

    def _projected(self, name: str, states: torch.Tensor) -> torch.Tensor:
        """Query, key and value of each head, [tokens, 3, heads, width]."""
        parts = [f"{name}.{part}" for part in ("query", "key", "value")]
        weight = torch.cat([self._weight(f"{part}.weight") for part in parts], 1)
        bias = torch.cat([self._weight(f"{part}.bias") for part in parts], 1)
        return self._product(states, weight, bias).unflatten(1, (3, self.config.num_attention_heads, -1))


def lay_together(inputs: Sequence[Sequence[np.ndarray]], keys: Sequence[np.ndarray], positions: int) -> dict[str, Any]:
    """Lay as many sequences of token ids for each classifier, one classifier after the other: `input_ids` and `layout`.

    Behind the sequences of each classifier is a window of padding, so that all have equally many tokens. `keys`, uint64 [sequences], decide
    the dropout on a CPU; `positions` are those of the network.
    """
    packed = [pack_rows(rows) for rows in inputs]
    width = 1 + max(len(ids) for ids, _ in packed)
    ids = np.full((len(packed), width), PAD, np.int64)
    lengths = []
    for row, (own, sizes) in zip(ids, packed, strict=True):
        row[: len(own)] = own
        lengths.append(np.append(sizes, width - len(own)))
    layout = Layout.of(np.concatenate(lengths), np.concatenate([np.append(own, np.uint64(0)) for own in keys]))
    # only padding may be longer than the network reads
    layout = replace(layout, places=layout.places.clamp(max=positions - 1))
    return {"input_ids": torch.from_numpy(ids.ravel()), "layout": layout}


class Differs(Exception):
    """The stacked network computes other logits than its members."""


@dataclass(frozen=True)
class Training:
    """What one of several trainings has of its own: its examples, seed, class weights (float [classes]), and `after_epoch` as in `fit`."""

    network: Classifier
    inputs: Sequence[np.ndarray]
    labels: np.ndarray
    seed: int
    class_weights: np.ndarray
    after_epoch: Callable[[], bool] = lambda: False


def trained_together(trainings: Sequence[Training], schedule: Schedule, execution: Execution) -> bool:
    """Run `fit_together`. Where it has no memory or the stack differs print why and return false; the networks are then to be made anew."""
    try:
        fit_together(trainings, schedule, execution)
        return True
    except (torch.OutOfMemoryError, Differs) as error:
        print(f"{execution.label}: trained one after the other: {error}", file=sys.stderr, flush=True)
    return False


def fit_together(trainings: Sequence[Training], schedule: Schedule, execution: Execution) -> None:
    """Train classifiers of one shape on equally many examples each, as `grover.network.classifier.fit` trains one.

    A training whose `after_epoch` returned true is not asked again and has no loss from then on. `seed` and `label` of the execution are
    those of all. Raises Differs, before the first step, where the stack computes other logits.
    """
    execution = replace(execution, precision=precision_to_train(execution.device, execution.precision))
    network = Stacked([each.network for each in trainings])
    device, positions = execution.device, network.config.max_position_embeddings
    lengths = [np.array([len(tokens) for tokens in each.inputs]) for each in trainings]
    (examples,) = {len(own) for own in lengths}
    for each, own in zip(trainings, lengths, strict=True):
        each.network.check(int(own.max()))
    steps = -(-examples // schedule.batch)
    weights = torch.tensor(np.stack([each.class_weights for each in trainings]), dtype=torch.float32, device=device)
    order = lru_cache(2 * len(trainings))(
        lambda seed, epoch: np.random.default_rng([seed, epoch]).permutation(examples)
    )

    def batches(step: int) -> list[Batch]:
        epoch, number = divmod(step, steps)
        chosen = slice(number * schedule.batch, (number + 1) * schedule.batch)
        rows = [order(each.seed, epoch)[chosen] for each in trainings]
        rows = [own[np.argsort(-size[own], kind="stable")] for own, size in zip(rows, lengths, strict=True)]
        tokens = sum(int((size[own] + SPECIALS).sum()) for own, size in zip(rows, lengths, strict=True))
        cuts = min(-(-tokens // TOKENS_AT_ONCE[device.type]), len(rows[0]))
        return [lay([own[cut::cuts] for own in rows], epoch) for cut in range(cuts)]

    def lay(rows: list[np.ndarray], epoch: int) -> Batch:
        inputs = [[each.inputs[row] for row in own] for each, own in zip(trainings, rows, strict=True)]
        keys = [window_keys(each.seed, epoch, own) for each, own in zip(trainings, rows, strict=True)]
        targets = np.stack([each.labels[own] for each, own in zip(trainings, rows, strict=True)], axis=1)
        tokens = sum(int(size[own].sum()) for own, size in zip(rows, lengths, strict=True))
        return lay_together(inputs, keys, positions) | {"targets": torch.from_numpy(targets), "tokens": tokens}

    def loss(network: torch.nn.Module, batch: Batch) -> torch.Tensor:
        """The mean over the trainings of the loss summed over their examples."""
        logits, targets = network(batch["input_ids"], batch["layout"]), batch["targets"].T
        nats = cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none").view_as(targets)
        return (nats * weights.gather(1, targets)).sum() / len(trainings)

    going = dict(enumerate(trainings))

    def after(step: int) -> bool:
        if step % steps == 0:
            for number in [number for number, each in going.items() if each.after_epoch()]:
                del going[number]
                weights[number] = 0  # so that it cannot end the others by a loss that diverges
        return not going

    _check(network, trainings, execution)
    optimisation = Optimisation(schedule.epochs * steps, schedule.learning_rate, schedule.warmup)
    train(network, batches, loss, optimisation, execution, after=after)


def _check(network: Stacked, trainings: Sequence[Training], execution: Execution) -> None:
    """Raise Differs where the stack has other logits of the first example of each training than the classifier itself."""
    device = execution.device
    examples = [[each.inputs[0]] for each in trainings]
    keys = [np.zeros(1, np.uint64)] * len(trainings)
    given = moved(lay_together(examples, keys, network.config.max_position_embeddings), device)
    # weights that are moved in inference mode could not be trained
    with evaluating(network, device), torch.inference_mode(), autocast(device, execution.precision):
        found = network(**given)[:, 0]
        for each in trainings:
            each.network.eval()
        own = [
            each.network(**moved(each.network.collate(one), device))
            for each, one in zip(trainings, examples, strict=True)
        ]
    expected = torch.cat(own)
    allowed = TOLERANCE["bf16" if computes_in_bf16(device, execution.precision) else "fp32"]
    apart = float((found - expected).abs().max() / expected.abs().max().clamp(min=1.0))
    if not apart <= allowed:
        raise Differs(f"logits of the stack differ from those of the classifiers by {apart:.2g}, more than {allowed:g}")
