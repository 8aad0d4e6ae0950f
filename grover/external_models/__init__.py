"""Published models: their folders, adapters, networks, embeddings.

Fine-tuning and scoring are the same as for our own models and belong in `grover.finetuning`.
"""
