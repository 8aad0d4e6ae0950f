"""`grover info`: a description of a pretrained or a fine-tuned model from the files of its folder, without loading weights."""

import json
import math
from collections.abc import Callable
from pathlib import Path

from safetensors import SafetensorError, safe_open

from grover.config.names import MASKED_LABELS, VOCABULARY_LABELS
from grover.network.folder import CONFIG, REMEDY, WEIGHTS, is_classifier, read_config
from grover.pretraining.cards import own_settings
from grover.runtime.errors import InputError
from grover.runtime.json_files import read_json
from grover.runtime.provenance import SUFFIX
from grover.tokenization.vocabulary import Vocabulary

METRICS = "metrics.json"
EXPECTED = "expected the folder of a model, such as results/RUN/models/NAME or results/RUN/finetuning/TASK/NAME"
PRETRAINED, FINE_TUNED = "pretrained masked language model", "fine-tuned classifier"
SIZES = {  # as the settings of the model are called, and as config.json calls them
    "layers": "num_hidden_layers",
    "hidden": "hidden_size",
    "heads": "num_attention_heads",
    "intermediate": "intermediate_size",
    "positions": "max_position_embeddings",
}
SCORES = {"mcc": "MCC", "auroc": "AUROC", "accuracy": "accuracy"}
MADE = ("started", "seconds", "hardware", "versions", "code", "git")
WIDTH = 14  # of the first column


def describe(folder: Path) -> dict:
    """Return what the files of a model folder say, as plain values.

    `links_to` is the folder of the model that this one links to, or None; `classifier` is None for a pretrained model. `training`,
    `made` and `held_out` are None where the file that says it is absent. Raises InputError where the folder, its weights, its configuration
    or its tokenizer are missing or unreadable.
    """
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
        "vocabulary": {"size": vocabulary.size, "kind": vocabulary.kind, "k": vocabulary.k},
        "training": _beside(folder, f"{WEIGHTS}{SUFFIX}", own_settings),
        "made": _beside(folder, f"{WEIGHTS}{SUFFIX}", lambda record: {key: record[key] for key in MADE}),
        "held_out": _beside(folder, METRICS, _of_seeds if fine_tuned else _held_out),
    }


def count_weights(path: Path) -> int:
    """Count the numbers in a safetensors file by its header. Raises InputError where it has none."""
    try:
        with safe_open(path, framework="numpy") as stored:
            return sum(math.prod(stored.get_slice(name).get_shape()) for name in stored.keys())  # noqa: SIM118
    except SafetensorError as error:
        raise InputError(f"{path}: no safetensors file ({error}); copy the model again") from None


def print_description(found: dict, as_json: bool) -> None:
    """Print what `describe` returns, as JSON or as short aligned lines."""
    if as_json:
        print(json.dumps(found, indent=2))
        return
    for name, text in _lines(found):
        print(f"{name:<{WIDTH}}{text}")


def _beside(folder: Path, name: str, choose: Callable[[dict], dict | None]) -> dict | None:
    """Return what `choose` takes from a JSON file of the model, or None where there is no such file.

    Where the weights are a link to those of another model, the file may lie beside those.
    """
    places = folder / name, (folder / WEIGHTS).resolve().parent / name
    for path in filter(Path.is_file, places):
        try:
            return choose(read_json(path, REMEDY))
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"{path}: {error} is missing or of another kind; expected the file that this version of the workflow writes"
            ) from None
    return None


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


def _lines(found: dict) -> list[tuple[str, str]]:
    size, vocabulary = found["architecture"], found["vocabulary"]
    return [
        ("model", found["model"] + (f", links to {found['links_to']}" if found["links_to"] else "")),
        ("kind", found["kind"]),
        *_classifier_lines(found["classifier"]),
        (
            "architecture",
            f"{size['class']}: layers {size['layers']}, width {size['hidden']}, heads {size['heads']}, "
            f"feed-forward width {size['intermediate']}, positions {size['positions']:,}",
        ),
        ("weights", f"{found['weights']:,}"),
        (
            "vocabulary",
            f"{vocabulary['size']:,} tokens: {VOCABULARY_LABELS[vocabulary['kind']].format(k=vocabulary['k'])}",
        ),
        *_training_lines(found["training"], found["made"]),
        *(_seed_lines if found["classifier"] else _score_lines)(found["held_out"]),
    ]


def _classifier_lines(classifier: dict | None) -> list[tuple[str, str]]:
    if classifier is None:
        return []
    return [
        ("task", classifier["task"] or "not recorded: another version stored this model"),
        ("labels", ", ".join(classifier["labels"] or ["not recorded"])),
        ("pooling", classifier["pooling"]),
    ]


def _seed_lines(held_out: dict | None) -> list[tuple[str, str]]:
    if held_out is None:
        return [("held out", f"no scores: no {METRICS} of a fine-tuning")]
    lines = [
        (
            f"seed {seed['seed']}",
            "fold test: " + ", ".join(f"{label} {_score(seed[name])}" for name, label in SCORES.items()),
        )
        for seed in held_out["seeds"]
    ]
    if alone := held_out["alone"]:
        lines.append(
            (
                "surroundings",
                f"tokenised without them, probabilities of {alone['examples']:,} test examples differ by at most {alone['largest']:.3f}",
            )
        )
    return lines


def _training_lines(training: dict | None, made: dict | None) -> list[tuple[str, str]]:
    if made is None or training is None:
        return [("training", f"not recorded: no {WEIGHTS}{SUFFIX}")]
    hardware = made["hardware"]
    settings = {name: value for name, value in training.items() if name not in SIZES}
    return [
        ("training", ", ".join(f"{name} {value}" for name, value in settings.items())),
        ("made", f"{made['started']}, {made['seconds']:,} s on {', '.join(hardware['gpus']) or hardware['cpu']}"),
        ("software", ", ".join(f"{name} {version}" for name, version in made["versions"].items())),
        ("code", f"{made['code']}, commit {made['git'] or 'not recorded'}"),
    ]


def _score_lines(held_out: dict | None) -> list[tuple[str, str]]:
    if held_out is None:
        return [("held out", f"no scores: no {METRICS} of a pretraining")]
    lines = []
    for split, scores in held_out["splits"].items():
        baseline, difference = scores["baseline"], scores["difference"]
        bits = "" if scores["bits_per_base"] is None else f", {scores['bits_per_base']:.3f} bits per base"
        lines += [
            (
                f"split {split}",
                f"loss {scores['loss']:.3f} nats per token, top-1 {scores['top1']:.1%}, perplexity {scores['perplexity']:,.1f}{bits}",
            ),
            (
                "",
                f"{scores['masked_tokens']:,} masked tokens, {scores['seen_share']:.1%} of them inside training windows",
            ),
            (
                "",
                f"best baseline ({baseline['name']}): {baseline['loss']:.3f} nats per token; model minus baseline "
                f"{difference['difference']:+.3f}{_interval(difference, '+.3f')}",
            ),
        ]
    if spans := held_out["common_spans"]:
        lines.append(
            (
                "common spans",
                f"{spans['bits_per_base']:.3f} bits per base{_interval(spans, '.3f')}, spans of {spans['span']} bases",
            )
        )
    return lines


def _score(value: float | None) -> str:
    return "undefined" if value is None or math.isnan(value) else f"{value:.3f}"


def _interval(values: dict, style: str) -> str:
    return "" if values["low"] is None else f" (95 % CI {values['low']:{style}} to {values['high']:{style}})"
