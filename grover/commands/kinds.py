"""Whether a folder contains a model of this project, or what opens one from elsewhere; read without torch."""

from pathlib import Path
from typing import Any

from grover.external_models.folder import CONFIG, auto_map
from grover.network.folder import REMEDY, WEIGHTS, is_classifier
from grover.runtime.errors import InputError
from grover.runtime.json_files import read_json
from grover.tokenization.vocabulary import Vocabulary


def is_own(folder: Path, config: dict[str, Any]) -> bool:
    """Whether the folder is one of this project, or has the same network, and a tokenizer that cuts as ours do."""
    if "start" in config or is_classifier(config):
        return True
    files = [WEIGHTS, "tokenizer.json"]
    if (
        config.get("model_type") != "bert"
        or auto_map(folder, CONFIG)
        or not all((folder / name).is_file() for name in files)
    ):
        return False
    try:
        return Vocabulary.load(folder).size == config.get("vocab_size")
    except InputError:
        return False


def adapter_of(folder: Path) -> str:
    """The adapter of `grover.external_models` for a folder, by its configuration and its tokenizer."""
    config, code = read_json(folder / CONFIG, REMEDY), auto_map(folder, CONFIG)
    if config.get("model_type") == "bert" and any("bert_layers" in str(value) for value in code.values()):
        return "dnabert2"
    if config.get("model_type") == "hyenadna":
        return "hyenadna"
    words = folder / "vocab.txt"
    if config.get("model_type") == "bert" and words.is_file():
        tokens = {line.strip() for line in words.read_text(encoding="utf-8").splitlines()} - {""}
        lengths = {len(token) for token in tokens if not set(token) - set("ACGT")}
        if len(lengths) == 1 and len(tokens) - 5 == 4 ** lengths.pop():
            return "dnabert"
    return "auto"
