"""Masked-token pretraining: corpus, masking, checks before the start, held-out scores, the model card.

The network and its training loop belong in `grover.network`.
"""
