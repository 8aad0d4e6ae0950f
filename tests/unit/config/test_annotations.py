"""Which sources a run reads, in which format, from which file."""

from copy import deepcopy
from pathlib import Path

import pytest

from grover.config.annotations import (
    explained_tasks,
    refuse_unread,
    single_site_task,
    sources_read,
    variant_sources,
)
from grover.config.benchmark_table import Task
from grover.config.configuration import Configuration, complete
from grover.config.files import (
    checksum_options,
    installed,
    local_path,
    outside_vocabularies,
    refuse_repeated_keys,
    source_file,
)
from grover.runtime.errors import InputError

TASKS = {
    "sites": Task("sites", "motif-bound", ("peaks",), "unbound", 200, 0, {"motifs": "motifs", "motif": "X"}),
    "splicing": Task("splicing", "splice", ("exons",), "unused", 400, 0, {}),
}
TRACKS = [{"track": "repeat", "source": "repeats", "format": "rmsk"}]
TABLES = (Path("tasks.tsv"), Path("tracks.tsv"))
SITE = "https://example.org/there/"


def configured(sources: dict, **changes) -> Configuration:
    genome = {"genome": {"url": f"{SITE}genome.fa.gz"}}
    return complete({"run": "mine", "sources": genome | sources} | deepcopy(changes), "mine.yaml")


def test_sources_are_those_of_tracks_tasks_and_stages():
    names = ("peaks", "motifs", "exons", "repeats", "blacklist", "variants", "regions")
    config = configured({key: {"url": SITE + key} for key in names})
    assert sources_read(config, TASKS, TRACKS) == ["blacklist", "exons", "motifs", "peaks", "repeats", "variants"]
    assert sources_read(config, TASKS, []) == ["blacklist", "exons", "motifs", "peaks", "repeats", "variants"]
    assert sources_read(config, {}, []) == ["blacklist", "variants"]
    config = configured({key: {"url": SITE + key} for key in ("peaks", "repeats")}, embeddings={"intervals": "peaks"})
    assert sources_read(config, {}, TRACKS) == ["peaks", "repeats"]


def test_variants_are_compared_with_the_sources_that_are_there():
    sources = {key: {"url": "x"} for key in ("variants", "genes", "phylop", "motifs")}
    named = configured(sources, interpretation={"conservation": "phylop", "motifs": ""})
    assert variant_sources(named) == ["genes", "phylop"]
    with pytest.raises(InputError, match="nothing reads the source `motifs`"):
        refuse_unread(named, {}, [], TABLES, "mine.yaml")
    del sources["variants"]
    assert variant_sources(configured(sources)) == []


def test_a_source_that_nothing_reads_is_refused():
    read = dict.fromkeys(("peaks", "motifs", "exons", "repeats", "variants", "regions"), {"url": "x"})
    refuse_unread(configured(read), TASKS, TRACKS, TABLES, "mine.yaml")
    refuse_unread(configured({"mine": {"url": "x"}}, embeddings={"intervals": "mine"}), {}, [], TABLES, "mine.yaml")
    with pytest.raises(InputError, match="mine.yaml: nothing reads the source `peaks`; .* tasks.tsv or tracks.tsv"):
        refuse_unread(configured({"peaks": {"url": "x"}}), {}, TRACKS, TABLES, "mine.yaml")


def test_all_tasks_are_explained_or_those_that_are_named():
    present = {"splicing": TASKS["splicing"]}
    assert explained_tasks(configured({}), TASKS, TASKS, "mine.yaml") == ["sites", "splicing"]
    asked = configured({}, interpretation={"tasks": ["splicing", "sites"]})
    assert explained_tasks(asked, TASKS, TASKS, "mine.yaml") == ["sites", "splicing"]
    assert explained_tasks(asked, present, TASKS, "mine.yaml") == ["splicing"]  # the other one is left out of the run
    wrong = configured({}, interpretation={"tasks": ["sits"]})
    with pytest.raises(
        InputError, match="`interpretation.tasks` names 'sits', but the tasks are sites, splicing; correct"
    ):
        explained_tasks(wrong, TASKS, TASKS, "mine.yaml")


