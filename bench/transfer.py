"""Gather the tables of several comparisons in other species, and draw masked bits per base (docs/results/transfer.md).

python bench/transfer.py --run "E. coli 536/K-12=results/transfer-ecoli536" --run "S. aureus/K-12=results/transfer-saureus" \\
    --folder bench/results/transfer --figure docs/images/transfer.png
"""

import argparse
from pathlib import Path

import pandas as pd
import support  # noqa: F401 (this checkout comes first)

from grover.report.figures.transfer import masked_bases
from grover.report.style import use_palette
from grover.transfer.arms import LABELS

KEYS = ["species", "source"]
PARTS = {"all": "all loci", "apart": "no near-duplicates"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", action="append", required=True, help="SPECIES/SOURCE=FOLDER of a run; repeat for each")
    parser.add_argument("--folder", type=Path, required=True, help="folder of bases.tsv and scores.tsv")
    parser.add_argument("--figure", type=Path, help="PNG to draw")
    options = parser.parse_args()
    bases, scores = [], []
    for run in options.run:
        name, _, folder = run.partition("=")
        where = dict(zip(KEYS, name.split("/"), strict=True))
        bases.append(pd.read_csv(Path(folder, "transfer/bases.tsv"), sep="\t").assign(**where))
        scores.append(pd.read_parquet(Path(folder, "transfer/scores.parquet")).assign(**where))
    options.folder.mkdir(parents=True, exist_ok=True)
    for name, tables in (("bases", bases), ("scores", scores)):
        table = pd.concat(tables, ignore_index=True)
        if len(table):
            table = table[[*KEYS, *table.columns.drop(KEYS)]].round(4)
            table.to_csv(options.folder / f"{name}.tsv", sep="\t", index=False, lineterminator="\n")
    if options.figure:
        draw(pd.concat(bases, ignore_index=True), options.figure)


def draw(bases: pd.DataFrame, path: Path) -> None:
    """Draw a panel for each species and part, without further models; a part with the same loci as all of them has none."""
    bases = bases[bases["model"].isin(list(LABELS))]
    bases = bases.assign(model=bases["source"] + ": " + bases["model"].map(LABELS))
    panels = {
        f"{species}, {PARTS[part]}": table
        for (species, part), table in bases.groupby(["species", "part"], sort=False)
        if part == "all" or table["loci"].max() < bases.loc[bases["species"] == species, "loci"].max()
    }
    use_palette("okabe-ito")
    names = list(dict.fromkeys(bases["model"]))
    masked_bases(panels, dict(zip(names, names, strict=True))).savefig(path, dpi=130, facecolor="white")


if __name__ == "__main__":
    main()
