"""What a trained model has learnt of single bases: base probabilities, importance and tests of it, scores of variants.

Statistics over embeddings belong in `grover.embeddings`.
"""
