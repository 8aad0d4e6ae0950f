import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import roc_auc_score

from grover.config.sections.interpretation import VariantScoring
from grover.genome.assembly import Genome
from grover.genome.bases import decode
from grover.interpretation.variants import Variant, alleles, log_likelihoods, score, separation
from grover.network.bert import bert_config, new_language_model
from grover.tokenization.vocabulary import MASK, Vocabulary
from tests.fakes.networks import architecture

BPE = Vocabulary.from_merges("bpe", np.array([[0, 0], [3, 3], [4, 1], [5, 2], [1, 2]], np.int32))  # AA TT AAC TTG CG


@pytest.fixture
def genome(tmp_path):
    codes = np.random.default_rng(0).integers(0, 4, 900, dtype=np.uint8)
    np.save(tmp_path / "sequence.npy", codes)
    (tmp_path / "segments.bed").write_text("c\t100\t700\ts0\nc\t800\t1100\ts1\n")
    return Genome(tmp_path / "sequence.npy", tmp_path / "segments.bed")


def base(genome, pos):
    return decode(genome.fetch("c", pos - 1, pos))


@pytest.mark.parametrize("span", [0, 8])
def test_both_alleles_show_and_predict_the_same_bases(genome, span):
    rng = np.random.default_rng(1)
    for pos in rng.integers(110, 690, 60):
        length = int(rng.integers(1, 4))
        ref = decode(genome.fetch("c", pos - 1, pos - 1 + length))
        if "N" in ref:
            continue
        alt = "".join(rng.choice(list("ACGT"), int(rng.integers(1, 4))))
        texts = []
        for allele in alleles(genome, BPE, Variant("c", int(pos), ref, alt), VariantScoring(flank=60, span=span)):
            tokens = [BPE.tokens[i] for i in allele.tokens]
            parts = (tokens[: allele.first], tokens[allele.first : allele.last], tokens[allele.last :])
            texts.append(["".join(part) for part in parts])
        assert texts[0][0] == texts[1][0] and texts[0][2] == texts[1][2]
        left = len(decode(genome.fetch("c", max(0, pos - 61), pos - 1)).replace("N", ""))
        assert len(texts[0][0]) <= max(0, left - span)
        offset = left - len(texts[0][0])
        assert texts[0][1][:offset] + alt + texts[0][1][offset + length :] == texts[1][1]


def test_likelihood_is_that_of_masking_by_hand(genome):
    model = new_language_model(bert_config(architecture(1, 16, 2, 32, 128, 0.0), BPE.size), 0).eval()
    pair = alleles(genome, BPE, Variant("c", 300, base(genome, 300), "A"), VariantScoring(flank=30, span=4))
    found = log_likelihoods(model, list(pair), torch.device("cpu"), precision="auto")
    for allele, value in zip(pair, found, strict=True):
        ids = torch.tensor([[2, *allele.tokens.tolist(), 3]])
        where = torch.arange(allele.first, allele.last) + 1
        shown = ids.clone()
        shown[0, where] = MASK
        expected = model(shown).logits.log_softmax(-1)[0, where, ids[0, where]].sum()
        assert value == pytest.approx(float(expected.detach()), abs=1e-4)


@pytest.mark.parametrize(
    "vocabulary", [Vocabulary.from_kmers("char", 1), Vocabulary.from_overlapping_kmers("o", 3), BPE]
)
def test_flanks_are_shortened_to_what_the_model_reads(genome, vocabulary):
    model = new_language_model(bert_config(architecture(1, 16, 2, 32, 64, 0.0), vocabulary.size), 0).eval()
    places = range(250, 600, 50)
    rows = [("c", pos, base(genome, pos), "ACGT"["TGCA".index(base(genome, pos))]) for pos in places]
    variants = pd.DataFrame(rows, columns=["chrom", "pos", "ref", "alt"])
    long, device = VariantScoring(flank=200, span=4), torch.device("cpu")
    pairs = [alleles(genome, vocabulary, Variant(*row), long, 62) for row in rows]
    assert all(50 <= max(len(allele.tokens) for allele in pair) <= 62 for pair in pairs)
    found = score(variants, model, vocabulary, genome, long, device, "fp32")
    assert np.isfinite(found).all()
    if (
        vocabulary.kind != "bpe"
    ):  # the flank of each variant is the same, and scoring with it from the start gives the same
        (flank,) = {(len(pair[0].tokens) + int(vocabulary.spans[-1]) - 1) // 2 for pair in pairs}
        fitting = VariantScoring(flank=flank, span=4)
        np.testing.assert_allclose(
            found, score(variants, model, vocabulary, genome, fitting, device, "fp32"), atol=1e-5
        )


def test_separation_is_the_auroc_of_scikit_learn():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(-1, 1, 80), rng.normal(0, 1, 60)]).round(1)
    effect = np.array(["break"] * 80 + ["neutral"] * 60)
    found = separation(values, effect)
    assert found["auroc"] == pytest.approx(roc_auc_score(effect == "break", -values))
    assert 0.5 < found["low"] < found["auroc"] < found["high"] and "rank above" in found["sentence"]
    assert separation(values, np.array([""] * 140))["auroc"] is None
