"""Find test sequence that is similar to a genome which the source model saw."""

import pandas as pd

from grover.config.options import Seed
from grover.genome.assembly import Genome
from grover.runtime.cli import Input, Output, main
from grover.runtime.files import write_table
from grover.runtime.progress import Progress
from grover.transfer.near_source import similarity_to_genome
from grover.transfer.source_task import fold_test


def compare_with_source(
    examples: Input, source_sequence: Input, source_segments: Input, similar: Output, seed: Seed
) -> None:
    """Write the similarity of each sequence of EXAMPLES, the dataset of a task or loci, to the genome of the source: example, similar.

    Of a dataset only fold test is compared.
    """
    table = pd.read_parquet(examples)
    table = fold_test(table) if "fold" in table else table
    theirs = Genome(source_sequence, source_segments)
    with Progress(len(theirs.codes), "compare with the source", "bases") as bar:
        found = similarity_to_genome(table["sequence"].to_list(), theirs.codes, theirs.bounds, seed, bar.update)
    write_table(similar, pd.DataFrame({"example": table.index, "similar": found}))


if __name__ == "__main__":
    main(compare_with_source)
