"""Project embeddings of regions to two dimensions."""

from typing import Annotated

from typer import Option

from grover.embeddings.regions.projection import project
from grover.embeddings.vectors import check_weights, expect, open_embeddings
from grover.runtime.cli import Input, Inputs, Output, Weights, main
from grover.runtime.files import source_files, write_table
from grover.runtime.options import Seed


def project_regions(
    regions: Input,
    vectors: Inputs,
    output: Output,
    model: Annotated[str, Option(help="name of the model whose embeddings are projected")] = "chosen",
    maximum: Annotated[int, Option(help="regions at most, evenly spread over the genome", min=1)] = 20_000,
    neighbours: Annotated[int, Option(help="size of the neighbourhood that UMAP keeps together", min=2)] = 15,
    assembly: Annotated[str, Option(help="the assembly's name at UCSC, such as hg19, for links into its browser")] = "",
    weights: Weights = [],  # noqa: B006
    seed: Seed = 0,
):
    """UMAP and principal components of the last layer: columns x_, y_, pc1_ and pc2_, each for cls and mean."""
    embeddings = open_embeddings(vectors, regions)
    check_weights(embeddings, source_files(weights, "--weights"))
    table = project(expect(embeddings, model), maximum, seed, neighbours, verbose=True)
    table.attrs["assembly"] = assembly
    print(f"{len(table):,} of {table.attrs['of']:,} regions")
    write_table(output, table)


if __name__ == "__main__":
    main(project_regions)
