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
from grover.intervals.contigs import RENAMES, ContigNames
from grover.intervals.lines import data_lines
from grover.runtime.errors import InputError
from grover.sources.download import fetch

LOOKED_INTO = 30_000_000  # bytes: larger files are those of animals and plants, and are not downloaded here
INTRONS = 10_000  # as many as any folds need


def look(path: Path, contigs: list[Contig], synonyms: Synonyms) -> tuple[str, Genes]:
    """Return how the contig names of a file of genes must be changed (`rename`), and what it shows.

    Raises `InputError` where more than half of its rows are on contigs that the assembly does not have, or one ends beyond its contig.
    """
    lengths = {contig.name: contig.length for contig in contigs}
    own = {other: name for name in lengths for other in synonyms.of(name)}
    rows: Counter[str] = Counter()
    features: Counter[str] = Counter()
    ends: dict[str, int] = {}
    circular = []
    for number, line in data_lines(path):
        cells = line.split("\t", 5)
        if len(cells) < 6 or not cells[4].isdecimal():
            raise InputError(f"{path}, line {number}: no row of a GFF3 or GTF; give the genes in one of these formats")
        chrom, _, feature, _, end, rest = cells
        rows[chrom] += 1
        features[feature] += 1
        ends[chrom] = max(ends.get(chrom, 0), int(end))
        if "Is_circular=true" in rest:
            circular.append(chrom)
    if not rows:
        raise InputError(f"{path} has no row; give a GFF3 or GTF of the assembly")
    matched = {rename: _matched(rows, ContigNames(rename, own), lengths) for rename in RENAMES}
    rename = max(RENAMES, key=matched.__getitem__)
    names = ContigNames(rename, own)
    unknown = [chrom for chrom, name in zip(rows, names.of(rows), strict=True) if name not in lengths]
    if 2 * (lost := sum(rows[chrom] for chrom in unknown)) > rows.total():
        raise InputError(
            f"{path}: {lost:,} of {rows.total():,} rows are on contigs that the assembly does not have, such as {unknown[0]} (it has "
            f"{contigs[0].name}); give its own genes, or a folder with its table of aliases (*_assembly_report.txt, *.chromAlias.txt)"
        )
    for chrom, name in zip(ends, names.of(ends), strict=True):
        # what crosses the origin of a circular contig ends beyond it
        if ends[chrom] > lengths.get(name, ends[chrom]) and chrom not in circular:
            raise InputError(
                f"{path}: a row on {chrom} ends at {ends[chrom]:,}, but the contig has {lengths[name]:,} bases; "
                "give the genes of this assembly"
            )
    return rename, Genes(count_introns(path, INTRONS), dict(features), tuple(names.of(dict.fromkeys(circular))))


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
