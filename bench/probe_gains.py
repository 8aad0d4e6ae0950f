"""Draw the gains of linear probes over k-mers of a shipped model and its random initialisation (docs/results/hg19-mini.md).

python bench/probe_gains.py --probes resources/models/hg19-mini/probes.tsv --name hg19-mini --figure docs/images/hg19-mini-probes.png
"""

import argparse
from pathlib import Path

import pandas as pd
import support  # noqa: F401 (this checkout comes first)

from grover.config.names import RANDOM_LABEL
from grover.report.figures.regions import gains
from grover.report.style import BLUE, RED


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--probes", type=Path, required=True, help="probes.tsv of a shipped model")
    parser.add_argument("--name", required=True, help="how the figure calls the model")
    parser.add_argument("--figure", type=Path, required=True, help="PNG to draw")
    options = parser.parse_args()
    table = pd.read_csv(options.probes, sep="\t", keep_default_na=False, na_values=[""])
    linear = table[(table["probe"] == "linear") & (table["pooling"] == "mean")]
    random = linear["model"].str.endswith("-random")
    ours = f"{options.name}, mean of the last layer"
    shown = linear.assign(representation=random.map({True: RANDOM_LABEL, False: ours}))
    gains(shown, {ours: (BLUE, "o"), RANDOM_LABEL: (RED, "v")}).savefig(options.figure, dpi=130, facecolor="white")


if __name__ == "__main__":
    main()
