"""The encoded genome against regular expressions on the bases and against hand-made contigs."""

import re

import numpy as np
import pandas as pd
import pytest

from grover.config.sections.genome import Extraction
from grover.genome import encoding
from grover.genome.assembly import Genome
from grover.genome.bases import decode, encode, reverse_complement
from grover.genome.contig_table import read_contig_table
from grover.genome.encoding import SideFiles, encode_contig
from grover.intervals.contigs import Contigs
from grover.runtime.errors import InputError
from grover.runtime.files import ArrayWriter

CONTIGS = [
    ("chr1", b"NNNACGTACGTNNacgTTNAC" + b"g" * 30),
    ("chr1_random", b"ACGTACGTACGT"),
    ("chrM", b"ACGTACGTACGT"),
    ("chr2", b"TTTTTTRGGGGGGnnnn"),
    ("chr3", b"NNNN"),
]


class Encoded:
    """Outputs of one encoding in a folder."""

    def __init__(self, folder, contigs=CONTIGS, **options):
        names = ("sequence.npy", "segments.bed", "softmask.bed", "contigs.tsv")
        self.paths = [folder / name for name in names]
        files = encoding.GenomeFiles(*self.paths)
        side = {name: options.pop(name) for name in ("regions", "rename", "sizes", "aliases") if name in options}
        extraction = Extraction(**{"minimum_segment": 5, **options})
        self.table = encoding.encode_genome(contigs, files, extraction, side=SideFiles(**side)).set_index("contig")
        self.genome = Genome(*self.paths[:2])

    def bed(self, number):
        return [line.split("\t") for line in self.paths[number].read_text().splitlines()]


def random_sequence(seed, length=3000):
    generator = np.random.default_rng(seed)
    pieces = [
        "".join(generator.choice(list(bases), generator.integers(1, 40)))
        for bases in generator.choice(["ACGT", "acgt", "N", "ACGTacgtR"], length // 20)
    ]
    return "".join(pieces)


def test_codes_of_bases():
    assert encode("ACGTacgtNRU-").tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 4, 4, 4, 4]
    assert encode(b"ac").dtype == np.uint8
    assert decode(encode("acgtNx")) == "ACGTNN"
    assert decode(reverse_complement(encode("AACGTN"))) == "NACGTT"
    assert reverse_complement(encode("ACGT").reshape(2, 2)).tolist() == [[2, 3], [0, 1]]


@pytest.mark.parametrize("seed", range(5))
def test_segments_and_mask_equal_regular_expressions(seed):
    sequence, minimum = random_sequence(seed), 12
    contig = encode_contig("c", sequence.encode(), minimum)
    stretches = [m.span() for m in re.finditer("[ACGTacgt]+", sequence)]
    kept = [(start, end) for start, end in stretches if end - start >= minimum]
    masked = [(s + m.start(), s + m.end()) for s, e in kept for m in re.finditer("[acgt]+", sequence[s:e])]
    assert [tuple(row) for row in contig.segments] == kept
    assert [tuple(row) for row in contig.softmask] == masked
    assert contig.not_acgt == len(re.findall("[^ACGTacgt]", sequence))
    assert contig.too_short == sum(e - s for s, e in stretches if e - s < minimum)
    for start, end in kept:
        assert decode(contig.codes[start:end]) == sequence[start:end].upper()


def test_outputs(tmp_path):
    made = Encoded(tmp_path)
    assert [row[:3] for row in made.bed(1)] == [
        ["chr1", "3", "11"],
        ["chr1", "13", "18"],
        ["chr1", "19", "51"],
        ["chr2", "0", "6"],
        ["chr2", "7", "13"],
    ]
    assert [row[3] for row in made.bed(1)] == ["s0", "s1", "s2", "s3", "s4"]
    assert made.bed(2) == [["chr1", "13", "16"], ["chr1", "21", "51"]]
    assert decode(np.load(made.paths[0])) == "ACGTACGTACGTTAC" + "G" * 30 + "TTTTTTGGGGGG"
    assert made.table["status"].to_dict() == {
        "chr1": "kept", "chr1_random": "excluded", "chrM": "excluded", "chr2": "kept", "chr3": "empty",
    }  # fmt: skip
    counted = made.table[made.table["status"] != "excluded"]
    assert (counted[["kept", "not_acgt", "too_short", "outside_regions"]].sum(axis=1) == counted["length"]).all()
    # of what is left out only the name counts
    lengths = {"chr1": 51, "chr1_random": 0, "chrM": 0, "chr2": 17, "chr3": 4}
    assert read_contig_table(made.paths[3]) == Contigs(lengths, {name: name for name in lengths})


