"""The configuration, the names of vocabularies, models, baselines and representations, the tables of benchmarks and tracks: read and checked.

The files that these tables name are read elsewhere (`grover.intervals`, `grover.sources`).
"""
