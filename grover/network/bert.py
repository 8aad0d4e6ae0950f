"""The network: a BERT encoder of any size, and how it is stored.

Models are Hugging Face folders (`config.json`, `model.safetensors`, `tokenizer.json`, `tokenizer_config.json`).
"""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertForMaskedLM
from transformers.initialization import no_init_weights

from grover.config.sections.pretraining import Architecture
from grover.network.batching import SPECIALS
from grover.network.folder import CONFIG, WEIGHTS, check_pretrained, copy_tokenizer
from grover.network.initialisation import begin
from grover.runtime.errors import InputError
from grover.runtime.files import atomic, write_text
from grover.tokenization.vocabulary import PAD


def bert_config(architecture: Architecture, vocabulary_size: int) -> BertConfig:
    """The configuration that Hugging Face stores; an impossible size raises an InputError.

    Attention has no dropout of its own: the fused kernels of the CPU have none, and the hidden states have dropout.
    """
    hidden, heads = architecture.hidden, architecture.heads
    if hidden % heads:
        raise InputError(f"model: hidden {hidden} is no multiple of heads {heads}; choose one that is")
    if architecture.start == "neighbours" and heads < 2:
        raise InputError(
            "model: start neighbours needs 2 heads or more, since one would leave no coordinates to the tokens"
        )
    config = BertConfig(
        vocab_size=vocabulary_size,
        num_hidden_layers=architecture.layers,
        hidden_size=hidden,
        num_attention_heads=heads,
        intermediate_size=architecture.intermediate,
        max_position_embeddings=architecture.positions,
        hidden_dropout_prob=architecture.dropout,
        attention_probs_dropout_prob=0.0,
        # BERT's 0.02 at its width of 768; narrow models start too close to zero with it and learn nothing for long
        initializer_range=0.02 * (768 / hidden) ** 0.5,
        type_vocab_size=1,
        pad_token_id=PAD,
    )
    config.start = architecture.start
    return config


def new_language_model(config: BertConfig, seed: int) -> BertForMaskedLM:
    """A randomly initialised masked language model whose weights depend on `seed` alone."""
    torch.manual_seed(seed)
    model = BertForMaskedLM(config)
    begin(model.bert)
    return model


def check_length(longest: int, positions: int, what: str) -> None:
    """Raise an InputError if `longest` tokens with [CLS] and [SEP] do not fit the positions of the model."""
    if longest + SPECIALS > positions:
        raise InputError(
            f"{what} of {longest} tokens with [CLS] and [SEP] exceed the {positions} positions of the model; "
            f"give the model {longest + SPECIALS} positions or make them shorter"
        )


def save(model: torch.nn.Module, config: BertConfig, folder: Path, vocabulary: Path, *, half: bool = False) -> None:
    """Write the Hugging Face folder of a model, with the tokenizer of the folder `vocabulary`.

    `half` stores the weights in float16; the configuration has float32, in which readers compute.
    """
    # tied weights are stored once, under the name of the embedding
    tied = getattr(model, "all_tied_weights_keys", {})
    weights = {name: tensor for name, tensor in model.state_dict().items() if name not in tied}
    config.architectures = [type(model).__name__]
    if half:
        weights = {name: tensor.half() for name, tensor in weights.items()}
        config.dtype = torch.float32
    write_folder(folder, weights, config, vocabulary)


def write_folder(folder: Path, weights: dict[str, torch.Tensor], config: BertConfig, vocabulary: Path) -> None:
    """Write weights, configuration and tokenizer of a model."""
    folder = Path(folder)
    with atomic(folder / WEIGHTS) as temporary:
        stored = {name: tensor.cpu().contiguous() for name, tensor in weights.items()}
        save_file(stored, temporary, metadata={"format": "pt"})
    write_text(folder / CONFIG, config.to_json_string())
    copy_tokenizer(vocabulary, folder, config.max_position_embeddings)


def load_language_model(folder: Path) -> BertForMaskedLM:
    """The pretrained masked language model stored in `folder`, in evaluation mode."""
    return _stored(folder, load_config(folder)).eval()


def continued_language_model(folder: Path, dropout: float) -> BertForMaskedLM:
    """The pretrained masked language model stored in `folder`, to be trained on with this dropout of the hidden states."""
    config = load_config(folder)
    config.hidden_dropout_prob = dropout
    return _stored(folder, config)


def _stored(folder: Path, config: BertConfig) -> BertForMaskedLM:
    with no_init_weights():  # random weights take half a second at GROVER's size, and all are read
        model = BertForMaskedLM(config)
    model.tie_weights()
    load_into(model, folder)
    return model


def load_config(folder: Path) -> BertConfig:
    """The configuration of the pretrained model stored in `folder`. Raises InputError for a fine-tuned one."""
    check_pretrained(folder)
    return BertConfig.from_pretrained(folder)


def load_into(model: torch.nn.Module, folder: Path, prefix: str = "") -> None:
    """Fill `model` with the weights stored in `folder` whose names start with `prefix`; raises an InputError if some are missing."""
    stored = load_file(Path(folder) / WEIGHTS)
    weights = {name.removeprefix(prefix): tensor for name, tensor in stored.items() if name.startswith(prefix)}
    missing = set(model.state_dict()) - set(weights) - set(getattr(model, "all_tied_weights_keys", {}))
    if missing:
        raise InputError(
            f"{Path(folder) / WEIGHTS}: {len(missing)} weights are missing, {sorted(missing)[0]} among them; "
            "expected a model of this project"
        )
    model.load_state_dict(weights, strict=False)
