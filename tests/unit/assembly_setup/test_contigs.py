"""Which contigs are read and held out, on made-up karyotypes."""

from fnmatch import fnmatchcase

import pytest

from grover.assembly_setup.contigs import bases_of, choose_contigs, choose_folds
from grover.assembly_setup.described import ALTERNATE, CHROMOSOME, ORGANELLE, PLASMID, SCAFFOLD, Contig, kind_of
from grover.assembly_setup.ncbi import read_report
from grover.config.sections.genome import Extraction
from grover.runtime.errors import InputError


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (CHROMOSOME, "1 22 X Y chr1 chrX I XVI 2L 3R chr2A LG7 NC_000913.3 Z W chrIV"),
        (ORGANELLE, "MT Mito chrM Pt chrMT mitochondrion chloroplast Mt"),
        (ALTERNATE, "chr6_GL000250v2_alt CHR_HSCHR1_1_CTG3 chr9_hap2 chr1_KN538361v1_fix"),
        (SCAFFOLD, "chrUn_KI270302v1 chr1_KI270706v1_random scaffold_12 KI270728.1 contig7 NW_001.1 gi|1"),
        (PLASMID, "plasmid_1"),
    ],
)
def test_kinds_by_names(kind, names):
    assert {name: kind_of(name) for name in names.split()} == dict.fromkeys(names.split(), kind)


def kept_by(patterns, names):
    """Contigs that the workflow keeps under these patterns."""
    extraction = Extraction(**patterns)
    return [
        name
        for name in names
        if any(fnmatchcase(name, pattern) for pattern in extraction.include)
        and not any(fnmatchcase(name, pattern) for pattern in extraction.exclude)
    ]


def alone(name):
    return [name]


@pytest.mark.parametrize(
    ("lengths", "kept"),
    [
        ({"1": 900, "2": 800, "MT": 10, "KI27.1": 50}, ["1", "2"]),
        ({"1": 900, "scaffold_1": 800, "Mito": 10}, ["1", "scaffold_1"]),
        ({"M": 5, "Pt": 7}, ["M", "Pt"]),  # nothing else is there
        ({"chr1": 900, "chrM": 3, "chrUn_1": 5}, ["chr1"]),
        ({"1": 900, "a[1]": 9, "b*": 1}, ["1"]),
        ({str(number): 10 for number in range(1, 500)}, [str(number) for number in range(1, 500)]),
    ],
)
def test_patterns_keep_what_was_chosen(lengths, kept):
    found = choose_contigs([Contig.named(name, length) for name, length in lengths.items()], alone)
    assert [contig.name for contig in found.contigs] == kept == kept_by(found.patterns, lengths)


def test_patterns_match_by_any_name():
    contigs = [Contig("NC_1.1", 900, CHROMOSOME), Contig("NT_1.1", 5, ALTERNATE)]
    names = {"NC_1.1": ["NC_1.1", "chr1"], "NT_1.1": ["NT_1.1", "chr6_x_alt"]}
    assert choose_contigs(contigs, names.__getitem__).patterns == {}
    assert choose_contigs(contigs, alone).patterns == {"exclude": ["NT_1.1"]}


def chromosomes(*lengths):
    return [Contig(f"chr{number}", length, CHROMOSOME) for number, length in enumerate(lengths, 1)]


@pytest.mark.parametrize(("valid", "test"), [(0.1, 0.1), (0.1, 0.2)])
def test_whole_chromosomes_hold_about_the_shares(valid, test):
    human = [Contig(f"chr{name}", 250 - 9 * n, CHROMOSOME) for n, name in enumerate([*range(1, 23), "X", "Y"])]
    section = choose_folds(human, valid, test, 100, 1).section
    sizes = {contig.name: contig.length for contig in human}
    for share, fold in ((valid, section["valid"]), (test, section["test"])):
        assert sum(sizes[name] for name in fold) == pytest.approx(share * bases_of(human), rel=0.15)
        assert not {"chr1", "chrX", "chrY"} & set(fold)
    assert not set(section["valid"]) & set(section["test"])


@pytest.mark.parametrize(
    "contigs",
    [
        chromosomes(30, 27, 24, 23, 19),  # too few
        chromosomes(10_000, *[1] * 12),  # the rest of the genome is too short
        [*chromosomes(*[10] * 20), Contig("scaffold", 1, SCAFFOLD)],
    ],
)
def test_blocks_where_chromosomes_do_not_suit(contigs):
    assert choose_folds(contigs, 0.1, 0.1, 100, 1).section["method"] == "blocks"


def test_blocks_of_a_small_genome_are_shorter():
    section = choose_folds([Contig("phage", 48_502, CHROMOSOME)], 0.1, 0.2, 100_000, 5000).section
    assert section == {"method": "blocks", "block": 1000, "gap": 100, "valid": 0.1, "test": 0.2}
    assert choose_folds([Contig("coli", 4_641_652, CHROMOSOME)], 0.1, 0.2, 100_000, 5000).section["block"] == 100_000


def test_blocks_have_room_for_windows():
    section = choose_folds([Contig("virus", 150_000, CHROMOSOME)], 0.1, 0.2, 100_000, 5000, window=2_100).section
    assert section["block"] == 4_200 and section["gap"] == 420


COLUMNS = (
    "Sequence-Name Sequence-Role Assigned-Molecule Assigned-Molecule-Location/Type GenBank-Accn Relationship RefSeq-Accn Assembly-Unit "
    "Sequence-Length UCSC-style-name"
)
REPORT = (
    f"# Assembly name:  X1\n# {COLUMNS}\n".replace(" ", "\t").replace("#\t", "# ").replace("y\tname:\t\t", "y name: ")
    + """\
1\tassembled-molecule\t1\tChromosome\tCM1.1\t=\tNC_1.1\tPrimary Assembly\t900\tchr1
MT\tassembled-molecule\tMT\tMitochondrion\tJ1.1\t=\tNC_2.1\tnon-nuclear\t16\tchrM
p1\tassembled-molecule\tp1\tPlasmid\tna\t<>\tNC_3.1\tPrimary Assembly\t40\tna
s1\tunplaced-scaffold\tna\tna\tKI1.1\t=\tNT_1.1\tPrimary Assembly\t7\tchrUn_KI1v1
a1\talt-scaffold\t6\tChromosome\tGL1.1\t=\tNT_2.1\tALT_REF_LOCI_1\t5\tchr6_GL1v1_alt
"""
)


def test_a_report_of_ncbi_tells_the_kinds():
    header, contigs = read_report(REPORT, "RefSeq-Accn", "report")
    assert header["Assembly name"] == "X1"
    assert [(contig.name, contig.length, contig.kind) for contig in contigs] == [
        ("NC_1.1", 900, CHROMOSOME),
        ("NC_2.1", 16, ORGANELLE),
        ("NC_3.1", 40, PLASMID),
        ("NT_1.1", 7, SCAFFOLD),
        ("NT_2.1", 5, ALTERNATE),
    ]
    assert "NC_3.1" not in [contig.name for contig in read_report(REPORT, "GenBank-Accn", "report")[1]]
    for text, sentence in (
        ("<html>", "no assembly report of NCBI"),
        (REPORT.replace("\t900\t", "\tx\t"), "line 3: no number under Sequence-Length"),
        (REPORT.partition("1\tassembled")[0], "no sequence has a name under RefSeq-Accn"),
    ):
        with pytest.raises(InputError, match=sentence):
            read_report(text, "RefSeq-Accn", "report")
