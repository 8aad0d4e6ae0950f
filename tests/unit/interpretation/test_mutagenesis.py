"""In-silico mutagenesis and redrawn blocks: of an additive answer, and of an oracle that binds by the rule of the simulated genome."""

import numpy as np
import pandas as pd
import pytest

from grover.genome.bases import encode
from grover.interpretation import mutagenesis
from grover.interpretation.mutagenesis import mutate, mutate_blocks, redraw_blocks, substitutions
from grover.interpretation.planted import judge, mark, planted_elements
from grover.interpretation.sites import Site, rows_of, sites_of
from tests.fakes.binding import oracle, plant

NONE = np.zeros(0, np.uint8)


def site(text: str) -> Site:
    return Site(0, 1, encode(text), NONE, NONE)


def test_every_base_is_replaced_by_every_other_and_n_by_none():
    codes = encode("ACNG")
    sequences, position, base = substitutions(codes)
    assert sequences.shape == (9, 4) and len({tuple(row) for row in sequences.tolist()}) == 9
    assert ((sequences != codes).sum(axis=1) == 1).all() and 2 not in position
    assert (sequences[np.arange(9), position] == base).all()


def test_changes_of_an_additive_answer():
    weights = np.array([[0, 1, 2, 3], [0, -1, -2, -3], [5, 0, 0, 0]], float)

    def answer(sites, codes):
        return [weights[np.arange(3), each].sum(axis=1) for each in codes]

    (found,), answers = mutate([site("GAA")], answer)
    assert answers.tolist() == [7.0]
    deltas = dict(zip(zip(found.position, found.base, strict=True), found.delta, strict=True))
    assert deltas[0, 3] == 1 and deltas[0, 0] == -2 and deltas[1, 2] == -2 and deltas[2, 1] == -5
    assert found.sums(3).tolist() == [-2.0, -6.0, -15.0]
    assert found.importance(3).tolist() == pytest.approx([4 / 3, 2, 5])


def test_redrawn_blocks_keep_the_rest_and_cover_each_base():
    own = site("ACGTTGCAACGTAGGCATTAC")
    versions, first = redraw_blocks(own, 10, 5, 4, seed=1)
    assert first.tolist() == [start for start in (0, 5, 10, 11) for _ in range(4)]
    for version, start in zip(versions, first, strict=True):
        outside = np.r_[0:start, start + 10 : 21]
        assert np.array_equal(version[outside], own.codes[outside]) and version.max() < 4
    assert len(np.unique(versions, axis=0)) > len(versions) // 2
    again, _ = redraw_blocks(own, 10, 5, 4, seed=1)
    assert np.array_equal(versions, again)
    assert redraw_blocks(site("ACG"), 10, 5, 2, seed=1)[0].shape == (2, 3)


def test_redrawn_blocks_follow_the_dinucleotides_of_the_site():
    """A sequence of CA repeats has no other dinucleotides than CA and AC, but for pseudo-counts."""
    own = site("CA" * 200)
    versions, _ = redraw_blocks(own, 10, 40, 20, seed=0)
    pairs = pd.Series(versions[:, :-1].ravel() * 4 + versions[:, 1:].ravel()).value_counts(normalize=True)
    assert pairs[[1, 4]].sum() > 0.99
    assert (versions == own.codes).mean() > 0.99  # the bases beside a block say in which phase it is


def test_a_block_is_as_important_as_the_bases_in_it():
    def answer(sites, codes):
        return [(each[:, 20] == 0).astype(float) for each in codes]

    own = site("C" * 20 + "A" + "C" * 20)
    (values,) = mutate_blocks([own], answer, 10, 5, 8, seed=0)
    assert values[:10].max() == values[31:].max() == 0 and values[20] == values.min() < -0.5


