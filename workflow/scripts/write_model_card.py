"""Write the card of a pretrained model from what the run left in files."""

from pathlib import Path
from typing import Annotated

import pandas as pd
import yaml
from typer import Option

from grover.genome.contig_table import read_rows
from grover.pretraining.model_card import Facts, render
from grover.runtime.cli import READ, Input, Output, main
from grover.runtime.files import folder, write_text
from grover.runtime.json_files import read_json
from grover.runtime.provenance import read
from grover.tokenization.vocabulary import Vocabulary


def write_model_card(
    model: Input,
    metrics: Input,
    training: Input,
    windows: Input,
    folds: Input,
    sequence: Input,
    contigs: Input,
    citation: Input,
    output: Output,
    name: Annotated[str, Option(help="name of the model")],
    merges: Annotated[
        Path | None,
        READ,
        Option(help="byte pairs that the run has learnt; none where it takes those of another model", exists=True),
    ] = None,
) -> None:
    """Write a Hugging Face model card (Markdown with a YAML head).

    Settings, checksums, versions and hardware are read from the provenance of MODEL, WINDOWS, FOLDS, MERGES, SEQUENCE and the assembly."""
    artefacts = {"model": model, "windows": windows, "folds": folds, "merges": merges, "genome": sequence}
    records = {key: read(path) if path else None for key, path in artefacts.items()}
    genome = records["genome"]
    records["assembly"] = read(genome["arguments"]["fasta"]) if genome else None
    facts = Facts(
        name=name,
        vocabulary=Vocabulary.load(folder(model)),
        architecture=read_json(folder(model) / "config.json"),
        metrics=read_json(metrics),
        training=pd.read_parquet(training),
        windows=pd.read_parquet(windows, columns=["length", "random", "region"]),
        contigs=read_rows(contigs),
        references=yaml.safe_load(citation.read_text())["references"],
        records=records,
    )
    write_text(output, render(facts))


if __name__ == "__main__":
    main(write_model_card)
