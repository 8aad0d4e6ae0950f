"""Embeddings of regions and tokens: the engine, the files, word2vec and composition as comparisons.

What is read from embeddings belongs in `tokens` and `regions` below.
"""
