"""Gather the scores of all candidates, baselines and masked bits per base in one table."""

import pandas as pd

from grover.runtime.cli import Input, Inputs, Output, Sources, main
from grover.runtime.files import source_files, write_table
from grover.runtime.json_files import read_json
from grover.selection.choice import compare


def compare_vocabularies(models: Inputs, baselines: Input, metrics: Sources, table: Output) -> None:
    """MODELS and BASELINES are the scores of next-k-mer prediction; METRICS, as VOCABULARY=FILE, hold the masked bits per base
    on common spans. TABLE has a row per vocabulary or baseline and k, with 95 % intervals over test examples and seeds.
    """
    scores = pd.concat([pd.read_parquet(path) for path in models], ignore_index=True)
    spans = {name: read_json(path)["common_spans"] for name, path in source_files(metrics).items()}
    write_table(table, compare(scores, pd.read_parquet(baselines), spans))


if __name__ == "__main__":
    main(compare_vocabularies)
