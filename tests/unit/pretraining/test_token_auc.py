import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from grover.pretraining import token_auc
from grover.pretraining.token_auc import TokenCurves

SIZE = 9


def predictions(positions: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Probabilities that say something about the targets, many of them tied."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(1, SIZE, positions)
    scores = rng.normal(size=(positions, SIZE)).round(1)
    scores[np.arange(positions), targets] += 1
    return torch.from_numpy(scores.astype(np.float32)), torch.from_numpy(targets)


def areas(scores: torch.Tensor, targets: torch.Tensor, batch: int) -> np.ndarray:
    curves = TokenCurves()
    for begin in range(0, len(targets), batch):
        curves.add(scores[begin : begin + batch], targets[begin : begin + batch])
    return curves.areas().numpy()


def expected(scores: torch.Tensor, targets: torch.Tensor) -> list[float]:
    return [roc_auc_score(targets == token, scores[:, token]) for token in range(1, SIZE)]


def test_few_positions_give_the_exact_areas():
    scores, targets = predictions(500)
    found = areas(scores, targets, batch=64)
    np.testing.assert_allclose(found[1:], expected(scores, targets), atol=1e-9)
    assert np.isnan(found[0])  # is the target nowhere


def test_many_positions_give_the_areas_but_for_ties_within_bins(monkeypatch):
    monkeypatch.setattr(token_auc, "POSITIONS", 200)
    scores, targets = predictions(20_000)
    scores += torch.rand(scores.shape, generator=torch.Generator().manual_seed(0)) * 0.1
    np.testing.assert_allclose(areas(scores, targets, batch=150)[1:], expected(scores, targets), atol=2e-3)


def test_the_cut_into_batches_does_not_matter():
    scores, targets = predictions(300)
    assert areas(scores, targets, 300)[1:] == pytest.approx(areas(scores, targets, 7)[1:])
