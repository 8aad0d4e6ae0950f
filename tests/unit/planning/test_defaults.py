"""Defaults follow the size of the genome's source and the device, and a value of the configuration counts instead."""

import gzip
from copy import deepcopy

import pytest
import yaml

from grover.config.configuration import complete
from grover.config.tables import read_table
from grover.planning.defaults import AIMS, CLASSES, TABLE, complete_for_genome, read_defaults, source_bases, suitable
from grover.runtime.errors import InputError
from tests.unit.planning.test_costs import ROOT

# without what is laid over another one, and without those that need the model of another run and leave open what suits the genome
CONFIGURATIONS = sorted(
    path
    for path in (ROOT / "config").glob("*.yaml")
    if path.name != "benchmarks-local.yaml" and not path.name.startswith("transfer-")
)


def raw_of(bases: int = 0, **changes) -> dict:
    return {"run": "x", "sources": {"genome": {"url": "https://x.org/new.fa.gz"}}, "genome": {"bases": bases}} | changes


def value_of(configuration, key: str):
    section, _, name = key.rpartition(".")
    return getattr(getattr(configuration, section) if section else configuration, name)


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=lambda path: path.name)
def test_shipped_configurations_keep_their_values(path):
    raw = yaml.safe_load(path.read_text()) | {"data": "somewhere"}
    assert complete_for_genome(deepcopy(raw), path.name, ROOT)[0] == complete(raw, path.name)


@pytest.mark.parametrize("column", AIMS)
def test_every_column_gives_a_valid_configuration_and_names_what_it_chose(column):
    device, size = column.split("_")
    bases = {**CLASSES, "large": 10**9}[size]
    raw = raw_of(bases, device="cuda" if device == "gpu" else "cpu")
    found, lines = complete_for_genome(raw, "my.yaml", ROOT)
    chosen, reasons = read_defaults(ROOT / TABLE, column)
    assert chosen and all(value_of(found, key) == value for key, value in chosen.items())
    text = "\n".join(lines)
    assert AIMS[column] in text and all(f"{key} " in text and reasons[key] in text for key in chosen)
    # the table has no default twice: what is the paper's is left open
    paper = complete(raw, "my.yaml")
    assert all(value_of(paper, key) != value for key, value in chosen.items())
    # and a value of the configuration counts
    for key in chosen:
        given = deepcopy(raw)
        section, _, name = key.rpartition(".")
        (given.setdefault(section, {}) if section else given)[name] = value_of(paper, key)
        if key not in ("corpus.longest", "embeddings.window_tokens", "pretraining.positions"):
            assert value_of(complete_for_genome(given, "my.yaml", ROOT)[0], key) == value_of(paper, key), key


def test_the_table_has_a_column_for_each_aim():
    assert list(read_table(ROOT / TABLE)[0]) == ["key", *AIMS, "reason"]


@pytest.mark.parametrize(
    ("bases", "device", "column"),
    [
        (30_000_000, "cpu", "cpu_small"),
        (30_000_001, "auto", "cpu_middle"),
        (12_000_000, "cuda", "gpu_small"),
        (3_000_000_000, "cpu", "cpu_large"),
    ],
)
def test_the_class_is_that_of_the_size_and_auto_counts_as_the_cpu(bases, device, column):
    assert suitable(bases, device) == column


def test_the_human_genome_on_a_gpu_has_the_defaults_of_the_paper():
    raw = {"run": "x", "device": "cuda", "sources": {"genome": {"url": "https://x.org/hg19.fa.gz"}}}
    found, lines = complete_for_genome(raw, "my.yaml", ROOT)
    assert found == complete(raw, "my.yaml") and lines == [
        "defaults for 2,865 Mb (the size of hg19) on a GPU: those of docs/reference/configuration.md"
    ]
    # and whoever asks for them
    raw = raw_of(5_000_000, device="cpu", defaults="paper")
    assert complete_for_genome(raw, "my.yaml", ROOT) == (complete(raw, "my.yaml"), [])


