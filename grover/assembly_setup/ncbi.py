"""An assembly of NCBI by its accession.

The layout is that of https://ftp.ncbi.nlm.nih.gov/genomes/README.txt:
`genomes/all/GCF/000/005/845/GCF_000005845.2_ASM584v2/`, with `md5checksums.txt` and an assembly report.
"""

import re

from grover.assembly_setup.described import (
    ALTERNATE,
    CHROMOSOME,
    ORGANELLE,
    PLASMID,
    SCAFFOLD,
    Assembly,
    Contig,
    Source,
)
from grover.assembly_setup.servers import Servers
from grover.runtime.errors import InputError
from grover.sources.checksums import read_listing
from grover.sources.download import Missing

ACCESSION = re.compile(r"(GC[AF])_(\d{3})(\d{3})(\d{3})(?:\.(\d+))?(_\S+)?")
WHOLE = "assembled-molecule"
SCAFFOLDS = ("unplaced-scaffold", "unlocalized-scaffold")
# of a whole molecule, by the column Assigned-Molecule-Location/Type; any other is an organelle
TYPES = {
    "Chromosome": CHROMOSOME,
    "Linkage Group": CHROMOSOME,
    "Segment": CHROMOSOME,
    "Plasmid": PLASMID,
    "na": CHROMOSOME,
}
NAMED = {"GCF": "RefSeq-Accn", "GCA": "GenBank-Accn"}  # column with the names of the FASTA
FILES = "*_genomic.fna.gz, *_genomic.gff.gz, *_assembly_report.txt and md5checksums.txt"
RENEWED = "NCBI renews annotations in place; where the md5 no longer agrees, run grover new again"


def place(accession: str) -> str:
    """Return the folder that has all versions of an accession, below the site."""
    found = ACCESSION.fullmatch(accession)
    if not found:
        raise InputError(f"{accession}: no accession of an assembly, such as GCF_000005845.2")
    return "/".join(["genomes/all", *found.groups()[:4]])


def find(accession: str, servers: Servers) -> Assembly:
    """Describe an assembly; without a version the latest one. Raises `InputError` where NCBI has none."""
    above = servers.address("ncbi", place(accession))
    name = _folder(accession, above, servers)
    folder = f"{above}/{name}"
    listing = read_listing(servers.text(f"{folder}/md5checksums.txt"))
    genome, genes, repeats = f"{name}_genomic.fna.gz", f"{name}_genomic.gff.gz", f"{name}_rm.out.gz"
    if genome not in listing:
        raise InputError(
            f"{folder} lists no {genome}; NCBI has withdrawn the sequence of this version, so take another one"
        )
    sources = {"genome": Source(f"{folder}/{genome}", listing[genome], "md5 of NCBI's md5checksums.txt")}
    if genes in listing:
        sources["genes"] = Source(f"{folder}/{genes}", listing[genes], RENEWED)
    if repeats in listing:
        sources["repeats"] = Source(
            f"{folder}/{repeats}", listing[repeats], "RepeatMasker's output; md5 of NCBI's md5checksums.txt"
        )
    report = f"{name}_assembly_report.txt"
    return with_report(name, report, servers.text(f"{folder}/{report}"), sources)


def with_report(name: str, file: str, text: str, sources: dict[str, Source]) -> Assembly:
    """Describe an assembly by its report, which is kept as the table of aliases. name: begins with the accession."""
    header, contigs = read_report(text, NAMED[name[:3]], file)
    accession = "_".join(name.split("_")[:2])
    title = f"{header.get('Organism name', 'unknown organism')}, {header.get('Assembly name', name)} ({accession})"
    notes = [] if "genes" in sources else ["NCBI has no annotation of this assembly; the GCF accession may have one"]
    bases = sum(contig.length for contig in contigs)
    return Assembly(_run(name), title, sources, contigs, bases, aliases=(file, text), notes=notes)


def read_report(text: str, named: str, file: str) -> tuple[dict[str, str], list[Contig]]:
    """Return the header of an assembly report by its labels, and the contigs under the names of a column."""
    lines = text.splitlines()
    header = dict(
        (words[0].strip(), words[1].strip()) for line in lines if len(words := line.lstrip("# ").split(":", 1)) == 2
    )
    titles = next((line.lstrip("# ").split("\t") for line in lines if line.startswith("# Sequence-Name")), None)
    needed = {"Sequence-Role", "Assigned-Molecule-Location/Type", "Sequence-Length", named}
    if titles is None or not needed <= set(titles):
        raise InputError(
            f"{file}: no assembly report of NCBI, whose header names {', '.join(sorted(needed))}; fetch it again"
        )
    contigs = []
    for number, line in enumerate(lines, 1):
        if line.startswith("#") or not line.strip():
            continue
        row = dict(zip(titles, line.split("\t"), strict=False))
        if row.get(named, "na") in ("na", ""):
            continue  # this sequence is in the other of the two databases only
        if not row.get("Sequence-Length", "").strip().isdecimal():
            raise InputError(f"{file}, line {number}: no number under Sequence-Length; fetch the report again")
        contigs.append(Contig(row[named], int(row["Sequence-Length"]), _kind(row)))
    if not contigs:
        raise InputError(f"{file}: no sequence has a name under {named}; fetch the report of this accession")
    return header, contigs


def _kind(row: dict[str, str]) -> str:
    role = row["Sequence-Role"]
    if role == WHOLE:
        return TYPES.get(row["Assigned-Molecule-Location/Type"], ORGANELLE)
    return SCAFFOLD if role in SCAFFOLDS else ALTERNATE


def _folder(accession: str, above: str, servers: Servers) -> str:
    """The folder of an accession, such as GCF_000005845.2_ASM584v2, from the index of the folder above."""
    try:
        index = servers.text(f"{above}/")
    except Missing:
        raise InputError(
            f"NCBI has no assembly {accession}; look for it at https://www.ncbi.nlm.nih.gov/datasets/genome/"
        ) from None
    names = sorted(set(re.findall(r'href="(?:[^"]*/)?(GC[AF]_\d{9}\.\d+_[^"/]+)/"', index)), key=_version)
    fitting = [name for name in names if f"{name}_".startswith(f"{accession}_") or name.startswith(f"{accession}.")]
    if not fitting:
        raise InputError(f"NCBI has no assembly {accession}, but {', '.join(names) or 'nothing'} there ({above}/)")
    return fitting[-1]


def _version(name: str) -> int:
    return int(name.split("_")[1].partition(".")[2])


def _run(name: str) -> str:
    """A name for the run: that of the folder, without what a name may not have."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name)
