"""Names of contigs in the tables of UCSC and NCBI, which were written by hand after those of hg38."""

import re

import pytest

from grover.genome.aliases import check_synonyms, read_aliases
from grover.runtime.errors import InputError

WIDE = """# ucsc\tassembly\tgenbank\trefseq
chr1\t1\tCM000663.2\tNC_000001.11
chrM\tMT\tJ01415.2\tNC_012920.1
chrUn_GL000195v1\tHSCHRUN_RANDOM_CTG1\tGL000195.1\t
"""
NAMELESS = "# sequenceName\talias names\tUCSC database: hg38\n" + WIDE.partition("\n")[2]
LONG = """1\tchr1\tassembly,ensembl
CM000663.2\tchr1\tgenbank
NC_000001.11\tchr1\trefseq
MT\tchrM\tassembly
J01415.2\tchrM\tgenbank
NC_012920.1\tchrM\trefseq
HSCHRUN_RANDOM_CTG1\tchrUn_GL000195v1\tassembly
GL000195.1\tchrUn_GL000195v1\tgenbank
"""
REPORT = """# Assembly name:  GRCh38.p14\r
#\r
# Sequence-Name\tSequence-Role\tAssigned-Molecule\tAssigned-Molecule-Location/Type\tGenBank-Accn\tRelationship\tRefSeq-Accn\t\
Assembly-Unit\tSequence-Length\tUCSC-style-name\r
1\tassembled-molecule\t1\tChromosome\tCM000663.2\t=\tNC_000001.11\tPrimary Assembly\t248956422\tchr1\r
HSCHR1_CTG1_UNLOCALIZED\tunlocalized-scaffold\t1\tChromosome\tKI270706.1\t=\tNT_187361.1\tPrimary Assembly\t175055\tchr1_KI270706v1_random\r
HSCHRUN_RANDOM_CTG1\tunplaced-scaffold\tna\tna\tGL000195.1\t=\tna\tPrimary Assembly\t182896\tchrUn_GL000195v1\r
MT\tassembled-molecule\tMT\tMitochondrion\tJ01415.2\t=\tNC_012920.1\tnon-nuclear\t16569\tchrM\r
"""
CHR1 = {"chr1", "1", "CM000663.2", "NC_000001.11"}


@pytest.mark.parametrize("text", [WIDE, NAMELESS, LONG, "#alias\tchrom\tsource\n" + LONG, REPORT])
def test_every_name_leads_to_all_names_of_its_contig(tmp_path, text):
    path = tmp_path / "names.txt"
    path.write_bytes(text.encode())
    synonyms = read_aliases(path)
    for name in CHR1:
        assert {*synonyms.of(name)} == CHR1
    assert {*synonyms.of("MT")} == {"chrM", "MT", "J01415.2", "NC_012920.1"}
    assert {*synonyms.of("GL000195.1")} == {"chrUn_GL000195v1", "HSCHRUN_RANDOM_CTG1", "GL000195.1"}
    # a scaffold of chromosome 1 is not chromosome 1
    if text is REPORT:
        assert "1" not in synonyms.of("KI270706.1")
    assert synonyms.of("na") == ("na",) and synonyms.of("Primary Assembly") == ("Primary Assembly",)
    assert [len(group) for group in synonyms.groups if "chr1" in group] == [4]


def test_a_molecule_in_two_haplotypes_is_no_name(tmp_path):
    path = tmp_path / "report.txt"
    header = "# Sequence-Name\tSequence-Role\tAssigned-Molecule\tGenBank-Accn\n"
    path.write_text(f"{header}a1\tassembled-molecule\t1\tCM1.1\nb1\tassembled-molecule\t1\tCM2.1\n")
    assert read_aliases(path).groups == [("a1", "CM1.1"), ("b1", "CM2.1")]


def test_a_sequence_name_of_several_replicons_is_no_name(tmp_path):
    path = tmp_path / "report.txt"
    rows = "ANONYMOUS\tassembled-molecule\tna\tBA7.3\nANONYMOUS\tassembled-molecule\tpO157\tAB5.2\n"
    path.write_text(f"# Sequence-Name\tSequence-Role\tAssigned-Molecule\tGenBank-Accn\n{rows}")
    assert read_aliases(path).groups == [("BA7.3",), ("AB5.2", "pO157")]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "names.txt has no row; give a chromAlias table"),
        ("chr1\n", "names.txt, line 1: expected names of a contig separated by tabs (chr1)"),
        ("#ucsc\tncbi\nchr1\t1\nchr2\t1\n", "names.txt, line 3: '1' is a name of the contig of line 2 too"),
        ("1\tchr1\tensembl\n1\tchr2\tensembl\n", "names.txt, line 2: '1' is a name of the contig of line 1 too"),
        ("1\t\tensembl\n", "names.txt, line 1: expected an alias and a contig"),
        (
            "# Sequence-Name\tGenBank-Accn\n1\tCM1\tx\n",
            "names.txt, line 2: expected 2 columns separated by tabs, found 3",
        ),
    ],
)
def test_a_malformed_table_is_refused(tmp_path, text, sentence):
    path = tmp_path / "names.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=re.escape(sentence)):
        read_aliases(path)


def test_a_table_of_another_assembly_is_refused(tmp_path):
    path = tmp_path / "names.txt"
    path.write_text(WIDE)
    synonyms = read_aliases(path)
    check_synonyms(synonyms, ["NC_000001.11", "extra"], path)
    with pytest.raises(InputError, match=r"none of which the FASTA has \(I, II\); give the table of this assembly"):
        check_synonyms(synonyms, ["I", "II"], path)
    with pytest.raises(InputError, match="'chr1' and '1' are names of one contig, but the FASTA holds both"):
        check_synonyms(synonyms, ["1", "chr1"], path)
