"""Simulate an assembly and its annotation at any size, for `bench/scale.py`.

Contigs are made of blocks of a real genome (`--fasta`), drawn at random, on either strand and mutated. K-mers, byte pairs and soft mask are
then like those of a genome. Tables have rows in the formats and about the density of hg19 (RepeatMasker, GENCODE, ENCODE, ClinVar).
Everything is written one contig at a time.
"""

import argparse
import gzip
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import support

# at scale 1
BASES, CHROMOSOMES, SCAFFOLDS = 3_100_000_000, 24, 3_000
ROWS = {
    "repeats": 5_500_000,
    "genes": 3_500_000,
    "states": 570_000,
    "ctcf_peaks": 90_000,
    "promoters": 30_000,
    "cpg_islands": 28_700,
    "variants": 10_000_000,
}
NAMES = {
    "genome": "genome.fa.gz",
    "repeats": "rmsk.txt.gz",
    "genes": "genes.gtf.gz",
    "states": "states.bed.gz",
    "ctcf_peaks": "ctcf.narrowPeak.gz",
    "promoters": "promoters.bed.gz",
    "cpg_islands": "cpg_islands.bed.gz",
    "variants": "variants.vcf.gz",
    "motifs": "ctcf.meme",
}
IN_SCAFFOLDS = 0.02  # share of the bases
BLOCK = 50_000  # mean bases that are taken over from the genome together
DIVERGENCE = 0.05, 0.15
CTCF = "TGGCCACCAGGGGGCGCTA"
FAMILIES = [("SINE", "Alu"), ("SINE", "MIR"), ("LINE", "L1"), ("LINE", "L2"), ("LTR", "ERVL"), ("DNA", "hAT-Charlie")]
FAMILIES += [("Simple_repeat", "Simple_repeat"), ("Low_complexity", "Low_complexity")]
REPEAT_NAMES = 1_400
TRANSCRIPTS, EXONS = 4, 8  # of a gene
ROWS_OF_GENE = 1 + TRANSCRIPTS * (1 + 2 * EXONS)
SPAN = 24_000  # bases of a gene
DONOR, ACCEPTOR = {"+": "GT", "-": "CT"}, {"+": "AG", "-": "AC"}  # as strand + reads them
LETTERS = np.frombuffer(b"ACGT", np.uint8)
COMPLEMENT = np.arange(256, dtype=np.uint8)
COMPLEMENT[np.frombuffer(b"ACGTacgt", np.uint8)] = np.frombuffer(b"TGCAtgca", np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fasta", type=Path, help="real genome; absent: random sequence with repeats")
    parser.add_argument("--scale", type=float, default=1.0)
    options = parser.parse_args()
    simulate(options.folder, options.scale, read_letters(options.fasta))


def read_letters(fasta: Path | None) -> np.ndarray:
    """Letters of the ACGT stretches of a genome, upper and lower case, end to end."""
    if fasta is None:
        return LETTERS[support.simulate(4_000_000)[0]]
    found = [np.frombuffer(sequence, np.uint8) for _, sequence in support.read_contigs(fasta)]
    letters = np.concatenate(found)
    return letters[np.isin(letters, np.frombuffer(b"ACGTacgt", np.uint8))]


def simulate(folder: Path, scale: float, letters: np.ndarray) -> None:
    """Write all files of `NAMES`."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(1)
    (folder / NAMES["motifs"]).write_text(meme(CTCF))
    with ExitStack() as stack:
        written = {key: folder / name for key, name in NAMES.items() if key != "motifs"}
        streams = {key: stack.enter_context(gzip.open(path, "wb", compresslevel=1)) for key, path in written.items()}
        _write(streams, scale, letters, generator)


def _write(
    streams: dict[str, gzip.GzipFile], scale: float, letters: np.ndarray, generator: np.random.Generator
) -> None:
    lengths = contig_lengths(scale, generator)
    total = sum(lengths.values())
    streams["variants"].write(b"##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
    for name, length in lengths.items():
        rows = {key: int(generator.poisson(scale * number * length / total)) for key, number in ROWS.items()}
        sequence = draw(letters, length, generator)
        peaks = plant(sequence, rows["ctcf_peaks"], generator)
        if length > 1_000_000:
            gaps(sequence, generator)
        write_fasta(streams["genome"], name, sequence)
        upper = sequence & ~np.uint8(32)
        streams["repeats"].write(repeats(name, length, rows["repeats"], generator))
        streams["states"].write(states(name, length, rows["states"], generator))
        streams["ctcf_peaks"].write(narrow_peaks(name, peaks))
        streams["promoters"].write(single_bases(name, length, rows["promoters"], generator))
        streams["cpg_islands"].write(intervals(name, length, rows["cpg_islands"], generator))
        streams["variants"].write(variants(name, upper, rows["variants"], generator))
        for text in genes(name, upper, rows["genes"] // ROWS_OF_GENE, generator):
            streams["genes"].write(text)


def contig_lengths(scale: float, generator: np.random.Generator) -> dict[str, int]:
    """Lengths of chromosomes, which fall from 1.9 to 0.4 times their mean, and of scaffolds, drawn log-normally."""
    number = max(5, round(SCAFFOLDS * scale))
    shape = np.linspace(1.9, 0.4, CHROMOSOMES)
    chromosomes = scale * BASES * (1 - IN_SCAFFOLDS) * shape / shape.sum()
    drawn = generator.lognormal(0, 1, number)
    scaffolds = np.maximum(500, scale * BASES * IN_SCAFFOLDS * drawn / drawn.sum())
    found = {f"chr{i + 1}": int(length) for i, length in enumerate(chromosomes)}
    return found | {f"scaffold_{i + 1}": int(length) for i, length in enumerate(scaffolds)}


def draw(letters: np.ndarray, length: int, generator: np.random.Generator) -> np.ndarray:
    """A contig of mutated blocks of `letters` on random strands."""
    result = np.empty(length, np.uint8)
    place = 0
    while place < length:
        size = min(int(generator.integers(BLOCK // 2, 2 * BLOCK)), length - place, len(letters))
        start = int(generator.integers(0, len(letters) - size + 1))
        block = letters[start : start + size]
        block = COMPLEMENT[block[::-1]] if generator.random() < 0.5 else block.copy()
        where = generator.integers(0, size, int(size * generator.uniform(*DIVERGENCE)))
        block[where] = LETTERS[generator.integers(0, 4, len(where))] | (block[where] & 32)
        result[place : place + size] = block
        place += size
    return result


def gaps(sequence: np.ndarray, generator: np.random.Generator) -> None:
    """Write N: one gap of 2 % of a chromosome, and some of 50,000 bases."""
    size = len(sequence) // 50
    start = int(generator.integers(0, len(sequence) - size))
    sequence[start : start + size] = ord("N")
    for start in generator.integers(0, len(sequence), len(sequence) // 20_000_000 + 1):
        sequence[start : start + 50_000] = ord("N")


def plant(sequence: np.ndarray, number: int, generator: np.random.Generator) -> np.ndarray:
    """Write CTCF's consensus, one base of it mutated, at so many places on either strand; return the sorted places."""
    places = np.sort(generator.integers(0, max(1, len(sequence) - 400), number)) + 200
    places = places[places + 200 < len(sequence)]
    word = np.frombuffer(CTCF.encode(), np.uint8)
    for place in places:
        here = word.copy()
        here[generator.integers(len(here))] = LETTERS[generator.integers(4)]
        sequence[place : place + len(here)] = COMPLEMENT[here[::-1]] if generator.random() < 0.5 else here
    return places


def write_fasta(stream: gzip.GzipFile, name: str, sequence: np.ndarray, width: int = 100) -> None:
    whole = len(sequence) // width
    lines = np.full((whole, width + 1), ord("\n"), np.uint8)
    lines[:, :width] = sequence[: whole * width].reshape(whole, width)
    stream.write(f">{name}\n".encode())
    stream.write(lines)
    stream.write(sequence[whole * width :].tobytes() + b"\n" if len(sequence) > whole * width else b"")


def table(*columns: object) -> bytes:
    """Rows separated by tabs: each column is one text for all rows, or an array."""
    number = max((len(column) for column in columns if not isinstance(column, str)), default=0)
    if number == 0:
        return b""
    texts = [pa.scalar(column) if isinstance(column, str) else pa.array(column).cast(pa.string()) for column in columns]
    rows = pc.binary_join_element_wise(*texts, "\t")
    rows = pc.binary_join_element_wise(rows, "", "\n")
    # the texts of an array lie end to end
    return rows.buffers()[2].to_pybytes()[: pc.sum(pc.binary_length(rows)).as_py()]


def places(length: int, number: int, generator: np.random.Generator, mean: int) -> tuple[np.ndarray, np.ndarray]:
    """Sorted starts, and ends of intervals of about `mean` bases that lie in the contig."""
    size = np.minimum(20 + generator.exponential(mean, number).astype(np.int64), length)
    start = np.sort((generator.random(number) * length).astype(np.int64))
    start = np.minimum(start, length - size)
    return start, start + size


def repeats(name: str, length: int, number: int, generator: np.random.Generator) -> bytes:
    start, end = places(length, number, generator, 280)
    which = generator.integers(0, REPEAT_NAMES, number)
    classes, families = (np.array(values)[which % len(FAMILIES)] for values in zip(*FAMILIES, strict=True))
    names = np.char.add("Rep", which.astype(str)) if number else which.astype(str)
    strand = np.array(["+", "-"])[generator.integers(0, 2, number)]
    scores = generator.integers(200, 3000, (4, number))
    placed = ("585", *scores, name, start, end, start - length, strand, names, classes, families)
    return table(*placed, scores[0], scores[1], -scores[2], "1")


def states(name: str, length: int, number: int, generator: np.random.Generator) -> bytes:
    edges = np.unique(np.concatenate([[0, length], (generator.random(number) * length).astype(np.int64)]))
    kinds = np.array([f"{i}_State" for i in range(1, 16)])[generator.integers(0, 15, len(edges) - 1)]
    return table(name, edges[:-1], edges[1:], kinds)


def narrow_peaks(name: str, summits: np.ndarray) -> bytes:
    return table(name, summits - 150, summits + 150, ".", "1000", ".", "50.5", "-1", "3.2", "150")


def single_bases(name: str, length: int, number: int, generator: np.random.Generator) -> bytes:
    start = places(length, number, generator, 0)[0]
    return table(name, start, start + 1, "promoter", "900", np.array(["+", "-"])[generator.integers(0, 2, number)])


def intervals(name: str, length: int, number: int, generator: np.random.Generator) -> bytes:
    return table(name, *places(length, number, generator, 700))


def variants(name: str, upper: np.ndarray, number: int, generator: np.random.Generator) -> bytes:
    """Substitutions, and in one of ten an insertion or a deletion of up to three bases."""
    at = np.unique(generator.integers(0, max(1, len(upper) - 4), number))
    at = at[(upper[at[:, None] + np.arange(4)] != ord("N")).all(1)] if len(at) else at
    kind = generator.random(len(at))
    texts = upper[at[:, None] + np.arange(4)].astype(np.uint8).view("S4").ravel().astype(str) if len(at) else at
    size = generator.integers(2, 5, len(at))
    first = [text[:1] for text in texts]
    other = [chr(base) for base in _other(upper[at], generator)]
    ref = [text[: size[i]] if kind[i] < 0.06 else one for i, (text, one) in enumerate(zip(texts, first, strict=True))]
    alt = [
        one if kind[i] < 0.06 else one + texts[i][: size[i] - 1] if kind[i] < 0.1 else new
        for i, (one, new) in enumerate(zip(first, other, strict=True))
    ]
    says = np.array(["CLNSIG=Benign", "CLNSIG=Pathogenic", "CLNSIG=Uncertain_significance"])
    return table(name, at + 1, at, ref, alt, ".", ".", says[generator.integers(0, 3, len(at))] if len(at) else at)


def _other(bases: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Another base for each."""
    return LETTERS[(np.searchsorted(LETTERS, bases) + generator.integers(1, 4, len(bases))) % 4]


def genes(name: str, upper: np.ndarray, number: int, generator: np.random.Generator) -> Iterator[bytes]:
    """Genes with transcripts that share exons; introns begin and end with GT and AG along their strand."""
    if len(upper) < 2 * SPAN or not number:
        return
    starts = np.sort(generator.integers(1_000, len(upper) - SPAN - 1_000, number))
    step = SPAN // (EXONS + 1)
    around = starts[:, None] + step * np.arange(1, EXONS)
    found = {}
    for strand in "+-":
        first = _next(upper, DONOR[strand], around)
        found[strand] = first, _next(upper, ACCEPTOR[strand], np.minimum(first + step // 2, len(upper) - 3)) + 2
    strands = np.array(["+", "-"])[generator.integers(0, 2, number)]
    for i, (start, strand) in enumerate(zip(starts.tolist(), strands, strict=True)):
        donors, acceptors = (edges[i].tolist() for edges in found[strand])
        exons = list(zip([start, *acceptors], [*donors, acceptors[-1] + 300], strict=True))
        yield "".join(_gene(name, i, strand, [exon for exon in exons if exon[0] < exon[1]])).encode()


def _next(upper: np.ndarray, pair: str, after: np.ndarray) -> np.ndarray:
    """The first place of two bases at or behind each place."""
    there = np.flatnonzero((upper[:-1] == ord(pair[0])) & (upper[1:] == ord(pair[1])))
    return there[np.minimum(np.searchsorted(there, after), len(there) - 1)]


def _gene(name: str, number: int, strand: str, exons: list[tuple[int, int]]) -> Iterable[str]:
    of_gene = f'gene_id "ENSG_{name}_{number}.1"; gene_type "protein_coding"; gene_status "KNOWN"; gene_name "G{number}"; level 2;'
    row = f"{name}\tbench\t{{}}\t{{}}\t{{}}\t.\t{strand}\t{{}}\t{of_gene}{{}}\n"
    yield row.format("gene", exons[0][0] + 1, exons[-1][1], ".", "")
    for each in range(TRANSCRIPTS):
        mine = exons[: max(2, len(exons) - each)]
        of = f' transcript_id "ENST_{name}_{number}_{each}.1"; transcript_type "protein_coding"; transcript_name "G{number}-{each}";'
        of += ' tag "basic"; tag "CCDS"; havana_gene "OTTHUMG00000000001.1";'
        yield row.format("transcript", mine[0][0] + 1, mine[-1][1], ".", of)
        for order, (start, end) in enumerate(mine, start=1):
            yield row.format("exon", start + 1, end, ".", f"{of} exon_number {order};")
            yield row.format("CDS", start + 1, end, "0", f"{of} exon_number {order};")


def meme(word: str, share: float = 0.85) -> str:
    """A matrix with this consensus in MEME's format."""
    rest = (1 - share) / 3
    rows = "\n".join(" ".join(f"{share if base == letter else rest:.6f}" for base in "ACGT") for letter in word)
    head = "MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n\nMOTIF MA0139.1 CTCF\n\n"
    return f"{head}letter-probability matrix: alength= 4 w= {len(word)} nsites= 200 E= 0\n{rows}\n"


if __name__ == "__main__":
    main()
