"""What a machine without a network needs of a configuration, in the layout of a bundle (docs/how-to/offline.md).

`downloads/` is the workflow's own folder of that name, `files/` what the configuration names by relative path, `data/` what it names below
`data`. The manifest lists the SHA-256 of every file in the format of the program `sha256sum`.
"""

from collections.abc import Iterator
from pathlib import Path

from grover.config.configuration import Configuration
from grover.config.files import local_path, outside_vocabularies, source_file
from grover.network.shipped import shipped_models
from grover.planning.continuation import source_folder
from grover.runtime.errors import InputError
from grover.runtime.files import checksum, write_text

MANIFEST = "MANIFEST.sha256"


def fetched(configuration: Configuration, installation: Path, folders: dict[str, Path]) -> list[str]:
    """Return the targets by which the workflow fetches and verifies all sources, and the external models that are ids of the hub.

    folders: those of the external models on this machine.
    """
    named = {key: source for key, source in configuration.sources.items() if source.simulated is None}
    models = [name for name in configuration.benchmarks.external_models if name not in folders]
    return [
        *(source_file(configuration, key, installation) for key in named),
        *(f"{configuration.downloads}/external/{name}/external.json" for name in models),
    ]


def local_parts(
    configuration: Configuration, installation: Path, folders: dict[str, Path], origin: str
) -> dict[str, Path]:
    """Return what is copied of this machine, files and folders, by its path in the bundle: sources, tables, vocabularies, models.

    folders: those of the external models on this machine. Raises InputError for an absolute path, which another machine lacks.
    """
    parts: dict[str, Path] = {}
    for key, source in configuration.sources.items():
        place = local_path(key, source, configuration.data, installation) if source.simulated is None else None
        if place and configuration.data and source.file is not None:
            parts[f"data/{_portable(f'sources.{key}.file', source.file, origin)}"] = Path(place)
        elif place:
            parts[f"files/{_portable(f'sources.{key}.url', source.url or '', origin)}"] = Path(place)
    for setting, name in _settings(configuration):
        found = next((path for path in (Path(name), installation / name) if name and path.exists()), None)
        if found:
            parts[f"files/{_portable(setting, name, origin)}"] = found
    for name, found in outside_vocabularies(configuration, installation, origin).items():
        asked = _portable(f"vocabulary.outside.{name}", configuration.vocabulary.outside[name], origin)
        below = configuration.data and Path(found) == Path(configuration.data, asked)
        parts[f"{'data' if below else 'files'}/{asked}"] = Path(found)
    for name, folder in folders.items():
        asked = configuration.benchmarks.external_models[name].model
        parts[f"files/{_portable(f'benchmarks.external_models.{name}.model', asked, origin)}"] = folder
    model = source_folder(configuration, installation, origin)
    if model and model not in shipped_models().values():
        asked, key = configuration.pretraining.source, "pretraining.from"
        if model.is_relative_to(Path(configuration.results, asked)):
            raise InputError(
                f"{origin}: `{key}` is the run {asked}, whose results a bundle does not contain; name a folder with the model"
            )
        inside = model.relative_to(installation) if model.is_relative_to(installation / asked) else model
        parts[f"files/{_portable(key, str(inside), origin)}"] = model
    return parts


def _settings(configuration: Configuration) -> Iterator[tuple[str, str]]:
    """The settings that name a file which is no source."""
    yield "benchmarks.table", configuration.benchmarks.table
    yield "embeddings.tracks", configuration.embeddings.tracks
    yield "genome.sizes", configuration.genome.sizes
    yield "genome.aliases", configuration.genome.aliases


def _portable(setting: str, name: str, origin: str) -> str:
    """Return a path that a setting names, if it can be the same on another machine; else raise InputError."""
    if "://" in name or Path(name).is_absolute() or ".." in Path(name).parts:
        raise InputError(
            f"{origin}: `{setting}` is {name}, which another machine lacks; name it by a path below the working directory, or a source "
            "by `file` below `data`"
        )
    return name


def write_manifest(folder: Path) -> str:
    """Write the SHA-256 of every file of a bundle, except of the manifest, into it; return that of the manifest."""
    paths = sorted(path for path in folder.rglob("*") if not path.is_dir() and path != folder / MANIFEST)
    for path in paths:
        if set("\\\n") & set(str(path.relative_to(folder))):  # `sha256sum` writes such a name in another form
            raise InputError(
                f"{str(path)!r}: a file of a bundle has no backslash and no line break in its name; rename it"
            )
    lines = [f"{checksum(path)}  {path.relative_to(folder)}\n" for path in paths]
    write_text(folder / MANIFEST, "".join(lines))
    return checksum(folder / MANIFEST)
