"""Benchmarks: data sets, models and baselines that are compared, fine-tuning."""

from typing import Annotated, Literal, get_args

from pydantic import Field

from grover.config.fields import Distinct, Place, Section, setting, subsection

Baseline = Literal[
    "majority",
    "gc",
    "dinucleotide",
    "tfidf-forest",
    "tfidf-logistic",
    "token-forest",
    "token-logistic",
    "pwm",
    "adjacency",
    "open-frame",
    "open-frame-window",
    "codon-markov",
    "shine-dalgarno",
    "cnn",
    "probe-cls",
    "probe-mean",
]


class ExternalOrigin(Section):
    """Where an external model is, and what it can read."""

    model: Place = setting(
        ..., "Folder with config.json, weights and tokenizer, or an id of the Hugging Face Hub.", min_length=1
    )
    revision: str = setting("", "Commit of the Hub's repository.")
    python: Place = setting("", "Interpreter of another environment, where the model needs one.")
    longest: int = setting(
        0, "Longest sequence; tasks with longer ones are left out for this model; 0: no limit.", unit="bases", ge=0
    )


class ExternalReading(Section):
    """How an external model reads sequence."""

    adapter: Literal["auto", "dnabert", "dnabert2", "nucleotide-transformer", "hyenadna"] = setting(
        "auto", "How sequence is tokenised; `auto` is decided by the model's files."
    )
    remote_code: bool = setting(False, "Consent to run the code that comes with the model.")


class ExternalTuning(Section):
    """Fine-tuning of an external model."""

    learning_rate: float = setting(0.00005, "Highest learning rate.", gt=0)
    batch: int = setting(32, "Examples per step.", ge=1)


class ExternalModel(ExternalOrigin, ExternalReading, ExternalTuning):
    """A published model that the models of the run are compared with."""


class Compared(Section):
    """What is compared on which tasks."""

    table: Place = setting("config/benchmarks.tsv", "Table of tasks, one per row.")
    models: Distinct[str] = setting(
        ["chosen"],
        "Models that are fine-tuned, each beside its randomly initialised one: `chosen`, or names of `vocabulary.candidates`.",
        min_length=1,
    )
    external_models: dict[Annotated[str, Field(pattern="^[a-z][a-z0-9]*$")], ExternalModel] = setting(
        {}, "External models, each under a name of your choice."
    )
    baselines: Distinct[Baseline] = setting(
        list(get_args(Baseline)),
        "Baselines without a language model, and linear probes on the pretrained one.",
    )


class DatasetBuilding(Section):
    """How data sets are built."""

    context: int = setting(
        100, "Sequence on either side with which an example is tokenised; 0: none.", unit="bases", paper="GROVER", ge=0
    )
    minimum: int = setting(10, "Examples of each label that each fold must contain.", ge=1)


class Forest(Section):
    """Random-forest baselines."""

    trees: int = setting(1000, "Trees of the random forests.", paper="GROVER", ge=1)


class KmerRange(Section):
    """k-mers of the TF-IDF baselines."""

    kmers: list[Annotated[int, Field(ge=1, le=8)]] = setting(
        [2, 6], "Shortest and longest k-mer of the TF-IDF baselines.", unit="bases", min_length=2, max_length=2
    )


class BaselineExamples(Section):
    """Training examples of the baselines on k-mers and tokens."""

    maximum_train: int = setting(50_000, "Most training examples of the baselines on k-mers and tokens; 0: all.", ge=0)


class CnnTraining(Section):
    """The convolutional baseline."""

    cnn_epochs: int = setting(10, "Most passes of the convolutional network over the training examples.", ge=1)


class BlockBootstrap(Section):
    """Confidence intervals of the scores."""

    bootstrap: int = setting(1000, "Bootstrap resamples per interval.", ge=100)
    block: int = setting(100_000, "Length of a block whose examples are resampled together.", unit="bases", ge=1)


class Limits(Section):
    """Shares of a test set above which an audit stops the run."""

    duplicates: float = setting(0.05, "Share that also occurs in the training set, on either strand.", ge=0, le=1)
    near_duplicates: float = setting(0.2, "Share that is a near-duplicate of a training sequence.", ge=0, le=1)
    overlaps: float = setting(0, "Share that overlaps a training sequence in the genome.", ge=0, le=1)


class Benchmarks(Compared, DatasetBuilding, Forest, KmerRange, BaselineExamples, CnnTraining, BlockBootstrap):
    """Supervised tasks on labelled sequences."""

    similarity: float = setting(0.5, "Share of 11-mers from which two sequences are near-duplicates.", gt=0, le=1)
    limits: Limits = subsection(Limits)


class Repetitions(Section):
    """Repeated trainings."""

    seeds: int = setting(5, "Trainings of each model on each task, with different seeds.", ge=1)


class EarlyStopping(Section):
    """When a training on a task stops."""

    patience: int = setting(2, "Epochs without a lower validation loss before training stops.", unit="epochs", ge=1)
    maximum_valid: int = setting(0, "Most examples of fold valid that decide when training stops; 0: all.", ge=0)


class Weighting(Section):
    """Passes over the training examples, and the weights of their classes."""

    epochs: int = setting(4, "Passes over the training examples.", ge=1)
    warmup: float = setting(0.1, "Share of the steps in which the learning rate rises.", ge=0, le=1)
    class_weights: Literal["balanced", "none"] = setting(
        "balanced",
        "`balanced` weighs classes equally in training, and corrects the probabilities for it; `none` does not.",
    )


class ClassifierTraining(Weighting, EarlyStopping):
    """How a classifier is trained, on our models and on external ones."""

    maximum_train: int = setting(0, "Most training examples; 0: all.", ge=0)


class ClassifierNetwork(Section):
    """How a classifier on one of our models reads and learns."""

    batch: int = setting(32, "Examples per step.", ge=1)
    learning_rate: float = setting(0.00005, "Highest learning rate.", gt=0)
    pooling: Literal["mean", "cls"] = setting(
        "mean", "What the classifier reads: the mean over the tokens, or the state of CLS."
    )


class Finetuning(Repetitions, ClassifierTraining, ClassifierNetwork):
    """Fine-tuning on the tasks."""