def test_places_go_both_ways(tmp_path):
    made = Encoded(tmp_path).genome
    everything = np.arange(len(made.codes))
    chrom, coordinates = made.locate(everything)
    sequences = dict(CONTIGS)
    bases = [chr(sequences[made.chroms[c]][x]).upper() for c, x in zip(chrom, coordinates, strict=True)]
    assert "".join(bases) == decode(made.codes)
    for number, name in enumerate(made.chroms):
        assert made.position(name, coordinates[chrom == number]).tolist() == everything[chrom == number].tolist()
    assert made.position("chr1", [2, 11, 12, 51, 10]).tolist() == [-1, -1, -1, -1, 7]
    assert made.bounds.tolist() == [0, 8, 13, 45, 51, 57]


def test_places_equal_a_search_of_every_base(tmp_path):
    """Many short contigs, in a file of their order; intervals in any order, on unknown contigs too."""
    generator = np.random.default_rng(8)
    contigs = {f"c{i}": "".join(generator.choice(list("ACGTN"), 60, p=[0.22] * 4 + [0.12])) for i in range(12)}
    made = Encoded(tmp_path, [(name, bases.encode()) for name, bases in contigs.items()], minimum_segment=1)
    genome = made.genome
    kept = {(name, i) for name, bases in contigs.items() for i, base in enumerate(bases) if base != "N"}
    at = {base: i for i, base in enumerate(sorted(kept, key=lambda base: (int(base[0][1:]), base[1])))}
    table = pd.DataFrame({"chrom": [f"c{i}" for i in generator.integers(0, 14, 300)]})
    table["start"] = generator.integers(0, 55, 300)
    table["end"] = table["start"] + generator.integers(1, 6, 300)
    starts, ends = (table[edge].to_numpy() for edge in ("start", "end"))
    expected = [at.get(base, -1) for base in zip(table["chrom"], starts, strict=True)]
    assert genome.positions(table["chrom"], starts).tolist() == expected
    whole = [
        all((chrom, i) in at for i in range(start, end))
        for chrom, start, end in zip(table["chrom"], starts, ends, strict=True)
    ]
    assert (genome.wholly(table)[0] >= 0).tolist() == whole
    # the first kept base at or behind a coordinate, or where the bases of the contig end
    last = {name: max(at[base] for base in kept if base[0] == name) + 1 for name in contigs}
    order = sorted(
        (row for row in table.itertuples() if row.chrom in contigs),
        key=lambda row: table["chrom"].tolist().index(row.chrom),
    )
    for places, edge in zip(genome.places(table), ("start", "end"), strict=True):
        of = [
            min(
                [at[base] for base in kept if base[0] == row.chrom and base[1] >= getattr(row, edge)],
                default=last[row.chrom],
            )
            for row in order
        ]
        assert places.tolist() == of


def test_fetch(tmp_path):
    made = Encoded(tmp_path).genome
    assert decode(made.fetch("chr1", -2, 21)) == "NNNNNACGTACGTNNACGTTNAC"
    assert decode(made.fetch("chr2", 5, 20)) == "TNGGGGGGNNNNNNN"
    assert decode(made.fetch("chr9", 0, 3)) == "NNN"


def test_regions_keep_what_lies_inside(tmp_path):
    bed = tmp_path / "regions.bed"
    bed.write_text("chr1\t4\t9\nchr1\t30\t40\n")
    made = Encoded(tmp_path, regions=bed)
    assert [row[:3] for row in made.bed(1)] == [["chr1", "4", "9"], ["chr1", "30", "40"]]
    assert made.bed(2) == [["chr1", "30", "40"]]
    assert made.table.loc["chr2", ["outside_regions", "not_acgt", "status"]].tolist() == [12, 5, "empty"]


def test_sizes_complete_a_contig_whose_end_is_missing(tmp_path):
    sizes = tmp_path / "chrom.sizes"
    sizes.write_text("chr2\t100\nchr1_random\t50\n")
    made = Encoded(tmp_path, sizes=sizes)
    assert made.table.loc["chr2", ["length", "not_acgt"]].tolist() == [100, 88]
    assert made.table.loc["chr1_random", "length"] == 50


def test_a_genome_in_lower_case_carries_no_mask(tmp_path, capsys):
    made = Encoded(tmp_path, [("chr1", b"acgtacgt"), ("chr2", b"ttttt")])
    assert made.bed(2) == []
    assert decode(made.genome.codes) == "ACGTACGTTTTTT"
    assert "lower case" in capsys.readouterr().err


def test_a_mask_of_everything_that_is_kept_stays(tmp_path):
    """Whether a genome carries a mask, its whole contigs show, not the regions that are kept of them."""
    bed = tmp_path / "regions.bed"
    bed.write_text("chr1\t0\t8\n")
    made = Encoded(tmp_path, [("chr1", b"acgtacgtACGT"), ("chr2", b"ttttt")], regions=bed)
    assert made.bed(2) == [["chr1", "0", "8"]]
    made = Encoded(tmp_path, [("chr1", b"acgtacgtACG"), ("chr2", b"ttttt")])
    assert made.bed(2) == [["chr1", "0", "8"], ["chr2", "0", "5"]]


