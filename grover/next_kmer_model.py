"""Next-k-mer prediction by fine-tuning a pretrained model."""

from pathlib import Path

import pandas as pd
import torch

from grover.classifier import fit, logits, new_classifier
from grover.folds import FOLDS
from grover.next_kmer import Contexts, score, tokenise_contexts
from grover.vocabulary import Vocabulary


def fine_tune(
    folder: Path,
    vocabulary: Vocabulary,
    contexts: Contexts,
    k: list[int],
    epochs: int,
    batch: int,
    learning_rate: float,
    device: torch.device,
    pooling: str = "last",
    precision: str = "auto",
    seed: int = 0,
) -> pd.DataFrame:
    """Fine-tune the model in `folder` once for each k and score it on fold test, and on fold valid (`accuracy_valid`), by which
    the vocabulary is chosen; a row a k.
    """
    cut = {fold: tokenise_contexts(vocabulary, getattr(contexts, fold)[:, : contexts.context]) for fold in FOLDS}
    rows = []
    for size in k:
        model = new_classifier(folder, 4**size, pooling, True, seed)
        labels = contexts.labels("train", size)
        fit(model, cut["train"], labels, epochs, batch, learning_rate, device, 0.1, precision, seed, f"next {size}-mer")
        right = {
            fold: logits(model, cut[fold], device, precision).argmax(1) == contexts.labels(fold, size)
            for fold in ("valid", "test")
        }
        valid = {"accuracy_valid": float(right["valid"].mean()), "n_valid": len(right["valid"])}
        rows.append(score(vocabulary.name, "model", size, right["test"]) | valid)
    return pd.DataFrame(rows)
