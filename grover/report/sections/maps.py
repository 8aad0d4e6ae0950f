"""Section of the report: dependency maps."""

import numpy as np
import pandas as pd

from grover.intervals.overlaps import share_covered
from grover.report.figures import maps as figures
from grover.report.parts import Picture, Results, Section, Table, count, formatted

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
        "another base (column). A value is the largest absolute change over substitutions and over the four bases. Only masked tokens "
        "are read. Both sequences of a comparison mask the same bases in the same tokens and have equally many tokens; pairs for which no "
        "substitution allows this are blank. "
        "Each pair is compared with all pairs of the same distance in dinucleotide shuffles of the locus.",
        findings,
        *[_picture(number, name, rows) for number, (name, rows) in enumerate(list(loci.items())[:DRAWN])],
        Table(
            strongest(loci),
            f"The {STRONGEST} strongest pairs of each locus that are at least {FAR} bases apart. Shuffles: mean over all pairs of the same "
            "distance. q: Benjamini-Hochberg over the pairs of the locus.",
            PAIRS,
        ),
    ]
    return Section("maps", TITLE, parts, findings)


def _picture(number: int, name: str, rows: pd.DataFrame) -> Picture:
    """One locus; the first has the name of the figure, the others its name and their number."""
    return Picture(
        "interpretation_maps" + (f"_{number + 1}" if number else ""),
        figures.dependency({name: rows}),
        f"Dependency map of {name}, of one of its dinucleotide shuffles, and of the locus by a randomly initialised model of the same "
        "size. One scale of colours for all three.",
        PAIRS,
    )


def place_of(rows: pd.DataFrame) -> str:
    """`chr1:1,001-1,120`, 1-based and closed."""
    first = rows.iloc[0]
    return f"{first['chrom']}:{first['start'] + 1:,}-{first['end']:,}"


def describe(loci: dict[str, pd.DataFrame]) -> str:
    """Sentence on how many pairs exceed the shuffles, and how the randomly initialised model compares."""
    distant = [rows[rows["distance"] >= FAR] for rows in loci.values()]
    distant = [far for far in distant if len(far)]
    if not distant:
        return f"No pair of bases at least {FAR} bases apart could be read."
    shares = [float((far["q"] <= LEVEL).mean()) for far in distant]
    ratios = [far["model"].mean() / max(far["random"].mean(), np.finfo(float).tiny) for far in distant]
    return (
        f"Of pairs at least {FAR} bases apart, {spanned(shares, '{:.1%}')} exceed those of the shuffles (q below {LEVEL}); their mean "
        f"change is {spanned(ratios, '{:.1f}')} times that of random initialisation ({count(len(distant), 'locus', 'loci')})."
    )


def spanned(values: list[float], form: str) -> str:
    """Return the lowest and the highest value, or one where they look the same."""
    low, high = form.format(min(values)), form.format(max(values))
    return low if low == high else f"{low} to {high}"


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
