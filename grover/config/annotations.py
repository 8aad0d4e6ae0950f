"""Which sources a run reads, in which format, and which tasks are explained: from the configuration and the tables."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from grover.config.benchmark_table import Task
from grover.config.configuration import Configuration
from grover.runtime.errors import InputError

# read under these names, whatever the tables name
STAGES = {"genome", "regions", "repeats", "blacklist", "variants"}
# builders whose examples are single sites, whose model may score variants
SINGLE_SITES = ("motif-bound", "tfbs", "prom300")

Tasks = Mapping[str, Task]
Track = Mapping[str, str]


def refuse_unread(
    configuration: Configuration, tasks: Tasks, tracks: Iterable[Track], tables: tuple[Path, Path], origin: str
) -> None:
    """Raise InputError for a source that nothing reads, which is a misspelt one.

    tasks, tracks: all rows of the `tables` of tasks and tracks, also those whose sources are absent.
    """
    read = STAGES | {track["source"] for track in tracks} | {key for task in tasks.values() for key in task.sources}
    asked = configuration.interpretation
    read |= {configuration.embeddings.intervals, asked.tracks, asked.map_regions, *variant_sources(configuration)}
    for key in configuration.sources:
        if key not in read:
            raise InputError(
                f"{origin}: nothing reads the source `{key}`; correct its name, or name it in {tables[0]} or {tables[1]}"
            )


def sources_read(configuration: Configuration, tasks: Tasks, tracks: Iterable[Track]) -> list[str]:
    """Return the keys of the annotations that a track, a task or a stage of this run reads, sorted."""
    found = {track["source"] for track in tracks} | {key for task in tasks.values() for key in task.sources}
    found |= {"blacklist", "variants"} & set(configuration.sources)
    if tasks:
        found |= {"repeats"} & set(configuration.sources)
    found |= {configuration.interpretation.tracks} & set(configuration.sources)
    return sorted(found | ({configuration.embeddings.intervals, configuration.interpretation.map_regions} - {""}))


def variant_sources(configuration: Configuration) -> list[str]:
    """Return the keys of the annotations that variants are compared with, those that `sources` has."""
    if "variants" not in configuration.sources:
        return []
    asked = configuration.interpretation
    keys = (asked.starts, asked.exons, asked.motifs, asked.conservation)
    return [key for key in dict.fromkeys(keys) if key in configuration.sources]


def explained_tasks(configuration: Configuration, tasks: Tasks, known: Tasks, origin: str) -> list[str]:
    """Return the tasks of the run whose sites are explained, in the order of `tasks`; one that is left out of the run is not.

    known: all tasks of the table. Raises InputError where `interpretation.tasks` names another.
    """
    asked = configuration.interpretation.tasks
    for name in asked:
        if name not in known:
            raise InputError(
                f"{origin}: `interpretation.tasks` names {name!r}, but the tasks are {', '.join(known) or 'none'}; correct the name"
            )
    return [name for name in tasks if name in (asked or tasks)]


def single_site_task(configuration: Configuration, tasks: Tasks, origin: str) -> str:
    """Return the task whose fine-tuned model scores variants; empty where no task has single sites.

    Raises InputError where `interpretation.variant_task` names another.
    """
    known = [name for name, task in tasks.items() if task.builder in SINGLE_SITES]
    asked = configuration.interpretation.variant_task
    if asked and asked not in known:
        raise InputError(
            f"{origin}: `interpretation.variant_task` is {asked!r}, but the tasks of single sites are {', '.join(known) or 'none'}"
        )
    return asked or next(iter(known), "")
