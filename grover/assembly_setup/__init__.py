"""A first configuration of an assembly: its files at NCBI, Ensembl, UCSC or on this machine, and the contigs, folds, vocabulary and network
that suit it.

Downloads and checksums belong in `grover.sources`, defaults and estimates in `grover.planning`.
"""
