"""Enrichment by circular shifts: against a label on every base, and on tokens that are tied to annotation, or not, but clumped."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, false_discovery_control

from grover.annotation.circular_shifts import (
    CHUNK,
    PlacedTokens,
    all_repeats,
    count_shifted,
    draw_shifts,
    enrich_by_shifts,
    judge,
    label_runs,
)
from grover.genome.assembly import Genome
from grover.report.parts import Folded, Picture, Results, Table
from grover.report.sections import enrichment as section
from grover.report.style import to_svg
from grover.tokenization.genome_tokens import STRIDE
from tests.fakes.enrichment import write as write_artefacts

LENGTHS = np.array([0, 1, 2, 3, 5])
TEXTS = ["[PAD]", "A", "CG", "ACT", "GATTA"]


def statistics(lengths=LENGTHS) -> pd.DataFrame:
    return pd.DataFrame({"id": range(len(TEXTS)), "token": TEXTS, "length": lengths})


def random_places(rng, bases: int, number: int):
    """Sorted, disjoint intervals."""
    edges = np.sort(rng.choice(bases + 1, 2 * number, replace=False))
    return edges[::2], edges[1::2]


def mask(places, bases: int) -> np.ndarray:
    found = np.zeros(bases, bool)
    for start, end in zip(*places, strict=True):
        found[start:end] = True
    return found


def tokens_of_segments(rng, sizes: list[int], behind: int = 0):
    """Random tokens of segments, their anchors, the middle base of each, and the bases of the genome; the last `behind` bases of a
    segment begin no token."""
    tokens, anchors, middles, base = [], [], [], 0
    for size in sizes:
        first = True
        for token in rng.integers(1, len(LENGTHS), size):
            if first or len(tokens) % STRIDE == 0:
                anchors.append((len(tokens), base))
            first = False
            tokens.append(token)
            middles.append(base + (LENGTHS[token] - 1) // 2)
            base += LENGTHS[token]
        base += behind
    anchors.append((len(tokens), base))
    return np.array(tokens, np.uint16), np.array(anchors, np.int64), np.array(middles), base


def test_runs_name_every_category_over_a_base():
    rng = np.random.default_rng(1)
    bases = 400
    places = [random_places(rng, bases, 20) for _ in range(5)] + [(np.array([0]), np.array([bases]))]
    starts, labels, members, _ = label_runs(places, bases)
    runs = np.searchsorted(starts, np.arange(bases), "right") - 1
    found = members[labels[runs]]
    assert (found == np.array([mask(place, bases) for place in places]).T).all()
    assert starts[0] == 0 and (np.diff(starts) > 0).all() and starts[-1] < bases
    assert len(members) == labels.max() + 1
    nothing = label_runs([(np.empty(0, np.int64), np.empty(0, np.int64))], bases)
    assert [part.tolist() for part in nothing[:3]] == [[0], [0], [[False]]]


@pytest.mark.parametrize("threads", [1, 3])
def test_shifted_counts_agree_with_a_label_on_every_base(threads):
    rng = np.random.default_rng(2)
    tokens, anchors, middles, bases = tokens_of_segments(rng, [700, 1, 1800], behind=4)
    places = [random_places(rng, bases, 30), random_places(rng, bases, 3)]
    runs = label_runs(places, bases)
    # the whole way round, and to both ends of it
    shifts = np.append([0, 1, bases - 1, bases // 2], rng.integers(0, bases, 20))
    counts = count_shifted(PlacedTokens(tokens, anchors, LENGTHS, LENGTHS), runs, shifts, threads)
    for shift, found in zip(shifts, counts, strict=True):
        for number, place in enumerate(places):
            inside = np.roll(mask(place, bases), shift)[middles]
            expected = np.bincount(tokens[inside], minlength=len(LENGTHS))
            assert found[runs.members[:, number]].sum(0).tolist() == expected.tolist()


def test_chunks_join_without_a_seam(monkeypatch):
    rng = np.random.default_rng(3)
    tokens, anchors, _, bases = tokens_of_segments(rng, [3_000, 2_500])
    runs = label_runs([random_places(rng, bases, 40)], bases)
    shifts, placed = np.arange(0, bases, bases // 7), PlacedTokens(tokens, anchors, LENGTHS, LENGTHS)
    whole = count_shifted(placed, runs, shifts)
    monkeypatch.setattr("grover.annotation.circular_shifts.CHUNK", STRIDE)
    assert CHUNK % STRIDE == 0
    assert (count_shifted(placed, runs, shifts) == whole).all()


def test_the_table_holds_observed_and_expected_shares():
    rng = np.random.default_rng(4)
    tokens, anchors, middles, bases = tokens_of_segments(rng, [4_000])
    categories = {("states", "a"): random_places(rng, bases, 30), ("gene", "gene"): random_places(rng, bases, 5)}
    table = enrich_by_shifts(tokens, anchors, statistics(), categories, bases, draw_shifts(bases, 40, 1))
    assert table[["track", "category", "token"]].values.tolist() == [
        [*name, token] for name in categories for token in TEXTS[1:]
    ]
    for (track, category), place in categories.items():
        rows = table[(table["track"] == track) & (table["category"] == category)].set_index("id")
        inside = mask(place, bases)[middles]
        assert rows["count"].tolist() == np.bincount(tokens)[1:].tolist()
        assert rows["inside"].tolist() == np.bincount(tokens[inside], minlength=5)[1:].tolist()
        assert rows["expected"].to_numpy() == pytest.approx(mask(place, bases).mean())
    assert (table["share"] == table["inside"] / table["count"]).all() and table["length"].head(4).tolist() == [
        1,
        2,
        3,
        5,
    ]
    assert table["q"].to_numpy() == pytest.approx(false_discovery_control(table["p"]))
    assert table["p"].min() >= 1 / 41
    again = enrich_by_shifts(tokens, anchors, statistics(), categories, bases, draw_shifts(bases, 40, 1), threads=2)
    pd.testing.assert_frame_equal(table, again)


def test_expected_is_the_mean_over_all_circular_shifts():
    rng = np.random.default_rng(5)
    tokens, anchors, _, bases = tokens_of_segments(rng, [60])
    place = random_places(rng, bases, 6)
    runs = label_runs([place], bases)
    counts = count_shifted(PlacedTokens(tokens, anchors, LENGTHS, LENGTHS), runs, np.arange(bases))
    mean = counts[:, runs.members[:, 0]].sum(1).mean(0)
    assert mean == pytest.approx(np.bincount(tokens, minlength=5) * mask(place, bases).mean())


def test_overlapping_kmers_lie_where_their_middle_does():
    # k-mers of three bases at 0, 1, 2 (middles 1, 2, 3) of a segment of five bases; at 5 (middle 6) of one of three
    tokens, anchors = np.array([3, 3, 3, 3], np.uint16), np.array([[0, 0], [3, 5], [4, 8]])
    lengths = np.minimum(LENGTHS, 1)
    places = {("t", "t"): (np.array([1, 6]), np.array([3, 7]))}
    table = enrich_by_shifts(tokens, anchors, statistics(lengths), places, 8, draw_shifts(8, 20, 0))
    assert table.set_index("id").loc[3, ["count", "inside", "length"]].tolist() == [4, 3, 3]


def test_p_and_interval_follow_from_the_circular_shifts():
    hits = np.array([[40, 4, 3], [22, 18, 1], [25, 17, 2], [15, 30, 3]])
    found = judge(hits, np.array([200, 200, 10]), 0.1)
    # sqrt(20) is 4.47: of 40 (6.32) nothing is as far off; of 4 (2) neither; three of ten are too few for a test
    assert found["p"][:2].tolist() == [0.25, 0.25] and np.isnan(found["p"][2]) and np.isnan(found["low"][2])
    log2 = np.log2((hits + 0.1) / (np.array([201, 201, 11]) * 0.1))
    assert found["log2"] == pytest.approx(log2[0])
    spread = np.quantile(log2[1:], [0.025, 0.975], axis=0)
    assert found["low"][:2] == pytest.approx((log2[0] - spread[1])[:2])
    assert found["high"][:2] == pytest.approx((log2[0] - spread[0])[:2])
    assert np.isnan(judge(hits, np.array([200, 200, 200]), 1.0)["p"]).all()


def test_circular_shifts_are_seeded_and_never_small():
    offsets = draw_shifts(10_000, 500, 7)
    assert (offsets == draw_shifts(10_000, 500, 7)).all() and (offsets != draw_shifts(10_000, 500, 8)).any()
    assert offsets.min() >= 100 and offsets.max() <= 9_900
    assert set(draw_shifts(3, 50, 0)) == {1, 2}


def clumped(rng, bases: int, kinds: int, tied: float = 0.0):
    """Single bases as tokens; token 1 to `kinds` in clumps of up to 200 bases, the last one `tied` to the annotation, which lies in
    stretches of up to 3,000 bases."""
    starts = np.sort(rng.integers(0, bases - 3_000, bases // 10_000))
    covered = np.zeros(bases, bool)
    for start in starts:
        covered[start : start + rng.integers(300, 3_000)] = True
    tokens = rng.integers(1, kinds + 1, bases).astype(np.uint16)
    for start in rng.integers(0, bases - 200, bases // 150):
        tokens[start : start + rng.integers(20, 200)] = rng.integers(1, kinds)
    tokens[covered & (rng.random(bases) < tied)] = kinds
    edges = np.flatnonzero(np.diff(np.concatenate([[0], covered.astype(int), [0]])))
    return tokens, (edges[::2], edges[1::2])


def enrich_clumped(tokens, places, kinds: int, shifts: int) -> pd.DataFrame:
    anchors = np.array([[at, at] for at in (*range(0, tokens.size, STRIDE), tokens.size)])
    names = pd.DataFrame({"id": range(kinds + 1), "token": ["[PAD]"] + ["A"] * kinds, "length": 1})
    return enrich_by_shifts(
        tokens, anchors, names, {("t", "t"): places}, tokens.size, draw_shifts(tokens.size, shifts, 0)
    )


def test_what_is_planted_is_found_with_its_size():
    tokens, places = clumped(np.random.default_rng(1), 200_000, 20, tied=0.05)
    table = enrich_clumped(tokens, places, 20, 199).set_index("id")
    share = (tokens[mask(places, tokens.size)] == 20).mean()
    truth = np.log2(share / (tokens == 20).mean())
    planted = table.loc[20]
    assert planted["q"] < 0.2 and planted["p"] == 1 / 200
    assert 0.4 < planted["low"] < truth < planted["high"] < truth + 1


def test_p_is_even_for_clumps_that_nothing_ties_where_independence_would_find_much():
    p, naive = [], []
    for seed in range(15):
        tokens, places = clumped(np.random.default_rng(100 + seed), 40_000, 20)
        table = enrich_clumped(tokens, places, 20, 99)
        p += table["p"].tolist()
        naive += [binomtest(row.inside, row.count, row.expected).pvalue for row in table.itertuples(index=False)]
    p, naive = np.array(p), np.array(naive)
    assert np.mean(naive < 0.05) > 0.4
    assert np.mean(p <= 0.05) < 0.08 and np.mean(p <= 0.5) == pytest.approx(0.5, abs=0.1)


def test_the_interval_holds_no_enrichment_where_there_is_none():
    tokens, places = clumped(np.random.default_rng(9), 200_000, 20)
    table = enrich_clumped(tokens, places, 20, 199)
    assert ((table["low"] <= 0) & (table["high"] >= 0)).mean() > 0.8


def test_all_repeats_are_the_union_of_the_first_table_of_repeats(tmp_path):
    np.save(tmp_path / "sequence.npy", np.zeros(1_000, np.uint8))
    (tmp_path / "segments.bed").write_text("chr1\t0\t1000\ts0\n")
    genome = Genome(tmp_path / "sequence.npy", tmp_path / "segments.bed")
    copies = [(10, 50, "SINE"), (40, 60, "LINE"), (500, 510, "SINE")]
    rows = [
        f"0 1 1 1 1 chr1 {start} {end} 0 + name {kind} {kind} 1 2 3 {number}"
        for number, (start, end, kind) in enumerate(copies)
    ]
    (tmp_path / "rmsk.txt").write_text("\n".join(rows).replace(" ", "\t") + "\n")
    fields = {"track": ["states", "class"], "source": ["states", "repeats"], "format": ["bed", "rmsk"]}
    tracks = pd.DataFrame(fields | {"kind": "category", "column": ["name", "class"]})
    found = all_repeats(genome, tracks, {"repeats": tmp_path / "rmsk.txt"}, {"chr1": 1_000}, {})
    assert {name: [part.tolist() for part in places] for name, places in found.items()} == {
        ("repeats", "any"): [[10, 500], [60, 510]]
    }
    assert all_repeats(genome, tracks, {}, {"chr1": 1_000}, {}) == {}
    empty = enrich_by_shifts(
        np.zeros(0, np.uint16), np.array([[0, 0]]), statistics(), {}, 1_000, draw_shifts(1_000, 20, 0)
    )
    assert len(empty) == 0 and "q" in empty


def rendered(tmp_path, atlas: bool = False):
    """The section of made-up results, and the table that it shows."""
    files = write_artefacts(tmp_path, np.random.default_rng(0))
    table = pd.read_parquet(files[0])
    if atlas:
        files.append(tmp_path / section.ATLAS)
        files[-1].parent.mkdir(parents=True)
        wider = table.assign(low=table["log2"] - 0.6, high=table["log2"] + 0.6, q=1.0)
        wider.loc[table["track"] == "gene", ["low", "high"]] *= 2
        wider.to_parquet(files[-1])
    return section.section(Results(tmp_path, files)), table


def test_the_section_tells_ties_from_chance_and_letters_from_words(tmp_path):
    made, table = rendered(tmp_path)
    tested = table.dropna(subset="q")
    sure = tested[tested["q"] < 0.05]
    told = f"Of {len(tested)} pairs of a token and a category {len(sure)} ({len(sure) / len(tested):.1%}) have q below 0.05"
    assert made.findings[0].startswith(told) and f"Another {len(table) - len(tested)} pairs" in made.findings[0]
    assert "200 circular shifts give no p-value below 0.005" in made.findings[1]
    assert f"of {table['token'][0]} in repeat class: SINE: {2**2.5:.3g} times" in made.findings[2]
    assert made.findings[3].startswith("In 1 of 4 categories") and "in gene (+0." in made.findings[3]
    assert len(made.findings) == 4 and not any(name in str(made.findings) for name in ("nan", "jackknife"))
    (picture,) = [part for part in made.parts if isinstance(part, Picture)]
    assert "repeat class: SINE" in to_svg(picture.figure)
    (rows,) = [part for part in made.parts if isinstance(part, Table)]
    assert rows.frame["category"].tolist() == ["repeat class: LINE", "repeat class: SINE", "gene", "repeats: any"]
    (folded,) = [part for part in made.parts if isinstance(part, Folded)]
    assert table["token"][0] in folded.parts[0].frame["token"].tolist()


def test_the_section_compares_circular_shifts_with_the_jackknife_of_the_atlas(tmp_path):
    made, table = rendered(tmp_path, atlas=True)
    chance = (table["q"].dropna() >= 0.05).mean()
    assert f"agree on {chance:.1%}" in made.findings[-1] and "0.50 times as wide (median)" in made.findings[-1]
    assert "from 0.25 in gene to 0.50 in" in made.findings[-1]


def test_the_section_says_where_nothing_could_be_tested(tmp_path):
    files = write_artefacts(tmp_path, np.random.default_rng(0))
    table = pd.read_parquet(files[0])
    table.assign(q=np.nan, p=np.nan).to_parquet(files[0])
    made = section.section(Results(tmp_path, files))
    assert made.parts[-1].startswith("This genome is too small") and not made.findings
    unsure = table.assign(q=1.0, p=1.0)
    unsure.attrs["shifts"] = 100_000
    unsure.to_parquet(files[0])
    made = section.section(Results(tmp_path, files))
    assert " 0 (0.0%) have q below 0.05" in made.findings[0] and not any(
        isinstance(part, Picture) for part in made.parts
    )


def test_too_few_circular_shifts_are_called_a_lack_of_power(tmp_path):
    files = write_artefacts(tmp_path, np.random.default_rng(0))
    table = pd.read_parquet(files[0])
    tested = table.index[table["q"].notna()]
    table.loc[tested, "p"] = 0.5
    table.loc[tested[:4], "p"] = 1 / 201
    table.loc[tested, "q"] = false_discovery_control(table.loc[tested, "p"])
    table.to_parquet(files[0])
    made = section.section(Results(tmp_path, files))
    assert made.findings[0].startswith(
        f"200 circular shifts are too few to establish any enrichment among {len(tested)}"
    )
    needed = int(len(tested) / 201 / 0.05)
    assert f"which 4 of the tests reach. For a q below 0.05 more than {needed} would have to" in made.findings[0]
    assert "a lack of power, no evidence of absence" in made.findings[0]
    assert f"Another {len(table) - len(tested)} pairs are too rare" in made.findings[0]
    assert not any("have q below" in sentence or "are tied" in sentence for sentence in made.findings)
    # one more than needed reach it, and all of them are tied
    table.loc[tested[: needed + 1], "p"] = 1 / 201
    table.loc[tested, "q"] = false_discovery_control(table.loc[tested, "p"])
    assert section.lack_of_power(table.loc[tested], 200) == "" and (table["q"] < 0.05).sum() == needed + 1
