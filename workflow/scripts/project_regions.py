"""Project embeddings of regions to two dimensions."""

from typing import Annotated

from typer import Option

from grover.config.options import Seed
from grover.config.sections import embeddings as config
from grover.embeddings.regions.projection import project
from grover.embeddings.vectors import check_weights, expect, open_embeddings
from grover.runtime.cli import Input, Inputs, Output, Weights, main
from grover.runtime.files import source_files, write_table


def project_regions(
    regions: Input,
    vectors: Inputs,
    output: Output,
    model: Annotated[str, Option(help="name of the model whose embeddings are projected")],
    projection: config.Projection,
    neighbourhood: config.Neighbourhood,
    seed: Seed,
    weights: Weights = [],  # noqa: B006
) -> None:
    """UMAP and principal components of the last layer: columns x_, y_, pc1_ and pc2_, each for cls and mean."""
    embeddings = open_embeddings(vectors, regions)
    check_weights(embeddings, source_files(weights, "--weights"))
    table = project(expect(embeddings, model), projection.projected, seed, neighbourhood.neighbours, verbose=True)
    table.attrs["assembly"] = projection.assembly
    print(f"{len(table):,} of {table.attrs['of']:,} regions")
    write_table(output, table)


if __name__ == "__main__":
    main(project_regions)
