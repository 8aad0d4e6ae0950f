"""Score a pretrained model on held-out windows of both splits and on common spans, beside its baselines."""

import sys
from typing import Annotated

import numpy as np
import pandas as pd

from grover.config.options import Device, Precision, Seed
from grover.config.sections import pretraining as config
from grover.config.sections.genome import Corpus
from grover.genome.assembly import Genome
from grover.genome.folds import read_folds
from grover.network.bert import load_language_model, new_language_model
from grover.network.device import choose_device
from grover.pretraining import common_spans, evaluation
from grover.pretraining.count_baselines import NeighbourBaseline, TokenCounts
from grover.pretraining.masking import Masking
from grover.pretraining.scores import MODEL, SPLITS, by_token, score_split
from grover.pretraining.token_auc import TokenCurves
from grover.runtime.cli import Input, Output, main
from grover.runtime.errors import InputError
from grover.runtime.files import folder, write_json, write_table
from grover.runtime.options import Threads
from grover.runtime.settings import Setting
from grover.tokenization.genome_tokens import TokenisedGenome
from grover.tokenization.vocabulary import FIRST_BASE, Vocabulary

# of the common spans: test for the report, valid for choosing a vocabulary
SPAN_FOLDS = ("test", "valid")


def evaluate_pretraining(
    model: Input,
    tokens: Input,
    index: Input,
    windows: Input,
    sequence: Input,
    segments: Input,
    folds: Input,
    metrics: Output,
    token_accuracy: Output,
    masked_tokens: Output,
    split: Annotated[str, Setting(Corpus, "split")],
    scored: config.HeldOutScores,
    mask_span: Annotated[int, Setting(config.MaskingSpan, "mask_span")],
    spanned: config.CommonSpans,
    baseline_tokens: Annotated[int, Setting(config.Evaluation, "baseline_tokens")],
    seed: Seed,
    device: Device,
    precision: Precision,
    threads: Threads = 0,
) -> None:
    """Write METRICS (JSON), TOKEN_ACCURACY and MASKED_TOKENS.

    METRICS has scores of the model and of the baselines on the same masked tokens for both splits; the gain of the model over each
    baseline; masked bits per base on common spans. TOKEN_ACCURACY (Parquet) has a row for each split
    and token, MASKED_TOKENS (Parquet) one for each masked token.

    The baselines count tokens of the windows that the model was trained on, `baseline_tokens` of their `training_tokens`. The weights of
    the counts between neighbours are chosen on masked tokens of fold valid. `seen_share` says how many of the masked tokens lie inside
    the training windows.
    """
    if not scored.mask_ratio or not spanned.span_bases:
        raise InputError(
            "--mask-ratio and --span-bases must be above 0; only in a configuration 0 stands for other keys"
        )
    place = choose_device(device, threads)
    network = load_language_model(folder(model))
    untrained = new_language_model(network.config, seed + 1)
    vocabulary = Vocabulary.load(folder(model))
    lengths = None if vocabulary.kind == "overlap" else vocabulary.strides
    tokenised = TokenisedGenome(tokens, index, vocabulary)
    table = pd.read_parquet(windows)
    training = table[table[split] == "train"]

    masking = Masking(scored.mask_ratio, mask=1.0, span=mask_span or vocabulary.mask_span)
    held_out = {name: evaluation.choose_windows(table, name, scored.maximum_windows, seed) for name in SPLITS}
    masked = {
        name: evaluation.mask_tokens(tokenised.tokens, rows, vocabulary.size, masking, seed)
        for name, rows in held_out.items()
    }
    begins = {name: tokenised.bases_at(item.position) for name, item in masked.items()}
    spans = {}
    if lengths is not None:
        genome, regions = Genome(sequence, segments), read_folds(folds)
        for fold in SPAN_FOLDS:
            try:
                spans[fold] = common_spans.draw_spans(genome, regions, fold, spanned, scored.maximum_windows, seed)
            except InputError as error:
                if fold != "valid":
                    raise
                # only a rule of choice reads it, and says so if it needs it
                print(f"no score on common spans of fold valid: {error}", file=sys.stderr)
                continue
            cut, offsets, touched = common_spans.touched_tokens(genome.codes, spans[fold], vocabulary, max(1, threads))
            common_spans.check_windows(
                offsets, network.config.max_position_embeddings, spanned.span_bases, vocabulary.name
            )
            masked[fold] = evaluation.mask_marked(cut, offsets, touched)
            begins[fold] = common_spans.places(cut, offsets, spans[fold], lengths)[masked[fold].position]

    tuning = evaluation.tuning_windows(table, split, held_out[split], scored.maximum_windows, seed)
    tuned = evaluation.NOTHING
    if len(tuning):
        tuned = evaluation.mask_tokens(tokenised.tokens, tuning, vocabulary.size, masking, seed)
    else:
        print(
            "the neighbour counts are interpolated with equal weights: fold valid has no window to choose them on",
            file=sys.stderr,
        )
    everything = [*masked.values(), tuned]
    left, right = (np.concatenate([getattr(item, side) for item in everything]) for side in ("left", "right"))
    counts = TokenCounts(tokenised.tokens, training, vocabulary.size, left, right, baseline_tokens)
    neighbours = NeighbourBaseline(counts, tuned.targets, tuned.left, tuned.right)
    curves = {name: TokenCurves() for name in SPLITS}
    tables = {}
    for name, item in masked.items():
        predicted = {
            MODEL: evaluation.predict(network, item, place, precision, curves.get(name)),
            "frequency": evaluation.frequency_baseline(counts, item),
            "neighbours": evaluation.neighbour_baseline(neighbours, item),
            "untrained": evaluation.predict(untrained, item, place, precision),
        }
        inside = evaluation.seen(tokenised.tokens_at(begins[name]), training)
        tables[name] = evaluation.tabulate(item, predicted, begins[name], lengths, inside)

    accuracies = [
        by_token(tables[name], curves[name].areas().numpy(), vocabulary.tokens).assign(split=name) for name in SPLITS
    ]
    scores = {
        name: {
            "windows": len(held_out[name]),
            **score_split(tables[name], vocabulary.size - FIRST_BASE, scored.top, seed),
        }
        for name in SPLITS
    }
    common = {fold: common_spans.score_spans(tables[fold], drawn, spanned.span, seed) for fold, drawn in spans.items()}
    write_table(token_accuracy, pd.concat(accuracies, ignore_index=True))
    write_table(masked_tokens, pd.concat([tables[name].assign(split=name) for name in SPLITS], ignore_index=True))
    write_json(
        metrics,
        {
            "split": split,
            "vocabulary": vocabulary.name,
            "kind": vocabulary.kind,
            "vocabulary_size": vocabulary.size,
            "parameters": sum(parameter.numel() for parameter in network.parameters()),
            "mask_ratio": scored.mask_ratio,
            "mask_span": masking.span,
            "baseline_tokens": counts.counted,
            "training_tokens": counts.available,
            "top": scored.top,
            "splits": scores,
            "common_spans": {**common["test"], "valid": common.get("valid")} if common else None,
        },
    )


if __name__ == "__main__":
    main(evaluate_pretraining)
