import importlib.util
import sys
from collections import Counter
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from grover.config.names import LAST_TOKEN, NEXT_KMER_LABELS
from grover.config.sections.pretraining import NextKmer, NextKmerTraining
from grover.genome.assembly import Genome
from grover.genome.bases import decode, encode
from grover.network.bert import bert_config, new_language_model, save
from grover.runtime.errors import InputError
from grover.selection.choice import choose, compare, confirm, over_all_seeds
from grover.selection.next_kmer import Contexts, cut_contexts, score, seen_share, tokenise_contexts
from grover.selection.next_kmer_baselines import baselines, last_token_answers, markov_answers
from grover.selection.next_kmer_model import Settings, by_seed, fine_tune, tokenise
from grover.statistics.proportions import wilson
from grover.tokenization.genome_tokens import tokenise as tokenise_genome
from grover.tokenization.vocabulary import Vocabulary
from tests.fakes.networks import architecture

SCRIPT = Path(__file__).parents[3] / "workflow/scripts/next_kmer.py"


@pytest.fixture
def genome(tmp_path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "sequence.npy", rng.integers(0, 4, 9000, dtype=np.uint8))
    (tmp_path / "segments.bed").write_text("b\t100\t5100\ts0\na\t0\t3000\ts1\na\t3500\t4500\ts2\n")
    return Genome(tmp_path / "sequence.npy", tmp_path / "segments.bed")


def folds():
    rows = [("a", 0, 3000, "test"), ("a", 3000, 5000, "train"), ("b", 0, 4000, "train"), ("b", 4000, 6000, "valid")]
    return pd.DataFrame(rows, columns=["chrom", "start", "end", "fold"])


def test_contexts_lie_in_one_segment_and_one_fold(genome):
    cut = cut_contexts(genome, folds(), 50, 6, 2000, 0)
    text = {
        "train": decode(genome.fetch("b", 100, 4000)) + "|" + decode(genome.fetch("a", 3500, 4500)),
        "valid": decode(genome.fetch("b", 4000, 5100)),
        "test": decode(genome.fetch("a", 0, 3000)),
    }
    assert len(cut.train) + len(cut.valid) + len(cut.test) == 2000 and cut.train.shape[1] == 56
    for fold in ("train", "valid", "test"):
        assert all(decode(row) in text[fold] for row in getattr(cut, fold)[:300])
    assert (cut.test == np.asarray(genome.codes)[cut.start[:, None] + np.arange(56)]).all()
    again = cut_contexts(genome, folds(), 50, 6, 2000, 0)
    assert (again.train == cut.train).all()
    with pytest.raises(InputError, match="no context"):
        cut_contexts(genome, folds().assign(fold="train"), 50, 6, 100, 0)


def contexts(train: np.ndarray, valid: np.ndarray, test: np.ndarray, context: int) -> Contexts:
    """Contexts of which those of fold test lie far apart."""
    return Contexts(train, valid, test, context, 1_000_000 * np.arange(len(test)))


def test_the_share_that_training_windows_hold_is_counted_in_bases(genome):
    cut = cut_contexts(genome, folds(), 50, 6, 2000, 0)
    starts, ends = np.array([5200, 300, 5300, 8000]), np.array([5400, 4000, 6000, 8100])
    held = np.zeros(len(genome.codes), bool)
    for start, end in zip(starts, ends, strict=True):
        held[start:end] = True
    expected = np.mean([held[start : start + 56].mean() for start in cut.start])
    assert 0.1 < expected < 0.9 and seen_share(cut, starts, ends) == pytest.approx(expected)
    assert seen_share(cut, starts[:0], ends[:0]) == 0


def test_scores_have_wider_intervals_where_neighbours_answer_alike():
    # 100 blocks of 100 kb with 10 contexts each, all right or all wrong
    start = (100_000 * np.arange(100)[:, None] + 1_000 * np.arange(10)).ravel()
    cut = Contexts(*[np.zeros((1000, 6), np.uint8)] * 3, 5, start)
    right = np.repeat(np.arange(100) % 5 == 0, 10)
    row = score("v", "baseline", 2, right, cut.block)
    assert (row["low"], row["high"]) == pytest.approx(wilson(0.2, 100), rel=0.02)


