"""How much work each rule of a run has and what it writes: formulas over the configuration and the size of the genome.

The work of a rule is an amount that its seconds grow with: FLOPs where a network is trained or run, elsewhere bases, regions or whatever
drives it. How fast a machine works them off is measured and stands apart (grover/planning/throughput.py). Nothing heavy is imported,
since the driver of the workflow asks too.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from grover.config.benchmark_table import Task
from grover.config.names import VOCABULARY

SPECIALS = 2  # [CLS] and [SEP] around every window
TRAINING = 3  # FLOPs of forward and backward pass over those of the forward pass
# sites of a motif for each base and unit of the p-value threshold: measured on 26 Mb of hg19 (CTCF), and planted in simulated genomes
SITES, PLANTED_SITES = 4.7, 103.0
# promoters (EPDnew), peaks (CTCF) and introns (GENCODE) of a human genome, a base; sets from elsewhere are taken to be as large as
# those of GUE
PLACES = {"prom300": 1e-5, "promscan": 1e-5, "tfbs": 3e-5, "regions": 3e-5, "splice": 1.2e-4}
READY_SET, READY_LENGTH = 30_000.0, 100
UNKNOWN_OUTSIDE = 5.0  # bases a token of a vocabulary from elsewhere, as of DNABERT-2's 4,096 tokens on hg19


@dataclass(frozen=True)
class Run:
    """What the formulas read: the complete configuration, the ACGT of the kept sequence, the tasks (of the table of
    benchmarks by name), the number of tracks, and the examples of those tasks whose data set is known.
    """

    config: dict
    bases: int
    tasks: dict[str, Task] = field(default_factory=dict)
    tracks: int = 0
    examples: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Network:
    """The shape of an encoder such as BERT."""

    layers: int
    hidden: int
    intermediate: int
    positions: int

    @property
    def core(self) -> int:
        """Weights of the layers, without embeddings: the N of 6 N FLOPs a token."""
        return self.layers * (4 * self.hidden**2 + 2 * self.hidden * self.intermediate)

    def weights(self, vocabulary: int) -> int:
        """All weights, with embeddings and the transform before the output; biases are left out."""
        return self.core + self.hidden * (vocabulary + self.positions + 2 + self.hidden)


def network(config: dict) -> Network:
    """The network that the complete configuration describes."""
    asked = config["pretraining"]
    return Network(asked["layers"], asked["hidden"], asked["intermediate"], asked["positions"])


def forward_flops(net: Network, length: float) -> float:
    """FLOPs a token of the forward pass in windows of `length` tokens: 2 N + 4 L H T, a third of the usual 6 N + 12 L H T
    of a training step (Chowdhery et al. 2022, appendix B).
    """
    return 2 * net.core + 4 * net.layers * net.hidden * length


def output_flops(net: Network, vocabulary: int) -> float:
    """FLOPs of the forward pass to predict one token: the transform and the product with all embeddings."""
    return 2 * net.hidden * (net.hidden + vocabulary)


def bases_a_token(name: str) -> float:
    """Mean length of the tokens of a vocabulary. For byte pairs measured on 26 Mb of hg19: 3.02 bases at 100 cycles, 4.12 at
    600, 5.52 at 5,000, which grow with the logarithm of the cycles.
    """
    kind, _, number = name.partition("-")
    if kind == "bpe":
        return max(1.0, 3.02 + 0.64 * math.log(int(number) / 100))
    if kind == "kmer":
        return float(number)
    return 1.0 if re.fullmatch(VOCABULARY, name) else UNKNOWN_OUTSIDE


def vocabulary_size(name: str) -> int:
    """Number of tokens with the five specials; 4,096 for a vocabulary from elsewhere."""
    kind, _, number = name.partition("-")
    if kind == "bpe":
        return int(number) + 9
    if kind in ("kmer", "overlap"):
        return 4 ** int(number) + 9
    return 9 if name == "char" else 4_096


def mean_window(corpus: dict) -> float:
    """Mean length of the windows in tokens: half have the largest length, half are drawn between the smallest and the largest."""
    return corpus["longest"] / 2 + (corpus["shortest"] + corpus["longest"]) / 4


def pretraining_tokens(config: dict, name: str) -> float:
    """Tokens that a pretraining sees, special ones left out: from its steps, or from `pretraining.bases`."""
    asked = config["pretraining"]
    if asked.get("bases"):
        return asked["bases"] / bases_a_token(name)
    return asked["steps"] * asked["batch"] * mean_window(config["corpus"])


def train_share(folds: dict) -> float:
    """Share of the genome in fold train; whole contigs held out are taken for a fifth."""
    held_out = [folds[name] for name in ("valid", "test")]
    return 0.8 if any(isinstance(share, list) for share in held_out) else 1 - sum(held_out)


def examples_of(run: Run, task: str) -> float:
    """Sequences in the data set of a task: known, or from the number of sites that the threshold lets pass."""
    if task in run.examples:
        return run.examples[task]
    row = run.tasks[task]
    if row.builder == "csv":
        return READY_SET
    if row.builder == "motif-bound":
        density = PLANTED_SITES if "simulate" in run.config else SITES
        found = run.bases * float(row.options.get("threshold", 1e-5)) * density
    else:
        # scans of neighbouring promoters overlap
        scanned = 0.6 * 2 * int(row.options.get("reach", 5000)) / int(row.options.get("step", 300))
        found = run.bases * PLACES[row.builder] * (scanned if row.builder == "promscan" else 2)
    # the largest number holds for each label of each fold
    return min(found, 6 * row.maximum) if row.maximum else found


def length_of(run: Run, task: str) -> float:
    """Tokens of a sequence of a task, special ones included."""
    return (run.tasks[task].length or READY_LENGTH) / bases_a_token(_chosen(run.config)) + SPECIALS


@dataclass(frozen=True)
class Work:
    """`amount` in the unit of the rule; for networks FLOPs, and the `steps` and `layers` that cost time of their own."""

    amount: float
    steps: float = 0
    layers: int = 0


def _chosen(config: dict) -> str:
    """The vocabulary of the later stages; under a sweep the first candidate stands for the winner."""
    return config["selection"]["vocabulary"]


def _pretrain(run: Run, key: str) -> Work:
    config, net = run.config, network(run.config)
    length = mean_window(config["corpus"]) + SPECIALS
    windows = pretraining_tokens(config, key) / mean_window(config["corpus"])
    predicted = config["pretraining"]["mask_ratio"] * output_flops(net, vocabulary_size(key))
    flops = TRAINING * windows * length * (forward_flops(net, length) + predicted)
    return Work(flops, windows / config["pretraining"]["batch"], net.layers)


def _evaluate(run: Run, key: str) -> Work:
    config, net = run.config, network(run.config)
    length, windows = mean_window(config["corpus"]) + SPECIALS, config["evaluation"]["maximum_windows"]
    share = config["evaluation"]["mask_ratio"] or config["pretraining"]["mask_ratio"]
    predicted = share * output_flops(net, vocabulary_size(key))
    # both splits and the common spans of two folds, by the model and by its untrained twin
    return Work(8 * windows * length * (forward_flops(net, length) + predicted), 8 * windows / 64, net.layers)


def _next_kmer(run: Run, key: str) -> Work:
    asked, net = run.config["selection"], network(run.config)
    length = asked["context"] / bases_a_token(key) + SPECIALS
    learnt = asked["examples"] * train_share(run.config["folds"])
    passes = TRAINING * asked["epochs"] * learnt + asked["examples"] - learnt
    repeats = len(asked["k"]) * asked.get("seeds", 1)
    flops = repeats * passes * length * forward_flops(net, length)
    return Work(flops, repeats * asked["epochs"] * learnt / asked["batch"], net.layers)


def _finetune(run: Run, key: str) -> Work:
    config, net, task = run.config, network(run.config), key.rpartition(".")[0]
    asked, share, examples = config["finetuning"], train_share(config["folds"]), examples_of(run, task)
    length = length_of(run, task)
    learnt = min(share * examples, asked["maximum_train"] or math.inf)
    held_out = (1 - share) * examples
    passes = (
        asked["epochs"] * (TRAINING * learnt + min(held_out / 2, asked.get("maximum_valid") or math.inf)) + held_out
    )
    flops = asked["seeds"] * passes * length * forward_flops(net, length)
    return Work(flops, asked["seeds"] * asked["epochs"] * learnt / asked["batch"], net.layers)


def _probe(run: Run, key: str) -> Work:
    net, task = network(run.config), key.rpartition(".")[0]
    return Work(examples_of(run, task) * length_of(run, task) * forward_flops(net, length_of(run, task)), 0, net.layers)


def _embed(run: Run, key: str) -> Work:
    net, asked = network(run.config), run.config["embeddings"]
    length, windows = asked["window_tokens"] + SPECIALS, regions(run) / asked["shards"]
    return Work(windows * length * forward_flops(net, length), windows / 64, net.layers)


def _compare_strands(run: Run, key: str) -> Work:
    net, asked = network(run.config), run.config["embeddings"]
    length, windows = core_tokens(asked) + SPECIALS, 2 * min(asked["strands"], regions(run))
    return Work(windows * length * forward_flops(net, length), windows / 64, net.layers)


def _occlude(run: Run, key: str) -> Work:
    net, config = network(run.config), run.config
    task = config["interpretation"]["task"] or next(iter(run.tasks))
    bases, length = run.tasks[task].length or READY_LENGTH, length_of(run, task)
    return Work(3 * bases * length * forward_flops(net, length), 3 * bases / 64, net.layers)


def _score_variants(run: Run, key: str) -> Work:
    net, asked = network(run.config), run.config["interpretation"]
    length = (2 * asked["flank"] + 1) / bases_a_token(_chosen(run.config)) + SPECIALS
    alleles = 2 * asked["maximum_variants"]
    return Work(alleles * length * forward_flops(net, length), alleles / 64, net.layers)


NETWORKS: dict[str, Callable[[Run, str], Work]] = {
    "pretrain": _pretrain,
    "evaluate_pretraining": _evaluate,
    "next_kmer": _next_kmer,
    "finetune": _finetune,
    "probe_linear": _probe,
    "embed": _embed,
    "compare_strands": _compare_strands,
    "mutate_in_silico": _occlude,
    "score_variants": _score_variants,
}


def core_tokens(asked: dict) -> int:
    """Tokens of a region: those of its window without the context at both ends."""
    return asked["window_tokens"] - 2 * asked["context"]


def regions(run: Run) -> float:
    """Regions that are embedded: as many as asked for, or as lie in the genome; intervals of one's own are taken to be as many."""
    asked = run.config["embeddings"]
    return min(
        asked["maximum_regions"] or math.inf, run.bases / (core_tokens(asked) * bases_a_token(_chosen(run.config)))
    )


