"""One-against-rest ROC AUC of the probability of each token at masked positions."""

import torch

POSITIONS = 2_048  # that the bins are made from; up to this number the areas are exact


class TokenCurves:
    """The probabilities of all tokens at all masked positions, kept as histograms.

    A matrix of positions x vocabulary would fill the memory, so that its values are binned. The edges of the bins of a token are the
    sorted values of its probability at the first positions. Values in one bin count as tied, which changes an area by less than the
    share of pairs within one bin, about 1 / 2,048. Memory: 3 tables of vocabulary x 2,049.
    """

    edges: torch.Tensor
    every: torch.Tensor
    own: torch.Tensor

    def __init__(self) -> None:
        self.waiting: list[tuple[torch.Tensor, torch.Tensor]] = []
        self.binned = False

    def add(self, scores: torch.Tensor, targets: torch.Tensor) -> None:
        """Add float32 `scores` [positions, vocabulary], probabilities or their logarithms, and the `targets` [positions]."""
        self.waiting.append((scores, targets))
        if self.binned or sum(len(targets) for _, targets in self.waiting) >= POSITIONS:
            self._count()

    def areas(self) -> torch.Tensor:
        """Compute the area under the ROC curve of each token, float64 [vocabulary], with ties as half (Mann-Whitney).

        It is NaN for a token that is the target nowhere or everywhere.
        """
        if self.waiting:
            self._count()
        own, others = self.own.double(), (self.every - self.own).double()
        right = (own * (others.cumsum(1) - others / 2)).sum(1)
        return (right / (own.sum(1) * others.sum(1))).cpu()  # 0 / 0 is NaN

    def _count(self) -> None:
        scores = torch.cat([scores for scores, _ in self.waiting]).T.contiguous()
        targets = torch.cat([targets for _, targets in self.waiting])
        self.waiting = []
        if not self.binned:
            self.binned = True
            self.edges = scores[:, :POSITIONS].sort(dim=1).values
            self.every = torch.zeros(len(scores), self.edges.shape[1] + 1, dtype=torch.int64, device=scores.device)
            self.own = torch.zeros_like(self.every)
        bins = torch.searchsorted(self.edges, scores)
        bins += torch.arange(len(bins), device=bins.device)[:, None] * self.every.shape[1]
        self.every += torch.bincount(bins.flatten(), minlength=self.every.numel()).view_as(self.every)
        own = bins.gather(0, targets[None])[0]
        self.own += torch.bincount(own, minlength=self.own.numel()).view_as(self.own)