def test_labels_are_the_bases_that_follow():
    codes = encode("AAAAACGTAC")[None]
    cut = contexts(codes, codes, codes, 5)
    assert cut.labels("train", 2).tolist() == [0b0110]
    assert cut.labels("test", 3).tolist() == [0b011011]


def test_a_context_is_tokenised_without_what_follows():
    # AAC is one token in the genome, but a context that ends before C must not tell that C follows
    vocabulary = Vocabulary.from_merges("bpe", np.array([[0, 0], [4, 1]], np.int32))
    whole = encode("GTAAC")
    assert [vocabulary.tokens[i] for i in vocabulary.encode(whole)] == ["G", "T", "AAC"]
    assert [vocabulary.tokens[i] for i in tokenise_contexts(vocabulary, whole[None, :4])[0]] == ["G", "T", "AA"]


@pytest.mark.parametrize("k", [1, 3, 4, 6])
def test_kmers_end_on_the_last_base(k):
    vocabulary = Vocabulary.from_kmers("kmer", k)
    context = np.random.default_rng(0).integers(0, 4, 50, dtype=np.uint8)
    words = [vocabulary.tokens[i] for i in tokenise_contexts(vocabulary, context[None])[0]]
    assert all(len(word) == k for word in words)
    assert decode(context).endswith("".join(words)) and len("".join(words)) == 50 - 50 % k


def test_overlapping_words_begin_at_every_base_of_the_context():
    vocabulary = Vocabulary.from_overlapping_kmers("overlap", 6)
    context = np.random.default_rng(0).integers(0, 4, 50, dtype=np.uint8)
    words = [vocabulary.tokens[i] for i in tokenise_contexts(vocabulary, context[None])[0]]
    text = decode(context)
    assert words == [text[i : i + 6] for i in range(45)]


@pytest.mark.parametrize("order", [0, 1, 2])
def test_markov_answers_are_the_best_of_all_paths(order):
    sequences = np.random.default_rng(1).choice(4, (200, 30), p=[0.4, 0.3, 0.2, 0.1]).astype(np.uint8)
    counts = Counter(tuple(row[i : i + order + 1]) for row in sequences.tolist() for i in range(30 - order))

    def probability(path):
        value = 1.0
        for i in range(order, len(path)):
            state = tuple(path[i - order : i])
            value *= (counts[(*state, path[i])] + 1) / sum(counts[(*state, base)] + 1 for base in range(4))
        return value

    answers = markov_answers(sequences, order, 3)
    for number, state in enumerate(product(range(4), repeat=order)):
        best = max(product(range(4), repeat=3), key=lambda after: probability((*state, *after)))
        assert answers[number] == best[0] * 16 + best[1] * 4 + best[2]


def test_last_token_answers_are_the_commonest_class():
    answers = last_token_answers(np.array([5, 5, 5, 7, 7]), np.array([3, 3, 1, 2, 2]), 1, 9)
    assert answers[5] == 3 and answers[7] == 2 and answers[6] == 2


def test_baselines_and_a_model_on_a_repeat(tmp_path):
    # the four bases in turn: an order-1 model, the last token and a fine-tuned network all know what follows
    rng = np.random.default_rng(0)
    rows = ((rng.integers(0, 4, 600)[:, None] + np.arange(26)) % 4).astype(np.uint8)
    cut = contexts(rows[:500], rows[400:500], rows[500:], 20)
    bases = Vocabulary.from_kmers("char", 1)
    table = baselines(cut, [bases], [2, 3], trees=5, forest_examples=200)
    score = table.pivot(index="vocabulary", columns="k", values="accuracy")
    assert set(score.index) == {*NEXT_KMER_LABELS, LAST_TOKEN + "char"}
    assert score.loc["chance"].tolist() == [1 / 16, 1 / 64]
    assert (score.loc[["markov-1", "markov-5", "last token of char", "tfidf-forest"]] == 1).all(axis=None)
    assert score.loc["markov-0", 2] < 0.5 and score.loc["majority", 3] < 0.5

    bases.save(tmp_path / "vocabulary")
    model = new_language_model(bert_config(architecture(1, 16, 2, 32, 32, 0.0), bases.size), 0)
    save(model, model.config, tmp_path / "model", tmp_path / "vocabulary")
    settings, place = Settings(epochs=10, batch=32, learning_rate=1e-2, precision="auto"), torch.device("cpu")
    (found,) = fine_tune(tmp_path / "model", tokenise(bases, cut), cut, 2, settings, place, [0])
    assert found["right"].all() and found["fold"].value_counts().to_dict() == {"valid": 100, "test": 100}


