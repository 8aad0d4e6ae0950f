"""Rivals of the native classes, and one with code of its own, made here with random weights."""

import importlib.util
import json
import re
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from packaging.utils import canonicalize_name
from transformers import AutoModel, BertConfig, BertForMaskedLM, EsmConfig, EsmForMaskedLM

from grover import rival_folder, rivals
from grover.config import complete
from grover.errors import InputError
from grover.files import checksum
from grover.finetuning import Settings, fine_tune

ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")
WORDS = ["".join(letters) for letters in product("ACGT", repeat=6)]

CONFIGURATION = """
from transformers import PretrainedConfig
class TinyConfig(PretrainedConfig):
    model_type = "tiny-rival"
    def __init__(self, d_model=8, max_seq_len=30, vocab_size=12, **others):
        self.d_model, self.max_seq_len, self.vocab_size = d_model, max_seq_len, vocab_size
        super().__init__(**others)
"""
MODELING = """
from pathlib import Path
import torch
from transformers import PreTrainedModel
from .configuration_tiny import TinyConfig
Path("MARKER").write_text("executed")
class TinyModel(PreTrainedModel):
    config_class = TinyConfig
    def __init__(self, config):
        super().__init__(config)
        self.embedding = torch.nn.Embedding(config.vocab_size, config.d_model)
        self.post_init()
    def forward(self, input_ids):
        return (self.embedding(input_ids).cumsum(1),)
"""


@pytest.fixture(scope="module")
def nt(tmp_path_factory):
    """An ESM with the tokenizer of the Nucleotide Transformer: [CLS], then words of six letters."""
    folder = tmp_path_factory.mktemp("nt")
    (folder / "vocab.txt").write_text("\n".join(["<unk>", "<pad>", "<mask>", "<cls>", *WORDS, *"ATCGN"]))
    names = {
        "cls_token": "<cls>",
        "pad_token": "<pad>",
        "mask_token": "<mask>",
        "unk_token": "<unk>",
        "eos_token": None,
    }
    write(folder / "tokenizer_config.json", {"tokenizer_class": "EsmTokenizer", "model_max_length": 20, **names})
    config = EsmConfig(
        vocab_size=4105,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=22,
        pad_token_id=1,
        mask_token_id=2,
    )
    return save(EsmForMaskedLM, config, folder)


@pytest.fixture(scope="module")
def dnabert(tmp_path_factory):
    """A BERT whose vocabulary is that of DNABERT for k = 3."""
    folder = tmp_path_factory.mktemp("dnabert")
    words = ["".join(letters) for letters in product("ATCG", repeat=3)]
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]))
    write(folder / "tokenizer_config.json", {"tokenizer_class": "BertTokenizer", "do_lower_case": False})
    config = BertConfig(
        vocab_size=69,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=24,
    )
    return save(BertForMaskedLM, config, folder)


