"""A species of Ensembl or of Ensembl Genomes (fungi, plants, metazoa, protists, bacteria), by the name of its folder.

Layout: `release-115/fasta/SPECIES/dna/` and `release-115/gff3/SPECIES/` at Ensembl, the same below `fungi/release-62/` and so on at
Ensembl Genomes, where many species lie in a further folder `..._collection`. Each folder has `CHECKSUMS`, which the command `sum` prints.
"""

import difflib
import re
from dataclasses import dataclass

from grover.assembly_setup.described import Assembly, Contig, Source
from grover.assembly_setup.servers import Servers
from grover.runtime.errors import InputError
from grover.sources.checksums import read_listing
from grover.sources.download import Missing

DIVISIONS = ("fungi", "plants", "metazoa", "protists")
WITH_COLLECTIONS = ("fungi", "protists", "metazoa", "bacteria")  # the list of the last one is the longest
# soft-masked first; the primary assembly leaves out alternative haplotypes
FASTA = ("dna_sm.primary_assembly", "dna_sm.toplevel", "dna_sm.genome", "dna.primary_assembly", "dna.toplevel")
FILES = "*.dna_sm.toplevel.fa.gz and *.gff3.gz with their CHECKSUMS"
LISTED = "sum of Ensembl's CHECKSUMS"


@dataclass(frozen=True)
class _Place:
    """Site, folder of the release below it, and folder of the species below `fasta/`."""

    site: str
    release: str
    species: str


def find(name: str, servers: Servers) -> Assembly:
    """Describe the assembly of a species in the current release. Raises `InputError` where Ensembl has none of this name."""
    species = re.sub(r"\s+", "_", name.strip().lower())
    if not re.fullmatch(r"\w[\w.]*", species):
        raise InputError(f"ensembl:{name}: no name of a species at Ensembl, such as ensembl:saccharomyces_cerevisiae")
    place, text = _find(species, servers)
    listing = read_listing(text)
    file = _choose_fasta(listing, name)
    prefix, _, kind = file.partition(".dna")
    folder = f"{place.release}/fasta/{place.species}"
    genome = Source(servers.address(place.site, f"{folder}/dna/{file}"), listing[file], LISTED)
    contigs = _contigs(place, prefix, "primary" in kind, servers)
    assembly = Assembly(
        species.strip("_"),
        f"{species.replace('_', ' ').capitalize()}, {prefix.partition('.')[2]} (Ensembl, {place.release})",
        {"genome": genome},
        contigs,
        sum(contig.length for contig in contigs),
        notes=["contigs are named as Ensembl names them; `rename: strip-chr` reads tables that say chr1"],
    )
    genes = _genes(place, prefix, servers)
    return assembly if genes is None else assembly.with_genes(genes, None)


def _find(species: str, servers: Servers) -> tuple[_Place, str]:
    """The place of a species and the text of its CHECKSUMS."""
    release = f"release-{_release('ensembl', servers)}"
    place = _Place("ensembl", release, species)
    if text := _checksums(place, servers):
        return place, text
    number = _release("ensemblgenomes", servers)
    for division in DIVISIONS:
        place = _Place("ensemblgenomes", f"{division}/release-{number}", species)
        if text := _checksums(place, servers):
            return place, text
    known: list[str] = []
    for division in WITH_COLLECTIONS:
        collections = _collections(division, number, servers)
        known += collections
        if species in collections:
            place = _Place("ensemblgenomes", f"{division}/release-{number}", f"{collections[species]}/{species}")
            if text := _checksums(place, servers):
                return place, text
    near = ", ".join(difflib.get_close_matches(species, known, 3))
    raise InputError(
        f"Ensembl has no species {species} in {release}, nor Ensembl Genomes in release-{number}; give the name in the address of its "
        f"page, such as saccharomyces_cerevisiae{f' (near: {near})' if near else ''}"
    )


def _release(site: str, servers: Servers) -> int:
    """The current release, by the file VERSION, or the last of the index where there is no such file."""
    url = servers.address(site, "VERSION")
    text = servers.text_if_any(url)
    found = re.findall(r"\d+" if text else r"release-(\d+)/", text or servers.text(servers.address(site, "")))
    if not found:
        raise InputError(f"{url} names no release; expected a number, so check the address of the mirror")
    return int(found[0]) if text else max(map(int, found))


def _checksums(place: _Place, servers: Servers, folder: str = "fasta", below: str = "/dna") -> str | None:
    return servers.text_if_any(
        servers.address(place.site, f"{place.release}/{folder}/{place.species}{below}/CHECKSUMS")
    )


def _collections(division: str, release: int, servers: Servers) -> dict[str, str]:
    """The collection of each species of a division that lies in one, by the name of its database."""
    list_name = f"{division}/release-{release}/species_Ensembl{division.capitalize()}.txt"
    text = servers.text_if_any(servers.address("ensemblgenomes", list_name)) or ""
    found = {}
    for line in text.splitlines():
        cells = line.split("\t")
        database = next((cell for cell in cells if "_core_" in cell), "")
        if len(cells) > 1 and (collection := re.match(r"(\w+_collection)_core_", database)):
            found[cells[1]] = collection[1]
    return found


def _choose_fasta(listing: dict[str, tuple[str, str]], name: str) -> str:
    for kind in FASTA:
        for file in listing:
            if file.endswith(f".{kind}.fa.gz"):
                return file
    raise InputError(
        f"Ensembl lists no whole genome of {name} (*.dna_sm.toplevel.fa.gz); download its parts and give them as one FASTA"
    )


def _contigs(place: _Place, prefix: str, primary: bool, servers: Servers) -> list[Contig]:
    """Contigs by the index of the FASTA that Ensembl keeps for browsers."""
    path = f"{place.release}/fasta/{place.species}/dna_index/{prefix}.dna.toplevel.fa.gz.fai"
    url = servers.address(place.site, path)
    try:
        rows = [line.split("\t") for line in servers.text(url).splitlines() if line.strip()]
        contigs = [Contig.named(row[0], int(row[1])) for row in rows]
    except Missing:
        raise InputError(
            f"{url} is missing, which gives the lengths of the contigs; download the FASTA and run grover new on the file"
        ) from None
    except (IndexError, ValueError):
        raise InputError(
            f"{url} is no index of a FASTA (name and length of each contig); download the FASTA instead"
        ) from None
    return [contig for contig in contigs if not (primary and contig.name.startswith("CHR_"))]


def _genes(place: _Place, prefix: str, servers: Servers) -> Source | None:
    listing = read_listing(_checksums(place, servers, "gff3", "") or "")
    for file, checksum in listing.items():
        if re.fullmatch(rf"{re.escape(prefix)}\.\d+\.gff3\.gz", file):
            address = servers.address(place.site, f"{place.release}/gff3/{place.species}/{file}")
            return Source(address, checksum, LISTED)
    return None
