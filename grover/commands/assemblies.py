"""The sequence that intervals and variants of a user refer to, with random access to its bases."""

from dataclasses import dataclass

from grover.commands.options import STANDARD
from grover.commands.session import Session
from grover.config.sections.genome import Extraction
from grover.genome.assembly import Genome
from grover.genome.contig_table import contigs_of, read_contig_table
from grover.genome.encoding import GenomeFiles, SideFiles, encode_genome
from grover.genome.fasta import read_contigs
from grover.intervals.contigs import RENAMES, ContigNames, Contigs, some_of
from grover.runtime.errors import InputError

FILES = ("sequence.npy", "segments.bed", "contigs.tsv")
EVERYTHING = Extraction(include=["*"], exclude=[], minimum_segment=1)


@dataclass(frozen=True)
class Assembly:
    """Sequences by name: the `genome` (their bases, memory-mapped), their `contigs` (lengths and names), and what the user called them."""

    genome: Genome
    contigs: Contigs
    name: str

    def check_names(self, names: list[str], rename: str, what: str) -> None:
        """Raise InputError where the assembly has none of the contigs of a file, `what`, and say which --rename would help."""
        lengths = self.contigs.lengths
        if not names or any(name in lengths for name in self.contigs.names(rename).of(names)):
            return
        for other in RENAMES:
            if any(name in lengths for name in self.contigs.names(other).of(names)):
                option = f"add --rename {other}" if other else "leave out --rename"
                raise InputError(f"{what} names its contigs {some_of(names)}, {self.name} {some_of(lengths)}; {option}")
        raise InputError(
            f"{what} has the contigs {some_of(names)}, none of which {self.name} has ({some_of(lengths)}); give the sequences that "
            "it refers to"
        )

    def names(self, rename: str = "") -> ContigNames:
        """Return how contig names of a file become those of the assembly."""
        return self.contigs.names(rename)


def open_assembly(path: str, session: Session) -> Assembly:
    """Open sequences: a FASTA or 2bit, which is encoded in the temporary folder (one byte per base), or the folder `genome` of a run.

    A second call returns the same object.
    """
    if f"assembly {path}" not in session.kept:
        session.kept[f"assembly {path}"] = _open(path, session)
    opened: Assembly = session.kept[f"assembly {path}"]
    return opened


def _open(path: str, session: Session) -> Assembly:
    name = "standard input" if path == STANDARD else path
    place = session.local(path, "--fasta")
    if place.is_dir():
        if missing := [file for file in FILES if not (place / file).is_file()]:
            raise InputError(f"{path}: no {missing[0]} there; expected a FASTA, or the folder `genome` of a run")
        return Assembly(Genome(place / FILES[0], place / FILES[1]), read_contig_table(place / FILES[2]), name)
    folder = session.folder / "genome"
    files = GenomeFiles(folder / FILES[0], folder / FILES[1], folder / "softmask.bed", folder / FILES[2])
    size = place.stat().st_size if place.is_file() else 0
    with session.progress(size, "read sequences", "bytes") as bar:
        table = encode_genome(read_contigs(place, bar.update), files, EVERYTHING, side=SideFiles(fasta=name))
    return Assembly(Genome(files.sequence, files.segments), contigs_of(table), name)
