"""Where tokens lie: against bedtools, against the definition of the jackknife, and on planted and absent enrichment."""

import numpy as np
import pandas as pd
import pybedtools
import pytest
from scipy.stats import false_discovery_control

from grover.annotation.enrichment import clip, count, coverage, enrich, enrichment, most_tied, read_categories, widen
from grover.annotation.tracks import read_tracks
from grover.genome.assembly import Genome
from grover.intervals.overlaps import bases_before

LENGTHS = {"chr1": 12_000, "chr2": 7_000}
SEGMENTS = pd.DataFrame(
    [("chr1", 100, 3_000), ("chr1", 3_000, 3_050), ("chr1", 5_000, 11_500), ("chr2", 0, 6_900)],
    columns=["chrom", "start", "end"],
)
TOKEN_LENGTHS = np.array([0, 1, 2, 3, 4, 5, 7], np.int32)


@pytest.fixture(scope="module")
def genome(tmp_path_factory) -> Genome:
    folder = tmp_path_factory.mktemp("genome")
    bases = int((SEGMENTS["end"] - SEGMENTS["start"]).sum())
    np.save(folder / "sequence.npy", np.zeros(bases, np.uint8))
    SEGMENTS.assign(name="s").to_csv(folder / "segments.bed", sep="\t", header=False, index=False)
    return Genome(folder / "sequence.npy", folder / "segments.bed")


def write_tracks(folder, tables: dict[str, pd.DataFrame], kinds: dict[str, str]):
    """The table of tracks, and the file of each."""
    files, rows = {}, []
    for name, table in tables.items():
        files[name] = folder / f"{name}.bed"
        table.to_csv(files[name], sep="\t", header=False, index=False)
        rows.append((name, name, "bed", kinds[name], "name" if kinds[name] in ("category", "quantity") else "-"))
    columns = ["track", "source", "format", "kind", "column"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "tracks.tsv", sep="\t", index=False)
    return read_tracks(folder / "tracks.tsv"), files


def random_intervals(rng, n: int, longest: int) -> pd.DataFrame:
    chrom = rng.choice(list(LENGTHS), n)
    start = np.array([rng.integers(0, LENGTHS[name] - longest) for name in chrom])
    return pd.DataFrame({"chrom": chrom, "start": start, "end": start + rng.integers(1, longest, n)})


def random_tokens(rng, bounds: np.ndarray) -> np.ndarray:
    """Tokens that fill every segment to its last base."""
    tokens = []
    for length in np.diff(bounds):
        while length:
            token = rng.integers(1, len(TOKEN_LENGTHS))
            if TOKEN_LENGTHS[token] <= length:
                tokens.append(token)
                length -= TOKEN_LENGTHS[token]
    return np.array(tokens, np.uint16)