def test_seeds_that_are_one_network_answer_as_each_by_itself(tmp_path, capsys, monkeypatch):
    rows = ((np.random.default_rng(0).integers(0, 4, 200)[:, None] + np.arange(26)) % 4).astype(np.uint8)
    cut, bases = contexts(rows[:120], rows[120:160], rows[160:], 20), Vocabulary.from_kmers("char", 1)
    bases.save(tmp_path / "vocabulary")
    model = new_language_model(bert_config(architecture(1, 16, 2, 32, 32, 0.0), bases.size), 0)
    save(model, model.config, tmp_path / "model", tmp_path / "vocabulary")
    given = tmp_path / "model", tokenise(bases, cut), cut, 2
    settings, place = Settings(epochs=4, batch=32, learning_rate=1e-2, precision="fp32"), torch.device("cpu")
    together = fine_tune(*given, settings, place, [0, 5])
    alone = [fine_tune(*given, settings, place, [seed])[0] for seed in (0, 5)]
    # the vector that is classified has a dropout of its own
    assert all((one["right"] == other["right"]).mean() > 0.8 for one, other in zip(together, alone, strict=True))

    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("grover.network.stacked.fit_together", full)
    for one, other in zip(fine_tune(*given, settings, place, [0, 5]), alone, strict=True):
        pd.testing.assert_frame_equal(one, other)
    assert "trained one after the other: CUDA out of memory" in capsys.readouterr().err


def test_the_last_overlapping_word_is_a_baseline():
    # bases in turn: the word that ends on the last base tells what follows
    rows = ((np.arange(60)[:, None] + np.arange(26)) % 4).astype(np.uint8)
    table = baselines(contexts(rows, rows, rows, 20), [Vocabulary.from_overlapping_kmers("overlap", 3)], [2], 0, 0)
    assert table.set_index("vocabulary").loc["last token of overlap", "accuracy"] == 1


def test_the_forest_grown_in_steps_is_the_one_grown_at_once():
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.feature_extraction.text import TfidfVectorizer

    rng = np.random.default_rng(0)
    rows = rng.choice(4, (400, 26), p=[0.5, 0.3, 0.1, 0.1]).astype(np.uint8)
    cut = contexts(rows[:200], rows[200:210], rows[200:], 20)
    table = baselines(cut, [], [2], trees=13, forest_examples=200)
    words = TfidfVectorizer(analyzer="char", lowercase=False, ngram_range=(3, 6), max_features=4_096, dtype=np.float32)
    train, test = ([decode(row[:20]) for row in part] for part in (cut.train, cut.test))
    forest = RandomForestClassifier(13, min_samples_leaf=5, random_state=0)
    answers = forest.fit(words.fit_transform(train), cut.train[:, 20:22]).predict(words.transform(test))
    expected = (answers == cut.test[:, 20:22]).all(axis=1).mean()
    assert table.set_index("vocabulary").loc["tfidf-forest", "accuracy"] == pytest.approx(expected)


def scores(valid: dict[tuple[str, int], list[float]], seen: float = 0.0) -> pd.DataFrame:
    """A row per vocabulary, k and seed with these accuracies on fold valid, and others on fold test."""
    rows = [
        {"vocabulary": name, "kind": "model", "k": k, "seed": seed, "accuracy": 1 - share, "accuracy_valid": share}
        for (name, k), shares in valid.items()
        for seed, share in enumerate(shares)
    ]
    return pd.DataFrame(rows).assign(n=400, n_valid=200, example_variance=0.1, low=0.0, high=1.0, seen=seen)


