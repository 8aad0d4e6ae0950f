"""The card of a fine-tuned model: README.md of its Hugging Face folder, written from what the run left in files."""

from dataclasses import dataclass

import pandas as pd

from grover.config.names import RANDOM_LABEL, VOCABULARY_LABELS
from grover.pretraining.cards import document, interval, machine, plain, reading, table, text_of
from grover.tokenization.vocabulary import Vocabulary

READS = {"mean": "the mean over the states of all tokens, [CLS] and [SEP] included", "cls": "the state of [CLS]"}
PARTS = {"all": "whole test set", "clean": "clean part"}
METRICS = {"mcc": "MCC", "auroc": "AUROC", "auprc": "AUPRC", "accuracy": "accuracy"}


@dataclass(frozen=True)
class Facts:
    """What is known of a fine-tuned model.

    `name`; `vocabulary`; `config`, its config.json; `metrics`, metrics.json; `dataset`, card.json of the benchmark; `scores`, its rows of
    scores.parquet; `record`, its provenance, or None.
    """

    name: str
    vocabulary: Vocabulary
    config: dict
    metrics: dict
    dataset: dict
    scores: pd.DataFrame
    record: dict | None


def render(facts: Facts) -> str:
    """The card as Markdown with the YAML head that Hugging Face reads."""
    return document(
        _head(facts),
        {
            f"Classifier {facts.name} of {facts.dataset['task']}": _introduction(facts),
            "How to load it": _loading(facts),
            "How the workflow reads sequence": _surroundings(facts),
            "Scores on held-out sequence": _scores(facts),
            "What it must not be used for": _limits(),
            "Data set": _dataset(facts),
            "Training": _training(facts),
            "Machine and software": [machine(facts.record)],
        },
    )


def _head(facts: Facts) -> dict:
    scores = _means(facts).get("all", {})
    results = {
        "task": {"type": "text-classification"},
        "dataset": {"name": facts.dataset["task"], "type": facts.dataset["builder"], "split": "test"},
        "metrics": [
            {"type": name, "value": round(float(scores[name]), 5)}
            for name in METRICS
            if name in scores and pd.notna(scores[name])
        ],
    }
    return {
        "library_name": "transformers",
        "pipeline_tag": "text-classification",
        "tags": ["dna", "genomics", "sequence-classification", facts.config["model_type"]],
        "model-index": [{"name": facts.name, "results": [results]}],
    }


def _introduction(facts: Facts) -> list[str]:
    vocabulary = facts.vocabulary
    start = RANDOM_LABEL if facts.metrics["kind"] == "random" else "a model pretrained on masked tokens"
    labels = [[str(number), label] for number, label in enumerate(facts.dataset["labels"])]
    return [
        f"A BERT encoder and a linear classifier, fine-tuned from {start} on the benchmark `{facts.dataset['task']}`. "
        f"Pooling is `{facts.config['pooling']}`: the classifier reads {READS[facts.config['pooling']]}. "
        f"The vocabulary has {vocabulary.size:,} tokens ({VOCABULARY_LABELS[vocabulary.kind].format(k=vocabulary.k)}). "
        "This card was written by the workflow that trained it, from the files of that run.",
        table(["class", "label"], labels),
    ]


def _loading(facts: Facts) -> list[str]:
    consent = ", trust_remote_code=True" if facts.config["model_type"] != "bert" else ""
    sequences = text_of(facts.vocabulary)
    read = "sequences" if sequences == "sequence" else f"[{sequences} for sequence in sequences]"
    code = (
        "from transformers import AutoModelForSequenceClassification, AutoTokenizer\n\n"
        'folder = "."  # where this card lies\n'
        "tokenizer = AutoTokenizer.from_pretrained(folder)\n"
        f"model = AutoModelForSequenceClassification.from_pretrained(folder{consent})\n"
        'sequences = ["ACGTTAGCCATTGACCAGT", "TTGACCAGTACG"]\n'
        f'inputs = tokenizer({read}, padding=True, truncation=True, return_tensors="pt")\n'
        "probabilities = model(**inputs).logits.softmax(-1)  # [sequences, classes]"
    )
    parts = [f"```python\n{code}\n```"]
    if consent:
        parts.append(
            "`trust_remote_code=True` runs `modeling_grover.py` of this folder. Without it transformers refuses to open the model, since "
            "BERT's own classifier reads no mean."
        )
    if sequences != "sequence":
        parts.append(
            f"The tokenizer reads overlapping {facts.vocabulary.k}-mers with a space between them. It reads bare sequence as one [UNK]."
        )
    return [*parts, reading(facts.config["max_position_embeddings"])]


