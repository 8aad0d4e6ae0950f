"""The examples of docs/how-to/command.md and `grover.api`, run on tiny models."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from grover.api import load
from grover.commands.application import application

PAGE = (Path(__file__).parents[3] / "docs/how-to/command.md").read_text()
BLOCKS = dict(re.findall(r"```(bash|python)\n(.*?)```", PAGE, re.DOTALL))


@pytest.fixture
def place(world, tmp_path, monkeypatch):
    """A folder with what the examples name."""
    for name, model in (("models/chosen", world.models["kmer-3"]), ("finetuning/ctcf/chosen", world.classifier)):
        link = tmp_path / "results/demo" / name
        link.parent.mkdir(parents=True)
        link.symlink_to(model)
    (tmp_path / "genome.fa").symlink_to(world.fasta)
    for name in ("peaks", "sites", "regions"):
        (tmp_path / f"{name}.bed").write_text("chr1\t5\t30\tp1\t0\t+\nchr2\t10\t34\tp2\t0\t-\n")
    base = world.sequences["chr1"][59]
    (tmp_path / "variants.vcf").write_text(f"#CHROM\tPOS\tID\tREF\tALT\nchr1\t60\t.\t{base}\t{'CA'[base == 'C']}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_its_commands(place):
    for line in BLOCKS["bash"].splitlines():
        parts = [shlex.split(part) for part in line.split(" | ")]
        (command,) = (part[1:] for part in parts if part[0] == "grover")
        given = Path(parts[0][1]).read_bytes() if parts[0][0] == "cat" else None
        done = CliRunner().invoke(application, [*command, *(["-q"] if command[0] != "info" else [])], input=given)
        assert done.exit_code == 0, (line, done.output, done.exception)
        if given:
            assert done.stdout.splitlines()[0].split("\t")[7:11] == ["bases", "bits", "bits_frequency", "gain"]
    assert len(pd.read_parquet("embeddings.parquet")) == len(pd.read_csv("labels.tsv", sep="\t")) == 2


def test_its_python(place, capsys):
    names: dict = {}
    exec(BLOCKS["python"], names)
    assert len(names["vectors"]) == 2 and names["vectors"][0].shape == (16,)
    assert names["alleles"]["llr"].notna().tolist() == [True]
    assert names["scores"]["bases"].tolist() == [19, 6] and names["labels"]["read_strand"].tolist() == ["+", "-"]


def test_tables_and_sequences_are_read_as_files_are(world, place):
    model = load(world.models["kmer-3"], device="cpu")
    from_file = model.embed("peaks.bed", world.fasta, context=0)
    table = pd.DataFrame({"chrom": ["chr1", "chr2"], "start": [5, 10], "end": [30, 34], "strand": ["+", "-"]})
    from_table = model.embed(table, world.fasta, context=0)
    np.testing.assert_array_equal(np.stack(from_file["mean_2"]), np.stack(from_table["mean_2"]))
    whole = model.embed(fasta=world.fasta)
    alone = model.embed([world.sequences["chr1"], world.sequences["chr2"]])
    np.testing.assert_array_equal(np.stack(whole["cls_2"]), np.stack(alone["cls_2"]))
    assert model.info["longest"] == 32
    with pytest.raises(ValueError, match="need the sequences that they refer to"):
        model.embed("peaks.bed")


def test_every_subcommand_has_an_example_in_its_help():
    for command in application.registered_commands:
        assert re.search(r"\n    (\n    )?Example: (\w+ .* \| )?grover ", command.callback.__doc__ or ""), (
            command.callback
        )


def test_a_closed_pipe_is_quiet_and_completion_is_there(place):
    closed = "import grover.commands.info as i, grover.commands.application as a\ndef closed(folder): raise BrokenPipeError\n"
    run = {"capture_output": True, "text": True}
    done = subprocess.run(
        [sys.executable, "-c", f"{closed}i.describe = closed\na.main()", "info", "results/demo/models/chosen"], **run
    )
    assert (done.returncode, done.stdout, done.stderr) == (141, "", "")
    asked = {"_GROVER_COMPLETE": "complete_bash", "COMP_WORDS": "grover em", "COMP_CWORD": "1"}
    done = subprocess.run([sys.executable, "-m", "grover"], env=os.environ | asked, **run)
    assert done.stdout.strip() == "embed", done.stderr
