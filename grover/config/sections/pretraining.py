"""The models: their size and training, their scores on held-out sequence, and the choice of the vocabulary."""

from typing import Annotated, Literal

from pydantic import Field

from grover.config.fields import Distinct, Place, Section, setting

# encoders by name; `base` is the paper's
SIZES: dict[str, dict[str, int]] = {
    "nano": {"layers": 2, "hidden": 128, "heads": 4, "intermediate": 256},
    "tiny": {"layers": 4, "hidden": 128, "heads": 4, "intermediate": 512},
    "small": {"layers": 6, "hidden": 256, "heads": 4, "intermediate": 1024},
    "base": {"layers": 12, "hidden": 768, "heads": 12, "intermediate": 3072},
}


class SourceModel(Section):
    """The model that a pretraining starts from."""

    source: Place = setting(
        "",
        "Model to start from, with its vocabulary and size: a run, a folder, or a model of the package; empty: random weights.",
        alias="from",
    )


class Size(Section):
    """An encoder by name."""

    size: Literal["nano", "tiny", "small", "base"] = setting(
        "base", "Encoder size: `nano` 2 layers x 128, `tiny` 4 x 128, `small` 6 x 256, `base` 12 x 768.", paper="GROVER"
    )


class Architecture(Section):
    """The encoder."""

    positions: int = setting(
        512,
        "Positions of the model; the longest window with CLS and SEP must fit.",
        unit="tokens",
        paper="GROVER",
        ge=8,
    )
    layers: int = setting(SIZES["base"]["layers"], "Layers of the encoder; the default follows `size`.", ge=1)
    hidden: int = setting(SIZES["base"]["hidden"], "Size of the hidden state; the default follows `size`.", ge=8)
    heads: int = setting(SIZES["base"]["heads"], "Attention heads per layer; the default follows `size`.", ge=1)
    intermediate: int = setting(
        SIZES["base"]["intermediate"], "Size of the feed-forward layer; the default follows `size`.", ge=8
    )
    dropout: float = setting(0.1, "Dropout of the hidden states.", paper="DNABERT", ge=0, le=0.9)
    start: Literal["random", "neighbours"] = setting(
        "random",
        "Initial weights; with `neighbours`, heads of the first layer attend to adjacent tokens, from which small models learn sooner.",
        paper="DNABERT",
    )


class Optimisation(Section):
    """Length and optimiser of a pretraining."""

    steps: int = setting(100_000, "Optimiser steps.", ge=1)
    bases: int = setting(
        0,
        "Bases seen in training, which set the number of steps and make candidates comparable; 0: `steps` decides.",
        unit="bases",
        ge=0,
    )
    batch: int = setting(64, "Windows per step, over all GPUs.", unit="windows", paper="GROVER", ge=1)
    learning_rate: float = setting(0.0004, "Highest learning rate.", paper="GROVER", gt=0)
    warmup: float = setting(0.05, "Share of the steps in which the learning rate rises.", paper="DNABERT", ge=0, le=1)


class MaskingSpan(Section):
    """Neighbouring tokens that are masked together."""

    mask_span: int = setting(
        0, "Adjacent tokens masked together; 0: k for overlapping k-mers, otherwise 1.", unit="tokens", ge=0, le=64
    )


class Masking(MaskingSpan):
    """Tokens to predict."""

    mask_ratio: float = setting(0.022, "Share of the tokens to predict.", paper="GROVER", gt=0, le=0.5)
    mask_keep: float = setting(
        0, "Share of these tokens that stay visible; 0.8 become MASK, the rest another token.", ge=0, le=0.2
    )


class Storage(Section):
    """How the trained weights are stored."""

    weights: Literal["fp32", "fp16"] = setting(
        "fp32",
        "Precision of the stored weights; `fp16` halves the file, and all scores are those of the rounded weights.",
    )


