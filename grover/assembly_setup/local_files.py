"""An assembly on this machine: a FASTA or 2bit, or a folder with the files as NCBI, Ensembl or UCSC give them."""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from grover.assembly_setup.described import Assembly, Contig, Source, kind_of
from grover.assembly_setup.ncbi import NAMED, read_report
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
LEAST_DNA = 0.5  # share of ACGTN, below which a FASTA is one of proteins


def find(path: Path, genes: Path | None = None) -> Assembly:
    """Describe the assembly in a file or folder, which is read once; files that a listing names are verified."""
    if path.is_dir():
        listings = sorted(file for file in path.iterdir() if LISTINGS.fullmatch(file.name))
        files = sorted(file for file in path.iterdir() if file.is_file() and file not in listings)
        genome = _only(files, FASTA, NO_GENOME, path, "genome (FASTA or 2bit)")
        if genome is None:
            raise InputError(f"{path}: no FASTA or 2bit there; put the genome into the folder, or name its file")
        genes = genes or _only(files, GENES, NO_GENES, path, "genes (GFF3 or GTF)")
        repeats = _only(files, REPEATS, None, path, "repeats")
        aliases = _only(files, ALIASES, None, path, "aliases")
    else:
        genome, repeats, aliases, listings = path, None, None, []
    listed: dict[str, tuple[str, str]] = {}
    for file in listings:
        listed |= read_listing(file.read_text(encoding="utf-8", errors="replace"))
    named = {"genome": genome, "genes": genes, "repeats": repeats}
    sources = {key: source(file, listed) for key, file in named.items() if file is not None}
    text = _text(aliases) if aliases else None
    contigs, bases = _read_contigs(genome, _kinds(aliases, text))
    stem = re.sub(rf"\.(fa|fasta|fna){PACKED}$|\.2bit$", "", genome.name, flags=re.IGNORECASE)
    return Assembly(
        re.sub(r"[^A-Za-z0-9._-]+", "_", stem).lstrip("._-") or "genome",
        stem,
        sources,
        contigs,
        bases,
        aliases=(aliases.name, text) if aliases and text else None,
    )


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
