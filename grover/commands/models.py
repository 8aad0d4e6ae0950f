"""Open the model that a subcommand names.

It is a folder of this project, a model of the package, or a Hugging Face folder from elsewhere with a tokenizer of DNA.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from transformers import BertForMaskedLM, BertModel
from transformers.utils import logging

from grover.commands.info import METRICS, beside, places_of
from grover.commands.kinds import adapter_of, is_own
from grover.external_models.adapters import ExternalModel, load
from grover.external_models.folder import CONFIG, check_folder
from grover.network.batching import SPECIALS
from grover.network.bert import load_language_model
from grover.network.classifier import Classifier
from grover.network.classifier_folder import load_classifier
from grover.network.folder import FINE_TUNED, PRETRAINED, REMEDY, WEIGHTS, is_classifier
from grover.network.shipped import model_folder
from grover.pretraining.cards import own_settings
from grover.pretraining.trained_on import TRAINED_ON, read_trained_on
from grover.runtime.errors import InputError
from grover.runtime.json_files import read_json
from grover.runtime.provenance import SUFFIX
from grover.tokenization.vocabulary import Vocabulary

MASKS = ("mask_ratio", "mask_span")


@dataclass(frozen=True)
class Model:
    """A model in a folder. `name` is what the user called it, `config` its `config.json`.

    `outside`: it is no folder of this project, and opens through its own tokenizer (`external`). `fine_tuned`: it is a classifier of this
    project.
    """

    name: str
    folder: Path
    config: dict[str, Any]
    outside: bool
    remote_code: bool = False

    @property
    def fine_tuned(self) -> bool:
        return is_classifier(self.config)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary of a model of this project."""
        self._check_own()
        return Vocabulary.load(self.folder)

    @property
    def longest(self) -> int:
        """Tokens that a model of this project reads at most, without [CLS] and [SEP]."""
        return int(self.config["max_position_embeddings"]) - SPECIALS

    def check_context(self, context: int, window: int) -> None:
        """Raise InputError where `context` tokens on either side leave none of a window of so many tokens."""
        if window - 2 * context < 1:
            raise InputError(
                f"--context {context}: {self.name} reads {window} tokens at a time, and two contexts leave none between them; give at most "
                f"{(window - 1) // 2}"
            )

    def language_model(self) -> BertForMaskedLM:
        """Load the masked language model. Raises InputError for any other model."""
        self._check_own()
        if self.fine_tuned:
            raise InputError(
                f"{self.name}: this model is fine-tuned, and predicts labels, not masked tokens; {PRETRAINED}"
            )
        return load_language_model(self.folder)

    def encoder(self) -> BertModel:
        """Load the encoder of a pretrained or a fine-tuned model of this project."""
        self._check_own()
        return self.classifier().bert if self.fine_tuned else self.language_model().bert

    def classifier(self) -> Classifier:
        """Load the classifier. Raises InputError for a model that is not fine-tuned."""
        self._check_own()
        if not self.fine_tuned:
            raise InputError(
                f"{self.name}: this model is pretrained, and predicts masked tokens, not labels; {FINE_TUNED}"
            )
        return load_classifier(self.folder)

    def external(self) -> ExternalModel:
        """Open a model from elsewhere through its own tokenizer."""
        logging.set_verbosity_error()  # it reports weights that nothing here reads
        logging.disable_progress_bar()
        return load(self.folder, adapter_of(self.folder), self.remote_code)

    @cached_property
    def labels(self) -> list[str]:
        """Names of the classes of a fine-tuned model, by their number where it has none."""
        names = self.config.get("id2label") or {}
        return [names[number] for number in sorted(names, key=int)]

    def trained_on(self) -> pd.DataFrame | None:
        """Return the intervals that the model was pretrained on (chrom, start, end), where its folder lists them."""
        path = next((place / TRAINED_ON for place in places_of(self.folder) if (place / TRAINED_ON).is_file()), None)
        return read_trained_on(path) if path else None

    def settings(self) -> dict[str, Any]:
        """Return the settings of the training as its provenance has them, or else those of the masks, which its scores name."""
        made = beside(self.folder, f"{WEIGHTS}{SUFFIX}", own_settings)
        return made or beside(self.folder, METRICS, lambda scores: {key: scores.get(key) for key in MASKS}) or {}

    def identity(self) -> dict[str, Any]:
        """What tells this model from others, without reading its weights: sizes and dates of its files."""
        files = sorted(
            path
            for path in self.folder.iterdir()
            if path.is_file() and path.suffix in (".json", ".safetensors", ".bin")
        )
        return {
            path.name: [path.stat().st_size, path.stat().st_mtime_ns] for path in files if "provenance" not in path.name
        }

    def _check_own(self) -> None:
        if self.outside:
            raise InputError(
                f"{self.name}: this model is from elsewhere, and only `grover embed` reads such a model; {PRETRAINED}"
            )


def open_model(name: str, remote_code: bool = False) -> Model:
    """Find the model that `name` names and read its configuration; weights are loaded by the methods of `Model`.

    Raises InputError where there is no such model, or where its configuration, weights or tokenizer are missing.
    """
    folder = model_folder(name)
    if not (folder / CONFIG).is_file():
        raise InputError(f"{name}: no {CONFIG} there; {PRETRAINED}")
    config = read_json(folder / CONFIG, REMEDY)
    check_folder(folder)
    return Model(name, folder, config, not is_own(folder, config), remote_code)
