"""Choose the vocabulary by a rule that was fixed beforehand, and write the reason."""

import json
from typing import Annotated

import pandas as pd
from typer import Option

from grover.runtime.cli import Inputs, Output, Sources, main
from grover.runtime.files import source_files, write_text
from grover.selection.choice import choose, confirm


def choose_vocabulary(
    models: Inputs,
    chosen: Output,
    metrics: Sources = [],  # noqa: B006
    rule: Annotated[str, Option(help="mean-rank (of accuracy on fold valid) or bits-per-base")] = "mean-rank",
    vocabulary: Annotated[str, Option(help="take this one whatever the rule says")] = "",
):
    """MODELS are the scores of next-k-mer prediction; METRICS, as VOCABULARY=FILE, the held-out metrics that the rule bits-per-base
    compares. The first line of CHOSEN is the name of the vocabulary, the lines behind it are the reason.
    """
    scores = pd.concat([pd.read_parquet(path) for path in models], ignore_index=True)
    sizes = scores.groupby("vocabulary")["size"].first().astype(int).to_dict()
    spans = {name: json.loads(path.read_text())["common_spans"] for name, path in source_files(metrics).items()}
    if vocabulary:
        name, reason = confirm(vocabulary, rule, scores, spans, sizes)
    else:
        name, reason = choose(rule, scores, spans, sizes)
    write_text(chosen, f"{name}\n{reason}\n")


if __name__ == "__main__":
    main(choose_vocabulary)
