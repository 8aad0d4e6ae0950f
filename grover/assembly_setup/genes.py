"""A look into a GFF3 or GTF: how it names the contigs, whether there are introns, coding sequences and circular contigs."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from grover.assembly_setup.described import Assembly, Contig, Genes
from grover.assembly_setup.servers import Servers
from grover.benchmarks.introns import count_introns
from grover.genome.aliases import Synonyms
from grover.intervals.contigs import RENAMES, ContigNames, check_names
from grover.intervals.lines import data_lines
from grover.runtime.errors import InputError
from grover.sources.download import fetch

LOOKED_INTO = 30_000_000  # bytes: larger files are those of animals and plants, and are not downloaded here
INTRONS = 10_000  # as many as any folds need


def look(path: Path, contigs: list[Contig], synonyms: Synonyms) -> tuple[str, Genes]:
    """Return how the contig names of a file of genes must be changed (`rename`), and what it shows.

    Raises `InputError` where more than half of its rows are on contigs that the assembly does not have.
    """
    lengths = {contig.name: contig.length for contig in contigs}
    own = {other: name for name in lengths for other in synonyms.of(name)}
    rows: Counter[str] = Counter()
    circular = []
    coding = 0
    for _, line in data_lines(path):
        chrom, _, rest = line.partition("\t")
        rows[chrom] += 1
        coding += rest.split("\t", 2)[1:2] == ["CDS"]
        if "Is_circular=true" in rest:
            circular.append(chrom)
    if not rows:
        raise InputError(f"{path} has no row; give a GFF3 or GTF of the assembly")
    matched = {rename: _matched(rows, ContigNames(rename, own), lengths) for rename in RENAMES}
    rename = max(RENAMES, key=matched.__getitem__)
    names = ContigNames(rename, own)
    check_names(dict(zip(names.of(rows), rows.values(), strict=True)), lengths, path)
    return rename, Genes(count_introns(path, INTRONS), coding, tuple(names.of(dict.fromkeys(circular))))


def look_into_download(assembly: Assembly, synonyms: Synonyms, servers: Servers) -> Assembly:
    """Download the genes of an assembly where the file is small, and look into it; it is verified and then removed."""
    source = assembly.sources.get("genes")
    if source is None or assembly.genes is not None:
        return assembly
    size = servers.size(source.url)
    if size is None:
        raise InputError(
            f"{source.url} is listed, but the server does not have it; try again later, or take another mirror"
        )
    if not 0 < size <= LOOKED_INTO:
        return assembly
    with TemporaryDirectory() as folder:
        path = Path(folder, source.url.rpartition("/")[2])
        checksum = dict([source.checksum]) if source.checksum else {}
        fetch(source.url, path, retries=servers.retries, wait=servers.wait, **checksum)
        rename, genes = look(path, assembly.contigs, synonyms)
    return assembly.with_genes(replace(source, rename=rename), genes)


def _matched(rows: Counter[str], names: ContigNames, lengths: Mapping[str, int]) -> int:
    return sum(number for number, name in zip(rows.values(), names.of(rows), strict=True) if name in lengths)
