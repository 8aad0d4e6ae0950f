"""The size of a genome before it is encoded, and what finished runs leave."""

import pytest

from grover.planning.runs import finished_run, genome_bases
from tests.unit.planning.test_costs import ROOT, run_of


def test_the_size_of_the_genome_is_known_by_the_surest_way(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = run_of(simulate={"bases": 600_000}).settings
    assert genome_bases(settings, ROOT) == (600_000, "`simulate.bases`")
    segments = tmp_path / "results/x/genome/segments.bed"
    segments.parent.mkdir(parents=True)
    segments.write_text("chr1\t10\t110\ts0\nchr2\t0\t50\ts1\n")
    assert genome_bases(settings, ROOT)[0] == 150
    segments.unlink()

    def bases(url: str) -> int:
        return genome_bases(run_of(sources={"genome": {"url": url}}).settings, ROOT)[0]

    assert bases("https://x.org/hg19.fa.gz") == 2_864_785_220
    assert bases("https://x.org/new.fa.gz") == 3_000_000_000
    (tmp_path / "hg19.part.fa").write_text(">a\n" + "ACGT" * 1000)
    assert bases("hg19.part.fa") == pytest.approx(4_000, rel=0.05)


def test_a_finished_run_is_read_for_what_it_took(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "results/x"
    (folder / "genome").mkdir(parents=True)
    (folder / "benchmark").mkdir()
    assert finished_run(folder, ROOT) is None
    (folder / "config.json").write_text(run_of().settings.model_dump_json())
    (folder / "genome/segments.bed").write_text("chr1\t0\t1000\ts0\n")
    (folder / "benchmark/encode_genome.tsv").write_text("s\tmax_rss\n1.5\t300.5\n")
    (folder / "benchmark/finetune.ctcf.chosen.tsv").write_text("s\tmax_rss\n0.4\tNA\n")
    (folder / "benchmark/publish_chosen.tsv").write_text("s\tmax_rss\nNA\tNA\n")
    found = finished_run(folder, ROOT)
    assert (found.run.bases, found.device) == (1000, "CPU")
    assert found.seconds == {("encode_genome", ""): 1.5, ("finetune", "ctcf.chosen"): 0.4}


def test_a_finished_run_is_read_without_the_folder_that_its_files_came_from(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "results/x"
    (folder / "genome").mkdir(parents=True)
    (folder / "benchmark").mkdir()
    settings = run_of(sources={"genome": {"file": "hg19.fa.gz"}}, data=str(tmp_path)).settings
    (folder / "config.json").write_text(settings.model_dump_json(exclude={"data"}))  # as the workflow writes it
    (folder / "genome/segments.bed").write_text("chr1\t0\t1000\ts0\n")
    (folder / "benchmark/encode_genome.tsv").write_text("s\tmax_rss\n1.5\t300.5\n")
    assert finished_run(folder, ROOT).seconds == {("encode_genome", ""): 1.5}
