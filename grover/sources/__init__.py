"""Downloads, and checks of every input file before the first job.

Readers of the formats belong in `grover.intervals` and `grover.genome`.
"""
