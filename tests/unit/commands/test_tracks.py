"""`grover tracks` gives the values of the stage, and `grover export` a hub of them."""

import json

import numpy as np
import pandas as pd
import pybigtools
import pytest

from grover.commands import tracks as command
from grover.config.sections.interpretation import TrackReading, TrackRegions, TrackShards
from grover.genome.assembly import Genome
from grover.interpretation.track_values import TRACKS
from tests.fakes.interpreting import BPE, CONTIGS, grover, world
from workflow.scripts.base_tracks import base_tracks

BED = "chr1\t100\t180\nchr1\t1390\t1440\nchr2\t0\t60\n"


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    folder = world(tmp_path_factory.mktemp("tracks"))
    (folder / "x.bed").write_text(BED)
    (folder / "folds.bed").write_text("chr1\t0\t1820\ttrain\nchr2\t0\t500\ttest\n")
    genome = Genome(folder / "genome/sequence.npy", folder / "genome/segments.bed")
    tokens = BPE.encode(np.asarray(genome.codes))
    np.save(folder / "tokens.npy", tokens)
    windows = {"first": [0, 50], "length": [100, 80], "region": ["train", "test"]}
    pd.DataFrame(windows).to_parquet(folder / "windows.parquet")
    files = {
        name: folder / "genome" / file for name, file in (("sequence", "sequence.npy"), ("segments", "segments.bed"))
    }
    base_tracks(
        folder / "pretrained/model.safetensors", folder / "tokens.npy", folder / "windows.parquet", **files,
        contigs=folder / "genome/contigs.tsv", folds=folder / "folds.bed", values=folder / "stage.parquet",
        accuracy=folder / "accuracy.parquet", shard=0, where=TrackRegions(), asked=TrackReading(track_context=8, track_absolute=True),
        jobs=TrackShards(track_shards=1), mask_ratio=0.1, mask_span=0, device="cpu", precision="fp32", bed=folder / "x.bed",
    )  # fmt: skip
    return folder


def options(folder, *more, model="pretrained"):
    return [
        "tracks",
        "-m",
        folder / model,
        "-f",
        folder / "genome.fa",
        "--device",
        "cpu",
        "--mask-ratio",
        "0.1",
        "--context",
        8,
        *more,
    ]


def test_values_are_those_of_the_stage(here):
    run = ["--tokens", here / "tokens.npy", "--windows", here / "windows.parquet"]
    grover(*options(here, "-b", here / "x.bed", *run, "--absolute", "-o", here / "x.parquet"))
    found, stage = (pd.read_parquet(here / name) for name in ("x.parquet", "stage.parquet"))
    assert len(found) == 80 + 10 + 20 + 60 and list(found) == list(stage)
    assert (found[["chrom", "pos"]] == stage[["chrom", "pos"]]).all(axis=None)
    np.testing.assert_allclose(found.iloc[:, 2:], stage.iloc[:, 2:], atol=1e-5)


def test_the_bigwigs_are_those_of_the_table_and_absent_where_there_is_no_base(here, monkeypatch):
    monkeypatch.setattr(command, "BASES_AT_ONCE", 100)
    table = [*options(here, "-b", here / "x.bed", "-o", here / "t.tsv")]
    grover(*table)
    grover(*options(here, "-b", "-", "-o", here / "tracks"), input=BED.encode())
    expected = pd.read_csv(here / "t.tsv", sep="\t")
    assert sorted(path.stem for path in (here / "tracks").glob("*.bw")) == sorted(TRACKS)
    for name in TRACKS:
        reader = pybigtools.open(str(here / f"tracks/{name}.bw"))
        for chrom, rows in expected.groupby("chrom"):
            values = np.full(len(CONTIGS[chrom]), np.nan)
            values[rows["pos"]] = rows[name]
            np.testing.assert_allclose(reader.values(chrom, fillna=None), values, atol=1e-5)
    regions = pybigtools.open(str(here / "tracks/regions.bb"))
    assert [row[:2] for row in regions.records("chr1")] == [(100, 180), (1390, 1400), (1420, 1440)]


