"""Files from outside as inputs of rules, compared by their content."""

from pathlib import Path

from snakemake.exceptions import WorkflowError

from grover.config import files
from grover.external_models.folder import files_of
from grover.sources.contents import Contents, is_linked

# every source is looked for now, so that a missing file is known before the first job
SOURCES = {key: checked(files.source_file, configuration, key, ROOT) for key in configuration.sources}
# where those lie that are linked, and the links that were made for their present content
PLACES = {
    key: checked(files.local_path, key, each, configuration.data, ROOT)
    for key, each in configuration.sources.items()
    if SOURCES[key].startswith(f"{RUN}/sources/")
}
CONTENTS = Contents(Path(".snakemake/grover/checksums.json"), writes=workflow.is_main_process)
LINKED = [
    key
    for key, place in PLACES.items()
    if checked(
        is_linked,
        Path(SOURCES[key]),
        Path(place),
        files.checksums(configuration.sources[key], configuration.data),
        CONTENTS,
    )
]
# inputs that are compared by content, by the params that `complete_rules` adds, and where the content is
LOCAL = {SOURCES[key]: place for key, place in PLACES.items()}


def by_checksum(path):
    """A local file as an input, compared by its content: its modification time has no effect."""
    LOCAL.setdefault(str(path), str(path))
    return ancient(str(path))


def source(key):
    """Path of a source's file as an input, be it simulated, linked from a local place or downloaded."""
    return by_checksum(SOURCES[key]) if key in LINKED else SOURCES[key]


def rename_option(key):
    """`--rename` for a source whose contigs have other names than the assembly's."""
    rename = configuration.sources[key].rename
    return f"--rename {rename}" if rename else ""


def source_options(keys):
    """`--source KEY=FILE` for each of several sources, and `--rename KEY=HOW` for those that need it."""
    names = {key: configuration.sources[key].rename for key in keys}
    renamed = [f"{key}={rename}" for key, rename in names.items() if rename]
    return " ".join([repeated("--source", [f"{key}={source(key)}" for key in keys]), repeated("--rename", renamed)])


def dataset_sources(task):
    """Keys of the sources that a data set is made of; matched negatives also avoid repeats' imbalance and the blacklist."""
    matched = [key for key in ("repeats", "blacklist") if key in configuration.sources]
    others = [key for key, format in TASKS[task].sources.items() if format != "meme"]
    return list(dict.fromkeys([*others, *(matched if TASKS[task].negatives == "genomic-matched" else [])]))


def known_motifs(task):
    """The MEME file of a task, or else of the run; nothing where it has none."""
    key = TASKS[task].options.get("motifs", configuration.interpretation.motifs)
    return source(key) if key in configuration.sources else []


def transferred(task):
    """The data set of another run that a task is tested on."""
    if "transfer" not in TASKS[task].options:
        return []
    run, other = TASKS[task].options["transfer"].split("/")
    path = f"{configuration.results}/{run}/benchmarks/{other}/dataset.parquet"
    if not Path(path).is_file():
        raise WorkflowError(
            f"{TASK_TABLE}, task {task}: {path} is not there; make it first, with the configuration of the run {run}"
        )
    return by_checksum(path)


def external_configuration(name):
    """The config.json of an external model, in a folder of one's own or in that of the downloads."""
    if name in EXTERNAL_FOLDERS:
        return by_checksum(EXTERNAL_FOLDERS[name] / "config.json")
    return f"{configuration.downloads}/external/{name}/config.json"


def external_files(name):
    """Weights and code of an external model: its own folder's files, or for one of the hub the list of what was downloaded."""
    if name not in EXTERNAL_FOLDERS:
        return f"{configuration.downloads}/external/{name}/external.json"
    return [by_checksum(path) for path in files_of(EXTERNAL_FOLDERS[name])]
