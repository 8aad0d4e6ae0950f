"""File formats of intervals and signals, overlaps, sites and splice junctions.

Which tracks there are and what they mean belongs in `grover.annotation`.
"""
