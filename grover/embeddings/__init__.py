"""Embeddings of regions and tokens: the engine, the files, word2vec and composition as baselines.

What is read from embeddings belongs in its subpackages `tokens` and `regions`.
"""
