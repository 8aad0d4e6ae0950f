"""Tracks, signal and categories over regions, motif scans, enrichment of tokens in annotation.

File formats belong in `grover.intervals`.
"""
