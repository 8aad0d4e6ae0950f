"""Metrics, bootstraps over blocks of the genome, intervals of proportions: functions of arrays.

What is compared with what is decided by the stages, not here.
"""