def test_counts_and_shares_agree_with_bedtools(genome, tmp_path):
    rng = np.random.default_rng(5)
    states = random_intervals(rng, 60, 400).assign(name=rng.choice(["active", "quiet"], 60))
    genes = random_intervals(rng, 8, 2_500)
    tables = {"state": states, "gene": genes}
    tracks, files = write_tracks(tmp_path, tables, {"state": "category", "gene": "presence"})
    categories = read_categories(genome, tracks, files, LENGTHS, {}, 0)
    tokens = random_tokens(rng, genome.bounds)
    statistics = pd.DataFrame({"id": range(1, 7), "token": list("abcdef"), "length": TOKEN_LENGTHS[1:]})
    table = enrich(tokens, statistics, TOKEN_LENGTHS, categories, len(genome.codes))

    lengths = TOKEN_LENGTHS[tokens].astype(np.int64)
    chrom, middle = genome.locate(np.cumsum(lengths) - lengths + (lengths - 1) // 2)
    points = pd.DataFrame({"chrom": np.array(genome.chroms)[chrom], "start": middle, "end": middle + 1, "id": tokens})
    points = pybedtools.BedTool.from_dataframe(points)
    whole = pybedtools.BedTool.from_dataframe(SEGMENTS)
    expected = {("gene", "gene"): genes} | {
        ("state", name): states[states["name"] == name] for name in ("active", "quiet")
    }
    assert list(categories) == [("state", "active"), ("state", "quiet"), ("gene", "gene")]
    for (track, category), intervals in expected.items():
        bed = pybedtools.BedTool.from_dataframe(intervals[["chrom", "start", "end"]]).sort().merge()
        inside = pd.Series([int(point.fields[3]) for point in points.intersect(bed, u=True)]).value_counts()
        rows = table[(table["track"] == track) & (table["category"] == category)].set_index("id")
        assert rows["inside"].to_dict() == inside.reindex(range(1, 7), fill_value=0).to_dict()
        bases = sum(len(interval) for interval in whole.intersect(bed))
        assert rows["expected"].unique() == pytest.approx([bases / len(genome.codes)])
    assert table.groupby("id")["count"].first().tolist() == np.bincount(tokens, minlength=7)[1:].tolist()
    assert (table["share"] == table["inside"] / table["count"]).all()


def test_promoters_are_widened_and_what_lies_outside_is_left_out(genome, tmp_path):
    tables = {
        "promoter": pd.DataFrame({"chrom": "chr1", "start": [3_020, 60], "end": [3_021, 61]}),
        "gap": pd.DataFrame({"chrom": "chr1", "start": [3_100], "end": [4_000], "name": ["gap"]}),
        "timing": pd.DataFrame({"chrom": "chr1", "start": [3_100], "end": [4_000], "name": ["early"]}),
        "reading": pd.DataFrame({"chrom": "chr1", "start": [3_100], "end": [6_000], "name": ["gene"]}),
    }
    kinds = {"promoter": "presence", "gap": "category", "timing": "quantity", "reading": "strand"}
    tracks, files = write_tracks(tmp_path, tables, kinds)
    categories = read_categories(genome, tracks, files, LENGTHS, {}, 50)
    assert list(categories) == [("promoter", "promoter")]
    # 10..111 keeps 11 bases of the first segment; 2970..3071 crosses into the second, which ends at its place 2950
    starts, ends = categories["promoter", "promoter"]
    assert (starts.tolist(), ends.tolist()) == ([0, 2_870], [11, 2_950])
    assert (
        list(read_categories(genome, tracks, {"promoter": files["promoter"]}, LENGTHS, {}, 0)) == list(categories)[:1]
    )


def test_wide_promoters_stay_as_they_are():
    table = widen(pd.DataFrame({"start": [10, 100, 5], "end": [11, 300, 8]}), 20)
    assert table["start"].tolist() == [0, 100, 0] and table["end"].tolist() == [31, 300, 27]


def test_bases_before_agree_with_a_mask():
    rng = np.random.default_rng(2)
    edges = np.sort(rng.choice(500, 40, replace=False))
    starts, ends = edges[::2], edges[1::2]
    mask = np.zeros(501, int)
    for start, end in zip(starts, ends, strict=True):
        mask[start + 1 : end + 1] = 1
    assert (bases_before(starts, ends, np.arange(501)) == mask.cumsum()).all()
    assert (bases_before(starts[:0], ends[:0], np.arange(3)) == 0).all()
    clipped = clip(starts, ends, 250)
    assert bases_before(*clipped, np.array([501])) == mask[:251].sum()


def test_blocks_add_up_and_hold_their_own_tokens():
    tokens = np.array([1, 2, 2, 1, 3], np.uint16)  # bases 0, 1-2, 3-4, 5, 6-8; middles 0, 1, 3, 5, 7
    counts, inside = count(tokens, TOKEN_LENGTHS, [(np.array([1, 5]), np.array([2, 8]))], np.array([0, 4, 9]))
    assert counts[:, 1:4].tolist() == [[1, 2, 0], [1, 0, 1]]
    assert inside[:, 1:4, 0].tolist() == [[0, 1, 0], [1, 0, 1]]


def test_the_error_is_that_of_leaving_out_one_block_after_the_other():
    rng = np.random.default_rng(4)
    counts = rng.integers(20, 200, (30, 2))
    inside = rng.binomial(counts[:, :, None], rng.uniform(0.05, 0.5, (30, 1, 3)))
    bases, covered = np.full(30, 10_000), rng.integers(500, 4_000, (30, 3))
    found = enrichment(counts, inside, covered, bases)

    def log2(kept):
        share = covered[kept].sum(0) / bases[kept].sum()
        return np.log2((inside[kept].sum(0) + share) / (counts[kept].sum(0)[:, None] + 1) / share)

    assert found["log2"] == pytest.approx(log2(np.arange(30)))
    without = np.array([log2(np.delete(np.arange(30), block)) for block in range(30)])
    error = np.sqrt(29 / 30 * ((without - without.mean(0)) ** 2).sum(0))
    assert (found["high"] - found["log2"]) / 2.0452 == pytest.approx(error, rel=1e-4)  # t with 29 degrees of freedom
    assert found["q"].ravel() == pytest.approx(false_discovery_control(found["p"].ravel()))


def scattered(rng, bases: int, planted: float):
    """A genome of single bases in which token 2 lies in clumps, token 3 prefers the category by `planted` bits, token 1 is the rest."""
    category = np.zeros(bases, bool)
    for start in rng.integers(0, bases - 3_000, bases // 20_000):
        category[start : start + rng.integers(200, 3_000)] = True
    tokens = np.ones(bases, np.uint16)
    for start in rng.integers(0, bases - 50, bases // 2_000):
        tokens[start : start + rng.integers(1, 50)] = 2
    tokens[rng.random(bases) < np.where(category, 0.002 * 2**planted, 0.002)] = 3
    edges = np.flatnonzero(np.diff(np.concatenate([[0], category.astype(int), [0]])))
    return tokens, (edges[::2], edges[1::2])


def located(tokens, places) -> pd.DataFrame:
    statistics = pd.DataFrame({"id": [1, 2, 3], "token": list("ACG"), "length": 1})
    return enrich(tokens, statistics, np.ones(4, np.int32), {("track", "category"): places}, tokens.size)


def test_planted_enrichment_is_found_with_its_size():
    table = located(*scattered(np.random.default_rng(1), 500_000, 1.0)).set_index("id")
    assert table.loc[3, "q"] < 1e-6
    assert table.loc[3, "low"] < np.log2(2 / (1 + table.loc[3, "expected"])) < table.loc[3, "high"]
    tied = most_tied(table.reset_index())
    assert tied["token"].tolist() == ["G"]


def test_nothing_is_found_where_nothing_is_even_if_occurrences_clump():
    p = []
    for seed in range(60):
        table = located(*scattered(np.random.default_rng(seed), 500_000, 0.0))
        p += table.loc[table["id"] > 1, "p"].tolist()
    assert not np.isnan(p).any()
    assert np.mean(np.array(p) < 0.05) < 0.1 and np.mean(np.array(p) < 0.5) == pytest.approx(0.5, abs=0.15)


def test_what_is_too_rare_gets_no_test():
    tokens, places = scattered(np.random.default_rng(3), 300_000, 0.0)
    tokens[tokens == 3] = 1
    tokens[[5, 70_000, 250_000]] = 3
    table = located(tokens, places).set_index("id")
    assert np.isnan(table.loc[3, ["low", "high", "p", "q"]].to_numpy(float)).all() and np.isfinite(table.loc[3, "log2"])
    one_place = (np.array([1_000]), np.array([9_000]))
    assert located(tokens, one_place)["p"].isna().all()
    nothing = enrich(
        tokens, pd.DataFrame({"id": [1], "token": ["A"], "length": [1]}), np.ones(4, np.int32), {}, tokens.size
    )
    assert len(nothing) == 0 and "q" in nothing


def test_the_most_tied_are_sure_frequent_and_in_order():
    columns = ["track", "category", "token", "log2", "q", "inside"]
    rows = [
        ("t", "b", "A", 1.0, 0.01, 50),
        ("t", "b", "C", 2.0, 0.01, 50),
        ("t", "b", "G", 3.0, 0.20, 50),
        ("t", "b", "T", 3.0, 0.01, 5),
        ("t", "b", "AA", -3.0, 0.01, 50),
        ("t", "a", "A", 0.5, 0.01, 50),
        ("t", "c", "A", 0.5, np.nan, 50),
    ]
    tied = most_tied(pd.DataFrame(rows, columns=columns), number=2)
    assert tied[["category", "token"]].to_numpy().tolist() == [["b", "C"], ["b", "A"], ["a", "A"]]
    assert len(most_tied(pd.DataFrame(rows, columns=columns)[:0])) == 0


def test_coverage_counts_bases():
    table = pd.DataFrame({"track": "t", "category": "c", "length": [1, 4, 11, 20], "inside": [10, 5, 1, 2]})
    shares = coverage(table, 10).set_index("length")["share"]
    assert shares.to_dict() == pytest.approx({1: 10 / 81, 4: 20 / 81, 10: 51 / 81})
