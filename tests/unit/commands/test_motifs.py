"""`grover motifs` gives what the stages give for the same examples, and says what is missing."""

import numpy as np
import pandas as pd
import pysam
import pytest

from grover.annotation.meme import read_meme
from grover.commands import motifs as command
from grover.config.sections.benchmarks import BlockBootstrap
from grover.config.sections.interpretation import ImportanceMethods, Motifs
from tests.fakes.assembly import random_bases
from tests.fakes.interpreting import grover, world
from workflow.scripts.discover_motifs import discover_motifs
from workflow.scripts.interpret_importance import interpret_importance

WORD = "TTGAACCGTTGAC"
FILES = ["instances.bed.gz", "motif_logos.parquet", "motif_profiles.parquet", "motifs.meme", "motifs.tsv"]


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """Windows of 40 bases; each second one is positive and has the same word: intervals, FASTA, and one BED with the classes."""
    folder = world(tmp_path_factory.mktemp("motifs"))
    text = random_bases(7, 64 * 44)
    for number in range(1, 64, 2):
        start = 44 * number + 15
        text = text[:start] + WORD + text[start + len(WORD) :]
    (folder / "genome.fa").write_text(f">chr1\n{text}\n")
    for name, first, label in (("neg", 0, "unbound"), ("pos", 1, "bound")):
        starts = [44 * number for number in range(first, 64, 2)]
        lines = [f"chr1\t{start}\t{start + 40}\t{label}\t0\t{'+-'[start % 16 // 8]}\n" for start in starts]
        (folder / f"{name}.bed").write_text("".join(lines))
        (folder / f"{name}.fa").write_text("".join(f">{start}\n{text[start : start + 40]}\n" for start in starts))
    (folder / "all.bed").write_text((folder / "neg.bed").read_text() + (folder / "pos.bed").read_text())
    return folder


def options(folder, *more, model="bound"):
    return [
        "motifs",
        "-m",
        folder / model,
        "--device",
        "cpu",
        "--examples",
        10,
        "--motif-sites",
        3,
        "--context",
        10,
        *more,
    ]


def sets(folder, suffix="bed"):
    return ["--positive", folder / f"pos.{suffix}", "--negative", folder / f"neg.{suffix}"]


def test_the_motifs_are_those_of_the_stages(here, tmp_path, monkeypatch):
    made, build = {}, command.dataset
    monkeypatch.setattr(command, "dataset", lambda *given: made.setdefault("data", build(*given)))
    grover(*options(here, *sets(here), "-f", here / "genome.fa", "--strands", "feature", "-o", tmp_path / "ours"))
    data = made["data"]
    folds = data.groupby("fold")["label"].agg(["nunique", "size"])
    assert folds["nunique"].tolist() == [2, 2] and folds["size"].min() >= 8
    data.assign(score=0.0).to_parquet(tmp_path / "dataset.parquet")
    run = {"device": "cpu", "precision": "fp32", "seed": 0, "task": "bound"}
    model, dataset = here / "bound/model.safetensors", tmp_path / "dataset.parquet"
    methods = ImportanceMethods(methods=["ism"], null_examples=0)
    interpret_importance(
        model,
        dataset,
        tmp_path / "i.parquet",
        tmp_path / "b.parquet",
        examples=10,
        methods=methods,
        fold="train",
        **run,
    )
    discover_motifs(
        tmp_path / "i.parquet", dataset, model, tmp_path / "motifs.tsv", tmp_path / "motifs.meme", tmp_path / "instances.bed.gz",
        tmp_path / "motif_logos.parquet", tmp_path / "motif_profiles.parquet", settings=Motifs(motif_sites=3),
        resampling=BlockBootstrap(), **run,
    )  # fmt: skip
    ours, theirs = (pd.read_csv(folder / "motifs.tsv", sep="\t") for folder in (tmp_path / "ours", tmp_path))
    assert len(ours) >= 1
    pd.testing.assert_frame_equal(ours, theirs.drop(columns="task"), atol=1e-5)
    assert (tmp_path / "ours/motifs.meme").read_text() == (tmp_path / "motifs.meme").read_text()
    with (
        pysam.BGZFile(str(tmp_path / "ours/instances.bed.gz")) as one,
        pysam.BGZFile(str(tmp_path / "instances.bed.gz")) as other,
    ):
        rows = [[line.split(b"\t")[:6] for line in stream.read().splitlines()] for stream in (one, other)]
    assert rows[0] == rows[1] and {row[0] for row in rows[0]} == {b"chr1"}
    assert sorted(path.name for path in (tmp_path / "ours").iterdir()) == sorted([*FILES, "motifs.svg"])


def test_classes_may_be_names_and_sets_may_be_fasta(here, tmp_path):
    for name, more in (("names", ["-b", here / "all.bed", "-f", here / "genome.fa"]), ("fasta", sets(here, "fa"))):
        grover(*options(here, *more, "-o", tmp_path / name))
        found = pd.read_csv(tmp_path / name / "motifs.tsv", sep="\t")
        text = (tmp_path / name / "motifs.meme").read_text()
        assert text.count("MOTIF") == len(found)
        assert [motif.matrix.shape[1] for motif in read_meme(tmp_path / name / "motifs.meme")] == found[
            "width"
        ].tolist()
    with pysam.BGZFile(str(tmp_path / "fasta/instances.bed.gz")) as stream:
        assert all(line.startswith(b"example_") for line in stream.read().splitlines())


def test_half_of_the_examples_test_and_none_is_in_a_block_of_the_others():
    block = np.repeat(np.arange(9), [1, 8, 2, 2, 3, 1, 4, 2, 1])
    for seed in range(5):
        folds = command.folds_of(block, seed)
        assert 8 <= (folds == "test").sum() <= 16
        assert pd.Series(folds).groupby(block).nunique().eq(1).all()


def test_what_is_wrong_is_one_sentence(here, tmp_path):
    out = ["-o", tmp_path / "x"]
    assert (
        "give --positive and --negative, or --bed"
        in grover(*options(here, "--positive", here / "pos.fa", *out), code=1).stderr
    )
    assert "is pretrained" in grover(*options(here, *sets(here, "fa"), *out, model="pretrained"), code=1).stderr
    assert "has 3 classes" in grover(*options(here, *sets(here, "fa"), *out, model="three"), code=1).stderr
    assert "give their sequences as --fasta" in grover(*options(here, "-b", here / "all.bed", *out), code=1).stderr
    named = ["-b", here / "all.bed", "-f", here / "genome.fa", *out]
    assert "the name 'unbound' is no class" in grover(*options(here, *named, model="three"), code=1).stderr
    (tmp_path / "n.fa").write_text(">a\nNNNN\n")
    few = ["--positive", here / "pos.fa", "--negative", tmp_path / "n.fa", *out]
    assert "motifs need examples of two classes" in grover(*options(here, *few), code=1).stderr
    assert not (tmp_path / "x").exists()
