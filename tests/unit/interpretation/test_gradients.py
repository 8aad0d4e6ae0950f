"""Integrated gradients against closed forms and captum's definition, and DNABERT's attention against transformers."""

import numpy as np
import pytest
import torch
from scipy.special import logsumexp

from grover.genome.bases import encode
from grover.interpretation.answers import FineTuned, both_strands, margin, opposite_strand
from grover.interpretation.attention import attention_per_base
from grover.interpretation.gradients import COMPLETE, integrate, integrated_gradients, spread
from grover.interpretation.sites import Site
from grover.network.bert import bert_config
from grover.network.classifier import Classifier
from grover.network.inference import evaluating
from grover.tokenization.vocabulary import CLS, MASK, SEP, Vocabulary
from tests.fakes.networks import architecture

CPU = torch.device("cpu")
TEXT = "ACGTTGCAACGTAGGCATTACAGGT"
NONE = np.zeros(0, np.uint8)


def model(k: int = 3, classes: int = 2, overlap: bool = False, layers: int = 2) -> FineTuned:
    vocabulary = (Vocabulary.from_overlapping_kmers if overlap else Vocabulary.from_kmers)("own", k)
    torch.manual_seed(0)
    config = bert_config(architecture(layers, 16, 2, 32, 40, dropout=0.0), vocabulary.size)
    config.initializer_range = 0.3
    classifier = Classifier(config, classes, "mean").eval()
    with torch.no_grad():
        classifier.classifier.weight.mul_(10)
    return FineTuned(classifier, vocabulary, CPU)


def sites(label: int = 1, before: str = "") -> list[Site]:
    return [
        Site(number, label, encode(TEXT[number:]), encode(before), NONE, chrom="chr1", end=30, strand="+")
        for number in range(3)
    ]


def test_a_polynomial_is_integrated_exactly():
    start, end = torch.tensor([1.0, 0.0], dtype=torch.float64), torch.tensor([3.0, 2.0], dtype=torch.float64)

    def answer(points):
        x, y = points.unbind(-1)
        return x**2 * y + 3 * y, torch.stack([2 * x * y, x**2 + 3], -1)

    attribution, error = integrate(answer, start, end, steps=3, at_once=2)
    # with x = 1 + 2 s and y = 2 s: the integrals of 2 * 2 x y and of 2 (x^2 + 3) over s from 0 to 1
    assert attribution.tolist() == pytest.approx([8 * (1 / 2 + 2 / 3), 2 * (1 + 2 + 4 / 3 + 3)]) and error < 1e-12


def test_a_step_function_gets_more_points():
    seen = []

    def answer(points):
        seen.append(len(points))
        steep = torch.sigmoid(60 * (points.sum(-1) - 0.37))
        return steep, (60 * steep * (1 - steep)).unsqueeze(-1)

    start, end = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    attribution, error = integrate(answer, start, end, steps=4, at_once=1_000)
    assert error <= COMPLETE and float(attribution[0]) == pytest.approx(1, abs=COMPLETE)
    assert seen[:2] == [2, 4] and seen[-1] > 4


@pytest.mark.parametrize(("classes", "overlap"), [(2, False), (3, False), (2, True)])
def test_attributions_add_up_to_the_difference_from_masked_tokens(classes, overlap):
    own = model(classes=classes, overlap=overlap)
    found = integrated_gradients(sites(), own, 32)
    for site, each in zip(sites(), found, strict=True):
        tokens = own.vocabulary.encode(site.codes)
        row = torch.tensor([CLS, *tokens.tolist(), SEP])
        masked = torch.where(row >= 5, MASK, row)
        with torch.no_grad():
            states = own.classifier.bert(torch.stack([row, masked])).last_hidden_state.mean(1)
            ends = margin(own.classifier.classifier(states).numpy(), np.array([1, 1]))
        assert each.error <= COMPLETE and len(each.values) == len(site.codes)
        assert each.values.sum() == pytest.approx(ends[0] - ends[1], rel=COMPLETE)
    if not overlap:  # a value is shared over the bases of its token
        assert np.allclose(found[0].values[:24].reshape(-1, 3).std(axis=1), 0)
        assert found[0].resolution.tolist() == [3] * 24 + [1]
    assert all(each.requires_grad for each in own.classifier.parameters())


