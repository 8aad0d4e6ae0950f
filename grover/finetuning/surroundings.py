"""What tokenising between neighbours in the genome changes in the answers of a fine-tuned classifier.

The workflow does it (`grover.benchmarks.tokenise`), a tokenizer on its own cannot.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from scipy.special import softmax

from grover.finetuning.finetune import draw
from grover.genome.bases import encode
from grover.network.batching import SPECIALS
from grover.network.classifier import Classifier, logits
from grover.tokenization.vocabulary import Vocabulary

EXAMPLES = 200


def compare_alone(
    classifier: Classifier,
    dataset: pd.DataFrame,
    inputs: Sequence[np.ndarray],
    vocabulary: Vocabulary,
    device: torch.device,
    precision: str,
) -> dict[str, float]:
    """Compare the probabilities of at most `EXAMPLES` examples of fold test with those of their bare sequences.

    `inputs` are what the classifier reads of each row of `dataset`; a bare sequence is tokenised alone and cut where it is too long.
    Returns how many `examples` there were, and the `median` and `largest` absolute difference of a probability.
    """
    rows = draw(np.flatnonzero(dataset["fold"] == "test"), EXAMPLES, 0)
    longest = classifier.config.max_position_embeddings - SPECIALS
    bare = [tokens[:longest] for tokens in vocabulary.encode_each(map(encode, dataset["sequence"].iloc[rows]))]
    with_neighbours, alone = (
        softmax(logits(classifier, read, device, precision).astype(np.float64), axis=1)
        for read in ([inputs[row] for row in rows], bare)
    )
    difference = np.abs(with_neighbours - alone).max(axis=1)
    return {"examples": len(rows), "median": float(np.median(difference)), "largest": float(difference.max())}
