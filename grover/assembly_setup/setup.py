"""From the name of an assembly to a configuration on the disk that the workflow accepts."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import yaml

from grover.assembly_setup import ensembl, local_files, ncbi, ucsc
from grover.assembly_setup.configured import Configured, Wish, configure, head_of, tail_of
from grover.assembly_setup.described import Assembly, Source
from grover.assembly_setup.genes import look, look_into_download
from grover.assembly_setup.servers import Servers
from grover.assembly_setup.written import render
from grover.genome.aliases import Synonyms, check_synonyms, read_aliases
from grover.planning.defaults import complete_for_genome
from grover.runtime.errors import InputError
from grover.runtime.files import write_text
from grover.sources.download import Unreachable

RUN = re.compile("[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class New:
    """A written configuration: its path, the files beside it, and lines that say what was found and chosen."""

    path: Path
    beside: list[Path]
    lines: list[str]


def find_assembly(
    what: str, genes: Path | None, servers: Servers, check: Callable[[str], object] = str
) -> tuple[Assembly, Synonyms]:
    """Describe an assembly by an accession of NCBI, `ensembl:NAME`, `ucsc:NAME`, or a FASTA, a 2bit or a folder of this machine.

    genes: a GFF3 or GTF of this machine, in place of the one that is found. check: gets the name of the run as soon as it is known, before
    large files are read, and may raise. Raises `InputError` in one sentence for what is not there, and for a server that does not answer,
    with the way by a folder.
    """
    here = Path(what).exists()
    way = None if here else _way_to(what, servers)
    try:
        if way is None:
            files = local_files.choose(Path(what), genes)
            check(files.run)
            assembly = local_files.describe(files)
        else:
            assembly = way.find(way.name, servers)
            check(assembly.run)
        synonyms = _synonyms(assembly)
        if genes and not here:
            assembly = assembly.with_genes(local_files.source(genes), None)
        return _with_genes(assembly, synonyms, servers), synonyms
    except Unreachable as error:
        if way is None:
            raise
        url, _, reason = str(error).partition("; try again")[0].partition(" could not be fetched")
        host, reason = urlsplit(url).netloc, reason.rpartition("ended with: ")[2]
        raise InputError(
            f"{host} does not answer ({reason}); download {way.files} of {way.folder} on a machine with network into one folder and run "
            "`grover new FOLDER`, or set the proxy (https_proxy) or --mirror"
        ) from None


@dataclass(frozen=True)
class _Way:
    """How an assembly is found at its site, and which files of what a person would download instead."""

    find: Callable[[str, Servers], Assembly]
    name: str
    files: str
    folder: str


def _way_to(what: str, servers: Servers) -> _Way:
    site, _, name = what.partition(":")
    if ncbi.ACCESSION.fullmatch(what):
        return _Way(ncbi.find, what, ncbi.FILES, servers.address("ncbi", ncbi.place(what)))
    if site == "ensembl" and name:
        return _Way(ensembl.find, name, ensembl.FILES, name)
    if site == "ucsc" and name:
        return _Way(ucsc.find, name, ucsc.FILES, servers.address("ucsc", f"goldenPath/{name}/bigZips"))
    raise InputError(
        f"{what}: no file or folder of this name, and no accession (GCF_000005845.2), species of Ensembl "
        "(ensembl:saccharomyces_cerevisiae) or assembly of UCSC (ucsc:hg38); correct it"
    )


def check_output(path: Path, force: bool) -> None:
    """Raise `InputError` where a configuration or a file beside it cannot be written, or is there already and `force` is not given."""
    if not RUN.fullmatch(path.stem):
        raise InputError(
            f"{path}: the run is called {path.stem!r}; begin the name with a letter or digit, and use . _ - besides"
        )
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file in it with -o, such as {path / 'own.yaml'}")
    if path.exists() and not force:
        raise InputError(f"{path} is there already; choose another name with -o, or give --force to replace it")
    above = next(folder for folder in path.absolute().parents if folder.exists())
    if not (above.is_dir() and os.access(above, os.W_OK | os.X_OK)):
        raise InputError(f"{path} cannot be written in {above}; choose a folder that can be written to with -o")


def write_new(
    assembly: Assembly, synonyms: Synonyms, wish: Wish, output: Path, installation: Path, words: list[str], force: bool
) -> New:
    """Choose the values, check them as the workflow does, and write the configuration with the files beside it.

    words: the command, for the comment at the top. Raises `InputError` where a file is there already, unless `force` is given.
    """
    chosen = configure(assembly, synonyms, wish, output, installation)
    for file in (output, *map(Path, chosen.beside)):
        check_output(file, force)
    text = render(
        chosen.raw, chosen.comments, head_of(assembly, words, output, wish), tail_of(chosen.raw, assembly.genes)
    )
    _check(text, chosen, output, installation)
    try:
        for path, content in chosen.beside.items():
            write_text(path, content)
        write_text(output, text)
    except OSError as error:
        raise InputError(
            f"{output} cannot be written: {error.strerror or error}; choose a folder that can be written to with -o"
        ) from None
    return New(
        output, [Path(path) for path in chosen.beside], [assembly.title, *_source_lines(assembly), *chosen.lines]
    )


def _check(text: str, chosen: Configured, output: Path, installation: Path) -> None:
    """The text is read back as the values that were chosen, and the workflow accepts it."""
    if (read := yaml.safe_load(text)) != chosen.raw:
        raise AssertionError(f"the text of {output} is read as {read}, not as {chosen.raw}")
    complete_for_genome(read, str(output), installation)


def _synonyms(assembly: Assembly) -> Synonyms:
    """The table of aliases as the workflow reads it, checked against the contigs."""
    if assembly.aliases is None:
        return Synonyms()
    file, text = assembly.aliases
    with TemporaryDirectory() as folder:
        path = Path(folder, file)
        path.write_text(text, encoding="utf-8")
        synonyms = read_aliases(path)
    check_synonyms(synonyms, (contig.name for contig in assembly.contigs), file)
    return synonyms


def _with_genes(assembly: Assembly, synonyms: Synonyms, servers: Servers) -> Assembly:
    source = assembly.sources.get("genes")
    if source is None or "://" in source.url:
        return look_into_download(assembly, synonyms, servers)
    rename, genes = look(Path(source.url), assembly.contigs, synonyms)
    return assembly.with_genes(Source(source.url, source.checksum, source.note, rename), genes)


def _source_lines(assembly: Assembly) -> list[str]:
    return [
        f"{key}: {source.url} ({source.checksum[0] if source.checksum else 'no checksum'})"
        for key, source in assembly.sources.items()
    ]
