import numpy as np
import pandas as pd
import pytest

from grover.interpretation.planted_motifs import recovered, shared_bases, windows_on_partner

PARTNER, DONOR = "TTACGCAATCGGA", "MAGGTRAGT"


@pytest.mark.parametrize(
    ("consensus", "element", "shared"),
    [
        ("TTACGCAATCGGA", PARTNER, 13),
        ("TCCGATTGCGTAA", PARTNER, 13),
        ("GGACGCAATCG", PARTNER, 9),
        ("CAGGTGAGT", DONOR, 9),
        ("AGGTAAGT", DONOR, 8),
        ("ACTTACCT", DONOR, 8),
        ("TTTT", DONOR, 2),
    ],
)
def test_bases_that_fit_at_the_best_placement(consensus, element, shared):
    assert shared_bases(consensus, element) == shared


def test_a_motif_counts_where_it_is_supported_and_shares_most_of_the_element():
    table = pd.DataFrame(
        {
            "consensus": ["AGGTAAGT", "CAGGTGAGT", "GATTACAGG"],
            "supported": [True, False, True],
            "motif": ["a", "b", "c"],
        }
    )
    assert recovered(table, DONOR)["motif"].tolist() == ["a"]


@pytest.mark.parametrize(("first", "share"), [(30, 1.0), (35, 1.0), (36, 0.0)])
def test_the_best_window_is_on_the_partner_from_eight_bases_on(first, share):
    pos = np.arange(100)
    importance = np.where((pos >= first) & (pos < first + 13), 1.0, 0.0)
    marked = pd.DataFrame(
        {"example": 1, "pos": pos, "importance": importance, "partner": (pos >= 30) & (pos < 43), "kind": "deciding"}
    )
    left = marked.assign(example=2, kind="opposite", importance=0.0)
    assert windows_on_partner(pd.concat([marked, left]).sample(frac=1, random_state=0)) == share
    assert np.isnan(windows_on_partner(left))
