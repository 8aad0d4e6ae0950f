"""Set published scores beside those of a run, as a table and as a page in Markdown."""

from pathlib import Path
from typing import Annotated

import pandas as pd
from typer import Option

from grover.genome.contig_table import read_rows
from grover.report.reproduction import dossier, page, read_context, read_published
from grover.runtime.cli import READ, WRITTEN, Input, Inputs, Output, Sources, main
from grover.runtime.errors import InputError
from grover.runtime.files import key_values, write_table, write_text
from grover.runtime.json_files import read_json


def write_reproduction(
    benchmarks: Input,
    published: Input,
    config: Input,
    table: Output,
    next_kmer: Input,
    model_config: Input,
    contigs: Input,
    page_: Annotated[Path, WRITTEN, Option("--page", help="file to write", show_default=False)],
    command: Annotated[str, Option(help="command that makes an artefact when its path follows")],
    cards: Inputs = [],  # noqa: B006
    model_metrics: Sources = [],  # noqa: B006
    chosen: Annotated[Path | None, READ, Option(help="file to read", exists=True, show_default=False)] = None,
) -> None:
    """Write the published scores beside those of this run.

    --cards are the cards of the datasets, whose option `published` names the task of the paper; --config is the resolved
    configuration as JSON; --model-metrics VOCABULARY=FILE are the held-out metrics of a pretrained model; --model-config is the
    config.json of the chosen one; --chosen is the file that names its vocabulary; --contigs is the table of the encoded contigs."""
    metrics = {}
    for key, path in key_values(model_metrics, "--model-metrics"):
        if not Path(path).is_file():
            raise InputError(f"--model-metrics {key}={path}: no such file; give the metrics.json of a pretrained model")
        metrics[key] = read_json(path)
    context = read_context(
        read_json(config),
        f"{command} {page_}",
        chosen.read_text(encoding="utf-8").split()[0] if chosen else "",
        read_json(model_config),
        metrics,
        read_rows(contigs),
    )
    result = dossier(
        read_published(published),
        pd.read_parquet(benchmarks),
        [read_json(path) for path in cards],
        pd.read_parquet(next_kmer),
        metrics,
        context,
    )
    write_table(table, result)
    write_text(page_, page(result, context["run"]))


if __name__ == "__main__":
    main(write_reproduction)
