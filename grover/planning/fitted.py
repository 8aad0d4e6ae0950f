"""The vocabulary that a genome supports, and the network and steps that fit into some hours on a device."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from grover.config.sections.pretraining import SIZES
from grover.planning.costs import Run, core_weights, mean_window, tokens_of
from grover.planning.defaults import complete_for_genome
from grover.planning.plan import Job, Machine, network_seconds

# cycles of byte pairs; 600 is the number of the paper for the human genome
CYCLES = (50, 100, 200, 300, 400, 600)
OCCURRENCES = 10_000  # mean number of a token's occurrences that byte pairs leave, which the rarest have a tenth of
KMER_OCCURRENCES = 1_000  # of k-mers, whose numbers are less uneven
TOKENS_PER_WEIGHT = (
    20  # Hoffmann et al. 2022: tokens read per weight for which a larger network would learn less in the same time
)
PASSES = 100  # over the genome, beyond which it is learnt by heart
FEWEST_STEPS = 200
# highest learning rates of the networks, from the defaults of small genomes and of the paper
LEARNING_RATES = {"nano": 0.001, "tiny": 0.001, "small": 0.0004, "base": 0.0004}


@dataclass(frozen=True)
class Fitted:
    """A network, its steps, and what they take.

    Also the bases that the steps read with the shortest tokens of the candidates; passes over the genome; the time of the
    longest pretraining and of all together. capped: the time would allow more passes than are of use. weights: of the layers."""

    size: str
    steps: int
    bases: int
    learning_rate: float
    passes: float
    seconds: float
    together: float
    capped: bool
    weights: int


def fitting_cycles(bases: int) -> int:
    """Return the largest number of byte-pair cycles whose tokens occur often enough in so many bases."""
    return max([cycles for cycles in CYCLES if _occurrences(f"bpe-{cycles}", bases) >= OCCURRENCES], default=CYCLES[0])


def fitting_k(bases: int) -> int:
    """Return the largest k up to 6 whose k-mers occur often enough in so many bases."""
    return max([k for k in range(2, 7) if _occurrences(f"kmer-{k}", bases) >= KMER_OCCURRENCES], default=2)


def fit_pretraining(raw: dict[str, Any], seconds: float, machine: Machine, installation: Path) -> Fitted:
    """Choose the largest network that reads enough tokens per weight in the time, and the steps that fit into it.

    raw: a configuration with its candidates, all of which are pretrained in the time; `genome.bases` is the size of the genome.
    """
    for size in reversed(SIZES):
        found, tokens = _steps(raw, size, seconds, machine, installation)
        if tokens >= TOKENS_PER_WEIGHT * found.weights or size == next(iter(SIZES)):
            break
    return found


def pretraining_seconds(raw: dict[str, Any], machine: Machine, installation: Path) -> float:
    """Return what all candidates of a configuration take together to pretrain, as the planner estimates it."""
    settings, _ = complete_for_genome(raw, "the new configuration", installation)
    run = Run(settings, settings.genome.bases)
    return _together(_seconds(run, machine), run, machine)


def _occurrences(vocabulary: str, bases: int) -> float:
    tokens, stride = tokens_of(vocabulary)
    return bases / stride / tokens


def _steps(
    raw: dict[str, Any], size: str, seconds: float, machine: Machine, installation: Path
) -> tuple[Fitted, float]:
    """The steps that a network takes in the time, and the tokens that it reads."""
    asked = raw | {"pretraining": raw.get("pretraining", {}) | {"size": size, "steps": 1}}
    settings, _ = complete_for_genome(asked, "the new configuration", installation)
    run = Run(settings, settings.genome.bases)
    read = settings.pretraining.batch * mean_window(settings.corpus)  # tokens per step
    names = settings.vocabulary.candidates
    stride = min(tokens_of(name)[1] for name in names)

    def estimate(steps: int) -> list[float]:
        # several candidates read equally many bases, for which longer tokens take fewer steps
        length = {"steps": steps} if len(names) == 1 else {"bases": int(steps * read * stride)}
        pretraining = settings.pretraining.model_copy(update=length)
        return _seconds(replace(run, settings=settings.model_copy(update={"pretraining": pretraining})), machine)

    def together(steps: int) -> float:
        return _together(estimate(steps), run, machine)

    # the estimate grows linearly from the start of the network on, so that two points give it
    low, high = together(FEWEST_STEPS), together(2 * FEWEST_STEPS + 10_000)
    per_step = (high - low) / (FEWEST_STEPS + 10_000)
    steps = FEWEST_STEPS + max(0.0, seconds - low) / per_step
    most = PASSES * run.bases / stride / read
    capped, steps = most < steps, _rounded(max(FEWEST_STEPS, min(steps, most)))
    seen, each = steps * read * stride, estimate(steps)
    took = _together(each, run, machine)
    fitted = Fitted(
        size, steps, int(seen), LEARNING_RATES[size], seen / run.bases, max(each), took, capped, core_weights(run)
    )
    return fitted, steps * read


def _seconds(run: Run, machine: Machine) -> list[float]:
    """Estimated seconds of the pretraining of each candidate."""
    settings = run.settings
    gpus = settings.gpus * settings.nodes if machine.gpu else 0
    jobs = [Job("", name, "pretraining", settings.threads, gpus=gpus) for name in settings.vocabulary.candidates]
    return [network_seconds(job, run, machine) for job in jobs]


def _together(seconds: list[float], run: Run, machine: Machine) -> float:
    """Wall time of the trainings on as many places as there are, the longest one first."""
    settings = run.settings
    places = machine.gpus // settings.gpus if machine.gpu else machine.cores // settings.threads
    ends = [0.0] * max(1, places)
    for each in sorted(seconds, reverse=True):
        ends[ends.index(min(ends))] += each
    return max(ends)


def _rounded(steps: float) -> int:
    """Steps to two significant digits, downwards."""
    unit = 10 ** max(0, len(str(int(steps))) - 2)
    return int(steps) // unit * unit
