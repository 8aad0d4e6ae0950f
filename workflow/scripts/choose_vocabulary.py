"""Choose the vocabulary by a rule that was fixed beforehand, and write the reason."""

from typing import Annotated

import pandas as pd
from typer import Option

from grover.cli import Input, Inputs, Output, main
from grover.errors import InputError
from grover.files import write_table, write_text
from grover.selection import choose


def choose_vocabulary(
    models: Inputs,
    floors: Input,
    table: Output,
    chosen: Output,
    method: Annotated[
        str, Option(help="fixed (take --vocabulary) or sweep (best mean rank over k, ties to the smaller one)")
    ] = "fixed",
    vocabulary: Annotated[str, Option(help="the vocabulary of method fixed")] = "",
):
    """Gather the scores in TABLE; the first line of CHOSEN is the name of the vocabulary, the lines behind it are the
    reason.
    """
    scores = pd.concat([pd.read_parquet(path) for path in [*models, floors]], ignore_index=True)
    sizes = scores[scores["kind"] == "model"].groupby("vocabulary")["size"].first().astype(int).to_dict()
    if method not in ("fixed", "sweep"):
        raise InputError(f"method: {method!r} is unknown; expected fixed or sweep")
    if method == "fixed" and vocabulary not in sizes:
        raise InputError(f"selection: vocabulary {vocabulary!r} is none of the candidates ({', '.join(sizes)})")
    best, reason = choose(scores, sizes)
    name, why = (
        (best, reason)
        if method == "sweep"
        else (vocabulary, f"The configuration names it. By the rule {best} would be it. {reason}")
    )
    write_table(table, scores.drop(columns="size"))
    write_text(chosen, f"{name}\n{why}\n")


if __name__ == "__main__":
    main(choose_vocabulary)
