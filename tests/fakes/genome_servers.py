"""Small genomes in the layouts of NCBI, Ensembl, Ensembl Genomes and UCSC, on a server of this machine."""

import gzip
import hashlib
import random
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ACCESSION, BACTERIUM = "GCF_000005845.2", "GCF_000005845.2_ASM584v2"
REPORT = (
    "# Assembly name:  ASM584v2\n# Organism name:  Escherichia coli str. K-12 substr. MG1655 (E. coli)\n# Taxid:          511145\n"
    "# Assembly level: Complete Genome\n# GenBank assembly accession: GCA_000005845.2\n#\n"
    "# Sequence-Name\tSequence-Role\tAssigned-Molecule\tAssigned-Molecule-Location/Type\tGenBank-Accn\tRelationship\tRefSeq-Accn\t"
    "Assembly-Unit\tSequence-Length\tUCSC-style-name\n"
    "ANONYMOUS\tassembled-molecule\tna\tChromosome\tU00096.3\t=\tNC_000913.3\tPrimary Assembly\t{length}\tna\n"
)
BACTERIAL_GENES = (
    "##gff-version 3\n##sequence-region NC_000913.3 1 {length}\n"
    "NC_000913.3\tRefSeq\tregion\t1\t{length}\t.\t+\t.\tID=NC_000913.3:1..{length};Is_circular=true;gbkey=Src\n"
)
# as yeast's, a hundredth as long; IV is the longest
YEAST = {
    "I": 2302, "II": 8131, "III": 3166, "IV": 15319, "V": 5768, "VI": 2701, "VII": 10909, "VIII": 5626, "IX": 4398, "X": 7457,
    "XI": 6668, "XII": 10781, "XIII": 9244, "XIV": 7843, "XV": 10912, "XVI": 9480, "Mito": 857,
}  # fmt: skip
MAMMAL = {f"chr{name}": 30_000 - 900 * n for n, name in enumerate([*range(1, 23), "X", "Y"])} | {
    "chrM": 1600, "chr1_KI270706v1_random": 1700, "chrUn_KI270302v1": 227, "chr6_GL000250v2_alt": 4600,
}  # fmt: skip


def sequence(length: int, seed: int) -> str:
    """Random bases."""
    return "".join(random.Random(seed).choices("ACGT", k=length))


def fasta(lengths: dict[str, int]) -> str:
    """A FASTA of random contigs."""
    return "".join(
        f">{name} made up\n{sequence(length, seed)}\n" for seed, (name, length) in enumerate(lengths.items())
    )