def test_windows_and_positions_fit_each_other_whichever_is_given():
    def found(**changes):
        return complete_for_genome(raw_of(5_000_000, **changes), "my.yaml", ROOT)[0]

    assert found(corpus={"longest": 510}).pretraining.positions == 512
    assert found(embeddings={"window_tokens": 400}).pretraining.positions == 402
    narrow = found(pretraining={"positions": 64})
    assert (narrow.corpus.longest, narrow.embeddings.window_tokens) == (62, 62)
    with pytest.raises(InputError, match="does not fit into `pretraining.positions`"):
        found(corpus={"longest": 510}, pretraining={"positions": 64})
    # and what they must contain
    long = found(corpus={"shortest": 400})
    assert (long.corpus.longest, long.pretraining.positions) == (400, 402)
    wide = found(embeddings={"context": 70})
    assert (wide.embeddings.window_tokens, wide.pretraining.positions) == (280, 320)
    assert found(embeddings={"context": 60}).embeddings.window_tokens == 126


def test_the_size_of_a_source_does_not_change_with_what_a_run_has_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.fa.gz").write_bytes(gzip.compress(b">a\n" + b"ACGTTGCA" * 1000))
    raw = {"run": "x", "sources": {"genome": {"url": "mine.fa.gz"}}}
    before = complete_for_genome(raw, "my.yaml", ROOT)
    segments = tmp_path / "results/x/genome/segments.bed"
    segments.parent.mkdir(parents=True)
    segments.write_text("a\t0\t400000000\ts0\n")
    assert complete_for_genome(raw, "my.yaml", ROOT) == before
    # nor once a genome of unknown size is downloaded
    remote = raw_of()
    before = complete_for_genome(remote, "my.yaml", ROOT)
    assert "`genome.bases` gives the true size" in before[1][0]
    (tmp_path / "results/downloads/genome").mkdir(parents=True)
    (tmp_path / "results/downloads/genome/new.fa.gz").write_bytes(b"1234")
    assert complete_for_genome(remote, "my.yaml", ROOT) == before


def test_the_size_of_a_genome_is_known_by_its_source(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "part.bed").write_text("chr1\t10\t110\nchr2\t0\t50\n")
    (tmp_path / "plain.fa").write_text(">a\n" + "ACGT" * 1000 + "\n")
    genome = {"url": "https://x.org/hg19.fa.gz"}

    def known(**changes):
        return source_bases(complete(raw_of() | changes, "my.yaml"), ROOT)

    assert known(sources={"genome": genome, "regions": {"url": "part.bed"}}) == (150, "the regions in part.bed")
    assert known(sources={"genome": genome}) == (2_864_785_220, "the size of hg19")
    assert known(sources={"genome": {"url": "plain.fa"}})[0] == pytest.approx(4_000, rel=0.05)
    assert known(genome={"bases": 7}) == (7, "`genome.bases`")
    assert known(sources={"genome": {"url": "absent.fa"}})[0] == 3_000_000_000


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"pretraining": None}, "`pretraining` is None, but a mapping was expected"),
        ({"defaults": "none"}, "`defaults` is 'none', but one of 'fitted', 'paper' was expected"),
        ({"sources": {}}, "key `sources.genome` is missing"),
        ({"threads": None}, "`threads` is None, but a whole number was expected"),
        ({"threads": "two"}, "`threads` is 'two', but a whole number was expected"),
    ],
)
def test_mistakes_are_those_of_the_configuration(changes, sentence):
    with pytest.raises(InputError, match=sentence) as error:
        complete_for_genome(raw_of(5_000_000) | changes, "my.yaml", ROOT)
    assert "\n" not in str(error.value)


def test_a_small_genome_is_said_in_kilobases_and_a_malformed_list_of_regions_by_its_line(tmp_path):
    (tmp_path / "genome.fa").write_text(">phage\n" + "A" * 40_000)
    (tmp_path / "regions.bed").write_text("phage\t0\t100\nphage\t1e3\t2000\n")
    sources = {"genome": {"url": str(tmp_path / "genome.fa")}}
    lines = complete_for_genome({"run": "x", "sources": sources}, "my.yaml", ROOT)[1]
    assert lines[0].startswith("defaults for 39 kb (the size of the file genome.fa)")
    sources["regions"] = {"url": str(tmp_path / "regions.bed")}
    with pytest.raises(InputError, match="regions.bed, line 2: start must be a whole number"):
        complete_for_genome({"run": "x", "sources": sources}, "my.yaml", ROOT)
