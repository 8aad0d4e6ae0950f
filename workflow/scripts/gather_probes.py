"""Gather the probes of all tracks."""

import pandas as pd

from grover.runtime.cli import Inputs, Output, main
from grover.runtime.files import write_table


def gather_probes(probes: Inputs, output: Output) -> None:
    """Write the tables of all tracks one below the other, in the order in which they are given."""
    write_table(output, pd.concat([pd.read_parquet(path) for path in probes], ignore_index=True))


if __name__ == "__main__":
    main(gather_probes)
