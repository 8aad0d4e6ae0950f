"""`grover info`: a description of a pretrained or a fine-tuned model from the files of its folder, without loading weights."""

import math
from collections.abc import Callable
from pathlib import Path

from safetensors import SafetensorError, safe_open

from grover.commands.kinds import adapter_of, is_own
from grover.config.names import MASKED_LABELS
from grover.external_models.folder import check_folder, code_of
from grover.network.batching import SPECIALS
from grover.network.folder import CONFIG, REMEDY, WEIGHTS, is_classifier, read_config
from grover.pretraining.cards import own_settings
from grover.pretraining.trained_on import TRAINED_ON, read_trained_on
from grover.runtime.errors import InputError
from grover.runtime.json_files import read_json
from grover.runtime.provenance import SUFFIX
from grover.tokenization.vocabulary import Vocabulary

METRICS = "metrics.json"
EXPECTED = "expected the folder of a model, such as results/RUN/models/NAME or results/RUN/finetuning/TASK/NAME"
PRETRAINED, FINE_TUNED = "pretrained masked language model", "fine-tuned classifier"
ELSEWHERE = "model from elsewhere"
SIZES = {  # as the settings of the model are called, and as config.json calls them
    "layers": "num_hidden_layers",
    "hidden": "hidden_size",
    "heads": "num_attention_heads",
    "intermediate": "intermediate_size",
    "positions": "max_position_embeddings",
}
SCORES = {"mcc": "MCC", "auroc": "AUROC", "accuracy": "accuracy"}
MADE = ("started", "seconds", "hardware", "versions", "code", "git")


def describe(folder: Path) -> dict:
    """Return what the files of a model folder say, as plain values. Of a model from elsewhere only its configuration is read.

    `links_to` is the folder of the model that this one links to, or None; `classifier` is None for a pretrained model. `training`,
    `made` and `held_out` are None where the file that says it is absent. Raises InputError where the folder, its weights, its configuration
    or its tokenizer are missing or unreadable.
    """
    if (folder / CONFIG).is_file() and not is_own(folder, read_json(folder / CONFIG, REMEDY)):
        return _from_elsewhere(folder)
    configuration = read_config(folder, EXPECTED)
    if not (folder / "tokenizer.json").is_file():
        raise InputError(f"{folder}: no tokenizer.json there; {EXPECTED}")
    if missing := [key for key in SIZES.values() if key not in configuration]:
        raise InputError(f"{folder / CONFIG}: no {missing[0]}; expected the configuration of a BERT encoder")
    vocabulary = Vocabulary.load(folder)
    fine_tuned = is_classifier(configuration)
    return {
        "model": str(folder),
        "kind": FINE_TUNED if fine_tuned else PRETRAINED,
        "links_to": str((folder / WEIGHTS).resolve().parent) if (folder / WEIGHTS).is_symlink() else None,
        "architecture": {
            "class": ", ".join(configuration.get("architectures") or ["unknown"]),
            **{name: configuration[key] for name, key in SIZES.items()},
        },
        "classifier": _classifier(configuration) if fine_tuned else None,
        "weights": count_weights(folder / WEIGHTS),
        "longest": configuration[SIZES["positions"]] - SPECIALS,
        "trained_on": _trained_on(folder),
        "vocabulary": {"size": vocabulary.size, "kind": vocabulary.kind, "k": vocabulary.k},
        "training": beside(folder, f"{WEIGHTS}{SUFFIX}", own_settings),
        "made": beside(folder, f"{WEIGHTS}{SUFFIX}", lambda record: {key: record[key] for key in MADE}),
        "held_out": beside(folder, METRICS, _of_seeds if fine_tuned else _held_out),
    }


def count_weights(path: Path) -> int:
    """Count the numbers in a safetensors file by its header. Raises InputError where it has none."""
    try:
        with safe_open(path, framework="numpy") as stored:
            return sum(math.prod(stored.get_slice(name).get_shape()) for name in stored.keys())  # noqa: SIM118
    except SafetensorError as error:
        raise InputError(f"{path}: no safetensors file ({error}); copy the model again") from None


def places_of(folder: Path) -> tuple[Path, Path]:
    """Return the folders that the files beside a model may lie in: its own, and that of the weights that it links to."""
    return folder, (folder / WEIGHTS).resolve().parent


def beside(folder: Path, name: str, choose: Callable[[dict], dict | None]) -> dict | None:
    """Return what `choose` takes from a JSON file of the model, or None where there is no such file.

    Where the weights are a link to those of another model, the file may lie beside those.
    """
    for path in filter(Path.is_file, (place / name for place in places_of(folder))):
        try:
            return choose(read_json(path, REMEDY))
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"{path}: {error} is missing or of another kind; expected the file that this version of the workflow writes"
            ) from None
    return None


def _from_elsewhere(folder: Path) -> dict:
    """Describe a Hugging Face folder of another project."""
    check_folder(folder)
    configuration = read_json(folder / CONFIG, REMEDY)
    sizes = {name: configuration[key] for name, key in SIZES.items() if key in configuration}
    kind = ", ".join(configuration.get("architectures") or [str(configuration.get("model_type", "unknown"))])
    code = code_of(folder)
    return {
        "model": str(folder),
        "kind": ELSEWHERE,
        "architecture": {"class": kind, **sizes},
        "adapter": adapter_of(folder),
        "vocabulary": {"size": configuration.get("vocab_size")},
        "code": code,
    }


def _trained_on(folder: Path) -> dict | None:
    """Return how many bases on which contigs the model was pretrained on."""
    path = next((place / TRAINED_ON for place in places_of(folder) if (place / TRAINED_ON).is_file()), None)
    if path is None:
        return None
    table = read_trained_on(path)
    return {"bases": int((table["end"] - table["start"]).sum()), "contigs": table["chrom"].unique().tolist()}


def _classifier(configuration: dict) -> dict:
    """Return task, labels in the order of the classes, and pooling; task and labels are None where an earlier version stored the model."""
    labels = configuration.get("id2label")
    return {
        "task": configuration.get("finetuning_task"),
        "labels": labels and [labels[number] for number in sorted(labels, key=int)],
        "pooling": configuration["pooling"],
    }


def _of_seeds(metrics: dict) -> dict:
    """Return the scores on fold test of each seed, of which the folder contains the first, and the difference of bare sequences."""
    seeds = [{name: seed[name] for name in ("seed", *SCORES)} for seed in metrics["seeds"]]
    return {"initial": metrics["kind"], "n_train": metrics["n_train"], "seeds": seeds, "alone": metrics.get("alone")}


def _held_out(metrics: dict) -> dict | None:
    """Return the scores of each split with those of its best baseline, and the split that the model was trained on."""
    if "splits" not in metrics:
        return None
    splits = {}
    for split, scores in metrics["splits"].items():
        best = min(scores["baselines"], key=lambda name: scores["baselines"][name]["loss"])
        splits[split] = {
            "masked_tokens": scores["masked_tokens"],
            "seen_share": scores["seen_share"],
            **scores["model"],
            "baseline": {"name": MASKED_LABELS[best], **scores["baselines"][best]},
            "difference": scores["gains"][best],
        }
    spans = metrics["common_spans"]
    kept = ("bits_per_base", "low", "high", "span", "bases")
    return {
        "split": metrics["split"],
        "splits": splits,
        "common_spans": spans and {key: spans[key] for key in kept},
    }