def test_attributions_without_quadrature_are_those_of_the_midpoints():
    own, (site, *_) = model(), sites()
    (found,) = integrated_gradients([site], own, 32)
    row = torch.tensor([CLS, *own.vocabulary.encode(site.codes).tolist(), SEP])
    words = own.classifier.bert.embeddings.word_embeddings
    end, start = words(row).detach(), words(torch.where(row >= 5, MASK, row)).detach()
    total = torch.zeros_like(end)
    for share in (torch.arange(200) + 0.5) / 200:
        point = (start + share * (end - start)).requires_grad_(True)
        logits = own.classifier.classifier(own.classifier.bert(inputs_embeds=point[None]).last_hidden_state.mean(1))
        total += torch.autograd.grad(logits[0, 1] - logits[0, 0], point)[0] / 200
    expected = ((end - start) * total).sum(1)[1:-1].numpy()
    assert np.allclose(found.values[:24].reshape(-1, 3).sum(axis=1), expected[:8], atol=0.02 * np.abs(expected).max())


def test_values_of_tokens_are_shared_over_their_bases():
    values, resolution = spread(np.array([6.0, 4.0]), np.array([1, 3]), np.array([2, 1]), 5)
    assert values.tolist() == [0, 3, 3, 4, 0] and resolution.tolist() == [0, 2, 2, 1, 0]
    values, resolution = spread(np.array([3.0, 6.0]), np.array([0, 1]), np.array([3, 3]), 4)
    assert values.tolist() == [1, 3, 3, 2] and resolution.tolist() == [3] * 4


@pytest.mark.parametrize(("overlap", "layers"), [(False, 2), (True, 2), (False, 1)])
def test_attention_is_that_of_dnabert(overlap, layers):
    own = model(overlap=overlap, layers=layers)
    for site, found in zip(sites(), attention_per_base(sites(), own), strict=True):
        tokens = own.vocabulary.encode(site.codes)
        own.classifier.bert.set_attn_implementation("eager")
        row = torch.tensor([[CLS, *tokens.tolist(), SEP]])
        with torch.no_grad():
            weights = own.classifier.bert(row, output_attentions=True).attentions[-1]
        scores = weights[0, :, 0, 1:-1].sum(0).numpy()  # heads are summed in the row of [CLS]
        real, counts, place = np.zeros(len(site.codes)), np.zeros(len(site.codes)), 0
        for score, token in zip(scores, tokens, strict=True):
            span = own.vocabulary.spans[token]
            real[place : place + span] += score
            counts[place : place + span] += 1
            place += own.vocabulary.strides[token]
        real /= counts
        assert np.allclose(found, real / np.linalg.norm(real), atol=1e-5)


def test_the_margin_of_several_classes_is_against_all_others():
    logits = np.array([[1.0, 2.0, 4.0], [0.5, 0.0, -1.0]])
    expected = [4 - logsumexp([1, 2]), 0.5 - logsumexp([0, -1])]
    assert margin(logits, np.array([2, 0])).tolist() == pytest.approx(expected)
    assert margin(logits[:, :2], np.array([0, 1])).tolist() == [1.0, -0.5]


def test_answers_are_the_margins_of_the_network_on_either_strand():
    own = model()
    versions = [np.vstack([site.codes, site.codes[::-1]]) for site in sites(before="ACGACG")]
    found = own(sites(before="ACGACG"), versions)
    with torch.inference_mode(), evaluating(own.classifier, CPU):
        tokens = own.vocabulary.encode(encode("ACGACG" + TEXT[1:]))[2:]
        logits = own.classifier(**own.classifier.collate([tokens])).numpy()
    assert found[1][0] == pytest.approx(margin(logits, np.array([1]))[0], abs=1e-5)
    turned = opposite_strand(own)(sites(), [site.codes for site in sites()])
    direct = own([site.reversed() for site in sites()], [site.reversed().codes for site in sites()])
    mean = both_strands(own)(sites(), [site.codes for site in sites()])
    plus = own(sites(), [site.codes for site in sites()])
    for each, other, one, both in zip(turned, direct, plus, mean, strict=True):
        assert np.allclose(each, other) and np.allclose(both, (one + each) / 2)
