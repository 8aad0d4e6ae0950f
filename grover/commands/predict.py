"""`grover predict`: the answer of a fine-tuned model to each input."""

import re
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import softmax

from grover.benchmarks.tokenise import tokens_of_stretches
from grover.commands.models import Model
from grover.commands.options import Computation, Regions, Result
from grover.commands.regions import Chunk, Surroundings
from grover.commands.session import session
from grover.commands.skipped import TOO_LONG
from grover.commands.streaming import write_table
from grover.config.sections.benchmarks import DatasetBuilding
from grover.network.classifier import Classifier, logits
from grover.network.inference import threads_for
from grover.tokenization.vocabulary import Vocabulary


@dataclass(frozen=True)
class Predictor:
    """A fine-tuned model with the names of its `labels`.

    It reads intervals with `context` bases on either side, as the data set of its task has them. What is done with `long` input: tile,
    centre or refuse.
    """

    classifier: Classifier
    vocabulary: Vocabulary
    labels: list[str]
    longest: int
    context: int
    long: str
    device: torch.device
    precision: str

    @property
    def surroundings(self) -> Surroundings:
        """The bases beside an example of a task, with which it is cut into tokens."""
        return Surroundings(self.context)

    def read(self, chunk: Chunk) -> tuple[Chunk, dict[str, np.ndarray]]:
        """Return the likeliest label of each input, its probability, and probability and logit of each label."""
        inputs = self._tokens(chunk)
        if self.long == "refuse" and any(len(ids) > self.longest for ids in inputs):
            chunk = chunk.with_status(np.array([len(ids) > self.longest for ids in inputs]), TOO_LONG)
            inputs = self._tokens(chunk)
        found = self._logits(inputs)
        probabilities = softmax(found.astype(np.float64), axis=1)
        best = probabilities.argmax(axis=1)
        likeliest = probabilities[np.arange(len(best)), best]
        columns = {
            "tokens": chunk.column(np.array([len(ids) for ids in inputs], np.int32)),
            "label": chunk.column(np.array(self.labels, object)[best]),
            "probability": chunk.column(likeliest),
        }
        for name, of_label, logit in zip(self.labels, probabilities.T, found.T, strict=True):
            columns[f"probability_{_plain(name)}"] = chunk.column(of_label)
            columns[f"logit_{_plain(name)}"] = chunk.column(logit)
        return chunk, columns

    def _tokens(self, chunk: Chunk) -> list[np.ndarray]:
        if not len(chunk.places):
            return []
        threads = threads_for(self.device, len(chunk.places))
        inputs = tokens_of_stretches(chunk.stretches, chunk.first, chunk.last, self.vocabulary, threads)
        return [self._centre(ids) for ids in inputs] if self.long == "centre" else inputs

    def _centre(self, ids: np.ndarray) -> np.ndarray:
        spare = max(0, len(ids) - self.longest)
        return ids[spare // 2 : len(ids) - (spare - spare // 2)]

    def _logits(self, inputs: list[np.ndarray]) -> np.ndarray:
        """Logits, float32 [inputs, labels]; of an input in several pieces their mean, weighted by their tokens."""
        if not inputs:
            return np.zeros((0, len(self.labels)), np.float32)
        pieces, owners = [], []
        for owner, ids in enumerate(inputs):
            parts = np.array_split(ids, -(-len(ids) // self.longest))
            pieces += parts
            owners += [owner] * len(parts)
        found = logits(self.classifier, pieces, self.device, self.precision)
        if len(pieces) == len(inputs):
            return found
        sizes = np.array([len(piece) for piece in pieces])
        sums = np.zeros((len(inputs), found.shape[1]))
        np.add.at(sums, owners, found * sizes[:, None])
        return (sums / np.bincount(owners, sizes)[:, None]).astype(np.float32)


def predictor(model: Model, context: int | None, long: str, device: torch.device, precision: str) -> Predictor:
    """Return what predicts inputs with a fine-tuned model. context: bases, None for as many as the workflow takes."""
    classifier = model.classifier().to(device)
    labels = model.labels or [str(number) for number in range(classifier.classifier.out_features)]
    context = DatasetBuilding().context if context is None else context
    return Predictor(classifier, model.vocabulary, labels, model.longest, context, long, device, precision)


def run(model: Model, context: int | None, long: str, asked: Regions, computation: Computation, result: Result) -> None:
    """Run the subcommand."""
    with session(computation, result) as here:
        reader = predictor(model, context, long, here.device, here.precision)
        about = {"command": "predict", "context": context, "long": long}
        write_table(here, model, reader, asked, result, about)


def _plain(name: str) -> str:
    """A name of a label as a part of the name of a column."""
    return re.sub(r"\W+", "_", name)
