"""What a job costs, by kind.

The cost is in floating-point operations where a network is trained or reads much of the genome, in bytes where large files are written.

A rule declares its kind as the resource `cost` (workflow/rules). A rule without one has no formula here. Nothing heavy is imported.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from grover.config.benchmark_table import Task
from grover.config.configuration import Configuration
from grover.config.names import is_random
from grover.config.sections.genome import Windows

SPECIALS = 2  # [CLS] and [SEP] around every window
TRAINING = 3  # FLOPs of forward and backward pass over those of the forward pass
EXTERNAL_TOKENS = (4_096, 5.0)  # assumed of a vocabulary from elsewhere, as of DNABERT-2 on hg19
TRAIN_SHARE = 0.8  # of the examples, as by the default folds
# assumed of a data set that is not built yet: examples per base of the genome by builder, from human annotation or bacterial genes.
# Then those of other builders, and the most of them; the length of a sequence from elsewhere
EXAMPLES_PER_BASE = {
    "prom300": 2e-5,
    "promscan": 2.6e-4,
    "motif-bound": 3.3e-5,
    "tfbs": 6e-5,
    "splice": 3.2e-4,
    "start-codon": 2e-3,
}
OTHER_PER_BASE, MOST_OTHER, EXTERNAL_LENGTH = 1e-4, 60_000, 100
# of the convolutional network of `grover.finetuning.cnn`: layers and channels, products per channel and base, and sequences of a step
CNN_SHAPE, CNN_PRODUCTS, CNN_BATCH = (3, 64), 15 * 4 + 7 * 64 / 2 + 5 * 64 / 4, 64
# of motifs: as many as are usually found in a task, and are profiled; versions of an insertion and of a profile (`grover.interpretation`)
MOTIFS, PROFILES, SHUFFLES, PROFILE_PASSES = 8, 2, 5, 1_400

# of explanations: builders whose sites have strands; tokens that are computed at once; sites whose weights are randomised; versions of
# a site of all curves
STRANDED = ("prom300", "motif-bound", "splice", "start-codon")
TOKENS_AT_ONCE, RANDOMISED, CURVES = 4_096, 5, 240

# windows of a variant: both strands, tokens of both alleles masked one at a time; of scored ones also masked together, and unmasked
NULL_PASSES, VARIANT_PASSES = 9, 25


@dataclass(frozen=True)
class Run:
    """The configuration, the bases (ACGT) of the kept sequence, the tasks by name, and the examples of tasks with a built data set."""

    settings: Configuration
    bases: int
    tasks: dict[str, Task] = field(default_factory=dict)
    examples: dict[str, int] = field(default_factory=dict)

    @property
    def chosen(self) -> str:
        """The vocabulary of the later stages; under a sweep the first candidate stands for the winner."""
        return self.settings.selection.vocabulary or self.settings.vocabulary.candidates[0]


def tokens_of(vocabulary: str) -> tuple[int, float]:
    """Return the number of tokens with the five specials, and the mean stride of a token in bases.

    The stride of byte pairs follows 26 Mb of hg19: 3.02 bases at 100 cycles, 4.12 at 600, 5.52 at 5,000.
    """
    kind, _, number = vocabulary.partition("-")
    if kind == "bpe":
        return int(number) + 9, max(1.0, 3.02 + 0.64 * math.log(int(number) / 100))
    if kind in ("kmer", "overlap"):
        k = int(number)
        return 4**k + (9 if k > 1 else 5), float(k) if kind == "kmer" else 1.0  # the bases are tokens too
    return (9, 1.0) if vocabulary == "char" else EXTERNAL_TOKENS


def core_weights(run: Run) -> int:
    """Weights of the layers, without embeddings: the N of 6 N FLOPs per token."""
    shape = run.settings.pretraining
    return shape.layers * (4 * shape.hidden**2 + 2 * shape.hidden * shape.intermediate)


def weights(run: Run, vocabulary: str) -> int:
    """All weights, with embeddings and the transform before the output; biases are left out."""
    shape = run.settings.pretraining
    return core_weights(run) + shape.hidden * (tokens_of(vocabulary)[0] + shape.positions + 2 + shape.hidden)


def forward_flops(run: Run, vocabulary: str, length: float, predicted: float = 0.0) -> float:
    """Return the FLOPs per token of the forward pass in windows of `length` tokens, a share of which is predicted.

    They are `2 N + 4 L H T`, a third of the usual `6 N + 12 L H T` of a training step (Chowdhery et al. 2022, appendix B), and the output
    layer.
    """
    layers, hidden = run.settings.pretraining.layers, run.settings.pretraining.hidden
    output = predicted * 2 * hidden * (hidden + tokens_of(vocabulary)[0])
    return 2 * core_weights(run) + 4 * layers * hidden * length + output


def mean_window(corpus: Windows) -> float:
    """Mean number of tokens of a window: half of the windows have the largest length."""
    return corpus.longest / 2 + (corpus.shortest + corpus.longest) / 4


Work = tuple[float, float]  # FLOPs of a job, and the number of its steps, each of which launches every layer


def _pretraining(run: Run, vocabulary: str) -> Work:
    asked, corpus = run.settings.pretraining, run.settings.corpus
    window = mean_window(corpus)
    steps = float(asked.steps)
    if asked.bases:  # as many for every vocabulary
        steps = asked.bases / tokens_of(vocabulary)[1] / window / asked.batch
    length = window + SPECIALS
    return steps * asked.batch * length * TRAINING * forward_flops(run, vocabulary, length, asked.mask_ratio), steps


def _next_kmer(run: Run, vocabulary: str) -> Work:
    asked = run.settings.selection
    length, learnt = asked.context / tokens_of(vocabulary)[1] + SPECIALS, TRAIN_SHARE * asked.examples
    repeats = len(asked.k) * asked.seeds * asked.epochs
    passes = repeats * (TRAINING * learnt + asked.examples - learnt)
    return passes * length * forward_flops(run, vocabulary, length), repeats * learnt / asked.batch


def expected_examples(run: Run, task: Task) -> float:
    """Examples of a task, or as many as are expected: `maximum` holds for each of two labels in each of three folds."""
    per_base = EXAMPLES_PER_BASE.get(task.builder, OTHER_PER_BASE)
    most = math.inf if task.builder in EXAMPLES_PER_BASE else MOST_OTHER
    return run.examples.get(task.name, min(per_base * run.bases, 6 * task.maximum or most))


def _cnn(run: Run, key: str) -> Work:
    task, epochs = run.tasks[key], run.settings.benchmarks.cnn_epochs
    examples, bases = expected_examples(run, task), task.length or EXTERNAL_LENGTH
    learnt, repeats = TRAIN_SHARE * examples, run.settings.finetuning.seeds * epochs
    passes = _passes_of_seeds(run, examples, learnt, epochs)
    return passes * bases * 2 * CNN_SHAPE[1] * CNN_PRODUCTS, repeats * learnt / CNN_BATCH


def _finetuning(run: Run, key: str) -> Work:
    asked, task = run.settings.finetuning, run.tasks[key.rpartition(".")[0]]
    length = (task.length or EXTERNAL_LENGTH) / tokens_of(run.chosen)[1] + SPECIALS
    examples = expected_examples(run, task)
    learnt, repeats = min(TRAIN_SHARE * examples, asked.maximum_train or math.inf), asked.seeds * asked.epochs
    passes = _passes_of_seeds(run, examples, learnt, asked.epochs)
    return passes * length * forward_flops(run, run.chosen, length), repeats * learnt / asked.batch


def _passes_of_seeds(run: Run, examples: float, learnt: float, epochs: int) -> float:
    """Forward passes of all seeds over examples: those that are learnt and fold valid in each epoch, all that are held out at the end."""
    asked = run.settings.finetuning
    valid = min((1 - TRAIN_SHARE) / 2 * examples, asked.maximum_valid or math.inf)
    return asked.seeds * (epochs * (TRAINING * learnt + valid) + (1 - TRAIN_SHARE) * examples)


def _site(run: Run, key: str) -> tuple[float, float]:
    """Bases of a site of a task, and tokens that a model reads of it."""
    bases = run.tasks[key].length or EXTERNAL_LENGTH
    return bases, bases / tokens_of(run.chosen)[1] + SPECIALS


def _passes(run: Run, key: str, mutated: float, explained: float = 0.0) -> Work:
    """Forward passes over a site: for `mutated` sites one per substitution, for `explained` ones those of the other methods."""
    asked, (bases, length) = run.settings.interpretation, _site(run, key)
    blocks = bases / asked.block_step * asked.block_draws if "block" in asked.methods else 0
    gradients = TRAINING * asked.steps if "ig" in asked.methods else 0
    strands = 1 if run.tasks[key].builder in STRANDED else 2
    passes = strands * (3 * bases * mutated + (blocks + gradients) * explained)
    return passes * length * forward_flops(run, run.chosen, length), passes * length / TOKENS_AT_ONCE


def _importance(run: Run, key: str) -> Work:
    asked = run.settings.interpretation
    ism = asked.examples + min(asked.null_examples, asked.examples) * asked.shuffles if "ism" in asked.methods else 0
    return _passes(run, key, ism, asked.examples)


def _mutagenesis(run: Run, key: str) -> Work:
    return _passes(run, key, run.settings.interpretation.train_examples)


def _faithfulness(run: Run, key: str) -> Work:
    """Explanations of another seed and of the other strand, of each site; and of few with random weights, once per layer."""
    asked = run.settings.interpretation
    few = min(RANDOMISED, asked.faithfulness_examples) * (run.settings.pretraining.layers + 2)
    sites = 2.0 * asked.faithfulness_examples + few
    flops, steps = _passes(run, key, sites if "ism" in asked.methods else 0, sites)
    share = 1 + CURVES * asked.faithfulness_examples / (3 * _site(run, key)[0] * sites)
    return flops * share, steps * share


def _motifs(run: Run, key: str) -> Work:
    """Insertions of the motifs of a task, about as many as are found, on both strands beside shuffles, and the profiles of a few."""
    length = _site(run, key)[1]
    strands = 1 if run.tasks[key].builder in STRANDED else 2
    inserted = MOTIFS * 2 * (1 + SHUFFLES) * run.settings.interpretation.motif_insertions
    passes = strands * (inserted + PROFILES * PROFILE_PASSES)
    return passes * length * forward_flops(run, run.chosen, length), passes * length / TOKENS_AT_ONCE


def _track_bases(run: Run) -> float:
    """Bases with tracks: those of the loci, or all, also where a source names fewer."""
    asked = run.settings.interpretation
    return min(run.bases, asked.track_loci * asked.track_locus) if asked.tracks == "test" else run.bases


def _base_tracks(run: Run, key: str) -> Work:
    asked, shape = run.settings.interpretation, run.settings.pretraining
    ratio = asked.track_ratio or shape.mask_ratio
    length = min(asked.track_window, shape.positions - SPECIALS)
    # every window is read once for each share of its tokens, on each strand
    strands = 2 if asked.track_strands == "both" else 1
    tokens = _track_bases(run) / tokens_of(run.chosen)[1] * length / max(1, length - 2 * asked.track_context)
    return strands * tokens / ratio / asked.track_shards * forward_flops(run, run.chosen, length, ratio), 0.0


def _track_bytes(run: Run, key: str) -> float:
    """Bytes of one shard: six tracks of floats, twice as many with those of the model alone, and the places."""
    asked = run.settings.interpretation
    return _track_bases(run) / asked.track_shards * (8 + 24 * (1 + asked.track_absolute))


def _dependency_maps(run: Run, key: str) -> Work:
    asked = run.settings.interpretation
    length = asked.map_length / tokens_of(run.chosen)[1] + SPECIALS
    maps = asked.map_loci * (asked.map_shuffles + 2)  # of the locus by two models, and of its shuffles
    passes = maps * 3 * asked.map_length * asked.map_passes
    flops = forward_flops(run, run.chosen, length, 1 / asked.map_passes)
    return passes * length * flops, passes * length / TOKENS_AT_ONCE


def _transfer_bases(run: Run, key: str) -> Work:
    """Every locus once for each share of its tokens, on each strand, with its context."""
    asked, shape = run.settings.interpretation, run.settings.pretraining
    ratio = asked.track_ratio or shape.mask_ratio
    strands = 2 if asked.track_strands == "both" else 1
    tokens = run.settings.transfer.locus / tokens_of(run.chosen)[1] + 2 * asked.track_context
    work = strands * run.settings.transfer.loci * tokens / ratio
    return work * forward_flops(run, run.chosen, min(tokens, shape.positions), ratio), 0.0


def _transfer_labels(run: Run, key: str) -> Work:
    """Each number of labels is fine-tuned for some steps at least, stopped by as many of fold valid, and tested with all of fold test."""
    asked, tuning, task = run.settings.transfer, run.settings.finetuning, run.tasks[key.rpartition(".")[0]]
    length = (task.length or EXTERNAL_LENGTH) / tokens_of(run.chosen)[1] + SPECIALS
    tested = (1 - TRAIN_SHARE) * expected_examples(run, task)
    passes = steps = 0.0
    for labels in asked.labels:
        learnt = max(tuning.epochs * labels, asked.steps * tuning.batch)
        passes += asked.seeds * (learnt * (TRAINING + 1) + 2 * tested)
        steps += asked.seeds * learnt / tuning.batch
    return passes * length * forward_flops(run, run.chosen, length), steps


def _variants(run: Run, key: str) -> Work:
    asked = run.settings.interpretation
    return _masked_windows(run, asked.maximum_variants / asked.variant_shards * VARIANT_PASSES)


def _null_variants(run: Run, key: str) -> Work:
    asked = run.settings.interpretation
    return _masked_windows(run, (asked.null_snvs + asked.null_indels) * NULL_PASSES)


def _masked_windows(run: Run, number: float) -> Work:
    length = min(
        run.settings.pretraining.positions, 2 * run.settings.interpretation.flank / tokens_of(run.chosen)[1] + SPECIALS
    )
    return number * length * forward_flops(run, run.chosen, length, 1 / length), number * length / TOKENS_AT_ONCE


def regions(run: Run) -> float:
    """Regions that are embedded: as many as asked for, or about as many as the genome has room for."""
    asked = run.settings.embeddings
    return min(asked.maximum_regions or math.inf, run.bases / (asked.window_tokens * tokens_of(run.chosen)[1]))


def _embedding_bytes(run: Run, key: str) -> float:
    """Bytes of one shard: half floats of [CLS], mean and the stored contexts (and of all states), double ones of two sums."""
    asked, shape, tokens = run.settings.embeddings, run.settings.pretraining, tokens_of(run.chosen)[0]
    numbers = (len(asked.layers) or shape.layers + 1) * shape.hidden
    stored = (2 + (asked.window_tokens if asked.states else 0)) * regions(run) + tokens * asked.stored_contexts
    return numbers * (2 * stored / asked.shards + 16 * tokens)


def _kept_seeds(run: Run, key: str) -> int:
    """Classifiers whose weights are kept: two of a pretrained model, whose explanations are compared."""
    return 1 if is_random(key) else min(2, run.settings.finetuning.seeds)


# by the kind of cost; the key of a job are its wildcards in the order of its benchmark file, such as `bpe-600` or `ctcf.chosen`
WORK: dict[str, Callable[[Run, str], Work]] = {
    "pretraining": _pretraining,
    "next-kmer": _next_kmer,
    "finetuning": _finetuning,
    "cnn": _cnn,
    "importance": _importance,
    "mutagenesis": _mutagenesis,
    "faithfulness": _faithfulness,
    "motifs": _motifs,
    "base-tracks": _base_tracks,
    "dependency-maps": _dependency_maps,
    "transfer-bases": _transfer_bases,
    "transfer-labels": _transfer_labels,
    "variants": _variants,
    "null-variants": _null_variants,
}
# trainings of one job that need not wait for one another
TRAININGS: dict[str, Callable[[Configuration], int]] = {
    "next-kmer": lambda settings: len(settings.selection.k) * settings.selection.seeds,
    "finetuning": lambda settings: settings.finetuning.seeds,
    "cnn": lambda settings: settings.finetuning.seeds,
    "transfer-labels": lambda settings: len(settings.transfer.labels) * settings.transfer.seeds,
}
# layers and width of networks that are not the encoder
SHAPES: dict[str, tuple[int, int]] = {"cnn": CNN_SHAPE}
# bytes that stay
DISK: dict[str, Callable[[Run, str], float]] = {
    "genome": lambda run, key: 1.02 * run.bases,
    "tokens": lambda run, key: 2.02 * run.bases / tokens_of(key)[1],
    # the model and two checkpoints, each of weights and both moments of Adam, in four bytes
    "pretraining": lambda run, key: 4 * (1 + 2 * 3) * weights(run, key),
    "finetuning": lambda run, key: 4 * weights(run, run.chosen) * _kept_seeds(run, key),
    "embedding": _embedding_bytes,
    "base-tracks": _track_bytes,
    # word2vec and k-mers of each region
    "composition": lambda run, key: 4 * regions(run) * (256 + run.settings.pretraining.hidden),
}


def training_threads(settings: Configuration, cost: str, jobs: int) -> int:
    """Return the threads of each of a rule's `jobs`. Without a GPU, jobs of several trainings share the cores that `threads` names.

    A training has one core, so that threads beyond the trainings of a job would be idle.
    """
    if settings.device == "cuda" or cost not in TRAININGS:
        return settings.threads
    return max(1, min(TRAININGS[cost](settings), settings.threads // max(1, jobs)))
