"""How a start ends on the screen, and what the command `notify` gets."""

import json
import random

import pytest
import yaml

pytestmark = pytest.mark.workflow

BASES = "".join(random.Random(5).choices("ACGT", k=200_000))


@pytest.fixture
def start(installation):
    """Encode a small genome; called with blocks of folds and arguments of Snakemake."""
    (installation.work / "g.fa").write_text(f">chr1\n{BASES}\n")

    def call(block: int, notify: str, *arguments: str):
        config = {"run": "own", "sources": {"genome": {"url": "g.fa"}}, "folds": {"block": block, "gap": 100}}
        (installation.work / "own.yaml").write_text(yaml.safe_dump(config | {"notify": notify}))
        return installation.snakemake("genome", *arguments, config=str(installation.work / "own.yaml"))

    call.work = installation.work
    return call


def test_the_reason_of_a_failure_is_the_last_line_and_a_command_gets_it(start):
    done = start(1_000_000, "cat > told.json; echo no route; exit 3")
    last = done.stdout.rstrip().splitlines()[-3:]
    assert done.returncode == 1 and last[:2] == ["1 job failed:", "make_folds, log: results/own/logs/make_folds.log"]
    assert last[2].startswith("    error: fold valid gets none of the 1 blocks"), done.stdout
    assert "ended with 3 (no route); the outcome of the run is not affected" in done.stdout
    told = json.loads((start.work / "told.json").read_text())
    assert told["outcome"] == "error" and [job["rule"] for job in told["failed"]] == ["make_folds"]
    assert last[2] == f"    error: {told['failed'][0]['error']}"

    done = start(20_000, "cat > told.json")
    assert done.returncode == 0 and done.stdout.rstrip().endswith("done; the report was not asked for"), done.stdout
    told = json.loads((start.work / "told.json").read_text())
    assert (told["run"], told["outcome"], told["failed"]) == ("own", "success", [])


def test_a_job_that_is_tried_again_and_dies_without_a_word_is_listed_once(start):
    # a program in place of Python that only fails
    done = start(20_000, "", "--retries", "1", "--set-resources", "encode_genome:python='false'")
    lines = done.stdout.rstrip().splitlines()
    assert done.returncode == 1 and lines[-3:-1] == [
        "1 job failed:",
        "encode_genome, log: results/own/logs/encode_genome.log",
    ]
    assert lines[-1] == "    error: the log is empty; the job was ended from outside, or could not start"
