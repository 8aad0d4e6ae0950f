"""What embeddings of tokens contain: contextualisation, groups of contexts, components, the map of tokens.

Making the embeddings belongs in `grover.embeddings`.
"""
