"""The card of a pretrained model: README.md of its Hugging Face folder, written from what the run left in files.

No number stands in it that was not read: sizes, settings, checksums and seconds come from the provenance beside the
artefacts, scores from `metrics.json`. What is not recorded is said to be so.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from grover.config.names import MASKED_LABELS, VOCABULARY_LABELS
from grover.pretraining.cards import (
    document,
    file_name,
    interval,
    machine,
    origin,
    own_settings,
    plain,
    reading,
    table,
    text_of,
)
from grover.tokenization.vocabulary import Vocabulary

SPLITS = {
    "region": "Whole blocks of the genome kept apart (`region`)",
    "random": "Windows dealt out at random (`random`, the paper's split)",
}
SOURCE = "initial_model"  # argument of the command that trained, where it started from another model
ARCHITECTURE = {
    "num_hidden_layers": "layers",
    "hidden_size": "hidden size",
    "num_attention_heads": "attention heads",
    "intermediate_size": "feed-forward size",
    "max_position_embeddings": "positions",
    "hidden_dropout_prob": "dropout",
    "vocab_size": "rows of the embedding",
}


@dataclass(frozen=True)
class Facts:
    """What is known of a model.

    `name`; `vocabulary`; `architecture`, its config.json; `metrics`, metrics.json; `training`, the loss curve;
    `windows`, the corpus; `contigs`, contigs.tsv; `references`, those of CITATION.cff; `records`, provenance by artefact
    (model, windows, folds, merges, genome, assembly), None where there is none.
    """

    name: str
    vocabulary: Vocabulary
    architecture: dict
    metrics: dict
    training: pd.DataFrame
    windows: pd.DataFrame
    contigs: pd.DataFrame
    references: list[dict]
    records: dict[str, dict | None]


def render(facts: Facts) -> str:
    """The card as Markdown with the YAML head that Hugging Face reads."""
    sections = {
        f"DNA language model {facts.name}": _introduction(facts),
        "How to load it": _loading(facts),
        "Results on held-out sequence": _results(facts),
        "What it must not be used for": _limits(facts),
        "Assembly": _assembly(facts),
        "Vocabulary": _vocabulary(facts),
        "Architecture": _architecture(facts),
        "Data and split": _data(facts),
        "Training": _training(facts),
        "Machine and software": [machine(facts.records.get("model"))],
        "Citation": _citation(facts),
    }
    return document(_head(facts), sections)


def _head(facts: Facts) -> dict:
    return {
        "library_name": "transformers",
        "pipeline_tag": "fill-mask",
        "tags": ["dna", "genomics", "masked-language-model", facts.architecture.get("model_type", "bert")],
        "model-index": [
            {
                "name": facts.name,
                "results": [
                    {
                        "task": {"type": "fill-mask"},
                        "dataset": {
                            "name": f"{_assembly_file(facts)}, split {split}",
                            "type": "assembly",
                            "split": split,
                        },
                        "metrics": [
                            {"type": "perplexity", "value": round(scores["model"]["perplexity"], 3)},
                            {"type": "accuracy", "name": "top-1", "value": round(scores["model"]["top1"], 5)},
                        ],
                    }
                    for split, scores in facts.metrics["splits"].items()
                ],
            }
        ],
    }


def _introduction(facts: Facts) -> list[str]:
    return [
        f"A {facts.architecture.get('model_type', 'bert').upper()} encoder of {facts.metrics['parameters']:,} parameters that was trained "
        f"to predict masked tokens of `{_assembly_file(facts)}` in {int(facts.training['step'].max()):,} steps"
        + (f", starting from the weights of the pretrained model {_source(facts)}" if _source(facts) else "")
        + ". This card was written by the workflow that trained it, from the files of that run.",
    ]


def _loading(facts: Facts) -> list[str]:
    code = (
        "from transformers import AutoModelForMaskedLM, AutoTokenizer\n\n"
        'folder = "."  # where this card lies\n'
        "tokenizer = AutoTokenizer.from_pretrained(folder)\n"
        "model = AutoModelForMaskedLM.from_pretrained(folder)\n"
        'sequence = "ACGTTAGCCATTGACCAGT"\n'
        f'inputs = tokenizer({text_of(facts.vocabulary)}, truncation=True, return_tensors="pt", return_token_type_ids=False)\n'
        "logits = model(**inputs).logits"
    )
    positions = facts.architecture["max_position_embeddings"]
    return [
        f"```python\n{code}\n```",
        reading(positions),
    ]


def _results(facts: Facts) -> list[str]:
    metrics = facts.metrics
    parts = [
        f"{metrics['mask_ratio']:.1%} of the tokens were masked"
        + (f" in runs of {metrics['mask_span']}" if metrics["mask_span"] > 1 else "")
        + ", all of them behind [MASK]. Beside the model stand baselines: counts of "
        f"{metrics['baseline_tokens']:,} of the {metrics['training_tokens']:,} tokens that the training windows cover, and the "
        "randomly initialised model. Nats, shares ranked first and perplexities do not compare between vocabularies.",
    ]
    header = ["predictor", "nats per token", "top-1", f"top-{metrics['top']}", "perplexity", "share of the vocabulary"]
    header.append("masked bits per base")
    for split, scores in metrics["splits"].items():
        rows = [
            [
                MASKED_LABELS.get(name, "**this model**"),
                f"{values['loss']:.3f}",
                f"{values['top1']:.1%}",
                f"{values['topk']:.1%}",
                f"{values['perplexity']:,.1f}",
                f"{values['perplexity_share']:.1%}",
                "–" if values["bits_per_base"] is None else f"{values['bits_per_base']:.3f}",
            ]
            for name, values in {"model": scores["model"], **scores["baselines"]}.items()
        ]
        parts += [
            f"**{SPLITS[split]}**: {scores['masked_tokens']:,} masked tokens of {scores['windows']:,} windows. "
            + _seen(scores["seen_share"]),
            table(header, rows),
            "Loss of the model minus that of the baseline (below zero is better): "
            + "; ".join(
                f"{MASKED_LABELS[name]} {gain['difference']:+.3f}{interval(gain, '+.3f')}"
                for name, gain in scores["gains"].items()
            )
            + ".",
        ]
    parts.append(_common_spans(metrics["common_spans"]))
    return parts


def _seen(share: float) -> str:
    if share == 0:
        return "None of them lies inside a training window."
    return (
        f"**{share:.1%} of them lie inside training windows**, so these scores measure its memory of the training set. "
        "They do not measure how well it predicts new sequence."
    )


def _common_spans(spans: dict | None) -> str:
    if spans is None:
        return "Masked bits per base on common spans: none, since each base lies in several overlapping k-mers."
    baselines = "; ".join(
        f"{MASKED_LABELS[name]} {values['bits_per_base']:.3f}" for name, values in spans["baselines"].items()
    )
    return (
        f"Masked bits per base on common spans of {spans['span']} bases, which compare between vocabularies: "
        f"**{spans['bits_per_base']:.3f}**{interval(spans, '.3f')} over {spans['bases']:,} masked bases ({baselines}). "
        f"{_seen(spans['seen_share'])} The score is conditional on the visible tokens, whose borders tell something about the "
        "masked ones; long tokens mask more bases around a span, and the tokens of a span are predicted each alone, which costs short "
        "ones more."
    )


def _limits(facts: Facts) -> list[str]:
    scores = facts.metrics["splits"][facts.metrics["split"]]
    best = min(scores["baselines"], key=lambda name: scores["baselines"][name]["loss"])
    gain = scores["gains"][best]
    items = [
        "No medical use: it was not tested on any question of diagnosis or treatment. Its probabilities do not measure "
        "whether a variant does harm.",
        "No claim about sequence of other species, assemblies or alleles than the one named below without a test on it.",
        "No comparison by perplexity, nats or ranks with a model of another vocabulary.",
        "A picture of its embeddings is no evidence: compare with baselines (GC content, k-mer counts, the randomly initialised model) on "
        "regions that were held out.",
        "Forward strand only: a sequence and its reverse complement are cut into other tokens and get other scores.",
    ]
    if _source(facts):
        items.insert(
            1,
            "No claim about held-out sequence without a look at what the first training read. `trained_on.bed` lists the sequence of the "
            "second training only, and sequence of related species is similar.",
        )
    if gain["high"] is None or gain["high"] >= 0:
        items.insert(
            0,
            f"It has **not** been shown to predict better than its best baseline, {MASKED_LABELS[best]} "
            f"({gain['difference']:+.3f} nats per token{interval(gain, '+.3f')}). Do not use it as a trained model of sequence.",
        )
    return ["\n".join(f"- {item}" for item in items)]


def _assembly(facts: Facts) -> list[str]:
    genome, assembly = facts.records.get("genome"), facts.records.get("assembly")
    kept = facts.contigs[facts.contigs["status"] == "kept"]
    parts = [f"{int(kept['kept'].sum()):,} bases (A, C, G, T only) of {len(kept):,} contigs, forward strand."]
    if genome is None:
        return [*parts, "Its files are not recorded."]
    parts.append(
        table(
            ["file", "SHA-256"], [[f"`{file_name(path)}`", f"`{digest}`"] for path, digest in genome["inputs"].items()]
        )
    )
    if assembly is not None:
        arguments = assembly["arguments"]
        told = [f"{name} `{origin(arguments[name])}`" for name in ("url", "md5", "sha256") if arguments.get(name)]
        if assembly["command"][0].startswith("simulate"):
            settings = ", ".join(
                f"{name} {arguments[name]}" for name in ("bases", "contigs", "seed") if name in arguments
            )
            parts.append(f"**Simulated, no real genome** ({settings}).")
        elif told:
            parts.append(f"Source: {', '.join(told)}.")
    return parts


def _vocabulary(facts: Facts) -> list[str]:
    vocabulary = facts.vocabulary
    parts = [
        f"`{facts.name}`: {vocabulary.size:,} tokens with 5 special ones and 4 single bases; "
        f"{VOCABULARY_LABELS[vocabulary.kind].format(k=vocabulary.k)}."
        + (f" {len(vocabulary.merges):,} merges." if vocabulary.kind == "bpe" else "")
    ]
    if _source(facts):
        parts.append(f"The tokens are those of the model {_source(facts)}; none was learnt from this assembly.")
    merges = facts.records.get("merges")
    if vocabulary.kind == "bpe" and merges is not None:
        parts.append(f"How the byte pairs were learnt: {_settings(merges)}.")
    return parts


def _architecture(facts: Facts) -> list[str]:
    rows = [[label, plain(facts.architecture[key])] for key, label in ARCHITECTURE.items() if key in facts.architecture]
    return [table(["", "value"], [*rows, ["parameters", f"{facts.metrics['parameters']:,}"]])]


def _data(facts: Facts) -> list[str]:
    windows = facts.windows
    counts = [
        [split, *(f"{int((windows[split] == fold).sum()):,}" for fold in ("train", "valid", "test", "gap"))]
        for split in ("region", "random")
    ]
    parts = [
        f"{len(windows):,} windows of {int(windows['length'].min())} to {int(windows['length'].max())} tokens. "
        f"The model was trained on those of fold train under split **{facts.metrics['split']}**.",
        table(["split", "train", "valid", "test", "gap"], counts),
    ]
    for name, label in (("windows", "Windows"), ("folds", "Folds")):
        if (record := facts.records.get(name)) is not None:
            parts.append(f"{label}: {_settings(record)}.")
    return parts


def _training(facts: Facts) -> list[str]:
    last = facts.training.iloc[-1]
    parts = [
        f"{int(last['step']):,} steps, {int(last['tokens']):,} tokens, {float(last['seconds']):,.1f} s of training; loss on the "
        f"training windows at the end {float(last['loss']):.3f} nats per masked token.",
    ]
    record = facts.records.get("model")
    if record is None:
        return [*parts, "The settings are not recorded."]
    if _source(facts):
        weights = record["arguments"][SOURCE]
        digest = record["inputs"].get(weights, "not recorded")
        parts.append(
            f"The weights at the start were those of {_source(facts)} (`{file_name(weights)}`, SHA-256 `{digest}`). Steps, tokens and "
            "seconds are those of the training that followed."
        )
    settings = own_settings(record)
    settings.pop("steps" if settings.get("bases") else "bases", None)  # the one that did not decide how long it trained
    rows = [[name.replace("_", " "), plain(value)] for name, value in settings.items()]
    return [*parts, table(["setting", "value"], rows)]


def _citation(facts: Facts) -> list[str]:
    entries = []
    for item in facts.references:
        authors = ", ".join(f"{author['family-names']} {author['given-names']}" for author in item.get("authors", []))
        text = (
            f"{authors}: {item['title']}. {item.get('journal', '')} {item.get('volume', '')} ({item.get('year', '')})"
        )
        entries.append(f"- {' '.join(text.split())}, doi {item['doi']}")
    return ["The methods are those of:", "\n".join(entries)]


def _source(facts: Facts) -> str:
    """Run and name of the model that training started from, or the name of its folder; empty for a training from random weights."""
    weights = ((facts.records.get("model") or {}).get("arguments") or {}).get(SOURCE)
    if not weights:
        return ""
    run, kind, name = ["", "", *Path(weights).parts[:-1]][-3:]
    return f"{run}/{name}" if kind == "models" else name


def _assembly_file(facts: Facts) -> str:
    genome = facts.records.get("genome")
    path = (genome or {}).get("arguments", {}).get("fasta", "an assembly that is not recorded")
    return file_name(path)


def _settings(record: dict) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {plain(value)}" for name, value in own_settings(record).items())
