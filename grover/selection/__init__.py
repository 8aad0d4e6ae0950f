"""Next-k-mer prediction, its baselines, and the choice of the vocabulary.

Training of the candidates belongs in `grover.pretraining`.
"""
