"""Contextual embeddings: of tokens, averaged over their occurrences, and of regions of the genome.

Sanabria et al. 2024 average a token's last-layer embedding over its occurrences and describe windows of 510 tokens
(about 2.1 kb) by the [CLS] embedding or the mean of the token embeddings.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from transformers import AutoConfig, AutoModel, PreTrainedModel

from grover.batching import pad
from grover.device import autocast
from grover.errors import InputError
from grover.folds import fold_of
from grover.genome import C, G, Genome
from grover.model import check_length, encode
from grover.progress import Progress
from grover.tokens import TokenisedGenome


def load_encoder(folder: Path | str, random: bool = False, seed: int = 0) -> PreTrainedModel:
    """The encoder stored in a Hugging Face folder; `random` gives its twin, the same network with random weights."""
    config = AutoConfig.from_pretrained(folder)
    if random:
        torch.manual_seed(seed)
        return AutoModel.from_config(config, add_pooling_layer=False).eval()
    return AutoModel.from_pretrained(folder, add_pooling_layer=False).eval()


def sample_regions(segment_tokens: np.ndarray, size: int, maximum: int, seed: int) -> np.ndarray:
    """First token, int64 ascending, of at most `maximum` regions of `size` tokens.

    segment_tokens: first token of each segment and the end of the last. Regions are laid end to end through each
    segment; of more than `maximum`, one is drawn from each of `maximum` equal parts of their sequence, so that the
    sample is spread over the genome.
    """
    counts = np.diff(segment_tokens) // size
    total = int(counts.sum())
    if total == 0:
        raise InputError(f"no segment holds {size} tokens; choose shorter regions")
    number_in_segment = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
    firsts = np.repeat(segment_tokens[:-1], counts) + number_in_segment * size
    if total <= maximum:
        return firsts
    edges = np.linspace(0, total, maximum + 1).astype(np.int64)
    return firsts[np.random.default_rng(seed).integers(edges[:-1], edges[1:])]


def describe_regions(
    firsts: np.ndarray, size: int, tokens: TokenisedGenome, genome: Genome, folds: pd.DataFrame
) -> pd.DataFrame:
    """Table chrom, start, end, gc, fold of the regions of `size` tokens at `firsts`, one row each.

    folds: chrom, start, end, fold. A region that does not lie wholly in one block of a fold gets `gap`.
    """
    left, right = tokens.bases_at(firsts), tokens.ends_at(firsts + size - 1)
    chroms, starts = genome.locate(left)
    regions = pd.DataFrame({"chrom": np.array(genome.chroms)[chroms], "start": starts, "end": starts + right - left})
    bases = (genome.codes[start:end] for start, end in zip(left, right, strict=True))
    regions["gc"] = [float(np.isin(codes, (C, G)).mean()) for codes in bases]
    regions["fold"] = fold_of(folds, regions["chrom"], regions["start"], regions["end"])
    return regions


def embed(
    encoder: PreTrainedModel, windows: np.ndarray, batch: int, device: torch.device, precision: str = "auto"
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Embeddings of windows of token ids, integers [windows, tokens] without specials.

    Returns the average embedding of each token of the vocabulary, float32 [vocabulary, hidden] (0 for tokens that do
    not occur); how often each occurs, int64 [vocabulary]; and the [CLS] and the mean embedding of each window, float32
    [windows, hidden].
    """
    size, hidden = encoder.config.vocab_size, encoder.config.hidden_size
    check_length(windows.shape[1], encoder.config.max_position_embeddings, "regions")
    encoder = encoder.to(device).eval()
    sums = torch.zeros(size, hidden, dtype=torch.float64, device=device)
    first, mean = (np.empty((len(windows), hidden), np.float32) for _ in range(2))
    with Progress(len(windows), "embed", "regions") as bar, torch.inference_mode():
        for start in range(0, len(windows), batch):
            rows = windows[start : start + batch]
            input_ids = torch.from_numpy(pad(rows)).to(device)
            with autocast(device, precision):
                states = encode(encoder, input_ids).float()
            inner, ids = states[:, 1:-1], input_ids[:, 1:-1]
            sums.index_add_(0, ids.flatten(), inner.flatten(0, 1).double())
            first[start : start + len(rows)] = states[:, 0].cpu().numpy()
            mean[start : start + len(rows)] = inner.mean(1).cpu().numpy()
            bar.update(len(rows))
    counts = np.bincount(windows.ravel(), minlength=size)
    tokens = sums.cpu().numpy() / np.maximum(counts, 1)[:, None]
    return tokens.astype(np.float32), counts, first, mean
