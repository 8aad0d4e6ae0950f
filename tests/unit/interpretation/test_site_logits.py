"""Changes of a classifier's answer, against windows cut by hand."""

import numpy as np
import pandas as pd
import pytest
import torch

from grover.benchmarks.tokenise import read_tokens
from grover.genome.bases import decode, encode, reverse_complement
from grover.interpretation.site_logits import SiteClassifier, Sites, delta_logit
from grover.network.bert import bert_config
from grover.network.classifier import Classifier
from grover.runtime.errors import InputError
from grover.tokenization.vocabulary import Vocabulary
from tests.fakes.assembly import assembly, random_bases
from tests.fakes.networks import architecture

TEXT = random_bases(3, 400)
BPE = Vocabulary.from_merges("bpe", np.array([[0, 0], [3, 3], [4, 1], [5, 2], [1, 2]], np.int32))
SITES = pd.DataFrame(
    [("c", 100, 130, "+"), ("c", 110, 140, "-"), ("c", 200, 230, "."), ("d", 0, 30, "+")],
    columns=["chrom", "start", "end", "strand"],
).assign(sequence="A" * 30, before="C" * 8, after="G" * 9)


def classifier(classes=2, positions=64):
    torch.manual_seed(0)
    model = Classifier(bert_config(architecture(1, 16, 2, 32, positions, 0.0), BPE.size), classes, "mean").eval()
    return SiteClassifier(model, BPE, Sites(SITES))


def test_the_window_is_that_of_the_nearest_site_or_else_around_the_variant():
    sites = Sites(SITES)
    assert (sites.length, sites.context) == (30, 9)
    assert sites.around("c", 112, 113) == (100, 130, "+")
    assert sites.around("c", 125, 126) == (110, 140, "-")
    assert sites.around("c", 139, 140) == (110, 140, "-")
    assert sites.around("c", 139, 141) == (125, 155, "+-")  # reaches beyond the site
    assert sites.around("c", 210, 211) == (200, 230, "+-")
    assert sites.around("e", 50, 51) == (35, 65, "+-")
    with pytest.raises(InputError, match="name one as `interpretation.variant_task`"):
        Sites(SITES.drop(columns="chrom"))


def test_the_change_is_that_of_windows_cut_by_hand(tmp_path):
    genome, given = assembly(tmp_path, [("c", 0, TEXT)]), classifier()
    rows = [(112, 100, 130, "+"), (125, 110, 140, "-"), (300, 285, 315, "+-")]
    table = pd.DataFrame([("c", pos + 1, TEXT[pos], "ACGT"["TGCA".index(TEXT[pos])], "ok") for pos, *_ in rows])
    table.columns = ["chrom", "pos", "ref", "alt", "status"]
    found = delta_logit(table, given, genome, torch.device("cpu"), "fp32")
    for (pos, start, end, strands), alt, value in zip(rows, table["alt"], found, strict=True):
        changes = []
        for strand in strands:
            answers = []
            for text in (TEXT, TEXT[:pos] + alt + TEXT[pos + 1 :]):
                parts = [text[start - 9 : start], text[start:end], text[end : end + 9]]
                if strand == "-":
                    parts = [decode(reverse_complement(encode(part))) for part in parts[::-1]]
                row = pd.DataFrame([parts], columns=["before", "sequence", "after"])
                ids = read_tokens(row, BPE)
                with torch.no_grad():
                    logits = given.model(**given.model.collate(ids))[0]
                answers.append(float(logits[1] - logits[0]))
            changes.append(answers[1] - answers[0])
        assert value == pytest.approx(np.mean(changes), abs=1e-5)


def test_both_strands_have_an_answer_or_none_has(tmp_path):
    """AA is one token and TT are two, so that poly-A fits the model on the plus strand alone."""
    one_way = Vocabulary.from_merges("one", np.array([[0, 0]], np.int32))
    genome = assembly(tmp_path, [("c", 0, "A" * 200)])
    table = pd.DataFrame([("c", 101, "A", "C", "ok")], columns=["chrom", "pos", "ref", "alt", "status"])
    found = []
    for positions in (64, 24):
        model = Classifier(bert_config(architecture(1, 16, 2, 32, positions, 0.0), one_way.size), 2, "mean").eval()
        given = SiteClassifier(model, one_way, Sites(SITES[SITES["chrom"] == "d"]))
        found.append(delta_logit(table, given, genome, torch.device("cpu"), "fp32")[0])
    assert np.isnan(found).tolist() == [False, True]


def test_what_has_no_window_has_no_change(tmp_path):
    genome = assembly(tmp_path, [("c", 0, TEXT)])
    rows = [
        ("c", 5, TEXT[4], "ACGT"["TGCA".index(TEXT[4])], "ok"),
        ("c", 120, "A", "<DEL>", "symbolic"),
        ("c", 120, TEXT[119], TEXT[119] + "ACGT" * 30, "ok"),
    ]
    table = pd.DataFrame(rows, columns=["chrom", "pos", "ref", "alt", "status"])
    assert np.isnan(delta_logit(table, classifier(), genome, torch.device("cpu"), "fp32")).all()
    with pytest.raises(InputError, match="has 3 classes, but `delta_logit` needs two"):
        delta_logit(table, classifier(3), genome, torch.device("cpu"), "fp32")
