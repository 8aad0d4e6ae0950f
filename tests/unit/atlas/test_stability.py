"""Stability of tokens: examples worked out by hand, and every measure against sets of boundaries in plain Python."""

import numpy as np
import pandas as pd
import pytest

from grover.atlas.stability import DISTURBANCES, NEAR, PHASES, Windows, measure, sample_windows
from grover.genome.assembly import Genome
from grover.genome.bases import encode
from grover.report.parts import Picture, Results, Table
from grover.report.sections import stability as section
from grover.runtime.errors import InputError
from grover.tokenization import bpe
from grover.tokenization.vocabulary import Vocabulary
from tests.fakes.results import write as write_artefacts


def one_window(stretch: str, start: int, end: int, substitute: str) -> Windows:
    """A window of one stretch, given as bases."""
    number = [np.array([value], np.int64) for value in (start, end)]
    return Windows(encode(stretch), np.array([0, len(stretch)]), *number, encode(substitute))


def by_disturbance(table: pd.DataFrame) -> dict[str, pd.Series]:
    return {row["disturbance"]: row for _, row in table.iterrows()}


@pytest.fixture(scope="module")
def genome(tmp_path_factory) -> Genome:
    """Three segments of 400, 3,000 and 6,000 bases with runs of one base and repeats of two."""
    folder, rng = tmp_path_factory.mktemp("genome"), np.random.default_rng(0)
    pieces = [rng.choice(4, 9400, p=[0.4, 0.1, 0.15, 0.35])]
    for unit in ([0], [0, 1], [3, 3, 0]):
        for at in rng.integers(0, 9300, 12):
            pieces[0][at : at + 40] = np.resize(unit, 40)
    np.save(folder / "sequence.npy", pieces[0].astype(np.uint8))
    (folder / "segments.bed").write_text("chr1\t0\t400\ts0\nchr1\t500\t3500\ts1\nchr2\t10\t6010\ts2\n")
    return Genome(folder / "sequence.npy", folder / "segments.bed")


@pytest.fixture(scope="module")
def vocabularies(genome) -> dict[str, Vocabulary]:
    merges = bpe.train(np.asarray(genome.codes), genome.bounds[:-1], genome.bounds[1:], 60)[0]
    kmers = {name: Vocabulary.from_kmers(name, k) for name, k in (("char", 1), ("kmer-3", 3), ("kmer-4", 4))}
    return {"bpe-60": Vocabulary.from_merges("bpe-60", merges), **kmers}


def test_single_bases_are_never_disturbed(genome, vocabularies):
    table = measure(vocabularies["char"], sample_windows(genome, 20, 300, 100, 1))
    assert table["disturbance"].tolist() == list(DISTURBANCES)
    assert (table["kept"] == 1).all() and (table["chance"] == 1).all()
    distances = table[table["disturbance"] != "reverse-complement"]
    assert (distances[["q99", "largest", "never"]] == 0).all(axis=None) and (distances["within_50"] == 1).all()
    assert table["tokens_changed"].tolist() == [0, 0, 0, 1, 1, 0]  # the substituted base itself


def test_pairs_of_a_by_hand():
    # with AA as the only merge GCAAAAAGCT is G C AA AA A G C T
    vocabulary = Vocabulary.from_merges("bpe-1", np.array([[0, 0]], np.int32))
    rows = by_disturbance(measure(vocabulary, one_window("GCAAAAAGCT", 3, 9, "T")))
    # AAAAGC alone is AA AA G C; boundaries inside were 4, 6, 7, 8 and are 5, 7, 8
    left, right = rows["cut-left"], rows["cut-right"]
    assert (left["kept"], left["chance"]) == (2 / 4, 3 / 5)
    assert (left["tokens_kept"], left["tokens_changed"]) == (2 / 4, 2)  # of AA A G C
    assert (left["median"], right["median"]) == (4, 0)
    # without its first base AA A G C; boundaries behind the second base were 5, 7, 8 and are 6, 7, 8
    assert (rows["shift"]["kept"], rows["shift"]["median"]) == (2 / 3, 3)
    # read backwards there is no AA, so that every place is a boundary; of AA A G C the last three tokens are kept
    mirrored = rows["reverse-complement"]
    assert (mirrored["kept"], mirrored["chance"], mirrored["tokens_kept"]) == (1, 1, 3 / 4)
    assert np.isnan(mirrored[["near", "median", "never", "within_50"]].astype(float)).all()


def test_a_substitution_by_hand():
    # G C AA AA A G C T becomes G C AA A G A G C T.
    # The second AA goes, of which the right half is hit
    vocabulary = Vocabulary.from_merges("bpe-1", np.array([[0, 0]], np.int32))
    rows = by_disturbance(measure(vocabulary, one_window("GCAAAAAGCT", 2, 8, "G")))
    left, right = rows["mutation-left"], rows["mutation-right"]
    assert (left["median"], right["median"]) == (1, 0)
    assert left["kept"] == left["near"] == 1 and left["tokens_changed"] == 1
    assert left["chance"] == 4 / 5