def _surroundings(facts: Facts) -> list[str]:
    context, alone = facts.dataset["context"], facts.metrics.get("alone")
    parts = [
        f"The workflow tokenises a sequence together with up to {context} bases on either side of it in the genome. It keeps the "
        "tokens that lie inside the sequence. The code above tokenises it alone, which gives other tokens at its ends."
        if context
        else "The workflow tokenises each sequence alone, as the code above does."
    ]
    if facts.dataset.get("negatives") == "token-shuffle":
        parts.append(
            "Negatives are shuffled tokens of a promoter and are read as these tokens; the code above cuts them anew."
        )
    if alone:
        parts.append(
            f"Tokenised alone, the probabilities of {alone['examples']:,} test examples differ by a median of {alone['median']:.3f} and "
            f"by at most {alone['largest']:.3f}."
        )
    return parts


def _scores(facts: Facts) -> list[str]:
    seeds = [each["seed"] for each in facts.metrics["seeds"]]
    means = _means(facts)
    if not means:
        return ["Not recorded."]
    rows = [
        [
            PARTS[part],
            plain(int(row["n_test"])),
            f"{row['mcc']:.3f}{interval(row, '.3f', 'mcc_low', 'mcc_high')}",
            f"{row['auroc']:.3f}{interval(row, '.3f', 'auroc_low', 'auroc_high')}",
            f"{row['auprc']:.3f}",
            f"{row['accuracy']:.1%}",
        ]
        for part, row in means.items()
    ]
    return [
        (
            f"Means over the trainings with the seeds {plain(seeds)}, of which this folder contains the first. "
            if len(seeds) > 1
            else f"Scores of the training with seed {seeds[0]}. "
        )
        + "The clean part leaves out the examples that the audit found fault with.",
        table(["fold test", "examples", *METRICS.values()], rows),
        "Baselines on the same examples are in `scores.parquet` of the benchmark.",
    ]


def _limits() -> list[str]:
    items = [
        "No medical use: it was not tested on any question of diagnosis or treatment.",
        "No sequence of another length, kind or assembly than the data set without a test on it.",
        "One strand: a sequence and its reverse complement are cut into other tokens and get other probabilities.",
    ]
    return ["\n".join(f"- {item}" for item in items)]


def _dataset(facts: Facts) -> list[str]:
    dataset, counts = facts.dataset, facts.dataset["counts"]
    kinds = {
        "built by": dataset["builder"],
        "negatives": dataset.get("negatives"),
        "length in bases": dataset.get("length"),
    }
    described = [[name, plain(value)] for name, value in kinds.items() if value]
    sums = dataset["checksums"]
    files = [
        ["dataset.parquet", sums["dataset"]],
        *([each["file"], each["sha256"]] for each in sums["inputs"].values()),
    ]
    return [
        table(["", "value"], described),
        table(
            ["fold", *dataset["labels"]],
            [[fold, *(f"{by_label[label]:,}" for label in dataset["labels"])] for fold, by_label in counts.items()],
        ),
        table(["made from", "SHA-256"], [[f"`{name}`", f"`{digest}`"] for name, digest in files]),
    ]


def _training(facts: Facts) -> list[str]:
    settings = [[name.replace("_", " "), plain(value)] for name, value in facts.metrics["settings"].items()]
    weights = facts.metrics["weights"]
    origin = [["SHA-256 of the pretrained weights", f"`{weights}`"]] if weights else []
    return [
        f"Training examples: {facts.metrics['n_train']:,}. Epochs until training stopped, by seed: {plain(facts.metrics['epochs'])}.",
        table(["setting", "value"], [*settings, *origin]),
    ]


def _means(facts: Facts) -> dict[str, pd.Series]:
    """The row of the mean over the seeds of each part of the test set."""
    means = facts.scores[facts.scores["seed"].isna()]
    return {part: means[means["part"] == part].iloc[0] for part in PARTS if (means["part"] == part).any()}
