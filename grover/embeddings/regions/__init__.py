"""What embeddings of regions contain: linear probes, clusters, projections, agreement of the strands.

Making the embeddings belongs in `grover.embeddings`.
"""
