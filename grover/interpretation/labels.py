"""Known effects of variants as labels: 1 with an effect, 0 without one, -1 where nothing is known or where the values disagree.

The effect is a field of INFO. Its values are words such as `Pathogenic`, or numbers that are compared, such as frequencies.
"""

import operator
import re
from collections.abc import Callable

import numpy as np
import pandas as pd

from grover.config.sections.interpretation import VariantLabels

POSITIVE, NEGATIVE, UNKNOWN = 1, 0, -1
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
COMPARISON = re.compile(r"([<>]=?) ?(.+)")
PARTS = re.compile(
    r"[,/|]_?"
)  # ClinVar joins values: Benign/Likely_benign, Pathogenic|drug_response, Pathogenic,_low_penetrance


def labels_of(effect: pd.Series, record: pd.Series, labels: VariantLabels) -> np.ndarray:
    """Return the label of each alternative allele, int8.

    effect: the field's text, empty without it. record: number of the VCF record; the alleles of one record are neighbours and in the order
    of ALT. A field with as many values as the record has alleles gives each its own (as AF does).
    """
    of_allele = _own_values(effect.astype(str), record)
    known = {text: _label(text, labels) for text in of_allele.unique()}
    return of_allele.map(known).to_numpy(np.int8)


def _own_values(effect: pd.Series, record: pd.Series) -> pd.Series:
    """The values of each allele, those of a record with several alleles dealt to them where their number is the same."""
    alleles = record.groupby(record).transform("size")
    several = alleles > 1
    if not several.any():
        return effect
    values = effect[several].str.split(",")
    place = record[several].groupby(record[several]).cumcount()
    own = [
        given[i] if len(given) == number else ",".join(given)
        for given, i, number in zip(values, place, alleles[several], strict=True)
    ]
    return effect.mask(several, pd.Series(own, index=values.index))


def _label(effect: str, labels: VariantLabels) -> int:
    values = {effect, *PARTS.split(effect)}
    positive, negative = (
        any(_matches(value, wanted) for value in values for wanted in given)
        for given in (labels.positive, labels.negative)
    )
    if positive == negative:
        return UNKNOWN
    return POSITIVE if positive else NEGATIVE


def _matches(value: str, wanted: str) -> bool:
    """Whether a value is the one that is wanted, or fulfils the comparison."""
    comparison = COMPARISON.fullmatch(wanted)
    if not comparison:
        return value == wanted
    try:
        number = float(value)
    except ValueError:  # `.`, which is a missing value
        return False
    return COMPARISONS[comparison[1]](number, float(comparison[2]))
