"""Folders with blanks and quotes: every command is quoted, and nothing is written beside its place."""

import os
import re
import shlex
import shutil

import pytest
import yaml

from tests.installation import install

pytestmark = pytest.mark.workflow

RESULTS = "my lab's results"


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the installation in a folder with a blank and a quote, and a configuration whose paths have them too."""
    copy = install(tmp_path_factory.mktemp("odd") / "the group's folder")
    config = yaml.safe_load((copy.root / "config/test.yaml").read_text())
    config |= {"results": f"$GROVER_TEST_BASE/{RESULTS}/", "downloads": f"{RESULTS}/all downloads"}
    config["embeddings"]["tracks"] = "~/my tracks.tsv"
    (copy.work / "own.yaml").write_text(yaml.safe_dump(config))
    shutil.copy(copy.root / "config/test.tracks.tsv", copy.work / "my tracks.tsv")

    def snakemake(*arguments, **variables):
        given = {"HOME": str(copy.work), "GROVER_TEST_BASE": str(copy.work)} | variables
        return copy.snakemake(*arguments, config=str(copy.work / "own.yaml"), **given)

    return copy, snakemake


def test_each_word_of_each_command_is_one(copy):
    copy, snakemake = copy
    before = set(os.listdir(copy.work))
    done = snakemake("--dry-run")
    assert done.returncode == 0, done.stdout
    assert not re.search("This is likely unintended|double '/'|starts with './'", done.stdout), done.stdout
    commands = re.findall(r"^Shell command: (.*)$", done.stdout, re.MULTILINE)
    commands = [command for command in commands if command != "None"]
    assert len(commands) > 50
    pieces = {"my", "lab's", "lab", "results", "the", "group's", "group", "folder", "all", "tracks.tsv"}
    for command in commands:
        words = shlex.split(command)
        assert not pieces.intersection(words), command
        for word in words:
            assert word.count(RESULTS) == word.count("my lab") and "$GROVER" not in word and "~" not in word, command
    assert set(os.listdir(copy.work)) - before <= {".snakemake"}


def test_the_first_stages_run_and_nothing_is_written_beside_them(copy):
    copy, snakemake = copy
    run = copy.work / RESULTS / "test"
    targets = [f"{run}/{name}" for name in ("genome/inputs.tsv", "vocabulary/kmer-3/statistics.parquet", "config.json")]
    done = snakemake("--", *targets)
    assert done.returncode == 0, done.stdout
    assert all(os.path.isfile(target) for target in targets)
    found = set(os.listdir(copy.work)) | set(os.listdir(copy.work.parent))
    assert found == {".snakemake", RESULTS, "own.yaml", "my tracks.tsv", "installation", "work", "cache"}, found
    assert "Nothing to be done" in snakemake("--dry-run", "--", *targets).stdout


def test_a_variable_that_is_not_set_is_named(copy):
    copy, snakemake = copy
    text = (copy.work / "own.yaml").read_text()
    (copy.work / "unset.yaml").write_text(text.replace("$GROVER_TEST_BASE", "$GROVER_UNSET"))
    done = copy.snakemake("--dry-run", config=str(copy.work / "unset.yaml"), HOME=str(copy.work))
    (copy.work / "unset.yaml").unlink()
    assert done.returncode == 1 and "a path whose variables are set ($GROVER_UNSET is not" in done.stdout, done.stdout
    assert not (copy.work / "$GROVER_UNSET").exists()


def test_an_image_in_such_a_folder_is_refused_with_the_way_out(copy):
    copy, snakemake = copy
    done = snakemake("--dry-run", "--software-deployment-method", "apptainer")
    assert done.returncode == 1 and "set GROVER_IMAGE to a link without any" in done.stdout, done.stdout
