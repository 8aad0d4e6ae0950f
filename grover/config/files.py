"""Where the files are that a configuration names."""

import shlex
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml

from grover.config.configuration import Configuration
from grover.config.sections.run import Source
from grover.runtime.errors import InputError


def refuse_repeated_keys(configfiles: Iterable[Path | str]) -> None:
    """Raise InputError for a key that a section of a configuration has twice; YAML takes the last one and drops the others."""
    for path in configfiles:
        try:
            _refuse_repeated_keys(yaml.compose(Path(path).read_text(encoding="utf-8")), path)
        except yaml.YAMLError:
            continue  # JSON that is indented by tabs is no YAML; of other mistakes Snakemake says where they are


def _refuse_repeated_keys(node: yaml.Node | None, path: Path | str, place: str = "") -> None:
    seen: dict[str, int] = {}
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        name, line = f"{place}.{key.value}".lstrip("."), key.start_mark.line + 1
        if name in seen:
            raise InputError(f"{path}: `{name}` stands there twice, in lines {seen[name]} and {line}; merge them")
        seen[name] = line
        _refuse_repeated_keys(value, path, name)


def installed(path: str, installation: Path) -> Path:
    """Look for a file in the working directory and then in the installation; where there is none, return `path`."""
    return next((place for place in (Path(path), installation / path) if place.is_file()), Path(path))


def outside_vocabularies(configuration: Configuration, installation: Path, origin: str) -> dict[str, Path]:
    """Find the tokenizer.json of each vocabulary from outside, in the data folder first. Raises InputError for a missing one."""
    places = {}
    for name, path in configuration.vocabulary.outside.items():
        kept = Path(configuration.data, path)
        places[name] = kept if configuration.data and kept.is_file() else installed(path, installation)
        if not places[name].is_file():
            raise InputError(
                f"{origin}: `vocabulary.outside.{name}`: {path} is neither below `data`, nor in the working directory, nor in the "
                "installation; correct the path"
            )
    return places


def source_file(configuration: Configuration, key: str, installation: Path) -> str:
    """Return the path of a source as an input of rules: simulated, linked from a local place, or downloaded.

    Raises InputError, naming key and path, where a local file is missing.
    """
    source, run = configuration.sources[key], f"{configuration.results}/{configuration.run}"
    if source.simulated is not None:
        return f"{run}/simulated/{source.simulated}"
    place = local_path(key, source, configuration.data, installation)
    folder = f"{run}/sources/{key}" if place else f"{configuration.downloads}/{key}"
    if not (name := file_name(source, place)):
        raise InputError(f"sources.{key}: the address {source.url} ends without the name of a file; correct it")
    return f"{folder}/{name}"


def local_path(key: str, source: Source, data: str, installation: Path) -> str | None:
    """Return where a source is on this machine, None for an address of another.

    It is below the data folder, if one is given, or at the path in `url`. That path is looked up in the working directory and then in the
    installation. Raises InputError, naming key and path, where the file is missing or the kind of address is unknown.
    """
    if data and source.file is not None:
        path = Path(data) / source.file
        advice = f"put the file there, or correct --config data={data}"
    else:
        url = source.url or ""
        address = urlsplit(url)
        if address.scheme in ("http", "https", "ftp"):
            return None
        if "://" in url and address.scheme != "file":
            raise InputError(f"sources.{key}: {url} cannot be fetched; use https, http, ftp, file:// or a plain path")
        path = installed(unquote(address.path) if address.scheme == "file" else url, installation)
        advice = "correct the path"
    if not path.is_file():
        raise InputError(f"sources.{key}: {path.absolute()} does not exist; {advice}")
    return str(path)


def file_name(source: Source, place: str | None) -> str:
    """Return the name under which a source is linked (`place`, its local path) or downloaded."""
    return Path(place or unquote(urlsplit(source.url or "").path)).name


def checksums(source: Source, data: str) -> dict[str, str]:
    """Return what a source is verified by: `md5`, `sha256`, `sum` and `checksum_url`, as far as they are given; data: the data folder,
    if any."""
    if data and source.file is not None and source.file_sha256:
        return {"sha256": source.file_sha256}
    given = {"md5": source.md5, "sha256": source.sha256, "sum": source.sum, "checksum_url": source.checksum_url}
    return {name: value for name, value in given.items() if value}


def checksum_options(source: Source, data: str) -> str:
    """Return the options of `fetch_source.py` that say what a source is verified by."""
    given = checksums(source, data)
    return " ".join(f"--{name.replace('_', '-')} {shlex.quote(value)}" for name, value in given.items())
