"""Gather the scores of all candidates, floors and masked bits a base in one table."""

import json

import pandas as pd

from grover.runtime.cli import Input, Inputs, Output, Sources, main
from grover.runtime.files import source_files, write_table
from grover.selection.choice import compare


def compare_vocabularies(models: Inputs, floors: Input, metrics: Sources, table: Output):
    """MODELS and FLOORS are the scores of next-k-mer prediction; METRICS, as VOCABULARY=FILE, hold the masked bits a base
    on common spans. TABLE has a row a vocabulary or floor and k, with 95 % intervals over test examples and seeds.
    """
    scores = pd.concat([pd.read_parquet(path) for path in models], ignore_index=True)
    spans = {name: json.loads(path.read_text())["common_spans"] for name, path in source_files(metrics).items()}
    write_table(table, compare(scores, pd.read_parquet(floors), spans))


if __name__ == "__main__":
    main(compare_vocabularies)