def test_a_row_a_seed_becomes_a_row_with_an_interval_over_both():
    def answers(k: int, seed: int) -> pd.DataFrame:
        test = pd.DataFrame({"fold": "test", "right": np.arange(100) < 20 * (1 + seed)})
        return pd.concat([test, pd.DataFrame({"fold": "valid", "right": [True, seed == 1]})], ignore_index=True)

    table = by_seed("v", [2, 3], [0, 1], answers, np.arange(100))
    assert table["seed"].tolist() == [0, 1, 0, 1] and table["k"].tolist() == [2, 2, 3, 3]
    assert table["accuracy"].tolist()[:2] == [0.2, 0.4] and table["accuracy_valid"].tolist()[:2] == [0.5, 1.0]
    # 20 examples are right with both seeds, 20 with one, 60 with none
    assert table["example_variance"].tolist() == pytest.approx([0.16] * 4, abs=1e-12)
    assert table["n"].tolist() == [100] * 4 and table["n_valid"].tolist() == [2] * 4

    mean = over_all_seeds(scores({("v", 2): [0.8, 0.6], ("w", 2): [0.7, 0.7]})).set_index("vocabulary")
    assert mean["accuracy"].tolist() == pytest.approx([0.3, 0.3]) and mean["seeds"].tolist() == [2, 2]
    assert mean.loc["v", "low"] < mean.loc["w", "low"] < 0.3 < mean.loc["w", "high"] < mean.loc["v", "high"]


def test_a_killed_job_keeps_the_fine_tunings_that_it_finished(tmp_path, genome, monkeypatch):
    specification = importlib.util.spec_from_file_location("next_kmer_script", SCRIPT)
    script = importlib.util.module_from_spec(specification)
    monkeypatch.setitem(sys.modules, "next_kmer_script", script)
    specification.loader.exec_module(script)

    done = []

    def fine_tune(source, tokens, contexts, k, settings, device, seeds):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.extend((k, seed) for seed in seeds)
        valid = pd.DataFrame({"fold": "valid", "right": np.arange(20) < 5 * k})
        test = pd.DataFrame({"fold": "test", "right": np.arange(len(contexts.test)) % 4 < k - 1})
        return [pd.concat([valid, test], ignore_index=True)] * len(seeds)

    monkeypatch.setattr(script, "fine_tune", fine_tune)
    bases = Vocabulary.from_kmers("char", 1)
    bases.save(tmp_path / "vocabulary")
    tokenise_genome(genome.codes, genome.bounds, bases, tmp_path / "tokens.npy", tmp_path / "index.npy")
    # fold test is the middle of the three segments, bases 5000 to 8000, which the second window holds
    windows = pd.DataFrame({"first": [0, 5000, 8100], "length": [4000, 3000, 900], "split": ["train", "train", "test"]})
    windows.to_parquet(tmp_path / "windows.parquet")
    model = new_language_model(bert_config(architecture(1, 16, 2, 32, 64, 0.0), bases.size), 0)
    save(model, model.config, tmp_path / "model", tmp_path / "vocabulary")
    folds().to_csv(tmp_path / "folds.bed", sep="\t", header=False, index=False)
    genome_files, token_files = (
        ("sequence.npy", "segments.bed", "folds.bed"),
        ("tokens.npy", "index.npy", "windows.parquet"),
    )
    places = [tmp_path / name for name in ("model", *genome_files, *token_files, "out/v.parquet")]
    options = {
        **{"name": "v", "seeds": [0, 1], "split": "split", "seed": 0, "device": "cpu", "precision": "auto"},
        "task": NextKmer(k=[2, 3], examples=300),
        "training": NextKmerTraining(),
        "threads": 1,
    }

    with pytest.raises(KeyboardInterrupt):
        script.next_kmer(*places, **options)
    assert done == [(2, 0), (2, 1), (3, 0)] and not places[-1].exists()
    done.clear()
    script.next_kmer(*places, **options)
    assert done == [(3, 1)]
    table = pd.read_parquet(places[-1])
    assert table[["k", "seed"]].to_numpy().tolist() == [[2, 0], [2, 1], [3, 0], [3, 1]]
    assert table["accuracy"].tolist() == pytest.approx([0.25, 0.25, 0.5, 0.5], abs=0.01) and (table["seen"] == 1).all()
    assert table["accuracy_valid"].tolist() == [0.5, 0.5, 0.75, 0.75] and table["size"].tolist() == [bases.size] * 4
    assert [path.name for path in places[-1].parent.iterdir()] == ["v.parquet"]


