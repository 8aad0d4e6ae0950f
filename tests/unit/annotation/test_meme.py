"""Matrices of MEME files against memelite's own reader and the values written in them; each mistake is one sentence with its line."""

import gzip

import numpy as np
import pytest
from memelite.io import read_meme as read_meme_of_memelite

from grover.annotation.meme import read_matrix, read_meme
from grover.runtime.errors import InputError

MEME = """MEME version 4

ALPHABET= ACGT

strands: + -

Background letter frequencies
A 0.25 C 0.25 G 0.25 T 0.25

MOTIF MA0001.1 SHORT
letter-probability matrix: alength= 4 w= 2 nsites= 20 E= 0
 0.10  0.20  0.30  0.40
 1.00  0.00  0.00  0.00
URL none

MOTIF MA0002.1 PAIR
letter-probability matrix: alength= 4 w= 1 nsites= 20
0.25 0.25 0.25 0.25

MOTIF MA0002.2 PAIR
letter-probability matrix: alength= 4 w= 1 nsites= 20
0.7 0.1 0.1 0.1
"""


HEAD = "MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n\n"
FIRST = "0.97 0.01 0.01 0.01"
ROWS = f" {FIRST}\n 0.01 0.97 0.01 0.01\n"
MATRIX = "letter-probability matrix: alength= 4 w= 2 nsites= 5 E= 0\n"
ONE = f"{HEAD}MOTIF g0\n{MATRIX}{ROWS}"
DNA_LIKE = """ALPHABET "DNA" DNA-LIKE
A "Adenine" CC0000 ~ T "Thymine" 008000
C "Cytosine" 0000CC ~ G "Guanine" FFB300
N "Any base" = ACGT
END ALPHABET
"""


def test_matrix_by_identifier_and_name_equals_memelites(tmp_path):
    plain, packed = tmp_path / "motifs.meme", tmp_path / "motifs.meme.gz"
    plain.write_text(MEME)
    packed.write_bytes(gzip.compress(MEME.encode()))
    expected = read_meme_of_memelite(str(plain))
    for path in (plain, packed):
        np.testing.assert_array_equal(read_matrix(path, "MA0001.1"), expected["MA0001.1 SHORT"])
        np.testing.assert_array_equal(read_matrix(path, "SHORT"), expected["MA0001.1 SHORT"])
        np.testing.assert_array_equal(read_matrix(path, "MA0002.2"), expected["MA0002.2 PAIR"])


@pytest.mark.parametrize(
    "text",
    [
        ONE,
        "\ufeff" + ONE,
        "\n" + ONE,
        "*****\nMEME - Motif discovery tool\n*****\n" + ONE,
        ONE.replace("\n", "\r\n"),
        ONE.replace(" w= 2 nsites= 5 E= 0", ""),
        ONE.replace(" alength= 4 w= 2 nsites= 5 E= 0", "") + "\nURL http://x\n",
        ONE.replace("= ", "="),
        ONE.replace(MATRIX, MATRIX + "\n"),
        ONE.replace("ALPHABET= ACGT\n", DNA_LIKE),
        ONE.replace("MOTIF g0", "MOTIF g0 width = 2 sites = 5"),
        ONE.replace("MOTIF g0\n", "MOTIF g0\n\nlog-odds matrix: alength= 4 w= 2 E= 0\n 1 -3 -3 -3\n -3 1 -3 -3\n\n"),
    ],
)
def test_every_valid_way_of_writing_gives_the_same_matrix(tmp_path, text):
    path = tmp_path / "motifs.meme"
    path.write_text(text, newline="")
    np.testing.assert_array_equal(
        read_matrix(path, "g0"), np.array([[0.97, 0.01, 0.01, 0.01], [0.01, 0.97, 0.01, 0.01]]).T
    )


def test_text_that_is_no_utf8_is_read(tmp_path):
    path = tmp_path / "motifs.meme"
    path.write_bytes(ONE.replace("MOTIF g0", "MOTIF g0 Müller").encode("latin-1"))
    assert read_matrix(path, "g0").shape == (4, 2)


def test_rounded_rows_are_read_as_they_are(tmp_path):
    path = tmp_path / "motifs.meme"
    path.write_text(ONE.replace(FIRST, "0.33 0.33 0.16 0.16"))
    assert read_matrix(path, "g0")[:, 0].tolist() == [0.33, 0.33, 0.16, 0.16]


