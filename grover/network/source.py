"""A pretrained model that another pretraining starts from: its folder, vocabulary and size; read without torch.

The configuration is completed from it, and the training opens it by the same function. So a folder that passes the dry run does not
fail in the job.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from grover.network.folder import CONFIG, PRETRAINED, REMEDY, TOKENIZER, WEIGHTS, check_pretrained
from grover.runtime.errors import InputError
from grover.runtime.json_files import read_json
from grover.tokenization.vocabulary import Vocabulary

# settings of the encoder, as config.json calls them
ARCHITECTURE = {
    "layers": "num_hidden_layers",
    "hidden": "hidden_size",
    "heads": "num_attention_heads",
    "intermediate": "intermediate_size",
    "positions": "max_position_embeddings",
    "dropout": "hidden_dropout_prob",
}
START = "start"  # models of elsewhere have no such key
FREE = ("dropout",)  # what a training may change


@dataclass(frozen=True)
class SourceModel:
    """What a training takes over: the vocabulary, and the settings of the encoder by their names in `pretraining`."""

    folder: Path
    vocabulary: Vocabulary
    architecture: Mapping[str, Any]

    @property
    def vocabulary_name(self) -> str:
        """The name that a vocabulary of this kind and size has in a configuration."""
        vocabulary = self.vocabulary
        if vocabulary.kind == "bpe":
            return f"bpe-{len(vocabulary.merges)}"
        return "char" if vocabulary.k == 1 else f"{vocabulary.kind}-{vocabulary.k}"

    def check(self, vocabulary: Vocabulary, architecture: Mapping[str, Any]) -> None:
        """Raise InputError where the genome is tokenised otherwise, or the encoder is asked to be another than this model's."""
        if (vocabulary.kind, vocabulary.tokens) != (self.vocabulary.kind, self.vocabulary.tokens):
            raise InputError(
                f"{self.folder}: its vocabulary ({self.vocabulary_name}) is another than that of the tokens ({vocabulary.name}); "
                "tokenise the genome with the tokenizer.json of this model"
            )
        for name, value in self.architecture.items():
            if name not in FREE and architecture[name] != value:
                raise InputError(
                    f"{self.folder}: `{name}` of this model is {value}, but {architecture[name]} is asked for; give the sizes of the model"
                )


def read_source(folder: Path) -> SourceModel:
    """Read the model in `folder`. Raises InputError where it is fine-tuned, incomplete, broken or of another kind."""
    check_pretrained(folder)
    config = read_json(Path(folder) / CONFIG, REMEDY)
    lacking = [key for key in ARCHITECTURE.values() if key not in config]
    if lacking or config.get("model_type") != "bert":
        found = f"no {lacking[0]}" if lacking else f"the model_type {config.get('model_type')}"
        raise InputError(f"{Path(folder) / CONFIG}: {found}; expected the configuration of a BERT encoder")
    if not (Path(folder) / TOKENIZER[0]).is_file():
        raise InputError(f"{folder}: no {TOKENIZER[0]} there; {PRETRAINED}")
    vocabulary = Vocabulary.load(folder)
    architecture = {name: config[key] for name, key in ARCHITECTURE.items()} | {START: config.get(START, "random")}
    _check_weights(Path(folder) / WEIGHTS, vocabulary.size, architecture)
    return SourceModel(Path(folder), vocabulary, architecture)


def _check_weights(path: Path, vocabulary: int, architecture: Mapping[str, Any]) -> None:
    """Raise InputError where the header of the weights has not the shapes that vocabulary and encoder need."""
    layers, hidden = architecture["layers"], architecture["hidden"]
    expected = {
        "bert.embeddings.word_embeddings.weight": [vocabulary, hidden],
        "bert.embeddings.position_embeddings.weight": [architecture["positions"], hidden],
        f"bert.encoder.layer.{layers - 1}.output.dense.weight": [hidden, architecture["intermediate"]],
        "cls.predictions.transform.dense.weight": [hidden, hidden],
    }
    try:
        with safe_open(path, framework="numpy") as stored:
            names = set(stored.keys())
            shapes = {name: stored.get_slice(name).get_shape() for name in expected if name in names}
    except SafetensorError as error:
        raise InputError(f"{path}: no safetensors file ({error}); {REMEDY}") from None
    for name, shape in expected.items():
        if shapes.get(name) != shape:
            raise InputError(
                f"{path}: {name} is {shapes.get(name, 'missing')}, but tokenizer.json and config.json need {shape}; {REMEDY}"
            )
