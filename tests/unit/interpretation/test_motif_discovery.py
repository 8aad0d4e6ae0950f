from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from grover.annotation.meme import read_meme
from grover.config.sections.interpretation import Motifs
from grover.genome.bases import encode, reverse_complement
from grover.interpretation.contributions import Contributions, read_contributions
from grover.interpretation.motif_discovery import discover, distinct, information, informative_columns
from grover.interpretation.motif_files import bed_text, instances, logo_table, meme_text
from grover.interpretation.seqlets import Seqlets, cut, top_windows
from tests.fakes import motifs as fake

TABLE = fake.dataset()
SETTINGS = Motifs()


@pytest.fixture(scope="module")
def planted():
    return read_contributions(fake.importance(TABLE, fake.train_rows(TABLE)), TABLE)


def test_top_windows_are_those_of_the_largest_sums_and_do_not_overlap():
    values = np.zeros(40)
    values[[5, 6, 20, 30]] = [1, 1, -3, 0.5]
    found = top_windows(Contributions(np.array([7]), [np.zeros(40, np.uint8)], [values]), 5, 4)
    assert len(found) == 3 and found.sign.tolist() == [-1, 1, 1]
    assert [start <= place < start + 5 for start, place in zip(found.start, (20, 5, 30), strict=True)] == [True] * 3
    short = Contributions(np.array([0]), [np.zeros(4, np.uint8)], [np.ones(4)])
    assert len(top_windows(short, 5, 2)) == 0


def test_a_moved_and_turned_window_has_the_content_moved_and_turned():
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 4, 60, dtype=np.uint8)
    source = Contributions(np.array([0]), [codes], [rng.normal(size=60)])
    for minus in (False, True):
        window = Seqlets(np.zeros(1, int), np.array([20]), np.array([minus]), np.ones(1), 12)
        before = cut(source, window)[0][0]
        after = cut(source, window.moved(np.array([3]), np.array([True])))[0][0]
        assert (after[3:] == reverse_complement(before)[:-3]).all()
        assert (cut(source, window.widened(2))[0][0][2:-2] == before).all()


def test_places_outside_of_a_sequence_are_no_bases():
    source = Contributions(np.array([0]), [np.zeros(5, np.uint8)], [np.ones(5)])
    codes, values = cut(source, Seqlets(np.zeros(2, int), np.array([-2, 3]), np.array([False, True]), np.ones(2), 4))
    assert codes.tolist() == [[4, 4, 0, 0], [4, 4, 3, 3]] and values.tolist() == [[0, 0, 1, 1], [0, 0, 1, 1]]


def test_the_planted_element_is_found_whole_wherever_it_is(planted):
    first, *_ = found = discover(planted, SETTINGS)
    assert first.text == fake.ELEMENT and first.sign == 1 and len(first.seqlets) == 40
    np.testing.assert_allclose(first.contributions[encode(fake.ELEMENT), np.arange(13)], 8 / 6, rtol=1e-5)
    assert len(found) == 1


def test_elements_of_both_strands_are_one_motif(planted):
    turned = np.arange(len(planted.codes)) % 2 == 0
    codes = [reverse_complement(each) if flip else each for each, flip in zip(planted.codes, turned, strict=True)]
    values = [each[::-1] if flip else each for each, flip in zip(planted.values, turned, strict=True)]
    (motif,) = discover(Contributions(planted.example, codes, values), SETTINGS)
    assert motif.text in (fake.ELEMENT, "TCCGATTGCGTAA") and len(motif.seqlets) == 40
    assert 15 <= motif.seqlets.minus.sum() <= 25


def test_what_lowers_the_logit_is_a_motif_of_its_own(planted):
    lowered = Contributions(planted.example, planted.codes, [-values for values in planted.values])
    (motif,) = discover(lowered, SETTINGS)
    assert motif.sign == -1 and motif.text == fake.ELEMENT and motif.contributions.max() > 1


@pytest.mark.parametrize("length", [19, 26])
def test_an_element_longer_than_a_window_is_counted_once_per_example(length):
    rng = np.random.default_rng(0)
    element = rng.integers(0, 4, length, dtype=np.uint8)
    codes, values = rng.integers(0, 4, (40, 120), dtype=np.uint8), rng.normal(0, 0.02, (40, 120))
    starts = rng.integers(20, 60, 40)
    for row, start in enumerate(starts):
        codes[row, start : start + length] = element
        values[row, start : start + length] = 1
    (motif,) = discover(Contributions(np.arange(40), list(codes), list(values)), SETTINGS)
    assert motif.seqlets.example.tolist() == list(range(40)) and motif.width == length
    assert motif.seqlets.start.tolist() == starts.tolist() and (motif.consensus == element).all()


