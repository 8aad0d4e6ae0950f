"""External models: how they read, what they compute, and that code of theirs runs by consent only."""

import json

import pytest
import torch
from transformers import AutoModel

from grover.external_models import adapters
from grover.runtime.errors import InputError
from tests.fakes.external_models import random_sequences, write


def test_nucleotide_transformer_reads_disjoint_6mers(nt):
    external = adapters.load(nt, "nucleotide-transformer", remote_code=False)
    ids = {token: number for number, token in enumerate((nt / "vocab.txt").read_text().split("\n"))}
    expected = [ids[token] for token in ("<cls>", "ACGTAC", "GGGTTT", "A", "C")]
    assert external.read(["acgtacGGGTTTAC"])[0].tolist() == expected
    assert external.limit == 20  # 22 positions, of which its numbers leave out two


def test_dnabert_reads_overlapping_kmers_of_the_length_of_its_vocabulary(dnabert):
    external = adapters.load(dnabert, "dnabert", remote_code=False)
    ids = {token: number for number, token in enumerate((dnabert / "vocab.txt").read_text().split())}
    assert external.read(["ACGTNA"])[0].tolist() == [2, ids["ACG"], ids["CGT"], 1, 1, 3]
    assert adapters.overlapping_kmers("ACGT", 3) == "ACG CGT" and adapters.overlapping_kmers("AC", 3) == "AC"


@pytest.mark.parametrize("name", ["nt", "dnabert"])
def test_pretrained_weights_are_the_stored_ones_and_the_random_model_has_others(name, request):
    folder = request.getfixturevalue(name)
    stored = AutoModel.from_pretrained(folder).state_dict()
    adapter = {"nt": "nucleotide-transformer", "dnabert": "dnabert"}[name]
    pretrained, again, random_model = (
        adapters.load(folder, adapter, initial=initial, remote_code=False).make(3, 1)
        for initial in ("pretrained", "pretrained", "random")
    )
    weights = [key for key in stored if "embeddings.weight" in key or "query" in key]
    found = pretrained.encoder.state_dict()
    assert len(weights) > 2 and all(torch.equal(found[key], stored[key]) for key in weights)
    assert not torch.equal(random_model.encoder.state_dict()[weights[0]], stored[weights[0]])
    assert torch.equal(pretrained.classifier.weight, again.classifier.weight)
    other = adapters.load(folder, adapter, initial="random", remote_code=False).make(3, 2)
    assert not torch.equal(random_model.encoder.state_dict()[weights[0]], other.encoder.state_dict()[weights[0]])


@pytest.mark.parametrize("pooling", ["mean", "cls", "last"])
@pytest.mark.parametrize("name", ["nt", "dnabert", "tiny"])
def test_a_sequence_scores_alike_alone_and_beside_a_longer_one(name, pooling, request):
    adapter = {"nt": "nucleotide-transformer", "dnabert": "dnabert", "tiny": "hyenadna"}[name]
    external = adapters.load(request.getfixturevalue(name), adapter, remote_code=True, pooling=pooling)
    network = external.make(2, 0).eval()
    inputs = external.read(random_sequences([20, 9, 13]))
    with torch.inference_mode():
        together = network(**network.collate(inputs))
        alone = torch.cat([network(**network.collate([row])) for row in inputs])
    assert together.dtype == torch.float32 and together.shape == (3, 2)
    torch.testing.assert_close(together, alone)


def test_pooling_by_hand_on_a_model_whose_states_are_known(tiny):
    rows = torch.load(tiny / "pytorch_model.bin")["embedding.weight"]
    states = rows[[7, 8, 8, 10, 1]].cumsum(0)  # A C C T [SEP]
    for pooling, expected in [("mean", states[:4].mean(0)), ("cls", states[0]), ("last", states[4])]:
        external = adapters.load(tiny, "hyenadna", remote_code=True, pooling=pooling)
        network = external.make(2, 0).eval()
        network.classifier = torch.nn.Identity()
        with torch.inference_mode():
            found = network(**network.collate(external.read(["ACCT", "ACCTGGGG"])))
        torch.testing.assert_close(found[0], expected)
    assert adapters.load(tiny, "hyenadna", remote_code=True).pooling == "mean"


