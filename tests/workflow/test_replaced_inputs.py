"""Local input files are compared by content: replaced ones are noticed whatever their dates, and other dates rerun nothing."""

import hashlib
import os
import random
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.installation import install

pytestmark = pytest.mark.workflow

READERS = {"encode_genome", "make_folds", "check_sources", "genome"}
# above 1 MB, below which Snakemake itself compares checksums of files that are newer
BASES = "".join(random.Random(3).choices("ACGT", k=1_200_000))
OTHER = BASES[:600_000] + BASES[:600_000]
CONFIG = {"run": "own", "folds": {"block": 20_000, "gap": 500}, "sources": {"genome": {"url": "g.fa", "file": "g.fa"}}}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished encoding of a genome of one's own; called with arguments of Snakemake and changes of its source."""
    copy = install(tmp_path_factory.mktemp("replaced"))
    (copy.work / "g.fa").write_text(f">chr1\n{BASES}\n")

    def call(*arguments: str, **source: str):
        sources = {"genome": CONFIG["sources"]["genome"] | source}
        (copy.work / "own.yaml").write_text(yaml.safe_dump(CONFIG | {"sources": sources}))
        return copy.snakemake("genome", *arguments, config=str(copy.work / "own.yaml"))

    done = call()
    assert done.returncode == 0, done.stdout
    call.work = copy.work
    return call


def planned(run, *arguments: str, **source: str) -> set[str]:
    done = run("--dry-run", *arguments, **source)
    assert done.returncode == 0, done.stdout
    rules = {
        line.split()[1].strip(":") for line in done.stdout.splitlines() if line.startswith(("rule ", "localrule "))
    }
    assert rules or "Nothing to be done" in done.stdout
    return rules


@contextmanager
def replaced(path: Path, text: str, modified: float):
    """Another file of this age in place of `path` for a while, as `mv` and `rsync -a` do it."""
    kept = path.rename(path.with_name("kept"))
    path.write_text(text)
    os.utime(path, (modified, modified))
    try:
        yield
    finally:
        kept.replace(path)


def test_an_older_file_in_its_place_reruns_what_reads_it(run):
    with replaced(run.work / "g.fa", f">chr1\n{OTHER}\n", 1_000_000_000):
        assert planned(run) == {"link_source", *READERS}
    assert planned(run) == set()


def test_another_content_of_equal_size_and_time_is_noticed(run):
    path = run.work / "g.fa"
    status, text = path.stat(), path.read_text()
    try:
        path.write_text(f">chr1\n{OTHER}\n")
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert path.stat().st_size == status.st_size
        assert planned(run) == {"link_source", *READERS}
    finally:
        path.write_text(text)


@pytest.mark.parametrize("modified", [1_000_000_000, 4_000_000_000])
def test_another_date_of_the_same_content_reruns_nothing(run, modified):
    os.utime(run.work / "g.fa", (modified, modified))
    assert planned(run) == set()


def test_a_file_dated_in_the_future_is_linked(run):
    with replaced(run.work / "g.fa", f">chr1\n{OTHER}\n", 4_000_000_000):
        done = run()
        assert done.returncode == 0 and "clock skew" not in done.stdout, done.stdout
        assert planned(run) == set()
    assert run().returncode == 0


def test_an_artefact_dated_in_the_future_is_named_before_the_first_job(run):
    segments, folds = (run.work / f"results/own/genome/{name}" for name in ("segments.bed", "folds.bed"))
    status = segments.stat()
    kept = folds.rename(run.work / "folds")
    os.utime(segments, (4_000_000_000, 4_000_000_000))
    try:
        done = run("results/own/genome/folds.bed")
        assert done.returncode == 1 and "Error in rule" not in done.stdout, done.stdout
        assert "segments.bed: dated in the future (2096-" in done.stdout and "touch results/own/" in done.stdout
    finally:
        os.utime(segments, ns=(status.st_atime_ns, status.st_mtime_ns))
        kept.rename(folds)


def test_another_place_of_the_same_content_reruns_nothing_and_is_read_from_then_on(run):
    place = run.work / "elsewhere" / "g.fa"
    place.parent.mkdir()
    place.write_text((run.work / "g.fa").read_text())
    assert planned(run, "--config", f"data={place.parent}") == set()
    assert (run.work / "results/own/sources/genome/g.fa").resolve() == place
    assert planned(run) == set()


def test_what_was_linked_anew_and_not_yet_read_is_read_at_the_next_start(run):
    with replaced(run.work / "g.fa", f">chr1\n{OTHER}\n", 1_000_000_000):
        assert run("--until", "link_source").returncode == 0
        assert planned(run) == READERS
    assert run().returncode == 0


def test_a_checksum_that_is_added_is_compared_and_reruns_nothing(run):
    right = hashlib.md5((run.work / "g.fa").read_bytes()).hexdigest()
    assert planned(run, md5=right) == set()
    done = run("--dry-run", md5="0" * 32)
    assert done.returncode == 1 and f"g.fa has md5 {right}, but {'0' * 32} was expected" in done.stdout


def test_a_lost_cache_of_checksums_reruns_nothing(run):
    (run.work / ".snakemake/grover/checksums.json").write_text("{")
    assert planned(run) == set()
