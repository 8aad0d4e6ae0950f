"""The configuration, the registry of names with their labels, the tables of benchmarks and tracks: read and checked.

The files that these tables name are read elsewhere (`grover.intervals`, `grover.sources`).
"""