def test_an_interrupted_command_goes_on_to_the_same_values(here, monkeypatch):
    monkeypatch.setattr(command, "BASES_AT_ONCE", 60)
    arguments = options(here, "--contigs", "chr2", "-o", here / "half.parquet")
    read, calls = command.read_piece, []
    monkeypatch.setattr("grover.interpretation.track_regions.PIECE", 100)

    def once(*given):
        calls.append(given)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return read(*given)

    monkeypatch.setattr(command, "read_piece", once)
    assert "200 rows are kept; go on with --resume" in grover(*arguments, code=130).stderr
    grover(*arguments, "--resume")
    monkeypatch.setattr(command, "read_piece", read)
    grover(*options(here, "--contigs", "chr2", "-o", here / "whole.parquet"))
    assert (here / "half.parquet").read_bytes() == (here / "whole.parquet").read_bytes() and len(calls) == 6


def test_what_is_wrong_is_one_sentence(here):
    assert "is fine-tuned, and predicts labels" in grover(*options(here, model="bound"), code=1).stderr
    assert (
        "tracks are several bigWigs; give the name of a folder" in grover(*options(here, "-o", "x.bw"), code=1).stderr
    )
    done = grover(*options(here, "--contigs", "chrX"), code=1)
    assert "--contigs chrX matches none of the contigs" in done.stderr
    done = grover(*options(here, "-b", "-"), input=b"1\t5\t60\n", code=1)
    assert "standard input names its contigs 1" in done.stderr and "add --rename add-chr" in done.stderr
    assert "beyond chr2" in grover(*options(here, "-b", "-"), input=b"chr2\t5\t600\n", code=1).stderr
    assert "belong together" in grover(*options(here, "--tokens", here / "tokens.npy"), code=1).stderr
    assert "give at most 62" in grover(*options(here, "--context", 70), code=1).stderr


def test_a_hub_has_the_assembly_the_tracks_and_the_first_place(here):
    if not (here / "tracks").exists():
        grover(*options(here, "-b", here / "x.bed", "-o", here / "tracks"))
    importance = {"method": "ism", "chrom": "chr2", "pos": np.arange(5, 25), "importance": np.linspace(0, 1, 20)}
    pd.DataFrame(importance).to_parquet(here / "importance.parquet")
    more = ["--name", "small", "--importance", f"ctcf={here / 'importance.parquet'}"]
    grover("export", here / "tracks", "-f", here / "genome.fa", "-o", here / "hub", *more)
    assert "defaultPos chr1:101-200" in (here / "hub/genomes.txt").read_text()
    urls = [
        track["url"]
        for each in json.loads((here / "hub/igv.json").read_text())["tracks"]
        for track in each.get("tracks", [each])
    ]
    assert all((here / "hub" / url).is_file() for url in urls) and "importance_ctcf.bw" in urls and "regions.bb" in urls
    assert pybigtools.open(str(here / "hub/importance_ctcf.bw")).values("chr2", fillna=None)[24] == 1
    assert (here / "hub/assembly.2bit").stat().st_size > sum(map(len, CONTIGS.values())) / 4
    done = grover("export", here / "tracks", "-f", here / "genome.fa", "-o", here / "hub", code=1)
    assert "add --force to replace it" in done.stderr
    again = [here / "tracks", "-f", here / "genome.fa", "-o", here / "hub", "--force", "--locus"]
    grover("export", *again, "chr2:1-60")
    assert "defaultPos chr2:1-60" in (here / "hub/genomes.txt").read_text()
    assert "chr2 has the bases 1 to 500" in grover("export", *again, "chr2:1-501", code=1).stderr


def test_bigwigs_of_other_sequences_are_refused_and_those_of_other_names_shown(here, tmp_path):
    from grover.intervals.bigwig_writer import write_bigwig

    write_bigwig(tmp_path / "in/signal.bw", {"chr1": 1820, "chr2": 500}, [("chr2", 30, np.ones(4, np.float32))])
    grover("export", tmp_path / "in", "-f", here / "genome.fa", "-o", tmp_path / "hub")
    tracks = (tmp_path / "hub/trackDb.txt").read_text()
    assert "bigDataUrl signal.bw" in tracks and "regions.bb" not in tracks
    write_bigwig(tmp_path / "in/other.bw", {"chr2": 499}, [("chr2", 30, np.ones(4, np.float32))])
    done = grover("export", tmp_path / "in", "-f", here / "genome.fa", "-o", tmp_path / "other", code=1)
    assert "has chr2 with 499 bases" in done.stderr and not (tmp_path / "other").exists()
    assert (
        "no bigWig there"
        in grover("export", here / "genome", "-f", here / "genome.fa", "-o", tmp_path / "x", code=1).stderr
    )
