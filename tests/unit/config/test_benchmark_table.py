"""A row of the table of benchmarks is understood, or refused in one sentence that names the task."""

from pathlib import Path

import pytest

from grover.config.benchmark_table import BUILDERS, COLUMNS, read_tasks
from grover.runtime.errors import InputError

ROOT = Path(__file__).resolve().parents[3]
TABLES = sorted(ROOT.glob("config/*benchmarks*.tsv"))
ROW = ["ctcf", "motif-bound", "peaks", "unbound", "201", "0", "motifs=motifs;motif=MA0139.1"]


def read(folder, *rows):
    path = folder / "tasks.tsv"
    path.write_text("\n".join("\t".join(row) for row in [list(COLUMNS), *rows]) + "\n")
    return read_tasks(path)


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.name)
def test_shipped_tables_are_understood(path):
    assert read_tasks(path)


def test_a_row_becomes_a_task(tmp_path):
    task = read(tmp_path, ROW)["ctcf"]
    assert (task.length, task.maximum, task.call) == (201, 0, "valid")
    assert task.sources == {"peaks": "narrowPeak", "motifs": "meme"}
    assert not task.needs_vocabulary


def test_every_kind_of_negatives_goes_with_some_builder(tmp_path):
    kinds = {kind for builder in BUILDERS.values() for kind in builder.negatives}
    assert {"token-shuffle", "token-shuffle-retokenised", "dinucleotide-shuffle", "genomic-matched", "unused"} <= kinds


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("builder", "promoter", ["builder 'promoter' is unknown", "prom300"]),
        ("negatives", "token-shuffle", ["do not go with motif-bound", "unbound, accessible"]),
        ("sites", "peaks,more", ["name 2 sources", "one source"]),
        ("length", ".", ["length is missing"]),
        ("length", "-5", ["length is '-5'"]),
        ("options", "motif=MA0139.1", ["needs the option motifs="]),
        ("options", "motifs=motifs;motif=X;treshold=1", ["option 'treshold=1' is unknown", "threshold"]),
        ("options", "motifs=motifs;motif=X;threshold=small", ["option threshold is 'small'"]),
        ("negatives", "accessible", ["accessible=SOURCE"]),
    ],
)
def test_a_mistake_names_file_task_and_remedy(tmp_path, column, value, words):
    row = dict(zip(COLUMNS, ROW, strict=True)) | {column: value}
    with pytest.raises(InputError) as error:
        read(tmp_path, list(row.values()))
    assert all(word in str(error.value) for word in ["tasks.tsv", *words])


def test_a_name_stands_once(tmp_path):
    with pytest.raises(InputError, match="ctcf stands there twice"):
        read(tmp_path, ROW, ROW)
