"""Average the embeddings of each token over all shards, and measure how much context changes it."""

import sys
from pathlib import Path
from typing import Annotated

import pandas as pd
from typer import Option

from grover.config.options import Seed
from grover.config.sections.embeddings import TokenOccurrences
from grover.embeddings.tokens.contexts import change, join
from grover.embeddings.tokens.states import open_contexts, read_sums
from grover.embeddings.vectors import check_weights
from grover.runtime.cli import READ, Input, Inputs, Output, Weights, main
from grover.runtime.files import source_files, write_array, write_table


def gather_tokens(
    sums: Inputs,
    contexts: Inputs,
    statistics: Input,
    token_averages: Output,
    token_counts: Output,
    output: Output,
    required: TokenOccurrences,
    seed: Seed,
    accuracy: Annotated[
        Path | None,
        READ,
        Option(
            help="how well each token is predicted, of evaluate_pretraining.py",
            exists=True,
            show_default=False,
        ),
    ] = None,
    enrichment: Annotated[
        Path | None,
        READ,
        Option(help="where each token lies, of enrich_tokens.py", exists=True, show_default=False),
    ] = None,
    weights: Weights = [],  # noqa: B006
) -> None:
    """Write OUTPUT, one row per token and layer.

    Columns: self-similarity and maximum explainable variance, both beside those of any tokens; the rank of the token by how much context
    changes it; ACCURACY and the repeat share of ENRICHMENT. SUMS and CONTEXTS are the tokens.npz and contexts.parquet of all shards of one
    model, as embed.py writes them; STATISTICS are those of its vocabulary."""
    minimum = required.minimum_occurrences
    added, stored, vocabulary = read_sums(sums), open_contexts(contexts), pd.read_parquet(statistics)
    check_weights({stored.name: stored}, source_files(weights, "--weights"))
    found = change(added, stored, vocabulary, minimum, seed)
    read = [pd.read_parquet(path) if path else None for path in (accuracy, enrichment)]
    found = join(found, *read)
    rare = int((added.count > 0).sum()) - found["id"].nunique()
    if rare:
        print(f"left out: {rare:,} tokens that were compared in fewer than {minimum} contexts", file=sys.stderr)
    write_array(token_averages, added.averages())
    write_array(token_counts, added.count)
    write_table(output, found)


if __name__ == "__main__":
    main(gather_tokens)