def test_of_windows_that_share_most_bases_the_strongest_is_kept():
    example, start = np.array([0, 0, 0, 1]), np.array([10, 14, 15, 10])
    assert distinct(example, start, np.array([1.0, 3.0, 2.0, 1.0]), 10).tolist() == [1, 3]
    assert distinct(example, start, np.array([3.0, 1.0, 2.0, 1.0]), 10).tolist() == [0, 2, 3]


def test_noise_and_too_few_windows_give_no_motif():
    rng = np.random.default_rng(0)
    codes = list(rng.integers(0, 4, (30, 90), dtype=np.uint8))
    noise = Contributions(np.arange(30), codes, list(rng.normal(0, 1, (30, 90))))
    assert discover(noise, SETTINGS) == []
    assert discover(noise.take(np.arange(2)), SETTINGS) == []
    assert discover(Contributions(np.arange(30), codes, [np.zeros(90)] * 30), SETTINGS) == []


def test_no_more_windows_are_compared_than_asked_for(planted):
    (motif,) = discover(planted, SETTINGS.model_copy(update={"maximum_motif_windows": 12}))
    assert len(motif.seqlets) == 12


def test_information_is_corrected_for_few_bases():
    counts = np.array([[1000, 0, 0, 0], [250, 250, 250, 250], [5, 0, 0, 0], [0, 0, 0, 0]], float)
    found = information(counts)
    assert found[0] == pytest.approx(2, abs=0.01) and found[1] == 0 and found[3] == 0
    assert found[2] == pytest.approx(2 - 3 / (2 * np.log(2) * 5))


def test_the_run_of_most_weight_is_kept_with_small_holes():
    bits = np.array([1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 0, 0])
    weight = np.ones(13)
    assert informative_columns(bits, weight) == (6, 11)
    weight[0] = 99
    assert informative_columns(bits, weight) == (0, 1)
    assert informative_columns(np.zeros(3), np.ones(3)) is None


def test_the_meme_file_is_read_back_and_instances_are_where_the_element_is(planted, tmp_path):
    motifs = discover(planted, SETTINGS)
    (tmp_path / "motifs.meme").write_text(meme_text(motifs))
    (motif,) = read_meme(tmp_path / "motifs.meme")
    assert (motif.identifier, motif.name) == ("motif-1", fake.ELEMENT)
    np.testing.assert_allclose(motif.matrix, motifs[0].probabilities, atol=1e-5)

    rows = instances(planted, motifs, TABLE)
    assert rows["start"].is_monotonic_increasing and (rows["end"] - rows["start"] == 13).all()
    for row in rows.itertuples():
        site = TABLE.iloc[row.example]
        at = site["sequence"].index(fake.ELEMENT)
        start = site["end"] - at - 13 if site["strand"] == "-" else site["start"] + at
        assert (row.chrom, row.start, row.strand) == ("chr1", start, site["strand"])
    assert rows["contribution"].to_numpy() == pytest.approx(13 * 8 / 6)
    assert bed_text(rows).split("\n")[0].split("\t")[3:5] == ["motif-1", "1000"]
    logo = logo_table(motifs)
    assert len(logo) == 52 and logo.groupby("position")["probability"].sum().to_numpy() == pytest.approx(1)


def test_instances_without_coordinates_count_in_their_sequence(planted):
    table = fake.dataset(placed=False)
    found = read_contributions(fake.importance(table, fake.train_rows(table)[:8]), table)
    rows = instances(found, discover(found, SETTINGS), table)
    starts = {f"example_{row}": table["sequence"].iloc[row].index(fake.ELEMENT) for row in found.example}
    assert dict(zip(rows["chrom"], rows["start"], strict=True)) == starts and set(rows["strand"]) == {"+"}


def test_a_window_beyond_its_example_ends_with_it(planted):
    (motif,) = discover(planted, SETTINGS)
    edge = np.arange(2), np.array([-4, 85]), np.array([False, True])
    moved = replace(motif, seqlets=Seqlets(*edge, np.ones(2), 13))
    rows = instances(planted, [moved], TABLE).set_index("example")
    for example, (first, last) in zip(planted.example[:2], [(0, 9), (85, 90)], strict=True):
        site, row = TABLE.iloc[example], rows.loc[example]
        bounds = (90 - last, 90 - first) if site["strand"] == "-" else (first, last)
        assert (row["start"] - site["start"], row["end"] - site["start"]) == bounds


def test_without_motifs_the_files_have_no_rows(planted):
    assert "MOTIF" not in meme_text([]) and meme_text([]).startswith("MEME version")
    assert (
        instances(planted, [], TABLE).empty and logo_table([]).empty and bed_text(instances(planted, [], TABLE)) == ""
    )
    assert isinstance(logo_table([]), pd.DataFrame)
