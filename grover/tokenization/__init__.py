"""Byte-pair training, encoding, vocabularies, `tokenizer.json`, the tokens of a genome.

Statistics of tokens belong in `grover.atlas`, the choice of a vocabulary in `grover.selection`.
"""
