"""Scores of variants against brute force, and what they must not depend on: order of alleles, strand, placement."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grover.genome.bases import decode, encode, reverse_complement
from grover.interpretation.alleles import windows
from grover.interpretation.changes import change_at
from grover.interpretation.likelihoods import joint_ratio
from grover.interpretation.masked_windows import Network
from grover.interpretation.run_lengths import RunLengths
from grover.interpretation.variants import Scorer
from grover.network.bert import bert_config, new_language_model
from grover.tokenization.vocabulary import CLS, MASK, SEP, Vocabulary
from tests.fakes.assembly import assembly, random_bases
from tests.fakes.networks import architecture

BPE = Vocabulary.from_merges("bpe", np.array([[0, 0], [3, 3], [4, 1], [5, 2], [1, 2]], np.int32))  # AA TT AAC TTG CG
VOCABULARIES = {
    "bpe": BPE,
    "kmer": Vocabulary.from_kmers("kmer", 3),
    "char": Vocabulary.from_kmers("char", 1),
    "overlap": Vocabulary.from_overlapping_kmers("overlap", 3),
}
TEXT = random_bases(0, 300) + "CACACACACA" + random_bases(1, 290)
FLANK = 25


def network(vocabulary, positions=128):
    model = new_language_model(bert_config(architecture(1, 16, 2, 32, positions, 0.0), vocabulary.size), 0).eval()
    torch.nn.init.normal_(model.cls.predictions.bias, std=1.0)
    return Network(model, torch.device("cpu"), "fp32")


def scored(genome, vocabulary, rows, net=None, **options):
    table = pd.DataFrame(rows, columns=["chrom", "pos", "ref", "alt"]).assign(status="ok")
    return Scorer(net or network(vocabulary), vocabulary, genome, FLANK, **options).score(table)


def snvs(text, number=12, seed=0):
    rng = np.random.default_rng(seed)
    return [
        ("c", int(pos), text[pos - 1], str(rng.choice([b for b in "ACGT" if b != text[pos - 1]])))
        for pos in rng.integers(40, len(text) - 40, number)
    ]


def indels(text):
    rows = [("c", pos, text[pos - 1 : pos + 2], text[pos - 1]) for pos in (60, 150, 301, 420)]
    return rows + [
        ("c", pos, text[pos - 1], text[pos - 1] + add) for pos, add in ((80, "T"), (303, "CA"), (500, "ACGTT"))
    ]


@pytest.fixture
def genome(tmp_path):
    return assembly(tmp_path, [("c", 0, TEXT)])


def boundaries(vocabulary, text):
    return [0, *np.cumsum([len(vocabulary.tokens[i]) for i in vocabulary.encode(encode(text))]).tolist()]


def by_hand(net, vocabulary, left, ref, alt, right):
    """The ratio on one strand, from texts, one window at a time, by the model of transformers."""
    texts = [left + allele + right for allele in (ref, alt)]
    edges = [boundaries(vocabulary, text) for text in texts]
    first = max(set(edges[0]) & set(edges[1]) & set(range(len(left) + 1)))
    tails = [{len(text) - edge for edge in own} for text, own in zip(texts, edges, strict=True)]
    behind = max(tails[0] & tails[1] & set(range(len(right) + 1)))
    total = 0.0
    for sign, text, own in zip((-1, 1), texts, edges, strict=True):
        ids = torch.tensor([2, *vocabulary.encode(encode(text)).tolist(), 3])
        for place in range(own.index(first), own.index(len(text) - behind)):
            shown = ids.clone()
            shown[place + 1] = MASK
            logits = net.model(shown[None]).logits[0, place + 1]
            size = len(vocabulary.tokens[ids[place + 1]])
            alike = [i for i in range(5, vocabulary.size) if len(vocabulary.tokens[i]) == size]
            total += sign * float(logits[ids[place + 1]] - logits[alike].logsumexp(0))
    return total


@pytest.mark.parametrize("name", ["bpe", "kmer", "char"])
def test_the_score_is_that_of_masking_one_token_at_a_time(genome, name):
    vocabulary = VOCABULARIES[name]
    net, rows = network(vocabulary), snvs(TEXT, 6)
    found = scored(genome, vocabulary, rows, net)
    for (_, pos, ref, alt), row in zip(rows, found.itertuples(), strict=True):
        left, right = TEXT[pos - 1 - FLANK : pos - 1], TEXT[pos : pos + FLANK]
        with torch.no_grad():
            plus = by_hand(net, vocabulary, left, ref, alt, right)
            turned = [decode(reverse_complement(encode(text))) for text in (right, ref, alt, left)]
            minus = by_hand(net, vocabulary, *turned)
        assert (row.llr_plus, row.llr_minus) == (pytest.approx(plus, abs=1e-4), pytest.approx(minus, abs=1e-4))
        assert row.llr == pytest.approx((plus + minus) / 2, abs=1e-4)
        assert row.strand_gap == pytest.approx(abs(plus - minus), abs=1e-4)


def test_all_words_that_hold_a_base_are_masked(genome):
    vocabulary = VOCABULARIES["overlap"]
    net = network(vocabulary)
    for (_, pos, ref, alt), row in zip(
        snvs(TEXT, 4), scored(genome, vocabulary, snvs(TEXT, 4), net).itertuples(), strict=True
    ):
        window = TEXT[pos - 1 - FLANK : pos + FLANK]
        ids = torch.tensor([2, *vocabulary.encode(encode(window)).tolist(), 3])
        words = [FLANK - 2, FLANK - 1, FLANK]
        ids[[word + 1 for word in words]] = MASK
        with torch.no_grad():
            logits = net.model(ids[None]).logits[0]
        means = []
        for base in "ACGT":
            changed = window[:FLANK] + base + window[FLANK + 1 :]
            means.append([logits[word + 1, vocabulary.tokens.index(changed[word : word + 3])] for word in words])
        mean = torch.tensor(means).log_softmax(0).mean(1)
        assert row.llr_plus == pytest.approx(float(mean["ACGT".index(alt)] - mean["ACGT".index(ref)]), abs=1e-4)


@pytest.mark.parametrize("name", list(VOCABULARIES))
def test_the_score_changes_its_sign_with_the_alleles(genome, name, tmp_path):
    vocabulary = VOCABULARIES[name]
    net, runs = network(vocabulary), RunLengths(np.ones((65, 65), np.int64))
    for number, (chrom, pos, ref, alt) in enumerate([*snvs(TEXT, 3), *indels(TEXT)]):
        changed = TEXT[: pos - 1] + alt + TEXT[pos - 1 + len(ref) :]
        other = assembly(tmp_path / str(number), [("c", 0, changed)])
        there = scored(genome, vocabulary, [(chrom, pos, ref, alt)], net, runs=runs)
        back = scored(other, vocabulary, [(chrom, pos, alt, ref)], net, runs=runs)
        for column in ("llr", "llr_plus", "llr_minus", "llr_joint"):
            np.testing.assert_allclose(there[column], -back[column], atol=2e-4)
        np.testing.assert_allclose(there[["cosine", "l2"]], back[["cosine", "l2"]], atol=1e-5)
        assert there["tokens_ref"].tolist() == back["tokens_alt"].tolist()


@pytest.mark.parametrize("name", list(VOCABULARIES))
def test_the_score_is_the_same_on_the_reverse_complement(genome, name, tmp_path):
    vocabulary = VOCABULARIES[name]
    net, runs = network(vocabulary, 48), RunLengths(np.ones((65, 65), np.int64))  # shorter than some windows
    turned = assembly(tmp_path / "turned", [("c", 0, decode(reverse_complement(encode(TEXT))))])
    rows = [*snvs(TEXT, 5), *indels(TEXT)]
    opposite = [
        (chrom, len(TEXT) - pos - len(ref) + 2, *(decode(reverse_complement(encode(allele))) for allele in (ref, alt)))
        for chrom, pos, ref, alt in rows
    ]
    one, two = (scored(each, vocabulary, own, net, runs=runs) for each, own in ((genome, rows), (turned, opposite)))
    assert one["llr"].notna().any()
    for here, there in (("llr", "llr"), ("llr_plus", "llr_minus"), ("llr_joint", "llr_joint"), ("cosine", "cosine")):
        np.testing.assert_allclose(one[here], two[there], atol=2e-4)
    assert one["tokens_alt"].tolist() == two["tokens_alt_minus"].tolist()


@pytest.mark.parametrize("name", list(VOCABULARIES))
def test_equivalent_placements_have_one_score(genome, name):
    # one CA less among five, written at each of its places, and one more
    rows = [("c", pos, TEXT[pos - 1 : pos + 2], TEXT[pos - 1]) for pos in range(300, 309)]
    rows = [row for row in rows if without(TEXT, *row[1:]) == without(TEXT, *rows[0][1:])]
    assert len(rows) > 5
    more = [("c", pos, TEXT[pos - 1], TEXT[pos - 1] + TEXT[pos : pos + 2]) for pos in range(300, 309)]
    more = [row for row in more if without(TEXT, *row[1:]) == without(TEXT, *more[0][1:])]
    for group in (rows, more):
        found = scored(genome, VOCABULARIES[name], group)
        assert found["llr"].notna().all() and found.drop(columns="status").drop_duplicates().shape[0] == 1


def without(text, pos, ref, alt):
    return text[: pos - 1] + alt + text[pos - 1 + len(ref) :]


def test_one_base_of_a_vocabulary_of_bases_has_the_same_joint_ratio(genome):
    runs = RunLengths(np.eye(65, dtype=np.int64))
    found = scored(genome, VOCABULARIES["char"], [*snvs(TEXT), ("c", 99, TEXT[98], TEXT[98])], runs=runs)
    np.testing.assert_allclose(found["llr_joint"], found["llr"], atol=1e-5)
    assert found["llr"].iloc[-1] == 0 and (found["tokens_ref"].iloc[:-1] == 1).all()  # ALT is REF


def test_distances_of_alleles_at_one_place_are_those_of_each_alone(genome):
    net, place = network(BPE), 120
    rows = [("c", place + 1, TEXT[place], alt) for alt in "ACGT" if alt != TEXT[place]]
    found = scored(genome, BPE, rows, net)[["cosine", "l2"]].to_numpy()

    def mean(text):
        ids = torch.tensor([[CLS, *BPE.encode(encode(text)).tolist(), SEP]])
        with torch.no_grad():
            return net.model.bert(ids).last_hidden_state[0].mean(0).double()

    for (*_, alt), distances in zip(rows, found, strict=True):
        texts = [
            TEXT[place - FLANK : place] + base + TEXT[place + 1 : place + 1 + FLANK] for base in (TEXT[place], alt)
        ]
        strands = [texts, [decode(reverse_complement(encode(text))) for text in texts]]
        pairs = [[mean(text) for text in strand] for strand in strands]
        cosine = [1 - torch.nn.functional.cosine_similarity(*pair, dim=0) for pair in pairs]
        l2 = [torch.dist(*pair) for pair in pairs]
        np.testing.assert_allclose(distances, [np.mean(cosine), np.mean(l2)], atol=1e-5)


def test_the_joint_ratio_counts_every_segmentation(genome):
    counts = np.random.default_rng(0).integers(50, 100, (65, 65))
    net, rows = network(BPE), snvs(TEXT, 5)
    found = scored(genome, BPE, rows, net, runs=RunLengths(counts))
    changes = [change_at(genome, pos - 1, ref, alt) for _, pos, ref, alt in rows]
    for pair, row in zip(windows(genome.codes, changes, BPE, FLANK, 126), found.itertuples(), strict=True):
        values = [joint_by_hand(net, one, counts) for one in pair]
        assert row.llr_joint == pytest.approx(np.mean(values), abs=1e-4)


def test_an_allele_that_no_common_number_of_tokens_spells_has_no_joint_ratio():
    shares = np.log([[0.5, 1.0], [0.5, 1e-300]])
    assert joint_ratio([(-1.0, -2.0), (-3.0, -np.inf)], shares) < 0
    for answers in ([(-1.0, -np.inf), (-3.0, -np.inf)], [(-np.inf, -np.inf)] * 2):
        assert np.isnan(joint_ratio(answers, shares))


def joint_by_hand(net, pair, counts):
    """Enumerate all sequences of tokens of each number that spell an allele, or as many bases."""
    ids, first, last = pair.reference.tokens.tolist(), pair.reference.first, pair.reference.last
    ratios = []
    for allele in pair:
        text = "".join(BPE.tokens[i] for i in allele.tokens[allele.first : allele.last])
        share, total = counts[: len(text) + 1, len(text)].astype(float), 0.0
        share[counts[: len(text) + 1, len(text)] < 0.01 * counts[:, len(text)].sum()] = 0
        share /= counts[:, len(text)][counts[:, len(text)] >= 0.01 * counts[:, len(text)].sum()].sum()
        for number in range(1, len(text) + 1):
            shown = torch.tensor([[2, *ids[:first], *[MASK] * number, *ids[last:], 3]])
            with torch.no_grad():
                logits = net.model(shown).logits[0, first + 1 : first + 1 + number]
            logits[:, :5] = -torch.inf
            p = logits.softmax(-1).double().numpy()
            reach = [{"": 1.0}]
            every = np.zeros((number + 1, len(text) + 1))
            every[0, 0] = 1
            for i in range(number):
                step = {}
                for begun, weight in reach[-1].items():
                    for token in range(5, BPE.size):
                        word = begun + BPE.tokens[token]
                        if text.startswith(word):
                            step[word] = step.get(word, 0) + weight * p[i, token]
                reach.append(step)
                for token in range(5, BPE.size):
                    size = len(BPE.tokens[token])
                    every[i + 1, size:] += every[i, : len(text) + 1 - size] * p[i, token]
            if every[number, -1] > 0:
                total += share[number] * reach[-1].get(text, 0) / every[number, -1]
        ratios.append(np.log(total))
    return ratios[1] - ratios[0]


def test_flanks_are_shortened_to_what_the_model_reads_and_a_longer_variant_has_no_score(genome):
    vocabulary = VOCABULARIES["char"]
    rows = [*snvs(TEXT, 3), ("c", 100, TEXT[99:120], TEXT[99]), ("c", 200, TEXT[199], TEXT[199] + "ACGT" * 40)]
    found = scored(genome, vocabulary, rows, network(vocabulary, 46))
    assert found["status"].tolist() == ["ok", "ok", "ok", "too_long", "too_long"]
    assert found["llr"].notna().tolist() == [True, True, True, False, False]
    short = Scorer(network(vocabulary, 46), vocabulary, genome, 21).score(
        pd.DataFrame(rows, columns=["chrom", "pos", "ref", "alt"]).assign(status="ok")
    )
    np.testing.assert_allclose(found["llr"], short["llr"], atol=1e-5)  # 44 tokens are 21 bases on either side and one


def test_what_is_not_ok_is_kept_without_a_score(genome):
    table = pd.DataFrame([("c", 5, "A", "<DEL>", "symbolic"), (*snvs(TEXT, 1)[0], "ok")])
    table.columns = ["chrom", "pos", "ref", "alt", "status"]
    found = Scorer(network(BPE), BPE, genome, FLANK).score(table.set_index(pd.Index([7, 3])))
    assert found["status"].tolist() == ["symbolic", "ok"] and found.index.tolist() == [7, 3]
    assert found["llr"].isna().tolist() == [True, False]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_outside_the_shared_boundaries_the_tokens_are_the_same(tmp_path_factory, data):
    text = data.draw(st.text("ACGT", min_size=60, max_size=120))
    vocabulary = VOCABULARIES[data.draw(st.sampled_from(["bpe", "kmer", "char"]))]
    start = data.draw(st.integers(20, len(text) - 25))
    ref, alt = text[start : start + data.draw(st.integers(1, 4))], data.draw(st.text("ACGT", min_size=1, max_size=5))
    genome = assembly(tmp_path_factory.mktemp("g"), [("c", 0, text)])
    (found,) = windows(genome.codes, [change_at(genome, start, ref, alt)], vocabulary, 30, 500)
    for pair in found:
        for of in (lambda allele: allele.tokens[: allele.first], lambda allele: allele.tokens[allele.last :]):
            assert of(pair.reference).tolist() == of(pair.alternative).tolist()
    spelt = [decode(each.codes) for each in found.plus]
    first = text.index(spelt[0])
    changed = without(text, start + 1, ref, alt)
    assert changed[: first + len(spelt[1])].endswith(spelt[1]) or spelt[1] in changed