def test_models_baselines_and_bits_stand_in_one_table():
    baseline = pd.DataFrame(
        [{"vocabulary": "chance", "kind": "baseline", "k": 2, "accuracy": 0.1, "low": 0.1, "high": 0.1, "n": 9}]
    )
    spans = {"v": {"bits_per_base": 1.9, "low": 1.8, "high": None, "n": 7}, "overlap": None}
    table = compare(scores({("v", 2): [0.5], ("v", 3): [0.5], ("overlap", 2): [0.5]}), baseline, spans)
    assert table["vocabulary"].tolist() == ["v", "v", "overlap", "chance"]
    assert table["bits_per_base"].tolist()[:2] == [1.9, 1.9] and table["bits_per_base"][2:].isna().all()
    assert table["seen"].tolist()[:3] == [0, 0, 0] and table["seen"].isna()[3]
    assert table["bits_low"][0] == 1.8 and table["bits_high"].isna().all() and table["n"].tolist() == [400, 400, 400, 9]


def test_the_best_mean_rank_wins_and_ties_go_to_the_smaller():
    valid = {("a", 2): [0.3], ("a", 3): [0.1], ("b", 2): [0.2], ("b", 3): [0.2], ("c", 2): [0.1], ("c", 3): [0.05]}
    assert choose("mean-rank", scores(valid), {}, {"a": 600, "b": 100, "c": 9})[0] == "b"
    assert choose("mean-rank", scores(valid), {}, {"a": 100, "b": 600, "c": 9})[0] == "a"
    name, reason = choose(
        "mean-rank", scores(valid | {("c", 2): [0.4], ("c", 3): [0.4]}), {}, {"a": 100, "b": 600, "c": 9}
    )
    assert name == "c" and "mean rank" in reason and "Fold test" not in reason and "fold test is not used" in reason


def test_mean_ranks_are_of_means_over_seeds():
    valid = {("a", 2): [0.9, 0.1], ("b", 2): [0.6, 0.6]}
    name, reason = choose("mean-rank", scores(valid), {}, {"a": 1, "b": 2})
    assert name == "b" and "2 seeds" in reason and "a 2.00 (mean accuracy 0.5000)" in reason


def test_the_fewest_bits_on_fold_valid_win_and_what_has_none_is_left_out_and_named():
    a = {"bits_per_base": 1.8, "valid": {"bits_per_base": 1.9, "low": 1.85, "high": 1.95}}
    b = {"bits_per_base": 1.9, "valid": {"bits_per_base": 1.9, "low": None, "high": None}}
    table, sizes = scores({("a", 2): [0.9]}), {"a": 600, "b": 100}
    name, reason = choose("bits-per-base", table, {"a": a, "b": b, "overlap": None}, sizes)
    assert name == "b" and "b 1.9000, a 1.9000 (1.8500 to 1.9500)" in reason
    assert "Left out, without such a score: overlap" in reason and "fold test is not used" in reason
    name, reason = choose("bits-per-base", table, {"a": a | {"valid": None}, "b": b | {"valid": None}}, sizes)
    assert name == "a" and "a 1.8000, b 1.9000" in reason and "the choice uses the fold" in reason
    with pytest.raises(InputError, match="set the rule to mean-rank"):
        choose("bits-per-base", table, {"overlap": None}, {"overlap": 9})


@pytest.mark.parametrize("rule", ["mean-rank", "bits-per-base"])
def test_a_choice_after_pretraining_on_the_held_out_folds_says_so(rule):
    valid, spans = {("a", 2): [0.3], ("b", 2): [0.2]}, {name: {"bits_per_base": 1.9} for name in "ab"}
    assert "But pretraining" not in choose(rule, scores(valid), spans, {"a": 1, "b": 2})[1]
    reason = choose(rule, scores(valid, seen=0.8), spans, {"a": 1, "b": 2})[1]
    assert (
        "But pretraining was not kept away from folds valid and test" in reason and "Up to 80 % of the bases" in reason
    )


def test_a_vocabulary_that_was_named_stays_whatever_the_rule_says():
    table, sizes = scores({("a", 2): [0.3], ("b", 2): [0.2]}), {"a": 1, "b": 2}
    name, reason = confirm("b", "mean-rank", table, {}, sizes)
    assert name == "b" and "The rule would choose a" in reason
    # overlapping words alone have no bits that the rule could compare
    name, reason = confirm("b", "bits-per-base", table, {"a": None, "b": None}, sizes)
    assert name == "b" and "compares none of the candidates" in reason
    alone = confirm("b", "mean-rank", table[table["vocabulary"] == "b"], {}, {"b": 2})[1]
    assert alone == "It was fixed beforehand, and no other vocabulary was compared."
    with pytest.raises(InputError, match="'c' is no candidate"):
        confirm("c", "mean-rank", table, {}, sizes)
