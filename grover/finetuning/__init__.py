"""Fine-tuning on benchmarks, baselines, linear probes, scores and comparisons.

Data sets belong in `grover.benchmarks`, network classes in `grover.network` and `grover.external_models`.
"""
