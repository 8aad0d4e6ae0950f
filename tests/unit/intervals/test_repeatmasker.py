"""RepeatMasker's own output beside the table that UCSC makes of it."""

import pytest

from grover.intervals import blocks
from grover.intervals.contigs import check
from grover.intervals.formats import RMSK, read_columns, read_rmsk
from grover.intervals.sites import read_masked
from grover.runtime.errors import InputError

LENGTHS = {"chr1": 20_000}
HEADER = """\
   SW  perc perc perc  query      position in query           matching       repeat              position in  repeat
score  div. del. ins.  sequence    begin     end    (left)    repeat         class/family         begin  end (left)   ID

"""
OUTPUT = """\
14737   8.1  1.0  0.2  chr1      10001 10097 (1924) C  L1MdFanc_I     LINE/L1             (2987) 3586   3489      1
   27   0.0  0.0 10.5  chr1      10098 10123 (1898) +  (T)n           Simple_repeat            1   26    (0)      2 *
"""
TABLE = """\
585\t14737\t81\t10\t2\tchr1\t10000\t10097\t-1924\t-\tL1MdFanc_I\tLINE\tL1\t-2987\t3586\t3489\t1
585\t27\t0\t0\t105\tchr1\t10097\t10123\t-1898\t+\t(T)n\tSimple_repeat\tSimple_repeat\t1\t26\t0\t2
"""


@pytest.mark.parametrize("header", ["", HEADER])
def test_the_output_is_read_as_the_table(write, header, monkeypatch):
    table, output = write(TABLE, "table"), write(header + OUTPUT, "output", zipped=bool(header))
    assert read_rmsk(output).to_numpy().tolist() == read_rmsk(table).to_numpy().tolist()
    assert read_masked(output).equals(read_rmsk(output))
    text = [name for name in RMSK if name not in ("bin", "chrom", "start", "end")]
    found = [read_columns(path, "rmsk", LENGTHS, text=text).astype(str) for path in (table, output)]
    assert found[0].to_numpy().tolist() == found[1].to_numpy().tolist()
    monkeypatch.setattr(blocks, "BLOCK", 500)
    assert len(read_rmsk(write(header + OUTPUT * 9, "long"))) == 18


@pytest.mark.parametrize("header", ["", HEADER])
@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (
            "27 0.0 0.0 0.0 chr1 10098 10123 (1898) + (T)n Simple_repeat 1 26",
            "expected the 15 columns of RepeatMasker's output",
        ),
        (
            "27 0.0 0.0 0.0 chr1 1e4 10123 (1898) + (T)n Simple_repeat 1 26 (0) 2",
            "start must be a whole number, .*, not '1e4'",
        ),
        (
            "x 0.0 0.0 0.0 chr1 101 123 (1898) + (T)n Simple_repeat 1 26 (0) 2",
            "swScore must be a whole number, .*, not 'x'",
        ),
        (
            "27 ? 0.0 0.0 chr1 101 123 (1898) + (T)n Simple_repeat 1 26 (0) 2",
            r"milliDiv must be a whole number, .*, not '\?'",
        ),
        ("27 0.0 0.0 0.0 chr1 0 123 (1898) + (T)n Simple_repeat 1 26 (0) 2", "the start is negative"),
        ("27 0.0 0.0 0.0 chr1 19999 20001 (0) + (T)n Simple_repeat 1 26 (0) 2", "the end lies beyond chr1"),
    ],
)
def test_the_line_of_a_wrong_row_is_named(write, header, row, sentence):
    path = write(header + OUTPUT + row + "\n" + OUTPUT)
    with pytest.raises(InputError, match=f"line {header.count(chr(10)) + 3}: {sentence}"):
        check(read_rmsk(path), LENGTHS, path)


def test_the_strand_c_of_a_table_is_minus(write):
    path = write(TABLE.replace("\t-\t", "\tC\t"))
    assert read_rmsk(path)["strand"].tolist() == ["-", "+"]
    assert read_columns(path, "rmsk", LENGTHS, text=["strand"])["strand"].tolist() == ["-", "+"]