def test_a_source_is_simulated_downloaded_or_linked(tmp_path):
    (tmp_path / "peaks%201.bed").write_text("")
    (tmp_path / "kept.bed").write_text("")
    sources = {
        "simulated": {"simulated": "a.bed"},
        "remote": {"url": f"{SITE}b%20c.bed?download", "file": "kept.bed"},
        "local": {"url": str(tmp_path / "kept.bed")},
        "missing": {"url": "nowhere.bed"},
    }
    config = configured(sources, simulate={"bases": 300_000})
    assert source_file(config, "simulated", tmp_path) == "results/mine/simulated/a.bed"
    assert source_file(config, "remote", tmp_path) == "results/downloads/remote/b c.bed"
    assert source_file(config, "local", tmp_path) == "results/mine/sources/local/kept.bed"
    with pytest.raises(InputError, match=f"sources.missing: {Path.cwd()}/nowhere.bed does not exist; correct the path"):
        source_file(config, "missing", tmp_path)
    # a data folder replaces the address
    assert local_path("remote", config.sources["remote"], str(tmp_path), tmp_path) == str(tmp_path / "kept.bed")
    with pytest.raises(InputError, match="put the file there, or correct --config data=elsewhere"):
        local_path("remote", config.sources["remote"], "elsewhere", tmp_path)


def test_checksums_are_options():
    given = {"url": "x", "md5": "0" * 32, "checksum_url": "a b"}
    source = configured({"peaks": given}).sources["peaks"]
    assert (
        checksum_options(source, "") == checksum_options(source, "folder") == f"--md5 {'0' * 32} --checksum-url 'a b'"
    )
    # another copy in the data folder has its own
    source = configured({"peaks": given | {"file": "y", "file_sha256": "1" * 64}}).sources["peaks"]
    assert checksum_options(source, "") == f"--md5 {'0' * 32} --checksum-url 'a b'"
    assert checksum_options(source, "folder") == f"--sha256 {'1' * 64}"


def test_a_tokenizer_is_in_the_data_folder_or_installed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("data", "installation"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "t.json").write_text("")
    outside = {"outside": {"other": "t.json"}}
    config = configured({}, vocabulary=outside, data="data")
    assert outside_vocabularies(config, tmp_path / "installation", "mine.yaml") == {"other": Path("data/t.json")}
    config = configured({}, vocabulary=outside)
    place = tmp_path / "installation"
    assert (
        outside_vocabularies(config, place, "mine.yaml")
        == {"other": installed("t.json", place)}
        == {"other": place / "t.json"}
    )
    with pytest.raises(InputError, match="mine.yaml: `vocabulary.outside.other`: t.json is neither below `data`"):
        outside_vocabularies(config, tmp_path, "mine.yaml")


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        (
            "htp://there/genome.fa",
            "htp://there/genome.fa cannot be fetched; use https, http, ftp, file:// or a plain path",
        ),
        ("https://there/", "the address https://there/ ends without the name of a file"),
        ("nowhere:genome.fa", f"{Path.cwd()}/nowhere:genome.fa does not exist; correct the path"),
    ],
)
def test_an_address_that_no_job_could_fetch_is_refused(url, sentence):
    with pytest.raises(InputError, match=f"^sources.genome: {sentence}"):
        source_file(configured({"genome": {"url": url}}), "genome", Path())


def test_a_plain_path_is_taken_as_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a:b.fa", "a#b.fa", "a%20b.fa", "a?b.fa"):
        Path(name).touch()
        config = configured({"genome": {"url": name}})
        assert source_file(config, "genome", Path()) == f"results/mine/sources/genome/{name}"


def test_a_key_that_stands_twice_is_refused(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("seed: 1\ncorpus: &one {passes: 1}\npretraining:\n  steps: 4\n  batch: 4\n  steps: 5\n")
    with pytest.raises(InputError, match="mine.yaml: `pretraining.steps` stands there twice, in lines 4 and 6; merge"):
        refuse_repeated_keys([path])
    path.write_text("corpus: &one {passes: 1}\nother: {<<: *one, passes: 2, steps: 1}\nlist: [{a: 1}, {a: 2}]\n")
    refuse_repeated_keys([path])
    path.write_text('{\n\t"seed": 3\n}')  # JSON that is no YAML
    refuse_repeated_keys([path])


def test_variants_are_scored_by_the_first_task_of_single_sites_or_the_named_one():
    other = Task("more", "tfbs", ("peaks",), "dinucleotide-shuffle", 200, 0, {})
    tasks = {"splicing": TASKS["splicing"], "sites": TASKS["sites"], "more": other}
    assert single_site_task(configured({}), tasks, "mine.yaml") == "sites"
    assert single_site_task(configured({}), {"splicing": TASKS["splicing"]}, "mine.yaml") == ""
    assert single_site_task(configured({}, interpretation={"variant_task": "more"}), tasks, "mine.yaml") == "more"
    with pytest.raises(
        InputError, match="mine.yaml: `interpretation.variant_task` is 'splicing', but the tasks of single"
    ):
        single_site_task(configured({}, interpretation={"variant_task": "splicing"}), tasks, "mine.yaml")
