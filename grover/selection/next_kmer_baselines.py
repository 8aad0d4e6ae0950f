"""Next-k-mer prediction without a language model."""

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from grover.config.names import LAST_TOKEN, MARKOV_ORDERS
from grover.runtime.progress import Progress, track
from grover.selection.next_kmer import Contexts, score, tokenise_contexts
from grover.tokenization.vocabulary import Vocabulary

BASES = np.frombuffer(b"ACGT", np.uint8)
TREES_AT_ONCE = 10


def baselines(
    contexts: Contexts, vocabularies: list[Vocabulary], k: list[int], trees: int, forest_examples: int, threads: int = 1
) -> pd.DataFrame:
    """Score baselines; returns a row per baseline and k.

    They are chance, the commonest k-mer, Markov models of order 0 to 5, the last token of each vocabulary, and TF-IDF with a random
    forest. The forest is fitted on at most `forest_examples` contexts.
    """
    last = {
        v.name: {fold: _last_tokens(v, contexts, fold, threads) for fold in ("train", "test")}
        for v in track(vocabularies, len(vocabularies), "last tokens", "vocabularies")
    }
    forest = _forest(contexts, max(k), trees, forest_examples, threads) if trees else None
    block, rows = contexts.block, []
    for size in track(k, len(k), "counts", "values of k"):
        known, truth = contexts.labels("train", size), contexts.labels("test", size)
        rows.append({"vocabulary": "chance", "kind": "baseline", "k": size, "accuracy": 4.0**-size, "n": len(truth)})
        rows[-1] |= {"low": rows[-1]["accuracy"], "high": rows[-1]["accuracy"]}
        common = np.bincount(known).argmax()
        rows.append(score("majority", "baseline", size, truth == common, block))
        for order in MARKOV_ORDERS:
            answer = markov_answers(contexts.train, order, size)[_state(contexts.test[:, : contexts.context], order)]
            rows.append(score(f"markov-{order}", "baseline", size, truth == answer, block))
        for name, tokens in last.items():
            answer = last_token_answers(
                tokens["train"], known, size, max(tokens["train"].max(), tokens["test"].max()) + 1
            )
            rows.append(score(LAST_TOKEN + name, "baseline", size, truth == answer[tokens["test"]], block))
        if forest is not None:
            right = (forest[:, :size] == contexts.test[:, contexts.context : contexts.context + size]).all(axis=1)
            rows.append(score("tfidf-forest", "baseline", size, right, block))
    return pd.DataFrame(rows)


def markov_answers(sequences: np.ndarray, order: int, k: int) -> np.ndarray:
    """Find the likeliest k bases after each state of `order` bases, as a number; int64 [4^order].

    Transitions are counted in the rows of `sequences`, with a pseudocount of 1. The best path is exact (Viterbi, backwards).
    """
    states = 4**order
    state = np.zeros((len(sequences), sequences.shape[1] - order), np.int64)
    for i in range(order):
        state = state * 4 + sequences[:, i : sequences.shape[1] - order + i]
    counts = np.bincount((state * 4 + sequences[:, order:]).ravel(), minlength=states * 4).reshape(states, 4) + 1.0
    steps = np.log(counts / counts.sum(axis=1, keepdims=True))
    following = (np.arange(states)[:, None] * 4 + np.arange(4)) % states
    best, answer = np.zeros(states), np.zeros(states, np.int64)
    for step in range(k):
        value = steps + best[following]
        base = value.argmax(axis=1)
        after = following[np.arange(states), base]
        answer = base * 4**step + answer[after]
        best = value[np.arange(states), base]
    return answer


def last_token_answers(tokens: np.ndarray, labels: np.ndarray, k: int, size: int) -> np.ndarray:
    """Find the commonest class after each of `size` last tokens, int64 [size]; for unseen tokens, the commonest of all."""
    answer = np.full(size, np.bincount(labels).argmax())
    pair, count = np.unique(tokens.astype(np.int64) * 4**k + labels, return_counts=True)
    order = np.argsort(count, kind="stable")  # the commonest comes last and stays
    answer[pair[order] // 4**k] = pair[order] % 4**k
    return answer


def _last_tokens(vocabulary: Vocabulary, contexts: Contexts, fold: str, threads: int) -> np.ndarray:
    """Return the last token of each context of a fold."""
    rows = getattr(contexts, fold)[:, : contexts.context]
    return np.array([tokens[-1] for tokens in tokenise_contexts(vocabulary, rows, threads)])


def _state(codes: np.ndarray, order: int) -> np.ndarray:
    """Return the last `order` bases of each row as a number."""
    return codes[:, codes.shape[1] - order :].astype(np.int64) @ 4 ** np.arange(order - 1, -1, -1)


def _tfidf(contexts: Contexts, most: int) -> tuple[csr_matrix, csr_matrix]:
    """Compute TF-IDF of the k-mers of 3 to 6 bases in the contexts of fold train (at most `most`) and test."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = [
        [row.tobytes().decode() for row in BASES[codes[:, : contexts.context]]]
        for codes in (contexts.train[:most], contexts.test)
    ]
    vectors = TfidfVectorizer(
        analyzer="char", lowercase=False, ngram_range=(3, 6), max_features=4_096, dtype=np.float32
    )
    return vectors.fit_transform(texts[0]), vectors.transform(texts[1])


def _forest(contexts: Contexts, k: int, trees: int, most: int, threads: int) -> np.ndarray:
    """Predict the next `k` bases of each test context, uint8 [n, k], by a random forest with one output per base.

    A forest of 4^k classes would take minutes and gigabytes for k = 6. One with k outputs serves every smaller k.
    """
    from sklearn.ensemble import RandomForestClassifier

    train, test = _tfidf(contexts, most)
    # a warm start grows the same forest in steps, which shows progress
    forest = RandomForestClassifier(0, min_samples_leaf=5, n_jobs=threads, random_state=0, warm_start=True)
    following = contexts.train[:most, contexts.context : contexts.context + k]
    with Progress(trees, "TF-IDF and random forest", "trees") as bar:
        while bar.done < trees:
            grown = min(TREES_AT_ONCE, trees - bar.done)
            forest.set_params(n_estimators=bar.done + grown).fit(train, following)
            bar.update(grown)
    return forest.predict(test).reshape(-1, k)