def representations(run: Run) -> int:
    """What a track is probed from: [CLS] and mean of every layer of every model and its twin, rivals, and three floors."""
    asked = run.config["embeddings"]
    layers = len(asked["layers"]) or network(run.config).layers + 1
    return 2 * 2 * layers * len(asked["models"]) + 2 * len(asked["external_models"]) + 3


def _probed(run: Run, key: str) -> float:
    asked = run.config["embeddings"]
    learnt = min(train_share(run.config["folds"]) * regions(run), asked["maximum_train"])
    return learnt * representations(run)


def _word2vec(run: Run, key: str) -> float:
    asked = run.config["embeddings"]
    return asked["word2vec_epochs"] * min(asked["word2vec_tokens"], run.bases / bases_a_token(_chosen(run.config)))


def _bases(run: Run, key: str) -> float:
    return run.bases


def _learnt_bases(bases: float, vocabulary: dict) -> float:
    """Bases times passes over them, of which 5,000 cycles need four times as many as 600 (26 Mb of hg19)."""
    return (
        bases
        * vocabulary["sample"]
        * (vocabulary["cycles"] / 600) ** 0.7
        * (2 if vocabulary["strands"] == "both" else 1)
    )


def _null_bases(run: Run) -> float:
    return min(run.bases, run.config["atlas"]["null_bases"])


