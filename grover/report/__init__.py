"""The report: its page, and the artefacts that it reads.

It computes no results and is imported by no stage.
"""
