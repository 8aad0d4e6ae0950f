"""How well the probability of each token tells the hidden places where it stands from all others: one-against-rest ROC AUC."""

import torch

PLACES = 2_048  # that the bins are made from; up to so many the areas are exact


class TokenCurves:
    """The probabilities of all tokens at all hidden places, kept as histograms.

    A matrix of places x vocabulary would fill the memory, so that bins stand for its values: those of each token
    are the sorted values of its probability at the first places. Values in one bin count as tied, which moves an area by less
    than the share of pairs that fall into one, about 1 / 2,048. Memory: 3 tables of vocabulary x 2,049.
    """

    def __init__(self):
        self.waiting, self.edges = [], None

    def add(self, scores: torch.Tensor, targets: torch.Tensor) -> None:
        """Take float32 `scores` [places, vocabulary], probabilities or their logarithms, and the `targets` [places]."""
        self.waiting.append((scores, targets))
        if self.edges is not None or sum(len(targets) for _, targets in self.waiting) >= PLACES:
            self._count()

    def areas(self) -> torch.Tensor:
        """The area under the ROC curve of each token, float64 [vocabulary], ties counting half (Mann-Whitney); NaN for a
        token that stands nowhere or everywhere.
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
        if self.edges is None:
            self.edges = scores[:, :PLACES].sort(dim=1).values
            self.every = torch.zeros(len(scores), self.edges.shape[1] + 1, dtype=torch.int64, device=scores.device)
            self.own = torch.zeros_like(self.every)
        bins = torch.searchsorted(self.edges, scores)
        bins += torch.arange(len(bins), device=bins.device)[:, None] * self.every.shape[1]
        self.every += torch.bincount(bins.flatten(), minlength=self.every.numel()).view_as(self.every)
        own = bins.gather(0, targets[None])[0]
        self.own += torch.bincount(own, minlength=self.own.numel()).view_as(self.own)
