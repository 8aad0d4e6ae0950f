"""Integrated gradients (Sundararajan et al. 2017) on word embeddings, from a sequence of [MASK] tokens to the sequence itself.

Positions, [CLS] and [SEP] are kept, so that both ends of the path have the same length. A gradient belongs to a token: its value is
shared equally over the bases of the token, and `resolution` says over how many.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from grover.interpretation.answers import FineTuned
from grover.interpretation.cutting import bases_of, cut
from grover.interpretation.sites import Site
from grover.network.batching import SPECIALS
from grover.network.inference import TOKENS_AT_ONCE, evaluating
from grover.network.packed import Layout, pack_rows
from grover.runtime.progress import Progress
from grover.tokenization.vocabulary import FIRST_BASE, MASK

COMPLETE = 0.02  # largest error of the sum of the attributions, as a share of the difference between both ends
# tokens: a pass that is differentiated keeps all its activations, 1 MB per token of BERT's base size
AT_ONCE = {"cpu": TOKENS_AT_ONCE["cpu"], "cuda": 8_192}
DOUBLINGS = 4  # of the steps, where the error is larger

# from points on a path, [points, ...], to the answer at each and its gradient
WithGradient = Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]


@dataclass(frozen=True)
class Attribution:
    """Values per base, float64 [length]; over how many bases each was shared, int32 [length], 0 where no token holds the base; and
    the completeness error: |sum of the values - difference of the answers at both ends| over that difference.
    """

    values: np.ndarray
    resolution: np.ndarray
    error: float


def integrate(
    answer: WithGradient, start: torch.Tensor, end: torch.Tensor, steps: int, at_once: int
) -> tuple[torch.Tensor, float]:
    """Integrated gradients of an answer along the straight path between two points, by Gauss-Legendre quadrature.

    Returns the attribution of each coordinate and the completeness error. Where it exceeds `COMPLETE`, the number of steps is doubled, at
    most `DOUBLINGS` times.
    """
    ends, _ = answer(torch.stack([start, end]))
    difference = float(ends[1] - ends[0])
    for _ in range(DOUBLINGS + 1):
        places, weights = np.polynomial.legendre.leggauss(steps)
        mean = torch.zeros_like(start)
        for first in range(0, steps, at_once):
            part = slice(first, first + at_once)
            shares = torch.tensor((places[part] + 1) / 2, dtype=start.dtype, device=start.device)
            shares = shares.view(-1, *[1] * start.dim())
            _, gradient = answer(start + shares * (end - start))
            weighed = torch.tensor(weights[part] / 2, dtype=start.dtype, device=start.device)
            mean += (gradient * weighed.view_as(shares)).sum(0)
        attribution = (end - start) * mean
        error = abs(float(attribution.double().sum()) - difference) / max(abs(difference), 1e-9)
        if error <= COMPLETE:
            break
        steps *= 2
    return attribution, error


def integrated_gradients(sites: Sequence[Site], model: FineTuned, steps: int) -> list[Attribution]:
    """Integrated gradients of the margin of each site, computed in single precision, since completeness needs it."""
    found = []
    parameters = [each for each in model.classifier.parameters() if each.requires_grad]
    for each in parameters:
        each.requires_grad_(False)
    try:
        with (
            Progress(len(sites), model.label, "sites", silent=not model.label) as bar,
            evaluating(model.classifier, model.device),
        ):
            for site in sites:
                found.append(_of_site(site, model, steps))
                bar.update(1)
    finally:
        for each in parameters:
            each.requires_grad_(True)
    return found


def _of_site(site: Site, model: FineTuned, steps: int) -> Attribution:
    tokens, starts = cut(site, site.codes, model.vocabulary).of(0)
    tokens, starts = tokens[: model.longest], starts[: model.longest]
    ids, lengths = pack_rows([tokens])
    masked = ids.copy()
    masked[1:-1][tokens >= FIRST_BASE] = MASK
    words = model.classifier.bert.get_input_embeddings()
    with torch.no_grad():
        end, start = (words(torch.from_numpy(row).to(model.device)).float() for row in (ids, masked))

    def answer(points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        points = points.detach().requires_grad_(True)
        layout = Layout.of(np.repeat(lengths, len(points))).to(model.device)
        value = _margin(model.classifier(points.flatten(0, 1), layout), site.label)
        (gradient,) = torch.autograd.grad(value.sum(), points)
        return value.detach(), gradient

    at_once = max(1, AT_ONCE[model.device.type] // (len(tokens) + SPECIALS))
    attribution, error = integrate(answer, start, end, steps, at_once)
    values = attribution.sum(1).double().cpu().numpy()[1:-1]
    return Attribution(*spread(values, starts, model.vocabulary.spans[tokens], len(site.codes)), error)


def _margin(logits: torch.Tensor, label: int) -> torch.Tensor:
    """The same as `grover.interpretation.answers.margin`, with gradients."""
    if logits.shape[1] == 2:
        return logits[:, 1] - logits[:, 0]
    others = torch.arange(logits.shape[1], device=logits.device) != label
    return logits[:, label] - torch.logsumexp(logits[:, others], 1)


def spread(values: np.ndarray, starts: np.ndarray, spans: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Share the value of each token equally over its bases: float64 [length], and the bases of a token there, int32 (0: no token)."""
    bases, owner = bases_of(starts, spans)
    shared = np.bincount(bases, (values / np.maximum(spans, 1))[owner], length)
    resolution = np.zeros(length, np.int32)
    np.maximum.at(resolution, bases, spans[owner].astype(np.int32))
    return shared, resolution
