"""Mistakes in a table name line and column."""

import pytest

from grover.config.tables import read_rows
from grover.runtime.errors import InputError


def test_a_table_names_line_and_column(tmp_path):
    path = tmp_path / "tracks.tsv"
    columns = {"track": "[a-z]+", "source": "[a-z]+"}
    path.write_text("# comment\ntrack\tsource\ngenes\tgenes\n")
    assert read_rows(path, columns) == [{"track": "genes", "source": "genes"}]
    path.write_text("track\tsource\ngenes\tGENES\n")
    with pytest.raises(InputError, match="tracks.tsv, line 2: source is 'GENES'"):
        read_rows(path, columns)
    path.write_text("track\tsource\ngenes\n")
    with pytest.raises(InputError, match=r"line 2: 2 columns were expected \(.*\), between tabs, found 1"):
        read_rows(path, columns)
    path.write_text("name\tsource\n")
    with pytest.raises(InputError, match="header must be track source"):
        read_rows(path, columns)


def test_a_table_as_excel_writes_it(tmp_path):
    path = tmp_path / "tracks.tsv"
    columns = {"track": "[a-z]+", "source": "[a-z]+"}
    path.write_bytes("track\tsource\r\ngenes\tgenes\r\n".encode("utf-8-sig"))
    assert read_rows(path, columns) == [{"track": "genes", "source": "genes"}]
    path.write_bytes("track\tsource\r\ngenes\tgenes\r\n".encode("utf-16"))
    assert read_rows(path, columns) == [{"track": "genes", "source": "genes"}]
