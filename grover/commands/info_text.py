"""What `grover info` prints of a description."""

import json
import math

from grover.commands.info import ELSEWHERE, METRICS, SCORES, SIZES
from grover.config.names import VOCABULARY_LABELS
from grover.intervals.contigs import some_of
from grover.network.folder import WEIGHTS
from grover.runtime.provenance import SUFFIX

WIDTH = 14  # of the first column


def print_description(found: dict, as_json: bool) -> None:
    """Print what `describe` returns, as JSON or as short aligned lines."""
    if as_json:
        print(json.dumps(found, indent=2))
        return
    for name, text in _lines(found):
        print(f"{name:<{WIDTH}}{text}")


def _lines(found: dict) -> list[tuple[str, str]]:
    size, vocabulary = found["architecture"], found["vocabulary"]
    if found["kind"] == ELSEWHERE:
        return _lines_of_elsewhere(found)
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
        ("longest input", f"{found['longest']:,} tokens"),
        *_trained_on_lines(found["trained_on"]),
        *_training_lines(found["training"], found["made"]),
        *(_seed_lines if found["classifier"] else _score_lines)(found["held_out"]),
    ]


def _lines_of_elsewhere(found: dict) -> list[tuple[str, str]]:
    size = found["architecture"]
    sizes = ", ".join(f"{name} {value:,}" for name, value in size.items() if name != "class")
    code = ", ".join(found["code"])
    return [
        ("model", found["model"]),
        ("kind", ELSEWHERE),
        ("architecture", f"{size['class']}: {sizes}" if sizes else size["class"]),
        (
            "vocabulary",
            f"{found['vocabulary']['size'] or 'unknown number of'} tokens, opened by adapter {found['adapter']}",
        ),
        ("code", f"{code}: runs only with --remote-code" if code else "none of its own"),
        ("read by", "grover embed"),
    ]


def _trained_on_lines(trained_on: dict | None) -> list[tuple[str, str]]:
    if trained_on is None:
        return []
    return [("trained on", f"{trained_on['bases']:,} bases of {some_of(trained_on['contigs'])}")]


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
