"""Labels of variants against tables worked out by hand, and values as ClinVar and 1000 Genomes have them."""

import pandas as pd
import pytest
from pydantic import ValidationError

from grover.config.sections.interpretation import VariantLabels
from grover.interpretation.labels import labels_of


def labels(effects: list[str], settings: VariantLabels, records: list[int] | None = None) -> list[int]:
    return labels_of(pd.Series(effects), pd.Series(records or range(len(effects))), settings).tolist()


def test_words_of_clinvar():
    known = {
        "Pathogenic": 1,
        "Likely_pathogenic": 1,
        "Pathogenic/Likely_pathogenic": 1,
        "Pathogenic|drug_response": 1,
        "Pathogenic,_low_penetrance": 1,
        "Benign/Likely_benign": 0,
        "Benign": 0,
        "Uncertain_significance": -1,
        "Conflicting_interpretations_of_pathogenicity": -1,
        "Pathogenic|Benign": -1,
        "": -1,
    }
    assert labels([*known], VariantLabels()) == [*known.values()]


def test_a_joined_value_may_be_asked_for_as_it_stands():
    settings = VariantLabels(positive=["Pathogenic/Likely_pathogenic"], negative=["Benign"])
    effects = ["Pathogenic/Likely_pathogenic", "Pathogenic", "Benign/Likely_benign"]
    assert labels(effects, settings) == [1, -1, 0]


def test_frequencies_are_compared_and_each_allele_has_its_own():
    settings = VariantLabels(effect_field="AF", positive=["< 0.002"], negative=["> 0.05"])
    effects = ["0.0002", "0.002", "0.4", ".", "", "1e-3,0.3", "1e-3,0.3", "0.5,0.6", "0.5,0.6", "0.5,0.6"]
    assert labels(effects, settings, [0, 1, 2, 3, 4, 5, 5, 6, 6, 6]) == [1, -1, 0, -1, -1, 1, 0, 0, 0, 0]
    between = VariantLabels(effect_field="AF", positive=["<=0.002"], negative=[">=0.05"])
    assert labels(["0.002", "0.05"], between) == [1, 0]


def test_the_index_of_the_table_does_not_matter():
    settings = VariantLabels(effect_field="EFFECT", positive=["break"], negative=["neutral"])
    found = labels_of(pd.Series(["break,neutral"] * 2, index=[7, 3]), pd.Series([4, 4], index=[7, 3]), settings)
    assert found.tolist() == [1, 0]


def test_a_comparison_without_a_number_is_refused():
    with pytest.raises(ValidationError):
        VariantLabels(positive=["< rare"])
    with pytest.raises(ValidationError):
        VariantLabels(negative=[])
