"""The folder of a fine-tuned classifier, which transformers opens with our predictions or refuses.

`cls` pooling is BERT's own classifier, in which a tanh stands between state and classifier: it is kept in its linear part. `mean` pooling
has a `model_type` and code of its own (`grover.network.modeling_grover`), which transformers runs by consent.
"""

import inspect
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from transformers import BertConfig, BertForSequenceClassification, PreTrainedModel

from grover.network.bert import load_into, write_folder
from grover.network.classifier import DROPOUT, Classifier
from grover.network.folder import CONFIG, FINE_TUNED, TOKENIZER, WEIGHTS, is_classifier, read_config
from grover.network.modeling_grover import GroverClassifierConfig, GroverForSequenceClassification
from grover.runtime.errors import InputError
from grover.runtime.files import atomic

CODE = "modeling_grover"  # the module beside the weights
# The pooler multiplies by this factor and the classifier divides by it. A power of two changes no digit of a weight. The value
# of tanh(x) differs from x by a share of x^2 / 3, here below 1e-7 for states up to 15. Half precision still resolves the pooled states.
LINEAR = 2.0**-14
POOLER, HEAD = "bert.pooler.dense.", "classifier.weight"
# the configuration and the class that transformers opens, by pooling
KINDS: dict[str, tuple[type[BertConfig], type[PreTrainedModel]]] = {
    "cls": (BertConfig, BertForSequenceClassification),
    "mean": (GroverClassifierConfig, GroverForSequenceClassification),
}


def files_of(pooling: str) -> tuple[str, ...]:
    """Names of the files that `save_classifier` writes."""
    return (WEIGHTS, CONFIG, *TOKENIZER, *([f"{CODE}.py"] if pooling == "mean" else []))


def save_classifier(classifier: Classifier, folder: Path, vocabulary: Path, task: str, labels: Sequence[str]) -> None:
    """Write the Hugging Face folder of a classifier with the tokenizer of the folder `vocabulary`.

    `labels` are the names of the classes 0, 1, ... of the benchmark `task`.
    """
    if len(labels) != classifier.classifier.out_features:
        raise ValueError(f"{len(labels)} labels for {classifier.classifier.out_features} classes")
    if classifier.pooling not in KINDS:
        raise ValueError(f"a classifier with pooling {classifier.pooling} has no form that transformers opens")
    weights, (kind, made) = classifier.state_dict(), KINDS[classifier.pooling]
    if classifier.pooling == "cls":
        width = classifier.config.hidden_size
        weights |= {f"{POOLER}weight": LINEAR * torch.eye(width), f"{POOLER}bias": torch.zeros(width)}
        weights[HEAD] = weights[HEAD] / LINEAR
    given = classifier.config.to_dict()
    config: Any = kind(**{name: given[name] for name in given.keys() - {"model_type", "architectures"}})
    config.architectures = [made.__name__]
    config.id2label, config.label2id = dict(enumerate(labels)), {name: label for label, name in enumerate(labels)}
    config.problem_type, config.finetuning_task = "single_label_classification", task
    config.classifier_dropout = DROPOUT
    if kind is GroverClassifierConfig:
        config.auto_map = {
            "AutoConfig": f"{CODE}.{kind.__name__}",
            "AutoModelForSequenceClassification": f"{CODE}.{made.__name__}",
        }
        config.tokenizer_class = "PreTrainedTokenizerFast"  # else `pipeline` of transformers 4 loads no tokenizer
        with atomic(Path(folder) / f"{CODE}.py") as temporary:
            shutil.copyfile(inspect.getfile(kind), temporary)
    write_folder(folder, weights, config, vocabulary)


def load_classifier(folder: Path) -> Classifier:
    """The classifier stored in `folder`, in evaluation mode. Raises InputError for any other model."""
    stored = read_config(folder, FINE_TUNED)
    if not is_classifier(stored):
        raise InputError(f"{folder}: this model is not fine-tuned; {FINE_TUNED}")
    expected = {pooling: (kind.model_type, [made.__name__]) for pooling, (kind, made) in KINDS.items()}
    if (stored.get("model_type"), stored.get("architectures")) != expected.get(stored["pooling"]):
        raise InputError(
            f"{folder}: another version wrote this fine-tuned model; delete this folder and run the workflow, which trains it anew"
        )
    config: Any = KINDS[stored["pooling"]][0].from_pretrained(folder)
    model = Classifier(config, config.num_labels, config.pooling)
    load_into(model, folder)
    if config.pooling == "cls":
        _undo_pooler(model, folder)
    return model.eval()


def _undo_pooler(model: Classifier, folder: Path) -> None:
    """Scale the classifier back. Raises InputError where the pooler is not the one that `save_classifier` writes."""
    stored = load_file(Path(folder) / WEIGHTS)
    weight, bias = (stored.get(f"{POOLER}{name}") for name in ("weight", "bias"))
    scale = LINEAR * torch.eye(model.config.hidden_size)
    if weight is None or bias is None or not torch.equal(weight, scale) or bias.any():
        raise InputError(f"{folder}: the pooler is not that of a model fine-tuned by this workflow; {FINE_TUNED}")
    with torch.no_grad():
        model.classifier.weight.mul_(LINEAR)