def put(path: Path, text: str) -> Path:
    """Write a text, compressed where the name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), mtime=0) if path.suffix == ".gz" else text.encode())
    return path


def spliced(names: list[str], introns: int) -> str:
    """Genes of two exons each, in GFF3, on the contigs in turn."""
    rows = ["##gff-version 3"]
    for number in range(introns):
        name, start = names[number % len(names)], 101 + 10 * (number // len(names))
        rows.append(f"{name}\tsgd\tgene\t{start}\t{start + 499}\t.\t+\t.\tID=gene:{number};biotype=protein_coding")
        rows.append(f"{name}\tsgd\tmRNA\t{start}\t{start + 499}\t.\t+\t.\tID=transcript:{number};Parent=gene:{number}")
        rows += [
            f"{name}\tsgd\texon\t{start + shift}\t{start + shift + 199}\t.\t+\t.\tParent=transcript:{number}"
            for shift in (0, 300)
        ]
    return "\n".join(rows) + "\n"


def md5sums(folder: Path, prefix: str = "") -> str:
    """What md5sum prints of the files of a folder."""
    files = [path for path in sorted(folder.iterdir()) if path.is_file()]
    return "".join(f"{hashlib.md5(path.read_bytes()).hexdigest()}  {prefix}{path.name}\n" for path in files)


def sums(folder: Path) -> str:
    """What `sum` prints of the files of a folder."""
    files = [path for path in sorted(folder.iterdir()) if path.is_file()]
    printed = [
        subprocess.run(["sum", path], capture_output=True, text=True, check=True).stdout.split() for path in files
    ]
    return "".join(f"{words[0]} {words[1]} {path.name}\n" for words, path in zip(printed, files, strict=True))


def ncbi(root: Path, length: int = 120_000, genes: str = "") -> Path:
    """A bacterium of one circular contig; `genes` are further rows."""
    folder = root / "genomes/all/GCF/000/005/845" / BACTERIUM
    put(folder / f"{BACTERIUM}_genomic.fna.gz", fasta({"NC_000913.3": length}))
    put(folder / f"{BACTERIUM}_genomic.gff.gz", BACTERIAL_GENES.format(length=length) + genes)
    put(folder / f"{BACTERIUM}_assembly_report.txt", REPORT.format(length=length))
    put(folder / "md5checksums.txt", md5sums(folder, "./"))
    (folder.parent / "GCF_000005845.1_ASM584v1").mkdir()
    return folder


def ensembl(root: Path, species: str = "saccharomyces_cerevisiae", collection: str = "") -> Path:
    """Yeast in Ensembl Fungi, and an Ensembl that does not have it; in a collection if one is named."""
    put(root / "ensembl/VERSION", "115\n")
    put(root / "ensemblgenomes/VERSION", "62\n")
    release = root / "ensemblgenomes/fungi/release-62"
    place, prefix = f"{collection}/{species}".lstrip("/"), f"{species.capitalize()}.R64-1-1"
    folder = release / "fasta" / place / "dna"
    put(folder / f"{prefix}.dna_sm.toplevel.fa.gz", fasta(YEAST))
    put(folder / f"{prefix}.dna.toplevel.fa.gz", fasta(YEAST))
    put(folder / f"{prefix}.dna_sm.chromosome.I.fa.gz", fasta({"I": 2302}))
    put(folder / "CHECKSUMS", sums(folder))
    index = "".join(f"{name}\t{length}\t0\t60\t61\n" for name, length in YEAST.items())
    put(release / "fasta" / place / f"dna_index/{prefix}.dna.toplevel.fa.gz.fai", index)
    genes = release / "gff3" / place
    put(genes / f"{prefix}.62.gff3.gz", spliced(["II", "IV"], 120))
    put(genes / f"{prefix}.62.chr.gff3.gz", spliced(["II"], 1))
    put(genes / "CHECKSUMS", sums(genes))
    database = f"{collection or species}_core_62_115_1"
    row = f"Yeast\t{species}\tEnsemblFungi\t559292\tR64-1-1\tGCA_000146045.2\t2018\tN\tN\tN\tY\tY\tY\t{database}\t1\t\n"
    put(release / "species_EnsemblFungi.txt", f"#name\tspecies\tdivision\ttaxonomy_id\n{row}")
    return folder


def ucsc(root: Path, name: str = "hg38") -> Path:
    """A mammal with sex chromosomes, scaffolds and an alternative sequence."""
    folder = root / "goldenPath" / name / "bigZips"
    put(folder / f"{name}.fa.gz", fasta(MAMMAL))
    put(folder / f"{name}.fa.out.gz", "   SW   perc perc perc  query\nscore   div. del. ins.  sequence\n\n")
    put(folder / "md5sum.txt", md5sums(folder))
    put(folder / f"{name}.chrom.sizes", "".join(f"{contig}\t{length}\n" for contig, length in MAMMAL.items()))
    aliases = "".join(f"{contig}\t{contig.removeprefix('chr')}\n" for contig in MAMMAL if "_" not in contig)
    put(folder / f"{name}.chromAlias.txt", f"# ucsc\tensembl\n{aliases}")
    exons = [
        f'chr1\trefGene\texon\t{101 + gene + shift}\t{300 + gene + shift}\t.\t+\t.\tgene_id "{gene}"; transcript_id "{gene}";'
        for gene in range(60)
        for shift in (0, 300)
    ]
    put(folder / f"genes/{name}.refGene.gtf.gz", "\n".join(exons) + "\n")
    return folder


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def serve(root: Path) -> Iterator[str]:
    """Serve a folder; yield its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(root)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def mirrors(address: str) -> list[str]:
    """All sites at one address, as `--mirror` takes them."""
    below = {"ncbi": "", "ucsc": "", "ensembl": "/ensembl", "ensemblgenomes": "/ensemblgenomes"}
    return [f"{site}={address}{path}" for site, path in below.items()]
