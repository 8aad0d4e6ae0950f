"""Baselines of variants against brute force on whole sequences, and against hand-sized examples."""

import numpy as np
import pandas as pd
import pytest

from grover.annotation.motifs import log_odds
from grover.genome.bases import decode, encode, reverse_complement
from grover.interpretation.variant_baselines import Annotation, Pairs, baselines, motif_change, strata
from grover.interpretation.variant_counts import TrainCounts, count_train
from grover.tokenization.genome_tokens import TokenisedGenome, tokenise
from grover.tokenization.vocabulary import FIRST_BASE, Vocabulary
from tests.fakes.assembly import assembly, random_bases

BPE = Vocabulary.from_merges("bpe", np.array([[0, 0], [3, 3], [4, 1], [5, 2], [1, 2]], np.int32))  # AA TT AAC TTG CG
FOLDS = pd.DataFrame(
    [("c", 0, 700, "train"), ("c", 700, 900, "test"), ("c", 900, 1300, "train")],
    columns=["chrom", "start", "end", "fold"],
)
TOKENS = ["tokens_ref", "tokens_alt", "tokens_ref_minus", "tokens_alt_minus"]


@pytest.fixture
def genome(tmp_path):
    return assembly(tmp_path / "g", [("c", 100, random_bases(0, 500)), ("c", 650, random_bases(1, 600))])


@pytest.fixture
def counts(genome, tmp_path) -> TrainCounts:
    tokenise(genome.codes, genome.bounds, BPE, tmp_path / "tokens.npy", tmp_path / "index.npy")
    return count_train(genome, TokenisedGenome(tmp_path / "tokens.npy", tmp_path / "index.npy", BPE), FOLDS)


def table(rows: list[tuple]) -> pd.DataFrame:
    found = pd.DataFrame(rows, columns=["chrom", "pos", "ref", "alt"]).assign(status="ok")
    return found.assign(**{name: number for number, name in enumerate(TOKENS)})


def substitutions(genome, places) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    refs = [decode(genome.fetch("c", place, place + 1)) for place in places]
    return table(
        [("c", place + 1, ref, str(rng.choice([*{*"ACGT"} - {ref}]))) for place, ref in zip(places, refs, strict=True)]
    )


def train_pieces(genome) -> list[np.ndarray]:
    return [genome.fetch("c", *piece) for piece in ((100, 600), (650, 700), (900, 1250))]


def test_counts_are_those_of_fold_train_on_both_strands(genome, counts):
    texts = [decode(each) for piece in train_pieces(genome) for each in (piece, reverse_complement(piece))]
    kmers = pd.Series([text[i : i + 3] for text in texts for i in range(len(text) - 2)]).value_counts()
    numbers = np.array([kmers.get(decode([i >> 4, i >> 2 & 3, i & 3]), 0) + 1 for i in range(64)])
    assert np.exp(counts.trinucleotides) == pytest.approx(numbers / numbers.sum())
    pairs = pd.Series([text[i : i + 2] for text in texts for i in range(len(text) - 1)]).value_counts()
    following = [pairs.get(f"C{base}", 0) + 1 for base in "ACGT"]
    assert np.exp(counts.chains[1][4:8]) == pytest.approx(np.array(following) / sum(following))
    assert counts.chains[5].shape == (4096,)
    # a token at the border of a fold may be cut differently alone, so that a few counts differ
    alone = np.bincount(np.concatenate([BPE.encode(piece) for piece in train_pieces(genome)]), minlength=BPE.size)
    frequency = np.exp(counts.tokens[FIRST_BASE:])
    assert frequency == pytest.approx((alone[FIRST_BASE:] + 1) / (alone + 1)[FIRST_BASE:].sum(), abs=0.01)
    assert not counts.tokens[:FIRST_BASE].any()


def test_ratios_are_those_of_whole_sequences(genome, counts):
    """Chains and tokens run over all of the segment, with the alternative put in."""
    variants = substitutions(genome, range(200, 560, 9))
    variants = pd.concat([variants, table([("c", 301, decode(genome.fetch("c", 300, 303)), "A")])], ignore_index=True)
    found = baselines(variants, genome, BPE, counts, Annotation())
    segment = decode(genome.fetch("c", 100, 600))
    for row, scores in zip(variants.itertuples(), found.itertuples(), strict=True):
        place = row.pos - 101
        both = segment, segment[:place] + row.alt + segment[place + len(row.ref) :]
        for order in (1, 5):
            sums = []
            for text in both:
                codes = encode(text)
                kmers = [int("".join(map(str, codes[i - order : i + 1])), 4) for i in range(order, len(codes))]
                sums.append(counts.chains[order][kmers].sum())
            assert getattr(scores, f"markov_{order}") == pytest.approx(sums[1] - sums[0], abs=1e-4)
        tokens = [counts.tokens[BPE.encode(encode(text))].sum() for text in both]
        assert scores.unigram == pytest.approx(tokens[1] - tokens[0], abs=1e-4)
        assert scores.gc_change == sum(map(both[1].count, "GC")) - sum(map(both[0].count, "GC"))
        assert scores.length_change == len(both[1]) - len(both[0])


