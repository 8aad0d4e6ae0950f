"""Comparison of models in a species that they were not pretrained on, over numbers of labels.

Training from another model is in `grover.pretraining`, the simulated species are in `grover.simulation`.
"""