@pytest.mark.parametrize(("start", "kept", "never"), [(8, 1.0, 0.0), (9, 0.0, 1.0), (10, 0.0, 1.0), (12, 1.0, 0.0)])
def test_4_mers_keep_their_phase_or_lose_all(vocabularies, start, kept, never):
    stretch = "".join(np.random.default_rng(2).choice(list("ACGT"), 60))
    rows = by_disturbance(measure(vocabularies["kmer-4"], one_window(stretch, start, start + 40, "A")))
    assert (rows["cut-left"]["kept"], rows["cut-left"]["never"]) == (kept, never)
    assert rows["cut-left"]["median"] == 0 if kept else np.isnan(rows["cut-left"]["median"])
    # a shift is never made up for, which leaves no finite quantile
    assert rows["shift"]["never"] == 1 and rows["shift"]["kept"] == 0
    assert np.isnan(rows["shift"][["q05", "median", "q99", "largest"]].astype(float)).all()
    assert rows["mutation-left"]["kept"] == 1 and rows["mutation-left"]["tokens_changed"] == 1


@pytest.mark.parametrize("length", range(41, 45))
def test_single_bases_at_the_end_of_kmers_are_no_common_step(vocabularies, length):
    windows = one_window("ACGT" * 20, 10, 10 + length, "A")
    assert by_disturbance(measure(vocabularies["kmer-4"], windows))["shift"]["never"] == 1


def segmentation(vocabulary: Vocabulary, codes: np.ndarray, first: int) -> list[tuple[int, int, str]]:
    """Begin, end and text of the tokens of a stretch that begins at `first`."""
    tokens = []
    for token in vocabulary.encode(codes):
        text = vocabulary.tokens[token]
        tokens.append((first, first + len(text), text))
        first += len(text)
    return tokens


def in_step(reference: list, other: list, low: int, high: int) -> tuple[float, float]:
    """The first base from which two lists of tokens are equal, and the base up to which they are, by comparing the lists."""
    one, two = ([token for token in tokens if low <= token[0] and token[1] <= high] for tokens in (reference, other))
    common = sorted(set(one) & set(two))
    if not common:
        return np.inf, np.inf
    begin, end = common[0][0], common[-1][1]
    # between the first and the last common token there is no difference
    assert [token for token in one if begin <= token[0] < end] == [token for token in two if begin <= token[0] < end]
    return begin, end


def inner(tokens: list, low: int, high: int) -> set[int]:
    return {begin for begin, _, _ in tokens if low < begin < high}


def expected(vocabulary: Vocabulary, windows: Windows) -> dict[str, list]:
    """For each window and disturbance: shares of boundaries kept, of those nearby, of tokens; and the distance."""
    rows = {name: [] for name in DISTURBANCES}
    for i, (start, end, middle) in enumerate(zip(windows.starts, windows.ends, windows.middles, strict=True)):
        first, last = windows.bounds[i], windows.bounds[i + 1]
        reference = segmentation(vocabulary, windows.codes[first:last], first)
        alone = segmentation(vocabulary, windows.codes[start:end], start)
        shifted = segmentation(vocabulary, windows.codes[start + 1 : end], start + 1)
        changed = windows.codes[first:last].copy()
        changed[middle - first] = windows.substitutes[i]
        mutated = segmentation(vocabulary, changed, first)
        opposite = segmentation(vocabulary, 3 - windows.codes[first:last][::-1], 0)
        mirrored = sorted((last - stop, last - begin, "") for begin, stop, _ in opposite)
        stop = end - max(0, vocabulary.k - 1)

        def shares(one, two, low, high, near_low, near_high):
            boundaries = [(inner(one, *part), inner(two, *part)) for part in ((low, high), (near_low, near_high))]
            tokens = {token for token in one if low <= token[0] and token[1] <= high}
            return [
                *(len(mine & others) / len(mine) if mine else np.nan for mine, others in boundaries),
                len(tokens & set(two)) / len(tokens),
            ]

        begin, finish = in_step(reference, alone, start, end)
        rows["cut-left"].append([*shares(reference, alone, start, end, start, start + NEAR), begin - start])
        right = end - finish if np.isfinite(finish) else np.inf
        rows["cut-right"].append([*shares(reference, alone, start, end, end - NEAR, end), right])
        begin, _ = in_step(alone, shifted, start + 1, stop)
        near = min(start + 1 + NEAR, stop)
        rows["shift"].append([*shares(alone, shifted, start + 1, stop, start + 1, near), begin - start - 1])
        around = shares(reference, mutated, start, end, middle - NEAR, middle + 1 + NEAR)
        _, finish = in_step(reference, mutated, start, middle)
        rows["mutation-left"].append([*around, middle - finish if np.isfinite(finish) else np.inf])
        begin, _ = in_step(reference, mutated, middle + 1, end)
        rows["mutation-right"].append([*around, begin - middle - 1])
        without_text = [(begin, stop, "") for begin, stop, _ in reference]
        rows["reverse-complement"].append([*shares(without_text, mirrored, start, end, 0, 0), np.nan])
    return rows


