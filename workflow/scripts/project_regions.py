"""Project region embeddings to two dimensions."""

from typing import Annotated

import numpy as np
from typer import Option

from grover.cli import Input, Output, main
from grover.files import write_table
from grover.options import Seed
from grover.projection import project_all


def project_regions(
    cls: Input,
    mean: Input,
    output: Output,
    neighbours: Annotated[int, Option(help="size of the neighbourhood that UMAP keeps together")] = 15,
    seed: Seed = 0,
):
    """UMAP of the [CLS] and of the mean embeddings: columns x_cls, y_cls, x_mean, y_mean."""
    write_table(output, project_all({"cls": np.load(cls), "mean": np.load(mean)}, seed, neighbours))


if __name__ == "__main__":
    main(project_regions)
