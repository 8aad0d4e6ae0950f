"""Static embeddings of tokens as a baseline of those of the model: word2vec, CBOW (Mikolov et al. 2013, arXiv 1301.3781), by gensim."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from grover.config.sections.embeddings import Word2vec
from grover.runtime.errors import InputError

NEGATIVE = 5  # tokens drawn for each token to predict, gensim's default
BLOCK = 4096  # sentences whose tokens are counted at a time


def choose_sentences(windows: pd.DataFrame, split: str, tokens: int) -> pd.DataFrame:
    """Choose windows that pretraining learns from, spread evenly over the genome, with about `tokens` tokens (0: all).

    windows: the corpus's table with `first`, `length` and the split's column. They are returned in the order of the genome, so that a
    memory-mapped genome is read from begin to end. Windows of several passes overlap, and so may these.
    """
    kept = windows[windows[split] == "train"].sort_values("first", kind="stable")
    if kept.empty:
        raise InputError(f"no window is for training under split {split}, so that word2vec has nothing to learn from")
    total = int(kept["length"].sum())
    if 0 < tokens < total:
        most = max(1, int(len(kept) * tokens / total))
        kept = kept.iloc[np.linspace(0, len(kept) - 1, most).astype(np.int64)]
    return kept[["first", "length"]].reset_index(drop=True)


class Sentences:
    """The windows as lists of the ids of their tokens, as text; one window is in memory at a time, and they can be read again.

    tokens: uint16 ids of the genome, may be memory-mapped; windows: `first` and `length` of each sentence, none across segments;
    size: of the vocabulary; progress: called with the number of tokens of each sentence read.
    """

    def __init__(
        self, tokens: np.ndarray, windows: pd.DataFrame, size: int, progress: Callable[[int], None] | None = None
    ):
        self.tokens, self.progress = tokens, progress
        self.firsts = windows["first"].to_numpy(np.int64)
        self.ends = self.firsts + windows["length"].to_numpy(np.int64)
        self.texts = np.array([str(token) for token in range(size)], dtype=object)

    def __iter__(self) -> Iterator[list[str]]:
        for first, end in zip(self.firsts, self.ends, strict=True):
            yield self.texts[self.tokens[first:end]].tolist()
            if self.progress is not None:
                self.progress(int(end - first))

    def counts(self) -> np.ndarray:
        """Count each token in the windows, int64 [size]."""
        found = np.zeros(len(self.texts), np.int64)
        for block in range(0, len(self.firsts), BLOCK):
            bounds = zip(self.firsts[block : block + BLOCK], self.ends[block : block + BLOCK], strict=True)
            ids = np.concatenate([self.tokens[first:end] for first, end in bounds])
            if ids.max() >= len(found):
                raise InputError(
                    f"the genome contains token {ids.max()}, but the model has {len(found)} tokens; give tokens of the model's vocabulary"
                )
            found += np.bincount(ids, minlength=len(found))
        return found


def word_vectors(sentences: Sentences, dimension: int, settings: Word2vec, seed: int, threads: int = 1) -> np.ndarray:
    """Train CBOW vectors, float32 [size, dimension] by token id; tokens that do not occur, such as specials, have rows of zeros.

    The same seed gives the same vectors with one thread only. Frequent tokens are not subsampled, as word2vec does with words of a
    language: among some hundred tokens nearly all are frequent.
    """
    from gensim.models import Word2Vec

    counts = sentences.counts()
    model = Word2Vec(
        vector_size=dimension,
        window=settings.word2vec_window,
        sg=0,
        negative=NEGATIVE,
        sample=0,
        min_count=1,
        seed=seed,
        workers=threads,
        epochs=settings.word2vec_epochs,
    )
    # counted here, since gensim would read all sentences once more
    model.build_vocab_from_freq({str(token): int(counts[token]) for token in np.flatnonzero(counts)})
    model.train(sentences, total_words=int(counts.sum()), epochs=settings.word2vec_epochs)
    vectors = np.zeros((len(counts), dimension), np.float32)
    vectors[[int(text) for text in model.wv.index_to_key]] = model.wv.vectors
    return vectors
