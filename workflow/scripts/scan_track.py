"""Write the scan of the surroundings of promoters as a track for a genome browser."""

from typing import Annotated

import pandas as pd
from typer import Option

from grover.finetuning.scores import scan
from grover.runtime.cli import Input, Output, main
from grover.runtime.files import write_text


def scan_track(
    dataset: Input,
    predictions: Input,
    output: Output,
    step: Annotated[int, Option(min=1, help="bases from one window to the next")],
) -> None:
    """Write a bedGraph of the probability of a promoter on folds valid and test, the mean over seeds."""
    track = scan(pd.read_parquet(dataset), pd.read_parquet(predictions), step)
    write_text(output, track.to_csv(sep="\t", index=False, header=False, float_format="%.6g"))


if __name__ == "__main__":
    main(scan_track)