@pytest.mark.parametrize("adapter", ["hyenadna", "dnabert2", "nucleotide-transformer", "auto"])
def test_code_of_the_folder_runs_by_consent_only(tiny, adapter):
    marker = tiny.parent / "marker"
    with pytest.raises(InputError, match=r"configuration_tiny.py, modeling_tiny.py .* remote_code: true"):
        adapters.load(tiny, adapter, remote_code=False)
    assert not marker.exists()
    network = adapters.load(tiny, adapter, remote_code=True).make(2, 0)
    assert marker.exists() and type(network.encoder).__name__ == "TinyModel"


def test_code_that_only_wraps_the_encoder_in_a_language_model_is_unwrapped(tiny):
    """As version 2 of the Nucleotide Transformer names no AutoModel."""
    source = tiny / "modeling_tiny.py"
    source.write_text(
        source.read_text()
        + """
class TinyForMaskedLM(PreTrainedModel):
    config_class = TinyConfig
    base_model_prefix = "tiny"
    def __init__(self, config):
        super().__init__(config)
        self.tiny, self.lm_head = TinyModel(config), torch.nn.Linear(config.d_model, config.vocab_size)
        self.post_init()
"""
    )
    config = json.loads((tiny / "config.json").read_text())
    config["auto_map"] = {**config["auto_map"], "AutoModelForMaskedLM": "modeling_tiny.TinyForMaskedLM"}
    del config["auto_map"]["AutoModel"]
    write(tiny / "config.json", config)
    stored = torch.load(tiny / "pytorch_model.bin")
    torch.save({f"tiny.{name}": weight for name, weight in stored.items()}, tiny / "pytorch_model.bin")
    network = adapters.load(tiny, "nucleotide-transformer", remote_code=True).make(2, 0)
    assert type(network.encoder).__name__ == "TinyModel"
    assert torch.equal(network.encoder.embedding.weight, stored["embedding.weight"])


def test_dnabert_leaves_code_alone_that_its_folder_names(dnabert, tmp_path):
    """As the folders on the hub do, for the head of a classifier."""
    for path in dnabert.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "config.json").unlink()
    named = {"AutoConfig": "configuration_bert.BertConfig", "AutoModel": "dnabert_layer.BertModel"}
    write(tmp_path / "config.json", json.loads((dnabert / "config.json").read_text()) | {"auto_map": named})
    (tmp_path / "dnabert_layer.py").write_text("raise SystemExit")
    for consent in (False, True):
        network = adapters.load(tmp_path, "dnabert", remote_code=consent).make(2, 0)
        assert type(network.encoder).__module__.startswith("transformers.models.bert")


@pytest.mark.parametrize("adapter", ["dnabert2", "hyenadna"])
def test_a_model_that_needs_its_code_is_never_opened_as_another(dnabert, adapter):
    with pytest.raises(InputError, match="auto_map names no code"):
        adapters.load(dnabert, adapter, remote_code=True)


@pytest.mark.parametrize(
    ("name", "adapter", "fits"),
    [("nt", "nucleotide-transformer", 114), ("dnabert", "dnabert", 24), ("tiny", "auto", 29)],
)
def test_the_longest_sequence_that_fits_is_computed_and_the_next_refused(name, adapter, fits, request):
    external = adapters.load(request.getfixturevalue(name), adapter, remote_code=True)
    network = external.make(2, 0).eval()
    inputs = external.read(random_sequences([fits]))
    network.check(len(inputs[0]))
    with torch.inference_mode():
        network(**network.collate(inputs))
    longer = fits + 6 if name == "nt" else fits + 1
    with pytest.raises(InputError, match=rf"^prom300: .* \({longer} bases\) .* takes {external.limit} at most"):
        external.read(random_sequences([5, longer]), "prom300")
    with pytest.raises(InputError, match="at most"):
        network.check(external.limit + 1)


def test_byte_pairs_with_alibi_are_not_bound_by_their_positions(tiny):
    assert adapters.load(tiny, "dnabert2", remote_code=True).limit == 4096
    config = adapters.load(tiny, "dnabert2", remote_code=True).config
    assert 0 < config.attention_probs_dropout_prob < 1e-6


def test_a_tokenizer_that_knows_none_of_the_tokens_is_refused(dnabert):
    with pytest.raises(InputError, match="does not know .* of ctcf; choose the adapter"):
        adapters.load(dnabert, "auto", remote_code=False).read(random_sequences([12, 12]), "ctcf")
