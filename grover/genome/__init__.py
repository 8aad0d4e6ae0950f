"""The assembly: FASTA and 2bit, codes of bases, encoding, access by coordinates, folds.

Tokens of the genome belong in `grover.tokenization`, annotation in `grover.intervals` and `grover.annotation`.
"""
