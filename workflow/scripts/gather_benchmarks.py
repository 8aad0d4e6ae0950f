"""Gather the scores and the differences of all benchmarks."""

import pandas as pd

from grover.runtime.cli import Inputs, Output, main
from grover.runtime.files import write_table


def gather_benchmarks(scores: Inputs, differences: Inputs, benchmarks: Output, comparisons: Output) -> None:
    """Write the tables of all tasks one below the other, in the order in which they are given."""
    for output, paths in ((benchmarks, scores), (comparisons, differences)):
        tables = [pd.read_parquet(path) for path in paths]
        # a table without rows has no types
        write_table(output, pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True))


if __name__ == "__main__":
    main(gather_benchmarks)
