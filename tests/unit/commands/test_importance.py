"""`grover importance` and `grover map` give what the stages give."""

from io import StringIO

import numpy as np
import pandas as pd
import pytest
import torch

from grover.commands import sites
from grover.commands.importance import Explainer
from grover.config.sections.interpretation import DependencyMaps, ImportanceMethods
from grover.interpretation.answers import FineTuned
from grover.interpretation.interpret import interpret
from grover.interpretation.sites import is_stranded, sites_of
from tests.fakes.interpreting import CONTIGS, dataset, grover, world
from workflow.scripts.dependency_maps import dependency_maps

METHODS = ImportanceMethods(methods=["ism"], null_examples=2)
VALUES = ["answer", "importance", "signed", "p", "q", "error", "resolution"]


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """The examples of the data set as a BED whose second row lies on another contig."""
    folder = world(tmp_path_factory.mktemp("importance"))
    rows = dataset().iloc[:4]
    lines = [
        f"{row.chrom}\t{row.start}\t{row.end}\tsite{i}\t0\t{row.strand}\n" for i, row in enumerate(rows.itertuples())
    ]
    (folder / "x.bed").write_text("".join([lines[0], "chrX\t5\t9\tother\t0\t+\n", *lines[1:]]))
    return folder


def options(folder, *more, model="bound", strands="feature"):
    given = [
        "importance",
        "-m",
        folder / model,
        "-f",
        folder / "genome.fa",
        "-b",
        folder / "x.bed",
        "--strands",
        strands,
    ]
    return [*given, "--device", "cpu", "--context", 10, "--null-examples", 2, "--max-skipped", "0.5", *more]


def stage(folder, methods, model="bound", stranded=True, label=1):
    data = dataset().iloc[:4].assign(label=label)
    if not stranded:
        for name, left, right in (("before", -10, 0), ("sequence", 0, 40), ("after", 40, 50)):
            data[name] = [CONTIGS["chr1"][start + left : start + right] for start in data["start"]]
        data["strand"] = "."
    chosen = sites_of(data, np.arange(4))
    explained = FineTuned.load(folder / model, torch.device("cpu"), "fp32")
    assert is_stranded(data) == stranded
    return interpret(chosen, explained, methods, task="", stranded=stranded, seed=0)


@pytest.mark.parametrize(
    ("method", "strands"), [("ism", "feature"), ("ism", "both"), ("ig", "feature"), ("attention", "both")]
)
def test_bases_are_those_of_the_stage(here, method, strands):
    grover(*options(here, "--method", method, "-o", here / "x.parquet", "--force", strands=strands))
    found = pd.read_parquet(here / "x.parquet")
    _, bases = stage(here, METHODS.model_copy(update={"methods": [method]}), stranded=strands == "feature")
    assert found.loc[found["input"] == 1, "status"].tolist() == ["unknown_contig"]
    known = found[found["status"] == "ok"].reset_index(drop=True)
    assert known["input"].unique().tolist() == [0, 2, 3, 4] and set(known["class"]) == {"bound"}
    assert known["name"].unique().tolist() == ["site0", "site1", "site2", "site3"]
    same = ["chrom", "pos", "offset", "strand", "ref"]
    assert (known[same] == bases[same]).all(axis=None)
    for name in VALUES:
        np.testing.assert_allclose(known[name], bases[name].astype(float), atol=1e-5)


def test_substitutions_and_the_class_of_several(here):
    more = ["--class", "two", "--rows", "substitution", "-o", here / "s.parquet"]
    grover(*options(here, *more, model="three"))
    found = pd.read_parquet(here / "s.parquet").query("status == 'ok'").reset_index(drop=True)
    table, _ = stage(here, METHODS, model="three", label=2)
    assert len(found) == 4 * 40 * 3 and (found["base"] == table["base"]).all()
    np.testing.assert_allclose(found["delta"], table["delta"], atol=1e-5)
    np.testing.assert_allclose(found["reach"], table["reach"].astype(float))