def test_strand_does_not_matter_to_chains_and_trinucleotides(genome, counts, tmp_path):
    """The same variants in the reverse complement of the genome."""
    opposite = assembly(
        tmp_path / "o",
        [("c", 0, decode(reverse_complement(genome.fetch("c", 100, 600)))), ("d", 0, random_bases(5, 50))],
    )
    variants = substitutions(genome, range(150, 560, 7))
    turned = variants.assign(
        pos=600 - (variants["pos"] - 1),
        **{name: variants[name].str.translate(str.maketrans("ACGT", "TGCA")) for name in ("ref", "alt")},
    )
    one, other = (
        baselines(each, place, BPE, counts, Annotation()) for each, place in ((variants, genome), (turned, opposite))
    )
    for name in ("markov_1", "trinucleotide", "cpg_site", "transition"):
        np.testing.assert_allclose(one[name], other[name], atol=0.05)
    first, second = (strata(v, b, g) for v, b, g in ((variants, one, genome), (turned, other, opposite)))
    assert (first["context"] == second["context"]).all() and first["context"].nunique() > 10


def test_hand_sized_contexts(tmp_path, counts):
    small = assembly(tmp_path / "s", [("c", 0, "TACGTCCAGT")])
    rows = [
        ("c", 3, "C", "T"),
        ("c", 4, "G", "T"),
        ("c", 6, "C", "A"),
        ("c", 1, "T", "C"),
        ("c", 7, "CA", "C"),
        ("c", 7, "CA", "GG"),
    ]
    variants = table(rows)
    scores = baselines(variants, small, BPE, counts, Annotation())
    assert scores["cpg_site"].fillna(-1).tolist() == [1, 1, 0, -1, -1, -1]
    assert scores["transition"].fillna(-1).tolist() == [1, 0, 0, 1, -1, -1]
    assert scores["token_change"].tolist() == [1.0] * 6  # (1 - 0 + 3 - 2) / 2
    groups = strata(variants, scores, small)
    assert groups["context"].tolist() == ["A[C>T]G", "A[C>A]G", "T[C>A]C", "", "", ""]
    assert groups["cpg"].tolist() == ["CpG", "CpG", "other", "", "", ""]
    assert groups["substitution"].tolist()[:4] == ["transition", "transversion", "transversion", "transition"]
    assert groups["substitution"].tolist()[4:] == ["indel", "several bases"]
    assert groups["mask"].tolist() == [""] * 6 and groups["tokens"].tolist() == ["more"] * 6


def test_alleles_without_a_score_have_no_baseline(genome, counts):
    variants = table([("c", 200, decode(genome.fetch("c", 199, 200)), "<DEL>"), ("c", 20, "A", "C")]).assign(
        status="symbolic"
    )
    scores = baselines(variants, genome, BPE, counts, Annotation())
    assert scores.isna().all(axis=None) and len(scores) == 2
    assert (strata(variants, scores, genome) == "").all(axis=None)


def test_places_and_masks(genome, counts):
    variants = substitutions(genome, [200, 300, 400])
    annotation = Annotation(
        starts=pd.DataFrame({"chrom": ["c", "c"], "start": [190, 420], "end": [191, 421]}),
        exons=pd.DataFrame({"chrom": ["c"], "start": [250], "end": [350]}),
        masked=pd.DataFrame({"chrom": ["c"], "start": [400], "end": [401]}),
    )
    scores = baselines(variants, genome, BPE, counts, annotation)
    assert scores["start_distance"].tolist() == [9, 109, 19] and scores["exon_distance"].tolist() == [49, 0, 50]
    assert scores["soft_mask"].tolist() == [0, 0, 1]
    assert scores["conservation"].isna().all() and scores["motif_change"].isna().all()


def test_the_best_match_of_a_motif_is_that_of_all_windows(genome):
    rng = np.random.default_rng(7)
    motifs = [np.ascontiguousarray(rng.dirichlet(np.full(4, 0.3), width).T) for width in (4, 6)]
    variants = substitutions(genome, range(130, 560, 11))
    found = motif_change(Pairs.of(variants, genome, 6), motifs)
    segment = decode(genome.fetch("c", 100, 600))
    for row, change in zip(variants.itertuples(), found, strict=True):
        place, changes = row.pos - 101, []
        for matrix in motifs:
            width, best = matrix.shape[1], []
            for text in (segment, segment[:place] + row.alt + segment[place + 1 :]):
                near = encode(text[max(0, place - width + 1) : place + width])
                scores = [
                    log_odds(matrix)[strand[i : i + width], np.arange(width)].sum()
                    for strand in (near, reverse_complement(near))
                    for i in range(len(near) - width + 1)
                ]
                best.append(max(0, max(scores)))
            changes.append(best[1] - best[0])
        assert abs(change) == pytest.approx(max(map(abs, changes)))