def _stability(run: Run, key: str) -> float:
    asked, vocabulary = run.config["atlas"], run.config["vocabulary"]
    windows = min(asked["stability_windows"], run.bases / (asked["stability_length"] + 2 * asked["flank"]))
    return windows * asked["stability_length"] * len({*vocabulary["candidates"], *vocabulary["studied"]})


def _forest(run: Run, key: str) -> float:
    return (
        run.config["benchmarks"]["trees"] * run.config["finetuning"]["seeds"] * examples_of(run, key.rpartition(".")[0])
    )


def _convolved(run: Run, key: str) -> float:
    """Bases that the convolutional floor sees over all its passes and seeds."""
    config = run.config
    repeats = config["benchmarks"].get("cnn_epochs", 10) * config["finetuning"]["seeds"]
    return repeats * examples_of(run, key) * (run.tasks[key].length or READY_LENGTH)


# what the seconds of the other rules grow with; a rule that stands nowhere takes as long as it is known to take
AMOUNTS: dict[str, tuple[str, Callable[[Run, str], float]]] = {
    "simulate_genome": ("bases", _bases),
    "encode_genome": ("bases", _bases),
    "check_sources": ("bases", _bases),
    "train_bpe": ("bases x passes", lambda run, key: _learnt_bases(run.bases, run.config["vocabulary"])),
    "tokenise_genome": ("bases", _bases),
    "tokenise_null_genome": (
        "bases x passes",
        lambda run, key: _learnt_bases(_null_bases(run), run.config["vocabulary"]),
    ),
    "describe_tokens": ("bases", lambda run, key: run.bases if key == "observed" else _null_bases(run)),
    "measure_stability": ("bases x vocabularies", _stability),
    "make_windows": ("tokens", lambda run, key: run.config["corpus"]["passes"] * run.bases / bases_a_token(key)),
    "next_kmer_baselines": ("trees x examples", lambda run, key: _selection_forest(run.config["selection"])),
    "scan_motif": ("bases", _bases),
    "build_dataset": ("bases", _bases),
    "audit_dataset": ("examples", lambda run, key: examples_of(run, key)),
    "run_baseline.forest": ("trees x examples", _forest),
    "run_baseline.logistic": ("examples", lambda run, key: examples_of(run, key.rpartition(".")[0])),
    "train_cnn": ("examples x bases", _convolved),
    "score_task": ("examples", lambda run, key: examples_of(run, key)),
    "annotate_regions": ("regions", lambda run, key: regions(run)),
    "project_regions": ("regions", lambda run, key: min(regions(run), run.config["embeddings"]["projected"])),
    "compose_regions": ("regions", lambda run, key: regions(run)),
    "probe_track": ("regions x representations", _probed),
    "measure_clusters": ("tracks", lambda run, key: run.tracks),
    "train_word2vec": ("tokens x epochs", _word2vec),
    "enrich_tokens": ("bases x tracks", lambda run, key: run.bases * run.tracks),
    "choose_regions": ("bases", _bases),
    "stratify_predictions": (
        "tokens",
        lambda run, key: run.config["evaluation"]["maximum_windows"] * mean_window(run.config["corpus"]),
    ),
}


