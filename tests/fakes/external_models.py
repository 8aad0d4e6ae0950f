"""Models of other laboratories in miniature, made with random weights: two of the native classes, and one with code of its own."""

import json
from itertools import product

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForMaskedLM, EsmConfig, EsmForMaskedLM

SIX_MERS = ["".join(bases) for bases in product("ACGT", repeat=6)]

CONFIGURATION = """
from transformers import PretrainedConfig
class TinyConfig(PretrainedConfig):
    model_type = "tiny-external"
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


@pytest.fixture(scope="session")
def nt(tmp_path_factory):
    """An ESM with the tokenizer of the Nucleotide Transformer: [CLS], then 6-mers."""
    folder = tmp_path_factory.mktemp("nt")
    (folder / "vocab.txt").write_text("\n".join(["<unk>", "<pad>", "<mask>", "<cls>", *SIX_MERS, *"ATCGN"]))
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


@pytest.fixture(scope="session")
def dnabert(tmp_path_factory):
    """A BERT whose vocabulary is that of DNABERT for k = 3."""
    folder = tmp_path_factory.mktemp("dnabert")
    kmers = ["".join(bases) for bases in product("ATCG", repeat=3)]
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *kmers]))
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
    write(folder / "config.json", {"model_type": "tiny-external", "d_model": 8, "max_seq_len": 30, "auto_map": own})
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


def random_sequences(lengths, seed=0):
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list("ACGT"), length)) for length in lengths]
