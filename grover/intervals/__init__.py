"""File formats of intervals and signals, overlaps, sites, genes and splice junctions.

Which tracks there are and what they mean belongs in `grover.annotation`.
"""
