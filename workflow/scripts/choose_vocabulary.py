"""Choose the vocabulary by a rule that was fixed beforehand, and write the reason."""

import json
from typing import Annotated

import pandas as pd
from typer import Option

from grover.cli import Inputs, Output, Sources, main, source_files
from grover.errors import InputError
from grover.files import write_text
from grover.selection import choose


def choose_vocabulary(
    models: Inputs,
    chosen: Output,
    metrics: Sources = [],  # noqa: B006
    method: Annotated[str, Option(help="fixed (take --vocabulary) or sweep (let --rule choose)")] = "fixed",
    rule: Annotated[str, Option(help="mean-rank (of accuracy on fold valid) or bits-per-base")] = "mean-rank",
    vocabulary: Annotated[str, Option(help="the vocabulary of method fixed")] = "",
):
    """MODELS are the scores of next-k-mer prediction; METRICS, as VOCABULARY=FILE, the held-out metrics that the rule bits-per-base
    compares. The first line of CHOSEN is the name of the vocabulary, the lines behind it are the reason.
    """
    scores = pd.concat([pd.read_parquet(path) for path in models], ignore_index=True)
    sizes = scores.groupby("vocabulary")["size"].first().astype(int).to_dict()
    spans = {name: json.loads(path.read_text())["common_spans"] for name, path in source_files(metrics).items()}
    if method not in ("fixed", "sweep"):
        raise InputError(f"method: {method!r} is unknown; expected fixed or sweep")
    if method == "fixed" and vocabulary not in sizes:
        raise InputError(f"selection: vocabulary {vocabulary!r} is none of the candidates ({', '.join(sizes)})")
    name, reason = choose(rule, scores, spans, sizes)
    if method == "fixed":
        name, reason = vocabulary, f"The configuration names it. By the rule {name} would be it. {reason}"
    write_text(chosen, f"{name}\n{reason}\n")


if __name__ == "__main__":
    main(choose_vocabulary)