@pytest.mark.parametrize("method", ["ism", "block"])
def test_the_partner_is_found_and_neither_the_motif_nor_its_copies(method):
    dataset, truth = plant(6)
    sites = sites_of(dataset, np.arange(len(dataset)))
    if method == "ism":
        importance = [each.importance(161) for each in mutate(sites, oracle)[0]]
    else:
        importance = [np.abs(each) for each in mutate_blocks(sites, oracle, 10, 5, 8, seed=0)]
    tables = [
        pd.DataFrame(rows_of(each, np.arange(161)) | {"importance": own})
        for each, own in zip(sites, importance, strict=True)
    ]
    marked = mark(pd.concat(tables, ignore_index=True), planted_elements(truth))
    found = judge(marked)
    assert found["sites"] == 6 and found["auroc"] >= 0.9
    assert found["opposite"] < 0.5 and found["reversed"] < 0.5 and found["motif"] < 0.15
    # the marked bases spell the partner of each deciding site, whatever its strand
    right = marked[(marked["kind"] == "deciding") & marked["partner"]].groupby("example")["ref"].agg("".join)
    assert (right == truth["partner"]["consensus"]).all() and len(right) == 6


def test_in_a_species_whose_left_side_decides_the_sites_change_places():
    _, truth = plant(2)
    right, left = (planted_elements(truth | {"partner": {"side": side}})["partner"] for side in ("right", "left"))
    swapped = {"deciding": "opposite", "opposite": "deciding"}
    assert left.tolist() == [swapped.get(kind, kind) for kind in right] and set(swapped) < set(right)


def test_an_explanation_that_lights_up_the_motif_fails():
    dataset, truth = plant(3)
    sites = sites_of(dataset, np.arange(len(dataset)))
    table = pd.concat([pd.DataFrame(rows_of(each, np.arange(161))) for each in sites], ignore_index=True)
    marked = mark(table.assign(importance=0.0), planted_elements(truth))
    wrong = judge(marked.assign(importance=marked["motif"] + 0.1 * marked["partner"]))
    assert wrong["motif"] == pytest.approx(10) and wrong["auroc"] < 0.9
    flat = judge(marked.assign(importance=1.0))
    assert flat["auroc"] == 0.5 and flat["opposite"] == flat["reversed"] == flat["motif"] == 1


def test_a_window_with_a_site_beside_its_middle_is_not_of_that_site():
    dataset, truth = plant(1)
    elements = planted_elements(truth)
    for shift, kinds in ((0, {"deciding", "opposite", "reversed", "none"}), (8, {""})):
        moved = dataset.assign(start=dataset["start"] + shift, end=dataset["end"] + shift)
        sites = sites_of(moved, np.arange(len(moved)))
        table = pd.concat([pd.DataFrame(rows_of(each, np.arange(161))) for each in sites], ignore_index=True)
        assert set(mark(table, elements)["kind"]) == kinds


def test_sites_in_groups_give_what_all_at_once_give_and_few_versions_are_in_memory(monkeypatch):
    dataset, _ = plant(2)
    sites = sites_of(dataset, np.arange(len(dataset)))
    expected = mutate(sites, oracle), mutate_blocks(sites, oracle, 10, 5, 2, seed=0)
    most = []

    def counted(given, codes):
        most.append(sum(each.size for each in codes))
        return oracle(given, codes)

    monkeypatch.setattr(mutagenesis, "AT_ONCE", 3 * 161**2 * 2)
    found = mutate(sites, counted), mutate_blocks(sites, counted, 10, 5, 2, seed=0)
    assert len(most) > 6 and max(most) <= 2 * 161 * (3 * 161 + 1)
    assert all(np.array_equal(*pair) for pair in zip(found[1], expected[1], strict=True))
    assert np.array_equal(found[0][1], expected[0][1])
    assert all(np.array_equal(one.delta, other.delta) for one, other in zip(found[0][0], expected[0][0], strict=True))
    assert [len(group) for group in mutagenesis.in_groups(sites[:1])] == [1] and not [*mutagenesis.in_groups([])]
