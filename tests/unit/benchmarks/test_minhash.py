"""Estimated similarity of sequences, beside the Jaccard index of Python sets; near-duplicates that were planted are found."""

import numpy as np
import pytest

from grover.benchmarks.minhash import ENTRIES, nearest, sketches

COMPLEMENT = str.maketrans("ACGT", "TGCA")
K = 11


def random_dna(rng: np.random.Generator, length: int) -> str:
    return "".join(np.array(list("ACGT"))[rng.integers(4, size=length)])


def opposite(sequence: str) -> str:
    return sequence.translate(COMPLEMENT)[::-1]


def substituted(rng: np.random.Generator, sequence: str, share: float) -> str:
    bases = np.array([" ACGT".index(base) for base in sequence]) - 1
    changed = rng.random(len(bases)) < share
    bases[changed] = (bases[changed] + rng.integers(1, 4, changed.sum())) % 4
    return "".join(np.array(list("ACGT"))[bases])


def kmers(sequence: str, k: int = K) -> set[str]:
    found = (sequence[i : i + k] for i in range(len(sequence) - k + 1))
    return {min(kmer, opposite(kmer)) for kmer in found if "N" not in kmer}


def jaccard(one: str, other: str) -> float:
    return len(kmers(one) & kmers(other)) / len(kmers(one) | kmers(other))


@pytest.mark.parametrize("lengths", [(70, 70), (101, 300), (300, 1001), (5000, 6000)])
def test_estimates_are_the_jaccard_index_of_the_canonical_words(lengths):
    rng = np.random.default_rng(1)
    pairs = []
    for shared in np.linspace(0.1, 1, 20):
        one = random_dna(rng, lengths[0])
        rest = random_dna(rng, lengths[1])
        part = one[: int(shared * lengths[0])]
        pairs.append((one, opposite(part + rest[len(part) :])))
    exact = np.array([jaccard(*pair) for pair in pairs])
    one, other = (sketches(side, K, seed=2) for side in zip(*pairs, strict=True))
    estimated = (one == other).mean(axis=1)
    error = np.sqrt(exact * (1 - exact) / ENTRIES)
    # fewer k-mers than entries are sampled without replacement, so that estimates are better than a coin's
    assert np.abs(estimated - exact).max() < 3.5 * error.max() + 0.01
    assert abs((estimated - exact).mean()) < 4 * error.max() / np.sqrt(len(pairs))


def test_a_sequence_and_its_reverse_complement_are_one():
    rng = np.random.default_rng(3)
    sequences = [random_dna(rng, 90) for _ in range(50)]
    similarity, found = nearest([opposite(sequence) for sequence in sequences], sequences)
    assert similarity.dtype == np.float32 and (similarity == 1).all()
    assert found.tolist() == list(range(50))


def test_planted_near_duplicates_are_found_among_many():
    rng = np.random.default_rng(4)
    references = [random_dna(rng, 300) for _ in range(3000)]
    planted = rng.choice(3000, 300, replace=False)
    queries = [substituted(rng, references[i], 0.05) for i in planted]
    queries = [opposite(query) if i % 2 else query for i, query in enumerate(queries)]
    similarity, found = nearest(queries, references)
    assert np.mean(found == planted) > 0.99
    exact = [jaccard(query, references[i]) for query, i in zip(queries, planted, strict=True)]
    # 5 % of substitutions leave 0.95^11 of the k-mers, so 0.4 of those of either
    assert np.mean(exact) == pytest.approx(0.4, abs=0.02)
    assert np.sqrt(np.mean((similarity - exact) ** 2)) < 0.05


def test_the_nearest_reference_is_that_of_brute_force():
    rng = np.random.default_rng(5)
    family = random_dna(rng, 120)
    references = [substituted(rng, family, share) for share in np.linspace(0.01, 0.5, 40)]
    queries = [substituted(rng, family, 0.01) for _ in range(20)]
    similarity, _ = nearest(queries, references)
    table = sketches(references)
    for query, value in zip(sketches(queries), similarity, strict=True):
        assert value == (table == query).mean(axis=1).max()


def test_crowds_of_equal_and_of_similar_references_stay_cheap_and_found():
    rng = np.random.default_rng(6)
    family = random_dna(rng, 100)
    copies = [substituted(rng, family, 0.02) for _ in range(2000)]
    similarity, _ = nearest([family, opposite(copies[7])], [family] * 2000 + copies)
    assert (similarity == 1).all()


@pytest.mark.parametrize("nothing", ["", "ACGTACGTAC", "N" * 50, "ACGTACGTACNACGTACGTAC"])
def test_sequences_without_a_word_are_near_nothing(nothing):
    sequence = "ACGATCGATCGTAGCTAGCTTTAC"
    similarity, found = nearest([nothing, sequence], [nothing, sequence, nothing])
    assert similarity.tolist() == [0, 1] and found.tolist() == [-1, 1]
    assert nearest([nothing], [nothing])[1].tolist() == [-1]


def test_words_with_n_do_not_count():
    rng = np.random.default_rng(7)
    one, other = random_dna(rng, 60), random_dna(rng, 60)
    assert (sketches([one + "N" + other]) == sketches([one + "NNNN" + opposite(other)])).all()


def test_no_sequences_give_nothing():
    assert [len(part) for part in nearest([], ["ACGTACGTACGTA"])] == [0, 0]
    assert nearest(["ACGTACGTACGTA"], [])[1].tolist() == [-1]


def test_the_seed_decides():
    rng = np.random.default_rng(8)
    sequences = [random_dna(rng, 80)]
    assert (sketches(sequences, seed=1) == sketches(sequences, seed=1)).all()
    assert (sketches(sequences, seed=1) != sketches(sequences, seed=2)).mean() > 0.9
