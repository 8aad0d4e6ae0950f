"""The tables of `grover embed`, `predict` and `score` have the values of the workflow's stages on the same input."""

import io
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
from typer import Exit

from grover.benchmarks.datasets import read_sequences
from grover.benchmarks.tokenise import read_tokens
from grover.commands import embed, predict, regions, score
from grover.commands.assemblies import open_assembly
from grover.commands.models import open_model
from grover.commands.options import Regions, Result
from grover.commands.session import session
from grover.embeddings.embed import Outputs, Reading
from grover.embeddings.embed import Regions as Embedded
from grover.embeddings.embed import embed as embed_stage
from grover.embeddings.region_table import Places, places_of_table
from grover.embeddings.vectors import Writer
from grover.genome.assembly import Genome
from grover.interpretation.track_regions import pieces, stretches
from grover.interpretation.track_shards import read_piece
from grover.network.classifier import logits
from grover.network.classifier_folder import load_classifier
from grover.runtime.errors import InputError
from grover.tokenization.genome_tokens import TokenisedGenome, tokenise
from tests.unit.commands.conftest import QUIET, VOCABULARIES

PLACES = [("chr1", 20, 40), ("chr1", 0, 200), ("chr1", 207, 212), ("chr1", 300, 303), ("chr2", 31, 149), ("chr2", 0, 1)]
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def genome(world):
    """The FASTA as the workflow encodes it, and its folder."""
    with session(QUIET) as here:
        opened = open_assembly(str(world.fasta), here).genome
        folder = world.folder / "encoded"
        folder.mkdir()
        np.save(folder / "sequence.npy", np.array(opened.codes))
        (folder / "segments.bed").write_bytes((here.folder / "genome/segments.bed").read_bytes())
        (folder / "contigs.tsv").write_bytes((here.folder / "genome/contigs.tsv").read_bytes())
    return SimpleNamespace(folder=folder, genome=Genome(folder / "sequence.npy", folder / "segments.bed"))


def read(path) -> pd.DataFrame:
    return pd.read_parquet(path)


@pytest.mark.parametrize("name", VOCABULARIES)
def test_embeddings_are_those_of_the_stage(world, genome, bed, result, tmp_path, name):
    """With the window and the context that the command takes: long regions are read in several windows."""
    vocabulary = VOCABULARIES[name]
    tokenise(genome.genome.codes, genome.genome.bounds, vocabulary, tmp_path / "tokens.npy", tmp_path / "index.npy")
    tokens = TokenisedGenome(tmp_path / "tokens.npy", tmp_path / "index.npy", vocabulary)
    table = pd.DataFrame(PLACES, columns=["chrom", "start", "end"])
    places = Places.of(*places_of_table(table, genome.genome, tmp_path), tokens, genome.genome)
    said = dict.fromkeys(["name", "model", "initial", "layers", "hidden", "shard", "shards", "regions"], "")
    model = open_model(str(world.models[name]))
    with Writer(tmp_path / "stage.parquet", said) as vectors, Writer(tmp_path / "contexts.parquet", said) as contexts:
        embedded = Embedded(table, places, tokens.tokens_at(genome.genome.bounds))
        embed_stage(
            model.encoder(),
            tokens,
            embedded,
            Reading(32, 5, [0, 2], 3, 2, 0, 1),
            Outputs(vectors, contexts),
            CPU,
            "fp32",
        )
    expected = read(tmp_path / "stage.parquet")
    embed.run(model, "0,-1", 5, "tile", bed(world.fasta, *PLACES), QUIET, result("e.parquet"))
    found = read(tmp_path / "e.parquet")
    assert found["tokens"].tolist() == expected["tokens"].tolist()
    for column in ("mean_0", "cls_0", "mean_2", "cls_2"):
        np.testing.assert_allclose(np.stack(found[column]), np.stack(expected[column]).astype(np.float32), atol=3e-3)
    assert np.ptp(np.stack(found["mean_2"]), axis=0).max() > 0.1  # inputs differ


def test_long_input_is_read_at_its_centre_or_refused(world, bed, result, tmp_path):
    model, rows = open_model(str(world.models["kmer-3"])), [("chr1", 0, 198), ("chr1", 30, 60)]
    for long in ("centre", "refuse", "tile"):
        embed.run(model, "-1", 0, long, bed(world.fasta, *rows), QUIET, result(f"{long}.parquet", max_skipped=0.5))
    centre, refused, tiled = (read(tmp_path / f"{long}.parquet") for long in ("centre", "refuse", "tile"))
    assert centre["tokens"].tolist() == [32, 10] and tiled["tokens"].tolist() == [66, 10]
    assert refused["status"].tolist() == ["too_long", "ok"] and refused["mean_2"][0] is None
    for table in (refused, tiled):
        np.testing.assert_array_equal(table["mean_2"][1], centre["mean_2"][1])
    alone = [("chr1", 51, 147)]  # the 32 k-mers in the middle
    embed.run(model, "-1", 0, "tile", bed(world.fasta, *alone), QUIET, result("alone.parquet"))
    np.testing.assert_allclose(read(tmp_path / "alone.parquet")["mean_2"][0], centre["mean_2"][0], atol=1e-6)


