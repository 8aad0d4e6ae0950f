"""An assembly on this machine: a FASTA or 2bit, or a folder with the files as NCBI, Ensembl or UCSC give them."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from grover.assembly_setup.described import Assembly, Contig, Source, kind_of
from grover.assembly_setup.ncbi import ACCESSION, NAMED, read_report
from grover.genome.fasta import read_contigs
from grover.runtime.errors import InputError
from grover.runtime.progress import Progress
from grover.runtime.text import open_text
from grover.sources.checksums import digest, read_listing
from grover.sources.download import verify

PACKED = r"(\.(gz|bgz|xz|bz2))?"
FASTA = re.compile(rf".*\.(fa|fasta|fna){PACKED}|.*\.2bit", re.IGNORECASE)
NO_GENOME = re.compile(r".*(_from_genomic|\.cdna|\.cds|\.ncrna|\.pep|protein|\.dna_rm|\.masked).*", re.IGNORECASE)
GENES = re.compile(rf".*\.(gff3?|gtf){PACKED}", re.IGNORECASE)
NO_GENES = re.compile(r".*\.(abinitio|chr|chromosome\.\w+|nonchromosomal)\.(gff3?|gtf).*", re.IGNORECASE)
REPEATS = re.compile(r".*(_rm\.out|\.fa\.out|rmsk\.txt)(\.gz)?")
ALIASES = re.compile(r".*(assembly_report|chromAlias)\.txt")
LISTINGS = re.compile(r"md5checksums\.txt|md5sums?\.txt|SHA256SUMS|CHECKSUMS.*|.*\.(md5|sha256)", re.IGNORECASE)
NO_REPORT = (
    "no *_assembly_report.txt of NCBI beside the genome: contigs have no aliases, and mitochondria and plasmids count as chromosomes; "
    "download it into the same folder and give the folder"
)
LEAST_DNA = 0.5  # share of ACGTN, below which a FASTA is one of proteins


@dataclass(frozen=True)
class Files:
    """The files of an assembly on this machine. run: a name for the run. stem: name of the genome's file without its ending."""

    run: str
    stem: str
    genome: Path
    genes: Path | None = None
    repeats: Path | None = None
    aliases: Path | None = None
    listings: tuple[Path, ...] = ()


def choose(path: Path, genes: Path | None = None) -> Files:
    """Choose the files of a folder by their names, or take a single one; only the first bytes of the genes are read."""
    if path.is_dir():
        listings = sorted(file for file in path.iterdir() if LISTINGS.fullmatch(file.name))
        files = sorted(file for file in path.iterdir() if file.is_file() and file not in listings)
        genome = _only(files, FASTA, NO_GENOME, path, "genome (FASTA or 2bit)")
        if genome is None:
            raise InputError(
                f"{path}: no FASTA or 2bit there, such as genome.fa.gz; put it there, or give the name of its file"
            )
        genes = genes or _only(files, GENES, NO_GENES, path, "genes (GFF3 or GTF)")
        repeats = _only(files, REPEATS, None, path, "repeats")
        aliases = _only(files, ALIASES, None, path, "aliases")
    else:
        genome, repeats, aliases, listings = path, None, None, []
    if genes is not None:
        with open_text(genes):
            pass  # what is no text is refused before the genome is read
    stem = re.sub(rf"\.(fa|fasta|fna){PACKED}$|\.2bit$", "", genome.name, flags=re.IGNORECASE)
    run = re.sub(r"[^A-Za-z0-9._-]+", "_", stem).strip("._-") or "genome"
    return Files(run, stem, genome, genes, repeats, aliases, tuple(listings))


def describe(files: Files) -> Assembly:
    """Describe an assembly by its files, which are read once; those that a listing names are verified."""
    listed: dict[str, tuple[str, str]] = {}
    for file in files.listings:
        listed |= read_listing(file.read_text(encoding="utf-8", errors="replace"))
    named = {"genome": files.genome, "genes": files.genes, "repeats": files.repeats}
    sources = {key: source(file, listed) for key, file in named.items() if file is not None}
    text = _text(files.aliases) if files.aliases else None
    contigs, bases = _read_contigs(files.genome, _kinds(files.aliases, text))
    aliases = (files.aliases.name, text) if files.aliases and text else None
    notes = [NO_REPORT] if aliases is None and ACCESSION.match(files.stem) else []
    return Assembly(files.run, files.stem, sources, contigs, bases, aliases=aliases, notes=notes)


def _only(
    files: Iterable[Path], wanted: re.Pattern[str], unwanted: re.Pattern[str] | None, folder: Path, what: str
) -> Path | None:
    """The file of a kind in a folder, soft-masked before unmasked; None where there is none."""
    found = [file for file in files if wanted.fullmatch(file.name) and not (unwanted and unwanted.fullmatch(file.name))]
    soft = [file for file in found if ".dna_sm." in file.name]
    found = soft or found
    if len(found) > 1:
        names = ", ".join(file.name for file in found[:5])
        raise InputError(
            f"{folder}: several files may be the {what} ({names}); leave one of them there, or name the genome's file"
        )
    return found[0] if found else None


def source(path: Path, listed: Mapping[str, tuple[str, str]] | None = None) -> Source:
    """Describe a file of this machine, verified by a listing where that names it."""
    if not path.is_file():
        raise InputError(f"{path} does not exist; correct the path")
    given = (listed or {}).get(path.name)
    if given:
        verify(path, [given], str(path))
    return Source(str(path.absolute()), given or ("sha256", digest(path)), "" if given else "sha256 of this file")


def _text(path: Path) -> str:
    with open_text(path) as stream:
        return stream.read()


def _kinds(aliases: Path | None, text: str | None) -> Callable[[str], str]:
    """What tells the kind of a contig: a report of NCBI beside the FASTA, else the name."""
    if aliases is None or text is None or not aliases.name.startswith(tuple(NAMED)) or "# Sequence-Name" not in text:
        return kind_of
    known = {contig.name: contig.kind for contig in read_report(text, NAMED[aliases.name[:3]], str(aliases))[1]}
    return lambda name: known.get(name) or kind_of(name)


def _read_contigs(path: Path, kind: Callable[[str], str]) -> tuple[list[Contig], int]:
    """The contigs, and the bases that are not N. Raises `InputError` for proteins and for a name that occurs twice."""
    contigs: dict[str, Contig] = {}
    bases = letters = 0
    with Progress(path.stat().st_size, f"read {path.name}", "bytes") as bar:
        for name, sequence in read_contigs(path, bar.update):
            if name in contigs:
                raise InputError(f"{path}: two contigs are called {name}; give each a name of its own")
            contigs[name] = Contig(name, len(sequence), kind(name))
            known = len(sequence) - len(bytes(sequence).translate(None, b"ACGTacgt"))
            bases += known
            letters += known + sequence.count(b"N") + sequence.count(b"n")
    length = sum(contig.length for contig in contigs.values())
    if letters < LEAST_DNA * length or not bases:
        raise InputError(
            f"{path}: only {letters:,} of {length:,} letters are A, C, G, T or N; give the FASTA of the genome, not of proteins"
        )
    return list(contigs.values()), bases
