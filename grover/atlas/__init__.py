"""Description of a vocabulary: statistics of tokens, the same in null genomes, stability of the tokenization.

Nothing here needs a model. Where tokens lie in annotation belongs in `grover.annotation`.
"""
