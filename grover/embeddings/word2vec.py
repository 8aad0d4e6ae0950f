"""Static embeddings of tokens to set beside those of the model: word2vec, CBOW (Mikolov et al. 2013, arXiv 1301.3781), by gensim."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from grover.runtime.errors import InputError

NEGATIVE = 5  # tokens drawn for each hidden one, gensim's default
BLOCK = 4096  # sentences whose tokens are counted at a time


def choose_sentences(windows: pd.DataFrame, split: str, tokens: int) -> pd.DataFrame:
    """The windows that pretraining learns from, or so many of them, spread evenly over the genome, that hold about `tokens` tokens.

    windows: the corpus's table with `first`, `length` and the split's column. 0 tokens takes all. Returned in the order of the genome,
    so that a memory-mapped genome is read from its begin to its end. Windows of several passes overlap, and so may these.
    """
    kept = windows[windows[split] == "train"].sort_values("first", kind="stable")
    if kept.empty:
        raise InputError(f"no window is for training under split {split}, so word2vec has nothing to read")
    total = int(kept["length"].sum())
    if 0 < tokens < total:
        most = max(1, int(len(kept) * tokens / total))
        kept = kept.iloc[np.linspace(0, len(kept) - 1, most).astype(np.int64)]
    return kept[["first", "length"]].reset_index(drop=True)


class Sentences:
    """The windows as lists of words, which are the ids of the tokens as text; holds one window at a time and can be read again."""

    def __init__(self, tokens: np.ndarray, windows: pd.DataFrame, size: int, progress: Callable[[int], None] | None):
        self.tokens, self.progress = tokens, progress
        self.firsts = windows["first"].to_numpy(np.int64)
        self.ends = self.firsts + windows["length"].to_numpy(np.int64)
        self.words = np.array([str(token) for token in range(size)], dtype=object)

    def __iter__(self):
        for first, end in zip(self.firsts, self.ends, strict=True):
            yield self.words[self.tokens[first:end]].tolist()
            if self.progress is not None:
                self.progress(int(end - first))

    def counts(self) -> np.ndarray:
        """How often each token occurs in the windows, int64 [size]."""
        found = np.zeros(len(self.words), np.int64)
        for block in range(0, len(self.firsts), BLOCK):
            bounds = zip(self.firsts[block : block + BLOCK], self.ends[block : block + BLOCK], strict=True)
            ids = np.concatenate([self.tokens[first:end] for first, end in bounds])
            if ids.max() >= len(found):
                raise InputError(
                    f"the genome holds token {ids.max()}, and the model knows {len(found)}; give the tokens of the model's vocabulary"
                )
            found += np.bincount(ids, minlength=len(found))
        return found


def word_vectors(
    tokens: np.ndarray,
    windows: pd.DataFrame,
    size: int,
    dimension: int,
    window: int = 5,
    epochs: int = 5,
    seed: int = 0,
    threads: int = 1,
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """CBOW vectors by token id, float32 [size, dimension]; tokens that do not occur, specials among them, have rows of zeros.

    tokens: uint16 ids of the genome, may be memory-mapped; windows: `first` and `length` of each sentence, which cross no segment;
    window: tokens on either side that tell a token; progress: called with the tokens of each sentence read, in all `epochs` times all.
    The same seed gives the same vectors with one thread only: several write into one table as they come.

    Frequent tokens are not thinned out, as word2vec does with words of a language: of some hundred tokens nearly all are frequent.
    """
    from gensim.models import Word2Vec

    sentences = Sentences(tokens, windows, size, progress)
    counts = sentences.counts()
    model = Word2Vec(
        vector_size=dimension,
        window=window,
        sg=0,
        negative=NEGATIVE,
        sample=0,
        min_count=1,
        seed=seed,
        workers=threads,
        epochs=epochs,
    )
    # counted here, since gensim would read all sentences once more
    model.build_vocab_from_freq({str(token): int(counts[token]) for token in np.flatnonzero(counts)})
    model.train(sentences, total_words=int(counts.sum()), epochs=epochs)
    vectors = np.zeros((size, dimension), np.float32)
    vectors[[int(word) for word in model.wv.index_to_key]] = model.wv.vectors
    return vectors