def _selection_forest(asked: dict) -> float:
    return asked["trees"] * min(asked["forest_examples"], asked["examples"])


def kind(rule: str, key: str) -> str:
    """The name under which the throughput of a job is kept: its rule; forests and regressions on words stand alone among the floors."""
    learner = key.rpartition("-")[2]
    return f"{rule}.{learner}" if rule == "run_baseline" and learner in ("forest", "logistic") else rule


def unit(rule: str) -> str:
    """What the amount of a rule counts; empty for a rule that takes the same time whatever the run."""
    return "FLOP" if rule in NETWORKS else AMOUNTS.get(rule, ("", None))[0]


def work(run: Run, rule: str, key: str) -> Work:
    """The work of one job: its rule and its `key`, the wildcards in the order of its benchmark file, such as `ctcf.chosen`."""
    if rule in NETWORKS:
        return NETWORKS[rule](run, key)
    name = kind(rule, key)
    return Work(AMOUNTS[name][1](run, key)) if name in AMOUNTS else Work(0)


def written(run: Run, rule: str, key: str) -> float:
    """Bytes that one job writes and that stay, checkpoints of a training included; what comes to less than a few MB is left out.

    Downloads are not counted: what a server sends is not known beforehand.
    """
    config, net = run.config, network(run.config)
    weights = 4 * net.weights(vocabulary_size(key if rule == "pretrain" else _chosen(config)))
    formulas: dict[str, Callable[[], float]] = {
        "simulate_genome": lambda: 0.31 * run.bases,
        "encode_genome": lambda: 1.02 * run.bases,
        "tokenise_genome": lambda: 2.02 * run.bases / bases_a_token(key),
        "tokenise_null_genome": lambda: _null_bases(run) * (1 + 2.02 / bases_a_token(_described(config))),
        "make_windows": lambda: (
            7.2 * config["corpus"]["passes"] * run.bases / bases_a_token(key) / mean_window(config["corpus"])
        ),
        # both splits, about 30 bytes a hidden token
        "evaluate_pretraining": lambda: (
            60
            * config["evaluation"]["maximum_windows"]
            * mean_window(config["corpus"])
            * (config["evaluation"]["mask_ratio"] or config["pretraining"]["mask_ratio"])
        ),
        # two checkpoints of weights and both moments of Adam
        "pretrain": lambda: weights * (1 + 2 * 3),
        "finetune": lambda: weights,
        "embed": lambda: _embedded(run, net),
        "compose_regions": lambda: 4 * regions(run) * (256 + net.hidden),
    }
    return formulas[rule]() if rule in formulas else 0.0


def _embedded(run: Run, net: Network) -> float:
    """Bytes of one part of the embeddings: half floats of [CLS] and mean and of the stored contexts, double ones of two sums."""
    asked = run.config["embeddings"]
    numbers = (len(asked["layers"]) or net.layers + 1) * net.hidden
    tokens = vocabulary_size(_chosen(run.config))
    part = regions(run) / asked["shards"]
    states = 2 * part * core_tokens(asked) * numbers if asked["states"] else 0
    return (
        2 * 2 * part * numbers
        + 2 * tokens * asked["stored_contexts"] * numbers / asked["shards"]
        + 16 * tokens * numbers
        + states
    )


def gpus_of(rule: str, config: dict) -> int:
    """GPUs of a job that takes any: a pretraining may take several on several nodes."""
    return config["gpus"] * config.get("nodes", 1) if rule == "pretrain" else 1  # runs of older versions have no nodes


def _described(config: dict) -> str:
    """The vocabulary of the atlas: byte pairs if there are any."""
    names = [*config["vocabulary"]["candidates"], *config["vocabulary"]["studied"]]
    return config["atlas"]["vocabulary"] or next((name for name in names if name.startswith("bpe-")), names[0])
