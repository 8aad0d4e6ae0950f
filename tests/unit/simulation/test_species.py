"""Species B has the grammar of A in other sequence; C is B with the deciding side turned round, and nothing else."""

import json

import numpy as np
import pytest

from grover.simulation.binding import PARTNER
from grover.simulation.files import write_truth
from grover.simulation.sequence import codes, reverse_complement
from grover.simulation.simulate import simulate
from grover.simulation.species import SPECIES

BASES, REACH = 200_000, 60


@pytest.fixture(scope="module")
def genomes():
    return {name: simulate(BASES, 2, 11, species) for name, species in SPECIES.items()}


def copies_beside(canvas, site, side):
    """Places of a copy of the partner with at most two changes on one side of a site, along the strand of its motif; a plain search."""
    right = (side == "right") == (site.strand == "+")
    left, end = (site.end, site.end + REACH) if right else (site.start - REACH, site.start)
    text, partner = canvas.codes[left:end], codes(PARTNER)
    partner = partner if site.strand == "+" else reverse_complement(partner)
    windows = np.lib.stride_tricks.sliding_window_view(text, len(partner))
    return np.flatnonzero((windows != partner).sum(axis=1) <= 2)


@pytest.mark.parametrize(("name", "side"), [("A", "right"), ("B", "right"), ("C", "left")])
def test_binding_follows_the_partner_on_the_side_of_the_species(genomes, name, side):
    canvas = genomes[name]
    found = [len(copies_beside(canvas, site, side)) > 0 for site in canvas.tables["sites"].itertuples()]
    assert found == canvas.tables["sites"]["bound_by_rule"].tolist()
    # the other side has copies too, which decide nothing
    other = {"right": "left", "left": "right"}[side]
    elsewhere = [len(copies_beside(canvas, site, other)) > 0 for site in canvas.tables["sites"].itertuples()]
    assert 0.15 < np.mean(elsewhere) < 0.35 and not np.logical_and(found, elsewhere).any()


def test_c_is_b_but_for_the_flanks_of_the_sites(genomes):
    b, c = genomes["B"], genomes["C"]
    apart = np.ones(len(b.codes), bool)
    for start, end in b.tables["sites"][["start", "end"]].itertuples(index=False):
        apart[start - REACH : end + REACH] = False
    assert (b.codes == c.codes)[apart].all() and (b.codes != c.codes)[~apart].any()
    for table in ("genes", "exons", "repeats", "isochores", "peaks", "splice_sites"):
        assert b.tables[table].equals(c.tables[table])
    ours, theirs = b.tables["sites"], c.tables["sites"]
    assert ours[["start", "end", "strand", "distance", "bound"]].equals(
        theirs[["start", "end", "strand", "distance", "bound"]]
    )
    assert (ours["partner"].replace({"right": "left", "left": "right"}) == theirs["partner"]).all()


def test_b_has_other_repeats_and_another_composition_than_a(genomes):
    a, b = genomes["A"], genomes["B"]
    levels = [canvas.tables["isochores"].groupby("name")["gc"].mean() for canvas in (a, b)]
    assert np.allclose(levels[1] - levels[0], 0.05, atol=0.02)
    filled = {}
    for name, canvas in (("A", a), ("B", b)):
        repeats = canvas.tables["repeats"].assign(length=lambda table: table["end"] - table["start"])
        filled[name] = repeats.groupby("repeat_class")["length"].sum()
    assert filled["B"]["LTR"] > 1.5 * filled["A"]["LTR"] and filled["B"]["SINE"] < 0.6 * filled["A"]["SINE"]
    consensus = {family.consensus.tobytes() for family in a.families}
    assert not consensus & {family.consensus.tobytes() for family in b.families}
    assert {family.name for family in a.families}.isdisjoint(family.name for family in b.families)


def test_variants_break_the_partner_that_decides(genomes):
    for name in ("B", "C"):
        sites, variants = (genomes[name].tables[table] for table in ("sites", "variants"))
        broken = variants[variants["effect"] == "break"]
        assert len(broken) and set(sites["partner"].iloc[broken["site"]]) == {SPECIES[name].side}


def test_the_truth_says_what_transfers(genomes, tmp_path):
    for name, holds in (("A", True), ("B", True), ("C", False)):
        write_truth(genomes[name], tmp_path / "truth.json", 11)
        truth = json.loads((tmp_path / "truth.json").read_text())
        assert truth["species"]["name"] == name and truth["species"]["binding_transfers_from_A"] is holds
        assert truth["partner"]["side"] == SPECIES[name].side
        assert max(truth["partner"]["shares"], key=truth["partner"]["shares"].get) == SPECIES[name].side