def test_a_layer_that_is_not_there_is_named_as_given(world, bed, result):
    model = open_model(str(world.models["bpe-3"]))
    with pytest.raises(InputError, match="^--layers 0,-4: there is no layer -4; expected 0 .* to 2, or -1 to -3$"):
        embed.run(model, "0,-4", None, "tile", bed(world.fasta, ("chr1", 0, 9)), QUIET, result("e.tsv"))


def test_a_context_that_leaves_no_token_is_refused_with_the_largest(world, bed, result):
    model, asked = open_model(str(world.models["bpe-3"])), bed(world.fasta, ("chr1", 0, 9))
    with pytest.raises(InputError, match="^--context 16: .* reads 32 tokens at a time, .*; give at most 15$"):
        embed.run(model, "-1", 16, "tile", asked, QUIET, result("e.tsv"))
    embed.run(model, "-1", 15, "tile", asked, QUIET, result("e.tsv"))


def test_predictions_are_those_of_the_stage(world, genome, bed, result, tmp_path):
    rows = [("chr1", 20, 40, "a", 0, "+"), ("chr1", 180, 200, "b", 0, "-"), ("chr2", 0, 20, "c", 0, "-")]
    windows = pd.DataFrame(rows, columns=["chrom", "start", "end", "name", "score", "strand"]).assign(dropped="")
    dataset = read_sequences(windows, genome.genome, 6)
    model = load_classifier(world.classifier)
    expected = logits(model, read_tokens(dataset, VOCABULARIES["bpe-3"]), CPU, "fp32")
    model = open_model(str(world.classifier))
    predict.run(model, 6, "refuse", bed(world.fasta, *rows, strands="feature"), QUIET, result("p.parquet"))
    found = read(tmp_path / "p.parquet")
    np.testing.assert_allclose(found[["logit_unbound", "logit_bound"]], expected, atol=1e-5)
    chances = np.exp(expected) / np.exp(expected).sum(1, keepdims=True)
    np.testing.assert_allclose(found[["probability_unbound", "probability_bound"]], chances, atol=1e-6)
    assert found["label"].tolist() == [["unbound", "bound"][best] for best in expected.argmax(1)]
    np.testing.assert_allclose(found["probability"], chances.max(1), atol=1e-6)


def test_a_long_input_has_the_mean_logits_of_its_pieces(world, bed, result, tmp_path):
    model, chr1 = open_model(str(world.classifier)), world.sequences["chr1"]
    ids = VOCABULARIES["bpe-3"].encode(regions.codes_of("", chr1[:120].encode()))
    parts = np.array_split(ids, -(-len(ids) // 32))
    each = logits(load_classifier(world.classifier), parts, CPU, "fp32")
    expected = np.average(each, axis=0, weights=[len(part) for part in parts])
    predict.run(model, 0, "tile", bed(world.fasta, ("chr1", 0, 120)), QUIET, result("p.parquet"))
    found = read(tmp_path / "p.parquet")
    assert len(parts) > 2 and found["tokens"].tolist() == [len(ids)]
    np.testing.assert_allclose(found[["logit_unbound", "logit_bound"]].to_numpy()[0], expected, atol=1e-5)


def test_of_a_long_input_the_centre_alone_is_read_and_counted(world, bed, result, tmp_path):
    model, chr1 = open_model(str(world.classifier)), world.sequences["chr1"]
    ids = VOCABULARIES["bpe-3"].encode(regions.codes_of("", chr1[:120].encode()))
    first = (len(ids) - 32) // 2
    expected = logits(load_classifier(world.classifier), [ids[first : first + 32]], CPU, "fp32")
    predict.run(model, 0, "centre", bed(world.fasta, ("chr1", 0, 120)), QUIET, result("p.parquet"))
    found = read(tmp_path / "p.parquet")
    assert found["tokens"].tolist() == [32]
    np.testing.assert_allclose(found[["logit_unbound", "logit_bound"]], expected, atol=1e-5)


@pytest.mark.parametrize("name", VOCABULARIES)
def test_scores_are_those_of_base_tracks(world, genome, bed, result, tmp_path, name):
    model = open_model(str(world.models[name]))
    score.run(model, 0.2, bed(world.fasta, *PLACES), QUIET, result("s.parquet"))
    found = read(tmp_path / "s.parquet")
    counts = score.counts_in_genome(genome.genome, VOCABULARIES[name])
    scorer = score.scorer(model, counts, 0.2, CPU, "fp32")
    for number, place in enumerate(PLACES):
        table = stretches(pd.DataFrame([place], columns=["chrom", "start", "end"]), genome.genome)
        (piece,) = pieces(table, 0, 1)
        chances, frequency, codes = read_piece(scorer.reader, genome.genome, piece, scorer.reading)
        bits, of_frequency = (-np.log2(each[0][np.arange(len(codes)), codes]).mean() for each in (chances, frequency))
        np.testing.assert_allclose(found[["bits", "bits_frequency"]].iloc[number], [bits, of_frequency], rtol=1e-5)
        np.testing.assert_allclose(found["gain"][number], of_frequency - bits, atol=1e-5)
    assert found["bases"].tolist() == [end - start for _, start, end in PLACES]


def test_scores_skip_n_and_join_what_is_beside_it(world, bed, result, tmp_path):
    model = open_model(str(world.models["bpe-3"]))
    rows = [("chr1", 150, 230), ("chr1", 150, 200), ("chr1", 207, 230)]
    score.run(model, 0.2, bed(world.fasta, *rows), QUIET, result("s.parquet"))
    whole, left, right = read(tmp_path / "s.parquet").itertuples()
    assert whole.bases == 73
    np.testing.assert_allclose(whole.bits, (50 * left.bits + 23 * right.bits) / 73)


class Interrupted(embed.Embedder):
    """Ctrl-C at the third chunk."""

    asked = 0

    def read(self, chunk):
        Interrupted.asked += 1
        if Interrupted.asked == 3:
            raise KeyboardInterrupt
        return super().read(chunk)


@pytest.mark.parametrize("name", ["e.parquet", "e.tsv", "e.tsv.gz"])
def test_an_interrupted_command_goes_on_and_writes_the_same_file(world, bed, result, monkeypatch, tmp_path, name):
    monkeypatch.setattr(regions, "ROWS", 2)
    rows = [("chr1", start, start + 9) for start in range(0, 70, 10)] + [("chrX", 1, 5)]
    asked, model = bed(world.fasta, *rows), open_model(str(world.models["kmer-3"]))

    def run(layers="-1", **options):
        embed.run(model, layers, 2, "tile", asked, QUIET, result(name, max_skipped=0.2, **options))

    run()
    whole = (tmp_path / name).read_bytes()
    with pytest.raises(InputError, match="exists; add --force"):
        run()
    monkeypatch.setattr(embed, "Embedder", Interrupted)
    monkeypatch.setattr(Interrupted, "asked", 0)
    with pytest.raises(KeyboardInterrupt):
        run(force=True)
    (tmp_path / name).unlink()
    with pytest.raises(InputError, match="left 4 rows; go on with --resume"):
        run()
    with pytest.raises(InputError, match="had another about; repeat it as it was"):
        run("0", resume=True)
    run(resume=True)
    assert Interrupted.asked == 5 and (tmp_path / name).read_bytes() == whole
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "rows.bed"])
    if name == "e.parquet":
        assert pq.read_metadata(tmp_path / name).num_row_groups == 4