@pytest.fixture
def tiny(tmp_path):
    """A causal model whose code lies in its folder; `marker` beside it is written when that code runs."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    names = ["[CLS]", "[SEP]", "[BOS]", "[MASK]", "[PAD]", "[RESERVED]", "[UNK]", *"ACGTN"]
    ids = {name: number for number, name in enumerate(names)}
    last = {"SpecialToken": {"id": "[SEP]", "type_id": 0}}
    tokenizer = {
        "version": "1.0",
        "added_tokens": [
            dict(
                id=ids[name],
                content=name,
                single_word=False,
                lstrip=False,
                rstrip=False,
                normalized=False,
                special=True,
            )
            for name in names[:7]
        ],
        "normalizer": None,
        "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "."}, "behavior": "Isolated", "invert": False},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"Sequence": {"id": "A", "type_id": 0}}, last],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}, last],
            "special_tokens": {"[SEP]": {"id": "[SEP]", "ids": [1], "tokens": ["[SEP]"]}},
        },
        "decoder": None,
        "truncation": None,
        "padding": None,
        "model": {"type": "WordLevel", "vocab": ids, "unk_token": "[UNK]"},
    }
    write(folder / "tokenizer.json", tokenizer)
    specials = {f"{name}_token": f"[{name.upper()}]" for name in ("cls", "sep", "bos", "mask", "pad", "unk")}
    write(
        folder / "tokenizer_config.json",
        {"tokenizer_class": "PreTrainedTokenizerFast", "padding_side": "left", **specials},
    )
    own = {"AutoConfig": "configuration_tiny.TinyConfig", "AutoModel": "modeling_tiny.TinyModel"}
    write(folder / "config.json", {"model_type": "tiny-rival", "d_model": 8, "max_seq_len": 30, "auto_map": own})
    (folder / "configuration_tiny.py").write_text(CONFIGURATION)
    (folder / "modeling_tiny.py").write_text(MODELING.replace("MARKER", str(tmp_path / "marker")))
    torch.manual_seed(0)
    torch.save({"embedding.weight": torch.randn(12, 8)}, folder / "pytorch_model.bin")
    return folder


def write(path, content):
    path.write_text(json.dumps(content))


def save(kind, config, folder):
    torch.manual_seed(5)
    kind(config).save_pretrained(folder)
    return folder


def letters(lengths, seed=0):
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list("ACGT"), length)) for length in lengths]


def test_nucleotide_transformer_reads_words_of_six_one_behind_the_other(nt):
    rival = rivals.load(nt, "nucleotide-transformer")
    ids = {word: number for number, word in enumerate((nt / "vocab.txt").read_text().split("\n"))}
    expected = [ids[word] for word in ("<cls>", "ACGTAC", "GGGTTT", "A", "C")]
    assert rival.read(["acgtacGGGTTTAC"])[0].tolist() == expected
    assert rival.limit == 20  # 22 positions, of which its numbers leave out two


def test_dnabert_reads_overlapping_words_of_the_length_of_its_vocabulary(dnabert):
    rival = rivals.load(dnabert, "dnabert")
    ids = {word: number for number, word in enumerate((dnabert / "vocab.txt").read_text().split())}
    assert rival.read(["ACGTNA"])[0].tolist() == [2, ids["ACG"], ids["CGT"], 1, 1, 3]
    assert rivals.kmer_words("ACGT", 3) == "ACG CGT" and rivals.kmer_words("AC", 3) == "AC"


@pytest.mark.parametrize("name", ["nt", "dnabert"])
def test_pretrained_weights_are_the_stored_ones_and_the_twin_has_others(name, request):
    folder = request.getfixturevalue(name)
    stored = AutoModel.from_pretrained(folder).state_dict()
    adapter = {"nt": "nucleotide-transformer", "dnabert": "dnabert"}[name]
    pretrained, again, twin = (
        rivals.load(folder, adapter, initial=initial).make(3, 1) for initial in ("pretrained", "pretrained", "random")
    )
    weights = [key for key in stored if "embeddings.weight" in key or "query" in key]
    found = pretrained.encoder.state_dict()
    assert len(weights) > 2 and all(torch.equal(found[key], stored[key]) for key in weights)
    assert not torch.equal(twin.encoder.state_dict()[weights[0]], stored[weights[0]])
    assert torch.equal(pretrained.classifier.weight, again.classifier.weight)
    other = rivals.load(folder, adapter, initial="random").make(3, 2)
    assert not torch.equal(twin.encoder.state_dict()[weights[0]], other.encoder.state_dict()[weights[0]])


@pytest.mark.parametrize("pooling", ["mean", "cls", "last"])
@pytest.mark.parametrize("name", ["nt", "dnabert", "tiny"])
def test_a_sequence_scores_alike_alone_and_beside_a_longer_one(name, pooling, request):
    adapter = {"nt": "nucleotide-transformer", "dnabert": "dnabert", "tiny": "hyenadna"}[name]
    rival = rivals.load(request.getfixturevalue(name), adapter, remote_code=True, pooling=pooling)
    network = rival.make(2, 0).eval()
    inputs = rival.read(letters([20, 9, 13]))
    with torch.inference_mode():
        together = network(**network.collate(inputs))
        alone = torch.cat([network(**network.collate([row])) for row in inputs])
    assert together.dtype == torch.float32 and together.shape == (3, 2)
    torch.testing.assert_close(together, alone)


def test_pooling_by_hand_on_a_model_whose_states_are_known(tiny):
    rows = torch.load(tiny / "pytorch_model.bin")["embedding.weight"]
    states = rows[[7, 8, 8, 10, 1]].cumsum(0)  # A C C T [SEP]
    for pooling, expected in [("mean", states[:4].mean(0)), ("cls", states[0]), ("last", states[4])]:
        rival = rivals.load(tiny, "hyenadna", remote_code=True, pooling=pooling)
        network = rival.make(2, 0).eval()
        network.classifier = torch.nn.Identity()
        with torch.inference_mode():
            found = network(**network.collate(rival.read(["ACCT", "ACCTGGGG"])))
        torch.testing.assert_close(found[0], expected)
    assert rivals.load(tiny, "hyenadna", remote_code=True).pooling == "mean"


@pytest.mark.parametrize("adapter", ["hyenadna", "dnabert2", "nucleotide-transformer", "auto"])
def test_code_of_the_folder_runs_by_consent_only(tiny, adapter):
    marker = tiny.parent / "marker"
    with pytest.raises(InputError, match=r"configuration_tiny.py, modeling_tiny.py .* remote_code: true"):
        rivals.load(tiny, adapter)
    assert not marker.exists()
    network = rivals.load(tiny, adapter, remote_code=True).make(2, 0)
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
    network = rivals.load(tiny, "nucleotide-transformer", remote_code=True).make(2, 0)
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
        network = rivals.load(tmp_path, "dnabert", remote_code=consent).make(2, 0)
        assert type(network.encoder).__module__.startswith("transformers.models.bert")


@pytest.mark.parametrize("adapter", ["dnabert2", "hyenadna"])
def test_a_model_that_needs_its_code_is_never_opened_as_another(dnabert, adapter):
    with pytest.raises(InputError, match="auto_map names no code"):
        rivals.load(dnabert, adapter, remote_code=True)


def test_code_elsewhere_or_missing_is_refused(tiny):
    (tiny / "modeling_tiny.py").unlink()
    with pytest.raises(InputError, match="modeling_tiny.py is missing"):
        rivals.load(tiny, "hyenadna", remote_code=True)
    write(tiny / "config.json", {"auto_map": {"AutoModel": "other/place--modeling_tiny.TinyModel"}})
    with pytest.raises(InputError, match="another repository, other/place--"):
        rivals.load(tiny, "hyenadna", remote_code=True)


@pytest.mark.parametrize(
    ("name", "adapter", "fits"),
    [("nt", "nucleotide-transformer", 114), ("dnabert", "dnabert", 24), ("tiny", "auto", 29)],
)
def test_the_longest_sequence_that_fits_is_computed_and_the_next_refused(name, adapter, fits, request):
    rival = rivals.load(request.getfixturevalue(name), adapter, remote_code=True)
    network = rival.make(2, 0).eval()
    inputs = rival.read(letters([fits]))
    network.check(len(inputs[0]))
    with torch.inference_mode():
        network(**network.collate(inputs))
    longer = fits + 6 if name == "nt" else fits + 1
    with pytest.raises(InputError, match=rf"^prom300: .* \({longer} bases\) .* takes {rival.limit} at most"):
        rival.read(letters([5, longer]), "prom300")
    with pytest.raises(InputError, match="at most"):
        network.check(rival.limit + 1)


def test_byte_pairs_with_alibi_are_not_bound_by_their_positions(tiny):
    assert rivals.load(tiny, "dnabert2", remote_code=True).limit == 4096
    config = rivals.load(tiny, "dnabert2", remote_code=True).config
    assert 0 < config.attention_probs_dropout_prob < 1e-6


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        ("config.json", "config.json is missing"),
        ("model.safetensors", "the weights are missing"),
        ("vocab.txt", "the tokenizer is missing"),
    ],
)
def test_an_incomplete_folder_is_named_with_what_it_lacks(dnabert, tmp_path, missing, sentence):
    for path in dnabert.iterdir():
        if path.name not in (missing, "tokenizer.json"):
            (tmp_path / path.name).symlink_to(path)
    with pytest.raises(InputError, match=f"{tmp_path}: {sentence}"):
        rivals.load(tmp_path, "dnabert")


def test_a_part_of_the_weights_that_is_missing_is_named(tmp_path):
    write(tmp_path / "config.json", {})
    write(tmp_path / "pytorch_model.bin.index.json", {"weight_map": {"a": "one.bin", "b": "two.bin"}})
    (tmp_path / "one.bin").touch()
    with pytest.raises(InputError, match="two.bin is missing"):
        rival_folder.check_folder(tmp_path)


def test_weights_of_another_model_are_refused(dnabert, tmp_path):
    for path in dnabert.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "config.json").unlink()
    config = json.loads((dnabert / "config.json").read_text())
    write(tmp_path / "config.json", config | {"num_hidden_layers": 2})
    with pytest.raises(InputError, match=r"layer\.1\..* is missing"):
        rivals.load(tmp_path, "dnabert").make(2, 0)


def test_a_tokenizer_that_knows_none_of_the_words_is_refused(dnabert):
    with pytest.raises(InputError, match="does not know .* of ctcf; choose the adapter"):
        rivals.load(dnabert, "auto").read(letters([12, 12]), "ctcf")


@pytest.mark.parametrize("wrong", [{"adapter": "bert"}, {"initial": "twin"}, {"pooling": "max"}])
def test_an_unknown_word_is_refused(dnabert, wrong):
    with pytest.raises(InputError, match="is unknown; expected"):
        rivals.load(dnabert, **wrong)


def dataset():
    """Label 1 has more G and C; ten examples of each fold and label at least."""
    label = np.arange(90) % 2
    rng = np.random.default_rng(1)
    sequence = [
        "".join(rng.choice(list("ACGT"), 20, p=[0.1, 0.4, 0.4, 0.1] if one else [0.4, 0.1, 0.1, 0.4])) for one in label
    ]
    fold = np.array(["train", "train", "valid", "test"])[np.arange(90) // 2 % 4]
    table = pd.DataFrame({"sequence": sequence, "label": label, "fold": fold})
    table.attrs = {"task": "gc", "labels": ["low", "high"], "call": "half"}
    return table


def test_a_rival_learns_a_simple_rule(dnabert):
    rival, table = rivals.load(dnabert, "dnabert"), dataset()
    settings = Settings(epochs=8, batch=16, learning_rate=1e-2)
    network, predicted = fine_tune(table, rival.read(table["sequence"].to_list()), rival.make, settings, CPU, 0)
    assert ((predicted["probability"] > 0.5) == predicted["label"]).mean() > 0.9


def test_the_command_writes_predictions_and_goes_on_where_it_was(tiny, tmp_path, monkeypatch):
    script = ROOT / "workflow/scripts/finetune_rival.py"
    specification = importlib.util.spec_from_file_location("finetune_rival", script)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    dataset().to_parquet(tmp_path / "dataset.parquet")
    (tmp_path / "passed.txt").write_text(checksum(tmp_path / "dataset.parquet") + "\n")
    done, real = [], module.fine_tune

    def interrupted(*arguments):
        done.append(arguments[-1])
        if done == [0, 1]:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(module, "fine_tune", interrupted)
    arguments = dict(
        dataset=tmp_path / "dataset.parquet",
        passed=tmp_path / "passed.txt",
        folder=tiny / "config.json",
        predictions=tmp_path / "out/predictions.parquet",
        metrics=tmp_path / "out/metrics.json",
        task="gc",
        name="tiny",
        adapter="hyenadna",
        remote_code=True,
        seeds=[0, 1],
        epochs=1,
        device="cpu",
    )
    with pytest.raises(KeyboardInterrupt):
        module.finetune_rival(**arguments)
    module.finetune_rival(**arguments)
    assert done == [0, 1, 1]
    predicted = pd.read_parquet(tmp_path / "out/predictions.parquet")
    assert predicted.columns.tolist() == ["example", "seed", "fold", "label", "probability"]
    assert predicted.groupby("seed").size().nunique() == 1 and set(predicted["fold"]) == {"valid", "test"}
    metrics = json.loads((tmp_path / "out/metrics.json").read_text())
    assert metrics["kind"] == "rival" and metrics["weights"] == checksum(tiny / "pytorch_model.bin")
    assert metrics["settings"]["pooling"] == "mean" and [row["seed"] for row in metrics["seeds"]] == [0, 1]
    (kept,) = (tmp_path / "out").glob("parts-*/")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "metrics.json",
        kept.name,
        "predictions.parquet",
    ]
    (tmp_path / "out/predictions.parquet").unlink()
    module.finetune_rival(**arguments)
    assert done == [0, 1, 1] and pd.read_parquet(tmp_path / "out/predictions.parquet").equals(predicted)


HUB = ["README.md", "config.json", "vocab.txt", "model.safetensors", "pytorch_model.bin", "onnx/model.onnx", "x.py"]


def test_a_download_takes_what_belongs_into_the_folder_and_says_what_it_is(tmp_path, monkeypatch):
    import huggingface_hub

    def model_info(self, model, revision):
        assert (model, revision) == ("lab/model", None)
        return SimpleNamespace(sha="abc123", siblings=[SimpleNamespace(rfilename=name) for name in HUB])

    def snapshot_download(model, revision, local_dir, allow_patterns):
        assert revision == "abc123"
        for name in allow_patterns:
            (local_dir / name).write_text(name)

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", model_info)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    rival_folder.download("lab/model", "", tmp_path / "nt")
    said = json.loads((tmp_path / "nt/rival.json").read_text())
    assert list(said["files"]) == ["config.json", "model.safetensors", "vocab.txt", "x.py"]
    assert said["revision"] == "abc123" and said["files"]["x.py"]["sha256"] == checksum(tmp_path / "nt/x.py")
    assert rival_folder.files_to_fetch(["pytorch_model.bin", "training_args.bin", "a.json"]) == [
        "a.json",
        "pytorch_model.bin",
    ]


def test_without_a_network_the_folder_to_fill_is_named(tmp_path, monkeypatch):
    import huggingface_hub

    def model_info(self, model, revision):
        raise ConnectionError("name not known")

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", model_info)
    with pytest.raises(InputError, match=rf"fill {tmp_path}/nt with config.json, .*set `model` to that folder"):
        rival_folder.download("lab/model", "", tmp_path / "nt")
    assert not (tmp_path / "nt/rival.json").exists()


def pins(lines):
    """Name and version of lines such as `numpy==2.4.6  # arrays`; anything looser fails."""
    lines = [line.partition("#")[0].strip() for line in lines]
    found = [re.fullmatch(r"([A-Za-z0-9._-]+)==([0-9][A-Za-z0-9.]*)", line).groups() for line in lines if line]
    return {canonicalize_name(name): version for name, version in found}


def test_both_files_of_the_environment_pin_the_same_and_share_the_versions_of_the_lock():
    text = pins((ROOT / "envs/rivals.txt").read_text().splitlines())
    environment = yaml.safe_load((ROOT / "envs/rivals.yaml").read_text())
    assert pins(environment["dependencies"][-1]["pip"]) == text and "python=3.11" in environment["dependencies"]
    lock = pins((ROOT / "envs/lock.txt").read_text().splitlines())
    differing = {name for name in text if lock.get(name) != text[name]}
    assert text["torch"] == lock["torch"] and text["transformers"].startswith("4.")
    assert differing == {"transformers", "tokenizers", "huggingface-hub", "einops"}


def test_the_example_of_the_page_is_a_valid_configuration():
    example = re.search(r"```yaml\n(.*?)```", (ROOT / "docs/rivals.md").read_text(), re.S)[1]
    given = {"run": "x", "sources": {"genome": {"url": "genome.fa"}}, **yaml.safe_load(example)}
    config = complete(given, ROOT / "config/schemas/config.schema.yaml", "docs/rivals.md")
    assert config["benchmarks"]["rivals"]["nt"]["adapter"] in rivals.ADAPTERS


def test_the_page_has_a_row_for_each_adapter():
    rows = re.findall(r"^\| `([a-z0-9-]+)` \|", (ROOT / "docs/rivals.md").read_text(), re.M)
    assert rows == list(rivals.ADAPTERS)
