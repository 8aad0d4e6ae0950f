"""Choose the vocabulary by a rule that was fixed beforehand, and write the reason."""

import pandas as pd

from grover.config.sections.pretraining import Choice
from grover.runtime.cli import Inputs, Output, Sources, main
from grover.runtime.files import source_files, write_text
from grover.runtime.json_files import read_json
from grover.selection.choice import choose, confirm


def choose_vocabulary(
    models: Inputs,
    chosen: Output,
    choice: Choice,
    metrics: Sources = [],  # noqa: B006
) -> None:
    """MODELS are the scores of next-k-mer prediction; METRICS, as VOCABULARY=FILE, the held-out metrics that the rule bits-per-base
    compares. The first line of CHOSEN is the name of the vocabulary, the lines behind it are the reason.
    """
    scores = pd.concat([pd.read_parquet(path) for path in models], ignore_index=True)
    sizes = scores.groupby("vocabulary")["size"].first().astype(int).to_dict()
    spans = {name: read_json(path)["common_spans"] for name, path in source_files(metrics).items()}
    if choice.method == "fixed":
        name, reason = confirm(choice.vocabulary or next(iter(scores["vocabulary"])), choice.rule, scores, spans, sizes)
    else:
        name, reason = choose(choice.rule, scores, spans, sizes)
    write_text(chosen, f"{name}\n{reason}\n")


if __name__ == "__main__":
    main(choose_vocabulary)
