"""Downloads, checks of every input file before the first job, and the content of an offline bundle.

Readers of the formats belong in `grover.intervals` and `grover.genome`.
"""
