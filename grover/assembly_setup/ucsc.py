"""An assembly of UCSC by its name, such as hg38, in the layout of https://hgdownload.soe.ucsc.edu/goldenPath/hg38/bigZips/."""

import re

from grover.assembly_setup.described import Assembly, Contig, Source
from grover.assembly_setup.servers import Servers
from grover.runtime.errors import InputError
from grover.sources.checksums import read_listing
from grover.sources.download import Missing

NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")
GENES = ("ncbiRefSeq", "refGene", "ensGene")
FILES = "*.fa.gz, *.chromAlias.txt, *.fa.out.gz, md5sum.txt and one of genes/*.gtf.gz"
LISTED = "md5 of UCSC's md5sum.txt"
UNLISTED = "UCSC lists no checksum of this file"


def find(name: str, servers: Servers) -> Assembly:
    """Describe an assembly. Raises `InputError` where UCSC has none of this name."""
    if not NAME.fullmatch(name):
        raise InputError(f"ucsc:{name}: no name of an assembly at UCSC, such as ucsc:hg38")
    folder = servers.address("ucsc", f"goldenPath/{name}/bigZips")
    try:
        sizes = servers.text(f"{folder}/{name}.chrom.sizes")
    except Missing:
        raise InputError(
            f"UCSC has no {folder}/{name}.chrom.sizes; the names of assemblies are those of https://genome.ucsc.edu, such as hg38"
        ) from None
    listing = read_listing(servers.text_if_any(f"{folder}/md5sum.txt") or "")
    file = f"{name}.fa.gz" if f"{name}.fa.gz" in listing else f"{name}.2bit"
    if file not in listing and servers.size(f"{folder}/{file}") is None:
        raise InputError(f"{folder} has neither {name}.fa.gz nor {file}; download its parts and give them as one FASTA")
    sources = {"genome": _source(folder, file, listing)}
    if (repeats := f"{name}.fa.out.gz") in listing:
        sources["repeats"] = _source(folder, repeats, listing)
    for kind in GENES:
        url = f"{folder}/genes/{name}.{kind}.gtf.gz"
        if servers.size(url) is not None:
            sources["genes"] = Source(url, None, UNLISTED)
            break
    contigs = [Contig.named(*_row(line, f"{name}.chrom.sizes")) for line in sizes.splitlines() if line.strip()]
    aliases = servers.text_if_any(f"{folder}/{name}.chromAlias.txt")
    return Assembly(
        name,
        f"{name} (UCSC)",
        sources,
        contigs,
        sum(contig.length for contig in contigs),
        aliases=(f"{name}.chromAlias.txt", aliases) if aliases else None,
        browser=name,
    )


def _source(folder: str, file: str, listing: dict[str, tuple[str, str]]) -> Source:
    return Source(f"{folder}/{file}", listing.get(file), LISTED if file in listing else UNLISTED)


def _row(line: str, file: str) -> tuple[str, int]:
    name, _, length = line.partition("\t")
    if not length.strip().isdecimal():
        raise InputError(f"{file}: {line[:80]!r} is no contig and its length; check the address of the mirror")
    return name, int(length)
