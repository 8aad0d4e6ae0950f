"""From the name of an assembly to a configuration on the disk that the workflow accepts."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

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


def find_assembly(what: str, genes: Path | None, servers: Servers) -> tuple[Assembly, Synonyms]:
    """Describe an assembly by an accession of NCBI, `ensembl:NAME`, `ucsc:NAME`, or a FASTA, a 2bit or a folder of this machine.

    genes: a GFF3 or GTF of this machine, in place of the one that is found. Raises `InputError` in one sentence for what is not
    there, and for a server that does not answer, with the way by a folder.
    """
    here = Path(what).exists()
    way = None if here else _way_to(what)
    try:
        assembly = way.find(way.name, servers) if way else local_files.find(Path(what), genes)
        synonyms = _synonyms(assembly)
        if genes and not here:
            assembly = assembly.with_genes(local_files.source(genes), None)
        return _with_genes(assembly, synonyms, servers), synonyms
    except Unreachable as error:
        if way is None:
            raise
        reason = str(error).partition("; try again")[0]
        raise InputError(
            f"{reason}; check network and proxy (https_proxy), or name a mirror with --mirror; or download {way.files} of {way.folder} on "
            "a machine with network into one folder, and run `grover new FOLDER`"
        ) from None


@dataclass(frozen=True)
class _Way:
    """How an assembly is found at its site, and which files of which folder a person would download instead."""

    find: Callable[[str, Servers], Assembly]
    name: str
    files: str
    folder: str


def _way_to(what: str) -> _Way:
    site, _, name = what.partition(":")
    if ncbi.ACCESSION.fullmatch(what):
        return _Way(ncbi.find, what, ncbi.FILES, ncbi.place(what))
    if site == "ensembl" and name:
        return _Way(ensembl.find, name, ensembl.FILES, "its release")
    if site == "ucsc" and name:
        return _Way(ucsc.find, name, ucsc.FILES, f"goldenPath/{name}/bigZips")
    raise InputError(
        f"{what}: no file or folder of this name, and no accession (GCF_000005845.2), species of Ensembl "
        "(ensembl:saccharomyces_cerevisiae) or assembly of UCSC (ucsc:hg38); correct it"
    )


def write_new(
    assembly: Assembly, synonyms: Synonyms, wish: Wish, output: Path, installation: Path, words: list[str], force: bool
) -> New:
    """Choose the values, check them as the workflow does, and write the configuration with the files beside it.

    words: the command, for the comment at the top. Raises `InputError` where a file is there already, unless `force` is given.
    """
    if not RUN.fullmatch(output.stem):
        raise InputError(
            f"{output}: the run is called {output.stem!r}; begin the name with a letter or digit, and use . _ - besides"
        )
    chosen = configure(assembly, synonyms, wish, output, installation)
    if taken := [path for path in (str(output), *chosen.beside) if Path(path).exists() and not force]:
        raise InputError(f"{taken[0]} is there already; choose another name with -o, or give --force to replace it")
    text = render(chosen.raw, chosen.comments, head_of(assembly, words, output, wish), tail_of(chosen.raw))
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
