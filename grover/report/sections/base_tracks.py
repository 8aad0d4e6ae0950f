"""Section of the report: base-resolution tracks."""

import numpy as np
import pandas as pd

from grover.intervals.overlaps import share_covered
from grover.report.figures import base_tracks as figures
from grover.report.parts import Picture, Results, Section, Table, between, count, with_interval

TITLE = "Base tracks"
RUNS, LOCUS = "interpretation/base_tracks.tsv", "interpretation/base_tracks_locus.parquet"
REGIONS = "interpretation/base_tracks.bed"
NEEDS = (RUNS, LOCUS, REGIONS)


def section(results: Results) -> Section:
    table, locus = results.table(RUNS), results.table(LOCUS)
    main = _main(table)
    sentence = _finding(main)
    seen = _seen(results)
    place = f"{locus['chrom'].iloc[0]}:{locus['pos'].iloc[0] + 1:,}-{locus['pos'].iloc[-1] + 1:,}"
    parts: list = [
        "Base probabilities were computed from masked tokens for "
        f"{count(int(main['bases']), 'base')}.{seen} {sentence} The masked tokens and the bases that they cover are those of the "
        "reference. That alone restricts the possible bases; every value is therefore the difference from "
        "token frequencies in the same segmentation. The tracks are in `interpretation/hub`, as bigWigs with "
        "a UCSC hub and IGV sessions.",
        Picture(
            "interpretation_base_tracks",
            figures.logo(locus),
            f"Sequence logo of {place}: probability times information, model minus token frequencies; below, the reference. It is the "
            "stretch of this length with the largest mean gain, chosen for that.",
            LOCUS,
        ),
        Table(
            _shown(table),
            "Accuracy by number of neighbouring tokens that are masked together, with 95 % intervals over blocks of the genome. Gain: bits "
            f"per base less than by token frequencies. The tracks have runs of {count(int(main['run']), 'token')}; rows with fewer bases "
            "are of a sample of the regions.",
            RUNS,
        ),
    ]
    return Section("base_tracks", TITLE, parts, [sentence + seen])


def _seen(results: Results) -> str:
    """Sentence on the share of the scored bases that the model was trained on; empty where it is none."""
    training, regions = results.trained_on(), results.table(REGIONS)
    if training is None:
        return ""
    share = np.average(share_covered(regions, training), weights=regions["end"] - regions["start"])
    return f" {share:.1%} of these bases are in sequence that the model was trained on." if share > 0 else ""


def _main(table: pd.DataFrame) -> pd.Series:
    """The row of the tracks: both strands where they were read, and the runs that they were read with, which come first."""
    both = table[table["strands"] == "both"]
    return (both if len(both) else table).iloc[0]


def _finding(row: pd.Series) -> str:
    value, low, high = row["gain"], row["gain_low"], row["gain_high"]
    interval = "" if pd.isna(low) else f" (95\u00a0%\u00a0interval {between(low, high)})"
    if pd.isna(low):
        return (
            f"The model gains {value:+.3f} bits per base on token frequencies; the blocks are too few for an interval."
        )
    if low > 0:
        return f"The model predicts masked bases better than token frequencies by {value:.3f} bits per base{interval}."
    if high < 0:
        return f"The model predicts masked bases worse than token frequencies by {-value:.3f} bits per base{interval}."
    return f"Masked bases are predicted no better than by token frequencies: {value:+.3f} bits per base{interval}."


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    def column(name: str) -> list[str]:
        values = zip(table[name], table[f"{name}_low"], table[f"{name}_high"], strict=True)
        return [with_interval(value, low, high) for value, low, high in values]

    table = table.sort_values("run", kind="stable")
    return pd.DataFrame(
        {
            "tokens masked together": table["run"].astype(str),
            "strands": table["strands"],
            "bases": [f"{number:,}" for number in table["bases"]],
            "bits per base": column("bits"),
            "gain, bits per base": column("gain"),
            "accuracy": column("accuracy"),
        }
    )
