"""Find what the principal components of the token embeddings go with."""

from typing import Annotated

import numpy as np
import pandas as pd
from typer import Option

from grover.cli import Input, Output, main
from grover.components import correlate
from grover.components import token_components as find_components
from grover.files import write_table


def token_components(
    token_averages: Input,
    token_counts: Input,
    statistics: Input,
    published: Input,
    components: Output,
    correlations: Output,
    minimum: Annotated[int, Option(help="occurrences in the embedded regions that a token needs")] = 20,
):
    """PCA of the average embeddings of the tokens, and the Spearman correlation of each component with frequency
    (STATISTICS of the vocabulary), composition and length, beside the PUBLISHED values."""
    tokens = pd.read_parquet(statistics)
    table = find_components(np.load(token_averages), np.load(token_counts), tokens, minimum)
    paper = pd.read_csv(published, sep="\t").rename(columns={"spearman": "published"})
    beside = correlate(table, tokens).merge(paper[["component", "property", "published"]], how="left")
    write_table(components, table)
    write_table(correlations, beside)


if __name__ == "__main__":
    main(token_components)
