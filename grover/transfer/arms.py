"""Which models are compared, and what of the source's run is read: pure functions of the configuration, without heavy imports."""

from collections.abc import Iterable
from pathlib import Path

from grover.config.configuration import Configuration
from grover.planning.continuation import model_at
from grover.runtime.errors import InputError

SOURCE, CONTINUED, SCRATCH, RANDOM = "source", "continued", "scratch", "random"
ARMS = (SOURCE, CONTINUED, SCRATCH, RANDOM)
# how a row of the matrix was made
FINE_TUNED, PROBED, BASELINE, ELSEWHERE = "fine-tuned", "linear probe", "baseline", "source task"
LABELS = {
    SOURCE: "source as it is",
    CONTINUED: "source trained on here",
    SCRATCH: "trained here alone",
    RANDOM: "random initialisation",
}


def further_models(settings: Configuration, installation: Path, origin: str) -> dict[str, Path]:
    """Return the folders of `transfer.models` by name. Raises InputError for a name that is taken and for what is no model."""
    for name in settings.transfer.models:
        if name in ARMS:
            raise InputError(f"{origin}: `transfer.models.{name}`: the name {name} is taken; choose another")
    return {
        name: model_at(asked, settings, installation, origin, f"transfer.models.{name}")
        for name, asked in settings.transfer.models.items()
    }


def source_run(folder: Path) -> Path | None:
    """Return the folder of the run that a model's folder lies in, None where it lies in none."""
    return folder.parent.parent if folder.parent.name == "models" else None


def tasks_of_transfer(settings: Configuration, tasks: Iterable[str], origin: str) -> list[str]:
    """Return the tasks on which models are compared. Raises InputError where `transfer.tasks` names another than those of the run."""
    known = list(tasks)
    for name in (*settings.transfer.tasks, *settings.transfer.source_tasks):
        if name not in known:
            raise InputError(
                f"{origin}: `transfer` names the task {name}, but this run has {', '.join(known) or 'none'}; correct it"
            )
    return settings.transfer.tasks or known


def source_task(settings: Configuration, task: str, run: Path | None) -> tuple[Path, Path] | None:
    """Return the dataset and the fine-tuned classifier of the task of the source's run that is tested on a task here.

    None where the run of the source has no finished task of this name. Raises InputError where `transfer.source_tasks` names one that is
    not finished.
    """
    named = settings.transfer.source_tasks.get(task)
    if named:
        other, _, theirs = named.partition("/")
        run = Path(settings.results, other)
    elif run is None:
        return None
    else:
        theirs = task
    dataset = run / "benchmarks" / theirs / "dataset.parquet"
    classifier = run / "finetuning" / theirs / "chosen/model.safetensors"
    if dataset.is_file() and classifier.is_file():
        return dataset, classifier
    if named:
        missing = classifier if dataset.is_file() else dataset
        raise InputError(f"`transfer.source_tasks.{task}`: {missing} is not there; finish that run first")
    return None


def source_genome(settings: Configuration, run: Path | None, origin: str) -> Path | None:
    """Return the folder with sequence.npy and segments.bed of what the source saw, None where it is unknown."""
    asked = settings.transfer.genome
    folder = Path(asked) if asked else run / "genome" if run else None
    if folder and (folder / "sequence.npy").is_file() and (folder / "segments.bed").is_file():
        return folder
    if asked:
        raise InputError(
            f"{origin}: `transfer.genome`: {asked} has no sequence.npy with segments.bed; name the folder `genome` of a run"
        )
    return None
