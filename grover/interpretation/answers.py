"""The number that is explained: the margin of a site's class in the logits of a fine-tuned classifier.

A function of this form stands for any model, such as an oracle in a test. It takes sites and versions of their sequences
(uint8 [versions, length] for each site) and returns one number per version.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from scipy.special import logsumexp

from grover.genome.bases import reverse_complement
from grover.interpretation.cutting import cut
from grover.interpretation.sites import Site
from grover.network.batching import SPECIALS
from grover.network.classifier import Classifier, logits
from grover.network.classifier_folder import load_classifier
from grover.tokenization.vocabulary import Vocabulary

Answer = Callable[[Sequence[Site], Sequence[np.ndarray]], list[np.ndarray]]


def margin(found: np.ndarray, label: np.ndarray) -> np.ndarray:
    """The margin of a class, float64 [rows], in logits [rows, classes]: logit(1) - logit(0) of two classes, whatever the label; of
    several the logit of the label minus the logsumexp of the others."""
    found = np.asarray(found, np.float64)
    if found.shape[1] == 2:
        return found[:, 1] - found[:, 0]
    own = np.arange(found.shape[1]) == np.asarray(label)[:, None]
    return found[own] - logsumexp(np.where(own, -np.inf, found), axis=1)


@dataclass(frozen=True)
class FineTuned:
    """A fine-tuned classifier with its vocabulary: an `Answer`.

    `both`: answers, attributions and attention are the mean of both strands, for tasks whose sites have no strand. `label`: of the
    progress, which is silent without one.
    """

    classifier: Classifier
    vocabulary: Vocabulary
    device: torch.device
    precision: str = "fp32"
    label: str = ""
    both: bool = False

    @classmethod
    def load(cls, folder: Path, device: torch.device, precision: str, label: str = "") -> "FineTuned":
        """Read a folder that fine-tuning wrote. `auto` is fp32 here: differences of logits drown in the rounding of bfloat16."""
        exact = "fp32" if precision == "auto" else precision
        return cls(load_classifier(folder).to(device), Vocabulary.load(folder), device, exact, label)

    @property
    def longest(self) -> int:
        """Tokens without specials that the classifier reads."""
        return self.classifier.config.max_position_embeddings - SPECIALS

    def __call__(self, sites: Sequence[Site], codes: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The margin of each version of each site; all are computed at once, without padding."""
        if self.both:
            return both_strands(replace(self, both=False))(sites, codes)
        inputs = [
            row
            for site, each in zip(sites, codes, strict=True)
            for row in cut(site, each, self.vocabulary).inputs(self.longest)
        ]
        numbers = [len(np.atleast_2d(each)) for each in codes]
        labels = np.repeat([site.label for site in sites], numbers)
        found = margin(logits(self.classifier, inputs, self.device, self.precision, self.label), labels)
        return np.split(found, np.cumsum(numbers)[:-1])


def both_strands(answer: Answer) -> Answer:
    """The mean of an answer over both strands, for tasks whose sites have no strand."""

    def mean(sites: Sequence[Site], codes: Sequence[np.ndarray]) -> list[np.ndarray]:
        plus, minus = answer(sites, codes), opposite_strand(answer)(sites, codes)
        return [(one + other) / 2 for one, other in zip(plus, minus, strict=True)]

    return mean


def opposite_strand(answer: Answer) -> Answer:
    """An answer to the reverse complement of each sequence."""

    def turned(sites: Sequence[Site], codes: Sequence[np.ndarray]) -> list[np.ndarray]:
        return answer([site.reversed() for site in sites], [reverse_complement(np.atleast_2d(each)) for each in codes])

    return turned
