"""A first configuration of an assembly.

It finds the files at NCBI, Ensembl, UCSC or on this machine, and the contigs, folds, vocabulary and network that suit the assembly.

Downloads and checksums belong in `grover.sources`, defaults and estimates in `grover.planning`.
"""
