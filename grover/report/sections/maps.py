"""Section of the report: dependency maps."""

import numpy as np
import pandas as pd

from grover.intervals.overlaps import share_covered
from grover.report.figures import maps as figures
from grover.report.parts import Picture, Results, Section, Table, formatted, listed

TITLE = "Dependency maps"
PAIRS = "interpretation/maps.parquet"
NEEDS = (PAIRS,)
LEVEL = 0.05
DRAWN, STRONGEST = 3, 4  # loci in the figure, pairs per locus in the table
FAR = 10  # bases; nearer bases depend on each other in any model of tokens


def section(results: Results) -> Section:
    pairs = results.table(PAIRS)
    if not len(pairs):
        return Section("maps", TITLE, ["No locus could be chosen: no site of fold test has enough sequence around it."])
    loci = {place_of(rows): rows for _, rows in pairs.groupby("locus", sort=True)}
    findings = [describe(loci), *trained_loci(results, pairs)]
    parts: list = [
        "A dependency map shows how much each substitution at one base (row) changes the log2 odds that the pretrained model gives at "
        "another base (column): the largest absolute change over substitutions and over the four bases. Only masked tokens are read. "
        "Both sequences of a comparison hide the same bases in the same tokens and have equally many tokens; pairs for which no "
        "substitution allows this are blank. "
        "Each pair is compared with all pairs of the same distance in dinucleotide shuffles of the locus.",
        findings,
        Picture(
            "interpretation_maps",
            figures.dependency(dict(list(loci.items())[:DRAWN])),
            "Dependency maps of the locus, of one of its dinucleotide shuffles, and of the locus by a randomly initialised model of the "
            "same size. One scale of colours per row.",
            PAIRS,
        ),
        Table(
            strongest(loci),
            f"The {STRONGEST} strongest pairs of each locus that are at least {FAR} bases apart. Shuffles: mean over all pairs of the same "
            "distance. q: Benjamini-Hochberg over the pairs of the locus.",
            PAIRS,
        ),
    ]
    return Section("maps", TITLE, parts, findings)


def place_of(rows: pd.DataFrame) -> str:
    """`chr1:1,001-1,120`, 1-based and closed."""
    first = rows.iloc[0]
    return f"{first['chrom']}:{first['start'] + 1:,}-{first['end']:,}"


def describe(loci: dict[str, pd.DataFrame]) -> str:
    """Sentence on how many pairs exceed the shuffles, and how the randomly initialised model compares."""
    shares, ratios = [], []
    for rows in loci.values():
        far = rows[rows["distance"] >= FAR]
        if far.empty:  # no pair that far apart could be read
            shares.append("–")
            ratios.append("–")
            continue
        shares.append(f"{(far['q'] <= LEVEL).mean():.1%}")
        ratios.append(f"{far['model'].mean() / max(far['random'].mean(), np.finfo(float).tiny):.1f}")
    return (
        f"Of the pairs at least {FAR} bases apart, {listed(shares)} exceed those of the shuffles at a false discovery rate of "
        f"{LEVEL:.0%} (loci in the order of the table). Their mean change is {listed(ratios)} times that of the randomly initialised "
        "model."
    )


def trained_loci(results: Results, pairs: pd.DataFrame) -> list[str]:
    """Sentence on the loci that overlap sequence that the chosen model was trained on; none where no locus does."""
    training = results.trained_on()
    if training is None:
        return []
    loci = pairs[["chrom", "start", "end"]].drop_duplicates()
    seen = int((share_covered(loci, training) > 0).sum())
    return [f"Loci that overlap sequence that the model was trained on: {seen} of {len(loci)}."] if seen else []


def strongest(loci: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The strongest pairs of each locus, with formatted values; positions are 1-based in the locus."""
    parts = []
    for name, rows in loci.items():
        far = rows[rows["distance"] >= FAR].nlargest(STRONGEST, "model")
        parts.append(far.assign(locus=name, substituted=far["i"] + 1, predicted=far["j"] + 1))
    table = pd.concat(parts).rename(columns={"null": "shuffles", "random": "randomly initialised"})
    columns = ["locus", "substituted", "predicted", "distance", "model", "shuffles", "randomly initialised", "q"]
    formats = {"model": "{:.2f}", "shuffles": "{:.2f}", "randomly initialised": "{:.2f}", "q": "{:.2g}"}
    return formatted(table[columns], formats)
