"""Draw the MCC of models and baselines on the tasks of a run from its stored scores (docs/results/benchmarks.md).

python bench/benchmark_figure.py --scores bench/results/benchmarks-local/scores.tsv --figure docs/images/benchmarks.png
"""

import argparse
from pathlib import Path

import pandas as pd
import support  # noqa: F401 (this checkout comes first)

from grover.report.figures.benchmarks import heat
from grover.report.sections.comparisons import LABELS, baselines_of, label


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--scores", type=Path, required=True, help="scores.tsv: benchmarks.parquet without single seeds"
    )
    parser.add_argument("--figure", type=Path, required=True, help="PNG to draw")
    options = parser.parse_args()
    scores = pd.read_csv(options.scores, sep="\t")
    whole = scores[(scores["part"] == "all") & scores["mcc"].notna()]
    names = {name: label(name) for name in whole["model"].unique()}
    order = sorted(names, key=lambda name: [*LABELS, name].index(name))
    wide = whole.pivot(index="task", columns="model", values="mcc").loc[list(dict.fromkeys(whole["task"])), order]
    kinds = dict(zip(whole["model"], whole["kind"], strict=True))
    heat(wide, kinds, names, baselines_of(whole)).savefig(options.figure, dpi=130, facecolor="white")


if __name__ == "__main__":
    main()
