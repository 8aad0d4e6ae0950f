"""The demo genome with its annotation, in which the truth is known because it was planted.

Null genomes for comparison with a real one belong in `grover.atlas`.
"""