def test_from_standard_input_to_standard_output_and_too_many_skipped(world, monkeypatch, tmp_path):
    stream = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"chr2\t0\t9\nchr3\t0\t9\n")))
    monkeypatch.setattr(sys, "stdout", stream)
    with pytest.raises(Exit) as ended:
        embed.run(
            open_model(str(world.models["bpe-3"])),
            "-1",
            None,
            "tile",
            Regions(str(world.fasta), "-"),
            QUIET,
            Result("-"),
        )
    assert ended.value.exit_code == 3
    stream.seek(0)
    table = pd.read_csv(stream, sep="\t")
    assert table["status"].tolist() == ["ok", "unknown_contig"] and table.shape == (2, 8 + 32)
    assert table.loc[1, "mean_2_0":].isna().all() and table.loc[0, "mean_2_0":].notna().all()


def test_a_model_of_the_other_kind_is_one_sentence(world, bed, result):
    asked = bed(world.fasta, ("chr1", 0, 9))
    with pytest.raises(
        InputError, match="pretrained, and predicts masked tokens, not labels; expected the folder of a fine"
    ):
        predict.run(open_model(str(world.models["bpe-3"])), 6, "refuse", asked, QUIET, result("p.tsv"))
    with pytest.raises(
        InputError, match="fine-tuned, and predicts labels, not masked tokens; expected the folder of a pre"
    ):
        score.run(open_model(str(world.classifier)), 0.2, asked, QUIET, result("p.tsv"))
    embed.run(open_model(str(world.classifier)), "-1", 0, "tile", asked, QUIET, result("e.tsv"))


@pytest.mark.parametrize("name", VOCABULARIES)
def test_stretches_between_n_may_be_shorter_than_a_token(world, result, tmp_path, name):
    (tmp_path / "x.fa").write_text(">a\nNNACNNGRTACGTACGNAN\n>b\nN\n>c\n\n>d\nT\n")
    model, asked = open_model(str(world.models[name])), Regions(str(tmp_path / "x.fa"), strands="both")
    embed.run(model, "-1", None, "tile", asked, QUIET, result("e.parquet", max_skipped=0.6))
    score.run(model, None, asked, QUIET, result("s.tsv", max_skipped=0.6))
    for table in (read(tmp_path / "e.parquet"), pd.read_csv(tmp_path / "s.tsv", sep="\t")):
        assert table["status"].tolist() == ["ok"] * 2 + ["no_bases"] * 2 + ["empty"] * 2 + ["ok"] * 2
    assert table["bases"].tolist() == [12, 12, 0, 0, 0, 0, 1, 1] and (table["bits"].dropna() > 0).all()