def test_the_array_header_grows_with_the_array(tmp_path):
    with ArrayWriter(tmp_path / "a.npy") as writer:
        for _ in range(1000):
            writer.append(np.arange(200, dtype=np.uint8))
    assert np.array_equal(np.load(tmp_path / "a.npy"), np.tile(np.arange(200), 1000))


@pytest.mark.parametrize(
    ("contigs", "options", "sentence"),
    [
        ([("a", b"ACGTA"), ("a", b"ACGTA")], {}, "the FASTA: contig a stands twice"),
        ([("#7", b"ACGTA")], {}, "contig '#7' has a name that no table of intervals can have"),
        ([("track", b"ACGTA")], {}, "contig 'track' has a name"),
        ([("a b", b"ACGTA")], {}, "contig 'a b' has a name"),
        ([("a", b"ACGTACGTA"), ("p", b"MKVLAA")], {}, "contig p holds 'L' at position 4"),
        ([("a", b"ACGU")], {}, "contig a holds 'U' at position 4"),
        (CONTIGS, {"include": ["chr7"]}, "pattern 'chr7' matches none of the 5 contigs of the FASTA (chr1, "),
        (CONTIGS, {"exclude": ["chrM", "chr8*"]}, "pattern 'chr8*' matches none"),
        (CONTIGS, {"include": ["chrM"]}, "leave none of the 5 contigs"),
        (CONTIGS, {"minimum_segment": 1000}, "no stretch of at least 1000 bases"),
    ],
)
def test_bad_input_leaves_nothing(tmp_path, contigs, options, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        Encoded(tmp_path, contigs, **options)
    assert list(tmp_path.iterdir()) == []


def test_regions_of_another_naming(tmp_path):
    bed = tmp_path / "regions.bed"
    bed.write_text("1\t4\t9\n")
    with pytest.raises(InputError, match="rename: add-chr"):
        Encoded(tmp_path, regions=bed)


def test_segments_that_do_not_belong_to_the_sequence(tmp_path):
    made = Encoded(tmp_path)
    np.save(tmp_path / "other.npy", np.zeros(3, np.uint8))
    with pytest.raises(InputError, match="spans 57 bases but"):
        Genome(tmp_path / "other.npy", made.paths[1])


def test_segments_in_another_order_are_refused(tmp_path):
    made = Encoded(tmp_path)
    rows = made.paths[1].read_text().splitlines(keepends=True)
    made.paths[1].write_text("".join([rows[3], *rows[:3], rows[4]]))
    with pytest.raises(InputError, match="segments.bed is not sorted by contig and start"):
        Genome(*made.paths[:2])


def test_table_is_written_as_returned(tmp_path):
    made = Encoded(tmp_path)
    table = pd.read_csv(made.paths[3], sep="\t", keep_default_na=False)
    pd.testing.assert_frame_equal(table.set_index("contig"), made.table)


def test_stretches_outside_of_intervals_are_those_of_the_bases_not_covered(tmp_path):
    generator = np.random.default_rng(5)
    segments = pd.DataFrame(
        [("chr1", 10, 40), ("chr1", 45, 60), ("chr2", 0, 5), ("chr3", 7, 30)], columns=["chrom", "start", "end"]
    )
    segments.assign(name=".").to_csv(tmp_path / "segments.bed", sep="\t", header=False, index=False)
    np.save(tmp_path / "sequence.npy", generator.integers(0, 4, 73).astype(np.uint8))
    genome = Genome(tmp_path / "sequence.npy", tmp_path / "segments.bed")
    for _ in range(30):
        # sorted, disjoint, also across the gaps, before the first and behind the last segment, and on a contig without any
        edges = {
            name: np.sort(generator.choice(70, 2 * int(generator.integers(1, 5)), replace=False))
            for name in ("chr1", "chr3", "chr4")
        }
        rows = [(name, start, end) for name, cuts in edges.items() for start, end in cuts.reshape(-1, 2)]
        starts, ends = genome.outside(pd.DataFrame(rows, columns=["chrom", "start", "end"]))
        covered = {(name, base) for name, start, end in rows for base in range(start, end)}
        free = [
            (name, base) not in covered
            for name, start, end in segments.itertuples(index=False)
            for base in range(start, end)
        ]
        found = np.zeros(73, int)
        for start, end in zip(starts, ends, strict=True):
            found[start:end] += 1
            # no stretch crosses from one segment into the next
            assert not any(start < bound < end for bound in genome.bounds)
        assert (found == free).all()
