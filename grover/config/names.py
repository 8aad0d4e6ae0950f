"""Names of vocabularies, models, baselines and representations, each with its label; light enough for the Snakefile to read.

Labels stand in tables of their own, which only the report and the model card read: a reworded label reruns no other stage.
"""

from collections.abc import Iterable
from dataclasses import dataclass

OVERLAP = "overlap-"  # and k of the overlapping k-mers
# what `vocabulary.candidates` and `vocabulary.studied` may name besides the vocabularies from outside
VOCABULARY = r"bpe-[1-9][0-9]*|kmer-[1-7]|overlap-[3-6]|char"
VOCABULARY_LABELS = {"bpe": "byte pairs", "kmer": "non-overlapping {k}-mers", "overlap": "overlapping {k}-mers"}


def tokens_of(vocabulary: str, bases: int) -> int:
    """Return the number of tokens of so many bases; 0 for byte pairs, whose number depends on the sequence."""
    kind, _, k = vocabulary.partition("-")
    if kind == "overlap":
        return max(0, bases - int(k) + 1)
    return bases if kind == "char" else -(-bases // int(k)) if kind == "kmer" else 0


# A pretrained model has the name of its vocabulary, or this one for the vocabulary that was chosen. A randomly initialised model has
# the name of the pretrained one with a suffix.
CHOSEN = "chosen"
RANDOM = "-random"
RANDOM_LABEL = "random initialisation"
# the column `kind` of what predicts a benchmark, in the order of the report
KIND_LABELS = {
    "model": "model",
    "random": RANDOM_LABEL,
    "external": "external models",
    "baseline": "baselines",
}


def random_of(model: str) -> str:
    """Return the name of the randomly initialised model that belongs to a pretrained one."""
    return model + RANDOM


def is_random(model: str) -> bool:
    """Whether a model is randomly initialised."""
    return model.endswith(RANDOM)


def original(model: str) -> str:
    """Return the name of the pretrained model that a randomly initialised one belongs to; any other name is returned as it is."""
    return model.removesuffix(RANDOM)


def with_random(models: Iterable[str]) -> list[str]:
    """Return each model followed by its randomly initialised one."""
    return [each for model in models for each in (model, random_of(model))]


def model_label(model: str) -> str:
    """Return the label of a model whose role in the run has none."""
    return f"{RANDOM_LABEL} of {original(model)}" if is_random(model) else model


@dataclass(frozen=True)
class Baseline:
    """What a baseline of the benchmarks takes.

    seeded: it is fitted once per seed. kmers: it counts k-mers of `benchmarks.kmers`. tokens: it reads the tokens of a vocabulary.
    limited: it learns from at most `benchmarks.maximum_train` examples. motif: it scores the motif that a task names. derived: it applies
    to negatives that are derived from positives. starts: it applies to tasks of start codons. network: it runs a network, by a rule of
    its own. pooling: of the pretrained model's states, for a linear probe.
    """

    seeded: bool = False
    kmers: bool = False
    tokens: bool = False
    limited: bool = False
    motif: bool = False
    derived: bool = False
    starts: bool = False
    network: bool = False
    pooling: str = ""


BASELINES = {
    "majority": Baseline(),
    "gc": Baseline(),
    "dinucleotide": Baseline(),
    "tfidf-forest": Baseline(seeded=True, kmers=True, limited=True),
    "tfidf-logistic": Baseline(kmers=True, limited=True),
    "token-forest": Baseline(seeded=True, tokens=True, limited=True),
    "token-logistic": Baseline(tokens=True, limited=True),
    "pwm": Baseline(motif=True),
    "adjacency": Baseline(tokens=True, derived=True),
    "open-frame": Baseline(starts=True),
    "open-frame-window": Baseline(starts=True),
    "codon-markov": Baseline(starts=True),
    "shine-dalgarno": Baseline(starts=True),
    "cnn": Baseline(network=True),
    "probe-cls": Baseline(network=True, pooling="cls"),
    "probe-mean": Baseline(network=True, pooling="mean"),
}
BASELINE_LABELS = {
    "majority": "majority class",
    "gc": "GC content",
    "dinucleotide": "dinucleotides",
    "tfidf-forest": "k-mers + forest",
    "tfidf-logistic": "k-mers + logistic",
    "token-forest": "tokens + forest",
    "token-logistic": "tokens + logistic",
    "pwm": "motif matrix",
    "adjacency": "forbidden pairs",
    "open-frame": "open frame",
    "open-frame-window": "open frame in the window",
    "codon-markov": "codon-phase Markov",
    "shine-dalgarno": "Shine-Dalgarno matrix",
    "cnn": "small CNN",
    "probe-cls": "CLS + linear probe",
    "probe-mean": "mean + linear probe",
}
SEEDED_BASELINES = tuple(name for name, baseline in BASELINES.items() if baseline.seeded)
LIMITED_BASELINES = tuple(name for name, baseline in BASELINES.items() if baseline.limited)
TOKEN_BASELINES = tuple(name for name, baseline in BASELINES.items() if baseline.tokens)
NETWORK_BASELINES = tuple(name for name, baseline in BASELINES.items() if baseline.network)
PROBES = {name: baseline.pooling for name, baseline in BASELINES.items() if baseline.pooling}

# what predicts masked tokens beside the pretrained model
MASKED_BASELINES = ("frequency", "neighbours", "untrained")
MASKED_LABELS = {
    "frequency": "token frequencies",
    "neighbours": "counts between neighbours",
    "untrained": RANDOM_LABEL,
}

# what predicts the next k-mer beside the fine-tuned models; and the last token of each vocabulary, by a prefix before its name
MARKOV_ORDERS = range(6)
NEXT_KMER_LABELS = {
    "chance": "chance",
    "majority": "majority class",
    **{f"markov-{order}": f"Markov model of order {order}" for order in MARKOV_ORDERS},
    "tfidf-forest": "TF-IDF and random forest",
}
LAST_TOKEN = "last token of "

# what describes a region besides the states of a model, and how the states of its tokens are pooled
REPRESENTATIONS = ("word2vec", "kmers", "gc")
REPRESENTATION_LABELS = {"word2vec": "word2vec", "kmers": "k-mers", "gc": "GC content"}
POOLING_LABELS = {"mean": "mean", "cls": "CLS"}
