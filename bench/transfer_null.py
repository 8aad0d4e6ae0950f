"""Masked bits per base in a null genome: how much of a gain is knowledge of segmentation and dinucleotides?

cd FOLDER_WITH_RESULTS; python BENCH/transfer_null.py --run results/transfer-saureus --model source --model random --record null.tsv

The null genome has the segments of the run's genome, drawn from a Markov chain of order 1. Tokens are those of the model's vocabulary
there, and token frequencies are counted there, too. What a model still gains is knowledge of which byte pairs would have been
merged, and of dinucleotides.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import support  # noqa: F401 (this checkout comes first)

from grover.atlas.null_genomes import markov_counts, simulate
from grover.genome.assembly import Genome
from grover.transfer.scores import Resampling, score_bases

SCRIPTS = Path(__file__).resolve().parent.parent / "workflow/scripts"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--run",
        type=Path,
        required=True,
        help="folder of a finished run of the target `transfer`",
    )
    parser.add_argument("--model", action="append", required=True, help="a model of the comparison; repeat for each")
    parser.add_argument("--record", type=Path, required=True, help="table to write")
    options = parser.parse_args()
    genome = Genome(options.run / "genome/sequence.npy", options.run / "genome/segments.bed")
    with tempfile.TemporaryDirectory() as folder:
        sequence = Path(folder, "sequence.npy")
        np.save(sequence, simulate(markov_counts(genome.codes, genome.bounds, 1), 1, np.diff(genome.bounds), 1))
        tables = {name: read(options.run, name, sequence, Path(folder, f"{name}.parquet")) for name in options.model}
    unknown = np.full(len(tables[options.model[0]]), np.nan)
    table = score_bases(tables, unknown, 1, Resampling(1, 1_000, 1)).drop(columns="part").dropna(axis=1, how="all")
    table.round(4).to_csv(options.record, sep="\t", index=False, lineterminator="\n")


def read(run: Path, name: str, sequence: Path, bases: Path) -> pd.DataFrame:
    """Return masked bases of a model as the run computed them, in another sequence."""
    record = json.loads((run / f"transfer/{name}.bases.parquet.provenance.json").read_text())
    script, *arguments = record["command"]
    changed = {"--sequence": str(sequence), "--bases": str(bases)}
    for option, value in changed.items():
        arguments[arguments.index(option) + 1] = value
    subprocess.run([sys.executable, str(SCRIPTS / script), *arguments], check=True)
    return pd.read_parquet(bases)


if __name__ == "__main__":
    main()