class Execution(Section):
    """How a pretraining runs, without effect on what is learnt."""

    checkpoint_minutes: float = setting(15, "Time between two checkpoints.", unit="minutes", gt=0)
    compile: bool = setting(True, "Use torch.compile on a GPU where a C compiler is found.")


class Pretraining(SourceModel, Size, Architecture, Optimisation, Masking, Storage, Execution):
    """Masked-token pretraining of one model per candidate."""


class HeldOutScores(Section):
    """Scores of masked tokens in held-out windows."""

    maximum_windows: int = setting(20_000, "Largest number of held-out windows that are scored.", unit="windows", ge=10)
    top: int = setting(60, "k of the top-k accuracy.", paper="GROVER", ge=2)
    mask_ratio: float = setting(
        0, "Share of the held-out tokens that is masked and scored; 0: as in pretraining.", ge=0, le=0.5
    )


class CommonSpans(Section):
    """Spans that are masked for every vocabulary, so that bits per base are comparable."""

    span: int = setting(6, "Length of a masked span.", unit="bases", ge=1, le=50)
    span_share: float = setting(0.05, "Share of the bases that these spans cover.", gt=0, le=0.5)
    span_bases: int = setting(
        0,
        "Length of a window with such spans, equal for all candidates; 0: 2 x `corpus.longest`, or 1 x if a candidate has single bases.",
        unit="bases",
        ge=0,
    )


class Evaluation(HeldOutScores, CommonSpans):
    """Scores of a pretrained model on held-out sequence."""

    baseline_tokens: int = setting(
        50_000_000,
        "Largest number of training tokens, drawn at random, that count-based baselines learn from.",
        unit="tokens",
        ge=1000,
    )


class Choice(Section):
    """How the vocabulary of the later stages is chosen."""

    method: Literal["fixed", "sweep"] = setting(
        "fixed", "`fixed` takes `vocabulary`; `sweep` takes the candidate that `rule` chooses."
    )
    rule: Literal["mean-rank", "bits-per-base"] = setting(
        "mean-rank",
        "Criterion on fold valid: mean rank of next-k-mer accuracy over k, or masked bits per base on common spans; ties: the smaller"
        " vocabulary.",
    )
    vocabulary: str = setting("", "Vocabulary taken under method `fixed`; empty: the first candidate.", paper="GROVER")


class NextKmer(Section):
    """Contexts of next-k-mer prediction."""

    k: Distinct[Annotated[int, Field(ge=1, le=6)]] = setting(
        [2, 3, 4, 5, 6], "Lengths of the k-mers to predict.", unit="bases", paper="GROVER", min_length=1
    )
    context: int = setting(50, "Length of the context.", unit="bases", paper="GROVER", ge=10)
    examples: int = setting(
        500_000, "Number of contexts, assigned to train, valid and test by fold.", paper="GROVER", ge=100
    )


class NextKmerRepetitions(Section):
    """Repeated fine-tunings for next-k-mer prediction."""

    seeds: int = setting(3, "Fine-tunings per model and k; the intervals cover them.", ge=1)


class NextKmerTraining(Section):
    """Fine-tuning for next-k-mer prediction."""

    epochs: int = setting(1, "Passes over the training contexts.", ge=1)
    batch: int = setting(64, "Contexts per step.", ge=1)
    learning_rate: float = setting(0.0001, "Highest learning rate.", gt=0)


class NextKmerForest(Section):
    """The TF-IDF random forest for next-k-mer prediction."""

    trees: int = setting(100, "Trees of the random forest.", ge=1)
    forest_examples: int = setting(50_000, "Contexts that the random forest learns from.", ge=100)


class Selection(Choice, NextKmer, NextKmerRepetitions, NextKmerTraining, NextKmerForest):
    """Comparison of the candidates by next-k-mer prediction, and the choice among them."""

    compare: bool = setting(
        False, "Score all candidates by next-k-mer prediction under method `fixed` too, not only the one that is taken."
    )
