"""What is known of an assembly before its sequence is downloaded."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

CHROMOSOME, PLASMID, ORGANELLE, SCAFFOLD, ALTERNATE = "chromosome", "plasmid", "organelle", "scaffold", "alternate"
# kinds of contigs by their names, for assemblies without a report; the first that matches counts
NAMES = {
    ORGANELLE: r"(chr)?(mt?|mito|mtdna|pt|chloroplast|plastid)|chrc|mitochondri\w*.*|chloroplast.*",
    ALTERNATE: r"chr_.*|hschr.*|.*_(alt|fix|hap\d*)|chrebv",
    SCAFFOLD: r"chrun.*|.*_random|.*(scaffold|contig|tig).*",
    CHROMOSOME: r"(chr|chromosome|lg|group)?[_-]?(\d{1,3}[a-z]{0,2}|[ivx]{1,6}[lr]?|[xyzwuo]\d?)|nc_\d+\.\d+",
    PLASMID: r"plasmid.*",
}


@dataclass(frozen=True)
class Contig:
    """A contig of the FASTA; kind is one of the constants of this module."""

    name: str
    length: int
    kind: str

    @classmethod
    def named(cls, name: str, length: int) -> "Contig":
        """Return a contig whose kind is judged by its name; one that tells nothing counts as a scaffold."""
        return cls(name, length, kind_of(name))


def kind_of(name: str) -> str:
    """Return the kind of a contig that its name tells."""
    return next((kind for kind, pattern in NAMES.items() if re.fullmatch(pattern, name, re.IGNORECASE)), SCAFFOLD)


@dataclass(frozen=True)
class Source:
    """Where the file of a source is, by what it is verified (algorithm and checksum), and how its contig names are changed."""

    url: str
    checksum: tuple[str, str] | None = None
    note: str = ""
    rename: str = ""


@dataclass(frozen=True)
class Genes:
    """What a look into the file of the genes shows: introns (as far as they were counted), rows by feature, and circular contigs."""

    introns: int
    features: Mapping[str, int] = field(default_factory=dict)
    circular: tuple[str, ...] = ()

    @property
    def coding(self) -> int:
        """Rows CDS."""
        return self.features.get("CDS", 0)


@dataclass(frozen=True)
class Assembly:
    """An assembly and its files.

    run: a name for the run. title: what it is, in words. sources: by key. contigs: in the order of the FASTA or of the report. bases:
    those that are not N, as far as that is known. aliases: name and text of a table of other names of the contigs. browser: name at UCSC.
    genes: None where the file was not looked into.
    """

    run: str
    title: str
    sources: dict[str, Source]
    contigs: list[Contig]
    bases: int
    aliases: tuple[str, str] | None = None
    browser: str = ""
    genes: Genes | None = None
    notes: list[str] = field(default_factory=list)

    def with_genes(self, source: Source, genes: Genes | None) -> "Assembly":
        """Return the assembly with this source of genes."""
        return replace(self, sources=self.sources | {"genes": source}, genes=genes)