@pytest.mark.parametrize("name", ["bpe-60", "kmer-3", "char"])
def test_all_measures_equal_plain_python(genome, vocabularies, name):
    windows = sample_windows(genome, 60, 251, 70, seed=3)
    table = measure(vocabularies[name], windows, threads=2)
    for disturbance, rows in expected(vocabularies[name], windows).items():
        found = by_disturbance(table)[disturbance]
        kept, near, tokens, distance = np.array(rows, float).T
        np.testing.assert_allclose(found[["kept", "tokens_kept"]].astype(float), [kept.mean(), tokens.mean()])
        half = 1.96 * kept.std(ddof=1) / np.sqrt(60)
        low, high = max(0, kept.mean() - half), min(1, kept.mean() + half)
        np.testing.assert_allclose(found[["kept_low", "kept_high"]].astype(float), [low, high], atol=1e-5)
        if disturbance == "reverse-complement":
            assert np.isnan(found["near"]) and np.isnan(found["never"])
            continue
        np.testing.assert_allclose(found["near"], np.nanmean(near))
        assert found["never"] == pytest.approx(np.isinf(distance).mean())
        assert found["within_50"] == pytest.approx((distance <= 50).mean())
        for column, share in (("q05", 0.05), ("median", 0.5), ("q95", 0.95)):
            quantile = np.quantile(distance, share, method="inverted_cdf")
            assert found[column] == quantile or (np.isinf(quantile) and np.isnan(found[column]))


def test_windows_lie_inside_one_segment_and_all_places_are_as_likely(genome):
    length, flank = 500, 100
    windows = sample_windows(genome, 4000, length, flank, seed=5)
    again = sample_windows(genome, 4000, length, flank, seed=5)
    assert all(np.array_equal(one, other) for one, other in zip(windows, again, strict=True))
    before, after = windows.starts - windows.bounds[:-1], windows.bounds[1:] - windows.ends
    assert (windows.ends - windows.starts == length).all()
    for side in (before, after):
        assert side.min() == flank and side.max() == flank + PHASES - 1
    assert (windows.substitutes != windows.codes[windows.middles]).all() and windows.substitutes.max() <= 3
    # each stretch is found again inside one segment, and the segments are drawn by their number of places
    text, drawn = np.asarray(genome.codes).tobytes(), np.zeros(3)
    for first, last in zip(windows.bounds[:-1], windows.bounds[1:], strict=True):
        at = text.find(windows.codes[first:last].tobytes())
        segment = np.searchsorted(genome.bounds, at, side="right") - 1
        assert at >= 0 and at + last - first <= genome.bounds[segment + 1]
        drawn[segment] += 1
    needed = length + 2 * (flank + PHASES - 1)
    places = np.maximum(0, np.array([400, 3000, 6000]) - needed + 1)
    np.testing.assert_allclose(drawn / 4000, places / places.sum(), atol=0.03)


def test_segments_too_short_for_a_window_are_named(genome):
    with pytest.raises(InputError, match=r"chr2:10-6010, holds 6,000 bases, but a window of 6,000 .* needs 6,318"):
        sample_windows(genome, 10, 6000, 100, 1)


def test_the_section_follows_the_numbers(tmp_path):
    results = Results(tmp_path, write_artefacts(tmp_path))
    found = section.section(results)
    assert found.findings[0].startswith(
        "Tokenised without its surroundings, a window returns to the same bpe-300 tokens after 2 bases"
    )
    assert "never come back in step" in found.findings[-1] and "kmer-4" in found.findings[-1]
    assert any(isinstance(part, Picture) for part in found.parts) and any(
        isinstance(part, Table) for part in found.parts
    )
    table = results.table(section.NEEDS[0])
    (tmp_path / section.NEEDS[0]).unlink()
    table[table["vocabulary"] == "kmer-4"].to_parquet(tmp_path / section.NEEDS[0])
    assert "does not return to the same kmer-4 tokens in 75.0% of the cases" in section.section(results).findings[0]
    pd.DataFrame({"vocabulary": []}).to_parquet(tmp_path / section.NEEDS[0])
    assert section.section(results).parts == [section.NOTHING]