def test_two_motifs_of_one_name_are_refused_where_the_name_is_asked_for(tmp_path):
    path = tmp_path / "motifs.meme"
    twice = f"{ONE}\nMOTIF CTCF\n{MATRIX}{ROWS}\nMOTIF CTCF\n{MATRIX} 0.25 0.25 0.25 0.25\n{ROWS[:21]}"
    path.write_text(twice)
    assert [motif.identifier for motif in read_meme(path)] == ["g0", "CTCF", "CTCF"]
    assert read_matrix(path, "g0").shape == (4, 2)
    with pytest.raises(InputError, match="lines 12, 17: 'CTCF' names 2 motifs; give each an identifier of its own"):
        read_matrix(path, "CTCF")


def test_an_identifier_counts_before_a_name(tmp_path):
    path = tmp_path / "motifs.meme"
    path.write_text(f"{ONE}\nMOTIF g1 g0\n{MATRIX} 0.25 0.25 0.25 0.25\n 0.25 0.25 0.25 0.25\n")
    assert read_matrix(path, "g0")[0, 0] == 0.97


def test_a_motif_without_a_matrix_spoils_no_other(tmp_path):
    path = tmp_path / "motifs.meme"
    path.write_text(f"{HEAD}MOTIF 1 a\n{MATRIX}{ROWS}\nMOTIF 2 b\n\nMOTIF 3 c\n{MATRIX} 0 0 0 1\n 0 0 0 1\n")
    assert read_matrix(path, "c")[3].tolist() == [1, 1] and read_matrix(path, "1")[3].tolist() == [0.01, 0.01]
    with pytest.raises(InputError, match=r"line 12: motif b has no letter-probability matrix"):
        read_matrix(path, "b")


@pytest.mark.parametrize(
    ("text", "motif", "sentence"),
    [
        (MEME, "MA0001", r"no motif 'MA0001' among 3; did you mean MA0001\.1\?"),
        (MEME, "SHROT", "did you mean SHORT"),
        (MEME, "PAIR", r"names 2 motifs; choose one by its identifier: MA0002\.1, MA0002\.2"),
        (MEME.replace("0.10  0.20", "0.50  0.20"), "SHORT", r"line 12: motif MA0001\.1: .* which add up to 1.4$"),
        (MEME.replace("0.10  0.20", "nan  0.20"), "SHORT", r"line 11: motif MA0001\.1: expected as many rows"),
        (MEME.replace("0.10  0.20", "0.10  nan"), "SHORT", r"line 12: motif MA0001\.1: expected four probabilities"),
        (MEME.replace(" 1.00  0.00  0.00  0.00\n", ""), "SHORT", r"line 11: motif MA0001\.1: .* `w=` says \(2\)"),
        (
            MEME.replace("w= 2 nsites", "w= 1 nsites"),
            "SHORT",
            r"line 11: motif MA0001\.1: .* `w=` says \(1\).* found 2",
        ),
        (ONE.replace(FIRST, "50 0 0 0"), "g0", "line 9: .*these are counts, divide each by the sum of its row"),
        (ONE.replace(FIRST, "0.5 0.5"), "g0", "line 9: .*found 0.5 0.5"),
        (ONE.replace("ACGT", "ACGU"), "g0", "line 3: the alphabet is ACGU, but ACGT in this order was expected"),
        (ONE.replace("ACGT", "TGCA"), "g0", "line 3: the alphabet is TGCA"),
        (ONE.replace("ALPHABET= ACGT\n", DNA_LIKE.replace("~ T", "~ U")), "g0", "line 3: the alphabet is ACGU"),
        (
            ONE.replace("letter-probability", "log-odds"),
            "g0",
            "no motif with a letter-.*; a log-odds matrix cannot replace it",
        ),
        (ONE.replace("MOTIF g0", "MOTIF "), "g0", "line 7: the motif has no identifier; write MOTIF and a name"),
        (">MA0001.1\nA [1 2]", "SHORT", "no line begins with 'MEME version'; give motifs in MEME format"),
        ("", "SHORT", "give motifs in MEME format"),
        ("MEME version 4\n", "SHORT", "no motif with a letter-probability matrix"),
    ],
)
def test_damaged_or_missing_motifs_are_named(tmp_path, text, motif, sentence):
    path = tmp_path / "motifs.meme"
    path.write_text(text)
    with pytest.raises(InputError, match=sentence) as error:
        read_matrix(path, motif)
    assert "\n" not in str(error.value) and str(path) in str(error.value)
