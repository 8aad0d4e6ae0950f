"""The files of a model's folder, and what kind of model it contains; read without torch.

A pretrained model is BERT's language model. A fine-tuned one is a classifier (`grover.network.classifier_folder`), whose `pooling` its
`config.json` names.
"""

import shutil
from pathlib import Path
from typing import Any

from grover.runtime.errors import InputError
from grover.runtime.files import atomic, write_json
from grover.runtime.json_files import read_json

WEIGHTS, CONFIG, TOKENIZER = "model.safetensors", "config.json", ("tokenizer.json", "tokenizer_config.json")
PRETRAINED = "expected the folder of a pretrained model, such as results/RUN/models/NAME"
REMEDY = "copy the model again"
FINE_TUNED = "expected the folder of a fine-tuned model, such as results/RUN/finetuning/TASK/NAME"


def read_config(folder: Path, expected: str = PRETRAINED) -> dict[str, Any]:
    """Read the configuration of the model in `folder`. Raises InputError, which ends with `expected`, where a file is missing or broken."""
    for name in (WEIGHTS, CONFIG):
        if not (Path(folder) / name).is_file():
            raise InputError(f"{folder}: no {name} there; {expected}")
    return read_json(Path(folder) / CONFIG, REMEDY)


def is_classifier(config: dict[str, Any]) -> bool:
    """Whether a configuration is that of a fine-tuned model; models of version 0.1 count."""
    return "pooling" in config


def check_pretrained(folder: Path) -> None:
    """Raise InputError unless `folder` contains a model, and one that is not fine-tuned."""
    if is_classifier(read_config(folder)):
        raise InputError(f"{folder}: this model is fine-tuned; {PRETRAINED}")


def copy_tokenizer(vocabulary: Path, folder: Path, longest: int) -> None:
    """Copy the tokenizer of `vocabulary`, which cuts at `longest` tokens, [CLS] and [SEP] included, where it is asked to truncate."""
    tokenizer, settings = TOKENIZER
    with atomic(Path(folder) / tokenizer) as temporary:
        shutil.copyfile(Path(vocabulary) / tokenizer, temporary)
    write_json(Path(folder) / settings, read_json(Path(vocabulary) / settings, REMEDY) | {"model_max_length": longest})
