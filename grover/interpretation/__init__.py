"""What a trained model attends to at single sites: base probabilities, in-silico mutagenesis, scores of variants.

Statistics over embeddings belong in `grover.embeddings`.
"""