def test_a_fasta_has_its_own_places_and_a_picture(here, tmp_path):
    texts = {"one": CONTIGS["chr1"][40:80], "bad": "ACGTNACGT", "long": CONTIGS["chr1"][:900]}
    (tmp_path / "s.fa").write_text("".join(f">{name}\n{text}\n" for name, text in texts.items()))
    arguments = ["importance", "-m", here / "bound", "-f", tmp_path / "s.fa", "--device", "cpu", "--method", "ig"]
    done = grover(*arguments, "--picture", tmp_path / "logos.svg", "--max-skipped", 1)
    rows = pd.read_csv(StringIO(done.stdout), sep="\t")
    assert rows.groupby("chrom", sort=False)["status"].first().to_dict() == {
        "one": "ok",
        "bad": "non_acgt",
        "long": "too_long",
    }
    assert rows["pos"].tolist() == [*range(40), 0, 0]
    assert "<svg" in (tmp_path / "logos.svg").read_text() and not list(tmp_path.glob(".partial*"))


def test_an_interrupted_command_goes_on_to_the_same_file(here, monkeypatch):
    monkeypatch.setattr(sites, "AT_ONCE", 2)
    explain, calls = Explainer.explain, []

    def once(self, batch):
        calls.append(batch)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return explain(self, batch)

    grover(*options(here, "-o", here / "whole.tsv"))
    monkeypatch.setattr(Explainer, "explain", once)
    assert "go on with --resume" in grover(*options(here, "-o", here / "half.tsv"), code=130).stderr
    grover(*options(here, "-o", here / "half.tsv", "--resume", "--picture", here / "p.png"))
    assert (here / "whole.tsv").read_bytes() == (here / "half.tsv").read_bytes() and (here / "p.png").exists()


def test_what_is_wrong_is_one_sentence(here):
    assert "is pretrained, and predicts masked tokens" in grover(*options(here, model="pretrained"), code=1).stderr
    assert "name one of them as --class" in grover(*options(here, model="three"), code=1).stderr
    done = grover(*options(here, "--method", "ig", "--rows", "substitution"), code=1)
    assert "ig replaces no single bases" in done.stderr
    assert "expected .svg, .png, .pdf" in grover(*options(here, "--picture", "x.bmp"), code=1).stderr
    assert grover(*options(here, "--max-skipped", "0.01"), code=3).stdout


def test_a_map_is_that_of_the_stage(here, tmp_path):
    (tmp_path / "loci.bed").write_text("chr1\t200\t240\n")
    files = {
        name: here / "genome" / file for name, file in (("sequence", "sequence.npy"), ("segments", "segments.bed"))
    }
    dependency_maps(
        here / "pretrained/model.safetensors", **files, contigs=here / "genome/contigs.tsv", pairs=tmp_path / "stage.parquet",
        maps=tmp_path / "maps", asked=DependencyMaps(map_length=40, map_shuffles=2), seed=0, device="cpu", precision="fp32",
        bed=tmp_path / "loci.bed",
    )  # fmt: skip
    given = ["map", "-m", here / "pretrained", "-f", here / "genome.fa", "--device", "cpu", "--shuffles", 2]
    more = ["--picture", tmp_path / "map.svg", "--pairs", tmp_path / "pairs.tsv"]
    grover(*given, "--locus", "chr1:201-240", "-o", tmp_path / "map.npz", *more)
    ours, theirs = np.load(tmp_path / "map.npz"), np.load(tmp_path / "maps/0.npz")
    for name in ("model", "random", "null"):
        np.testing.assert_allclose(ours[name], theirs[name], atol=1e-5)
    assert str(ours["sequence"]) == str(theirs["sequence"]) == CONTIGS["chr1"][200:240]
    pairs, stage = pd.read_csv(tmp_path / "pairs.tsv", sep="\t"), pd.read_parquet(tmp_path / "stage.parquet")
    np.testing.assert_allclose(pairs["model"], stage["model"], atol=1e-5)
    assert "<svg" in (tmp_path / "map.svg").read_text()
    said = grover(*given, "-o", tmp_path / "other.npz", code=1).stderr
    assert "has 2 sequences (chr1, chr2); name a place in one of them as --locus" in said
    assert (
        "other letters than A, C, G and T"
        in grover(*given, "--locus", "chr1:1390-1430", "-o", tmp_path / "o.npz", code=1).stderr
    )
    assert "add --force" in grover(*given, "--locus", "chr1:1-30", "-o", tmp_path / "map.npz", code=1).stderr
    assert (
        "expected a contig with its first" in grover(*given, "--locus", "chr1", "-o", tmp_path / "o.npz", code=1).stderr
    )
    given[2] = here / "bound"
    assert "is fine-tuned" in grover(*given, "--locus", "chr1:1-30", "-o", tmp_path / "o.npz", code=1).stderr
