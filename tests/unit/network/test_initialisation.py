"""Weights that are not initialised at random: where the first heads attend, also in randomly initialised models."""

import numpy as np
import pytest
import torch

from grover.embeddings.embed import load_encoder
from grover.network.bert import bert_config, new_language_model, save
from grover.network.classifier import new_classifier
from grover.tokenization.vocabulary import Vocabulary
from tests.fakes.networks import architecture

VOCABULARY = Vocabulary.from_merges("bpe-2", np.array([[0, 0], [4, 3]], np.int32))


def first_attention(encoder, ids: torch.Tensor) -> np.ndarray:
    """Attention of the heads of the first layer, [heads, tokens, tokens], computed as the formula says."""
    states = encoder.embeddings(ids[None])[0]
    attention = encoder.encoder.layer[0].attention.self
    heads = attention.num_attention_heads
    query, key = (part(states).unflatten(1, (heads, -1)).transpose(0, 1) for part in (attention.query, attention.key))
    return torch.softmax(query @ key.transpose(1, 2) / query.shape[-1] ** 0.5, -1).detach().numpy()


@pytest.mark.parametrize(("hidden", "heads"), [(64, 4), (96, 3), (48, 2)])
def test_the_first_heads_look_at_the_tokens_beside_whatever_stands_there(hidden, heads):
    size = architecture(2, hidden, heads, 2 * hidden, 64, 0.0, "neighbours")
    encoder = new_language_model(bert_config(size, 300), 0).bert.eval()
    weights = first_attention(encoder, torch.from_numpy(np.random.default_rng(0).integers(4, 300, 60)))
    for head, distance in enumerate((-1, 1, -2, 2)[:heads]):
        places = np.arange(5, 55)
        assert weights[head, places, places + distance].mean() > 0.5
        assert (weights[head, places].argmax(1) == places + distance).mean() > 0.95


def test_a_random_start_is_that_of_transformers():
    from transformers import BertForMaskedLM

    config = bert_config(architecture(1, 16, 2, 32, 16, 0.0), 20)
    torch.manual_seed(3)
    expected = BertForMaskedLM(config).state_dict()
    for name, weights in new_language_model(config, 3).state_dict().items():
        torch.testing.assert_close(weights, expected[name], rtol=0, atol=0)


def test_randomly_initialised_models_begin_where_their_model_began(tmp_path):
    VOCABULARY.save(tmp_path / "vocabulary")
    config = bert_config(architecture(1, 32, 2, 32, 40, 0.0, "neighbours"), VOCABULARY.size)
    model = new_language_model(config, 7)
    save(model, config, tmp_path / "model", tmp_path / "vocabulary")
    encoders = [
        load_encoder(tmp_path / "model", random=True, seed=1),
        new_classifier(tmp_path / "model", 2, "mean", pretrained=False, seed=2).bert,
    ]
    for encoder in encoders:
        positions = encoder.embeddings.position_embeddings.weight
        torch.testing.assert_close(positions, model.bert.embeddings.position_embeddings.weight)
        assert not torch.equal(
            encoder.encoder.layer[0].output.dense.weight, model.bert.encoder.layer[0].output.dense.weight
        )
