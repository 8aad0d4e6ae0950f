"""A training starts from the weights of another model, and what does not fit is refused before it does."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from grover.network.bert import continued_language_model, load_language_model
from grover.network.source import read_source
from grover.runtime.errors import InputError
from grover.tokenization.vocabulary import Vocabulary
from tests.fakes.source_models import BYTE_PAIRS, SIZES, write_source


@pytest.fixture
def folder(tmp_path):
    return write_source(tmp_path / "model")


def test_a_source_has_the_vocabulary_and_the_sizes_of_its_folder(folder):
    source = read_source(folder)
    assert source.architecture == SIZES
    assert source.vocabulary.tokens == BYTE_PAIRS.tokens and source.vocabulary_name == "bpe-2"
    source.check(BYTE_PAIRS, SIZES | {"dropout": 0.3})


@pytest.mark.parametrize(
    ("vocabulary", "name"),
    [
        (Vocabulary.from_kmers("x", 1), "char"),
        (Vocabulary.from_kmers("x", 3), "kmer-3"),
        (Vocabulary.from_overlapping_kmers("x", 3), "overlap-3"),
    ],
)
def test_k_mers_have_the_name_of_their_kind(tmp_path, vocabulary, name):
    assert read_source(write_source(tmp_path, vocabulary)).vocabulary_name == name


def test_training_goes_on_from_the_stored_weights_with_a_dropout_of_its_own(folder):
    stored, continued = load_language_model(folder), continued_language_model(folder, 0.25)
    assert all(torch.equal(one, other) for one, other in zip(stored.parameters(), continued.parameters(), strict=True))
    assert continued.training and continued.config.hidden_dropout_prob == 0.25 == continued.bert.embeddings.dropout.p


def test_another_vocabulary_and_another_size_are_refused(folder):
    source = read_source(folder)
    with pytest.raises(InputError, match=r"its vocabulary \(bpe-2\) is another than that of the tokens \(kmer-2\)"):
        source.check(Vocabulary.from_kmers("kmer-2", 2), SIZES)
    with pytest.raises(InputError, match="`layers` of this model is 1, but 2 is asked for"):
        source.check(BYTE_PAIRS, SIZES | {"layers": 2})


def change_config(folder, **values):
    config = json.loads((folder / "config.json").read_text()) | values
    (folder / "config.json").write_text(json.dumps({key: value for key, value in config.items() if value is not None}))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: change_config(folder, pooling="cls"), "fine-tuned"),
        (lambda folder: change_config(folder, model_type="esm"), "the model_type esm; expected .* a BERT encoder"),
        (lambda folder: change_config(folder, num_hidden_layers=None), "no num_hidden_layers"),
        (lambda folder: change_config(folder, num_hidden_layers=2), r"encoder.layer.1.* is missing"),
        (lambda folder: change_config(folder, max_position_embeddings=50), r"\[40, 16\], but .* need \[50, 16\]"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"no"), "no safetensors file"),
        (lambda folder: (folder / "model.safetensors").unlink(), "no model.safetensors there"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "no tokenizer.json there"),
        (lambda folder: Vocabulary.from_kmers("x", 2).save(folder), r"word_embeddings.* \[11, 16\], but .* \[25, 16\]"),
        (lambda folder: without(folder, "cls.predictions.transform.dense.weight"), "transform.dense.weight is missing"),
    ],
)
def test_a_folder_that_training_could_not_open_is_one_sentence(folder, damage, said):
    damage(folder)
    with pytest.raises(InputError, match=said) as error:
        read_source(folder)
    assert "\n" not in str(error.value)


def without(folder, name):
    weights = load_file(folder / "model.safetensors")
    del weights[name]
    save_file(weights, folder / "model.safetensors")
