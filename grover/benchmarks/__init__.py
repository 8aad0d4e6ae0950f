"""Benchmark data sets: builders, negatives, shuffles, ready-made sets, checks for leakage.

Models that are trained on them, baselines included, belong in `grover.finetuning`.
"""
