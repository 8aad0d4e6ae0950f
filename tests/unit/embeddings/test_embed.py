"""The embedding engine against `transformers`, one window at a time."""

import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import BertConfig, BertForMaskedLM, BertModel

from grover.config.sections import embeddings as config
from grover.embeddings import region_blocks
from grover.embeddings.embed import Outputs, Reading, Regions, choose_layers, embed, embed_sequences, load_encoder
from grover.embeddings.occurrences import Occurrences, choose_occurrences
from grover.embeddings.region_blocks import blocks
from grover.embeddings.region_table import Places, cut_windows, places_of_table
from grover.embeddings.vectors import Writer, open_embeddings, read_metadata
from grover.genome.assembly import Genome
from grover.network import inference
from grover.network.bert import save
from grover.network.forward import layer_states
from grover.network.inference import each
from grover.network.packed import Layout, pack
from grover.runtime.errors import InputError
from grover.tokenization.genome_tokens import TokenisedGenome, tokenise
from grover.tokenization.vocabulary import CLS, SEP, Vocabulary

VOCABULARY = Vocabulary.from_kmers("kmer-2", 2)
WINDOW, CONTEXT = 12, 2
CPU = torch.device("cpu")
NUMBERS = ["region", "chrom", "start", "end", "token"]


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    sizes = {"num_hidden_layers": 2, "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32}
    config = BertConfig(vocab_size=VOCABULARY.size, max_position_embeddings=14, initializer_range=0.3, **sizes)
    return BertModel(config, add_pooling_layer=False).eval()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A genome of two segments of 200 and 101 bases, and regions of one to 24 tokens in them."""
    folder = tmp_path_factory.mktemp("genome")
    np.save(folder / "sequence.npy", np.random.default_rng(0).integers(0, 4, 301, dtype=np.uint8))
    (folder / "segments.bed").write_text("chr1\t100\t300\ts0\nchr2\t0\t101\ts1\n")
    genome = Genome(folder / "sequence.npy", folder / "segments.bed")
    tokenise(genome.codes, genome.bounds, VOCABULARY, folder / "tokens.npy", folder / "index.npy")
    tokens = TokenisedGenome(folder / "tokens.npy", folder / "index.npy", VOCABULARY)
    starts = [100, 108, 140, 141, 160, 208, 220, 260, 0, 16, 70, 100]
    ends = [108, 140, 141, 160, 208, 220, 260, 300, 16, 70, 100, 101]
    table = pd.DataFrame({"chrom": ["chr1"] * 8 + ["chr2"] * 4, "start": starts, "end": ends})
    left, right = places_of_table(table, genome, folder)
    places = Places.of(left, right, tokens, genome)
    return SimpleNamespace(
        folder=folder,
        genome=genome,
        tokens=tokens,
        table=table,
        places=places,
        segments=tokens.tokens_at(genome.bounds),
    )


def run(encoder, world, folder, states=True, precision="fp32", **reading):
    """Embed and open what was written: the embeddings, the sums, the contexts and the states."""
    reading = {"contexts": 5, "stored": 3, "layers": choose_layers(encoder), "shard": 0, "shards": 1} | reading
    reading = Reading(WINDOW, CONTEXT, **reading)
    said = {"name": "chosen", "model": "a" * 64, "initial": "pretrained", "layers": reading.layers, "hidden": 16}
    said |= {"shard": reading.shard, "shards": reading.shards, "regions": "b" * 64}
    names = ["", ".contexts", *([".states"] if states else [])]
    paths = [folder / f"{reading.shard}{name}.parquet" for name in names]
    writers = [Writer(path, said) for path in paths]
    for writer in writers:
        writer.__enter__()
    regions = Regions(world.table, world.places, world.segments)
    sums = embed(encoder, world.tokens, regions, reading, Outputs(*writers), precision=precision, device="cpu")
    for writer in writers:
        writer.__exit__(None, None, None)
    return paths, sums


def plain_states(encoder, ids) -> np.ndarray:
    """States of all layers, [L, tokens with specials, hidden], of one window alone."""
    with torch.no_grad():
        found = encoder(torch.tensor([[CLS, *ids.tolist(), SEP]]), output_hidden_states=True).hidden_states
    return torch.cat(found).numpy()


@pytest.fixture(scope="module")
def expected(encoder, world):
    """The same by a plain loop: vectors by region, and region, position, id and states of all tokens in the order of the regions."""
    windows = cut_windows(world.places.first, world.places.last, world.segments, WINDOW, CONTEXT)
    cls, mean = (np.zeros((3, len(world.table), 16)) for _ in range(2))
    rows = []
    for region in range(len(world.table)):
        number = world.places.last[region] - world.places.first[region]
        for i in np.flatnonzero(windows.region == region):
            first, length = windows.first[i], windows.length[i]
            states = plain_states(encoder, world.tokens.tokens[first : first + length].astype(np.int64))
            core = range(windows.core_first[i], windows.core_last[i])
            cls[:, region] += states[:, 0] * len(core) / number
            for position in core:
                state = states[:, 1 + position - first]
                mean[:, region] += state / number
                rows.append((region, position, int(world.tokens.tokens[position]), state))
    region, position, ids, states = zip(*rows, strict=True)
    return SimpleNamespace(
        cls=cls,
        mean=mean,
        region=np.array(region),
        position=np.array(position),
        ids=np.array(ids),
        states=np.stack(states, 1),
    )


def test_states_of_layers_are_the_hidden_states_of_transformers(encoder):
    rng = np.random.default_rng(1)
    lengths = [1, 12, 12, 5, 3, 3, 12]
    rows = [rng.integers(5, VOCABULARY.size, length) for length in lengths]
    ids, with_specials = pack(np.concatenate(rows), np.cumsum([0, *lengths[:-1]]), lengths)
    expected = np.concatenate([plain_states(encoder, row) for row in rows], 1)
    for layers in ([0, 1, 2], [1], [0, 2]):
        with torch.inference_mode():
            found = list(layer_states(encoder, torch.from_numpy(ids), Layout.of(with_specials), layers))
        assert len(found) == len(layers)
        for layer, states in zip(layers, found, strict=True):
            np.testing.assert_allclose(states, expected[layer], atol=2e-6)


def test_nothing_is_computed_behind_the_deepest_layer_asked_for(encoder, monkeypatch):
    def forbidden(*_):
        raise AssertionError("the second layer was computed")

    monkeypatch.setattr(encoder.encoder.layer[1].intermediate, "forward", forbidden)
    found = embed_sequences(encoder, [np.array([5, 6])], layers=[1, 0], device="cpu", precision="auto")
    assert list(found) == [("cls", 0), ("mean", 0), ("cls", 1), ("mean", 1)]


def test_sequences_have_the_vectors_that_each_gets_alone(encoder, monkeypatch):
    monkeypatch.setitem(inference.TOKENS_AT_ONCE, "cpu", 30)
    rng = np.random.default_rng(2)
    inputs = [rng.integers(5, VOCABULARY.size, length).astype(np.uint16) for length in rng.integers(1, 13, 40)]
    found = embed_sequences(encoder, inputs, layers=(), device="cpu", precision="auto")
    for row, ids in enumerate(inputs):
        states = plain_states(encoder, ids)
        for layer in range(3):
            np.testing.assert_allclose(found["cls", layer][row], states[layer, 0], atol=2e-6)
            np.testing.assert_allclose(found["mean", layer][row], states[layer, 1:-1].mean(0), atol=2e-6)
    rough = embed_sequences(encoder, inputs, [2], precision="bf16", device="cpu")["mean", 2]
    assert 1e-5 < np.abs(rough - found["mean", 2]).max() < 0.1
    with pytest.raises(InputError, match="14 positions"):
        embed_sequences(encoder, [np.full(13, 5)], layers=(), device="cpu", precision="auto")
    with pytest.raises(InputError, match=r"layers: 3 is none of the model's, which are 0 \(its input\) to 2"):
        embed_sequences(encoder, inputs, [3, 1], device="cpu", precision="auto")


@pytest.mark.parametrize("tokens_at_once", [1 << 20, 30, WINDOW], ids=["many regions", "few regions", "a window"])
def test_regions_have_the_vectors_of_a_plain_loop_over_their_windows(
    encoder, world, expected, tmp_path, monkeypatch, tokens_at_once
):
    monkeypatch.setitem(inference.TOKENS_AT_ONCE, "cpu", 40)
    monkeypatch.setattr(region_blocks, "REGIONS_AT_ONCE", 5)
    monkeypatch.setattr(region_blocks, "TOKENS_AT_ONCE", tokens_at_once)
    paths, _ = run(encoder, world, tmp_path)
    chosen = open_embeddings(paths[:1])["chosen"]
    assert np.bincount(expected.region).tolist() == chosen.regions()["tokens"].tolist()
    assert chosen.regions()[["chrom", "start", "end"]].equals(world.table)
    assert chosen.column("region").tolist() == list(range(12))
    for layer in range(3):
        np.testing.assert_allclose(chosen.vectors("cls", layer), expected.cls[layer], rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(chosen.vectors("mean", layer), expected.mean[layer], rtol=1e-3, atol=1e-3)
    # some regions are longer than a window, and some are a single token
    assert np.ptp(chosen.regions()["tokens"]) == 26 and 1 in chosen.regions()["tokens"].to_numpy()


def test_regions_in_bf16_have_nearly_the_same_vectors(encoder, world, expected, tmp_path):
    paths, sums = run(encoder, world, tmp_path, states=False, precision="bf16")
    chosen = open_embeddings(paths[:1])["chosen"]
    assert 1e-5 < np.abs(chosen.vectors("mean", 2) - expected.mean[2]).max() < 0.1
    of_tokens = np.stack([expected.states[:, expected.ids == token].sum(1) for token in range(VOCABULARY.size)], 1)
    np.testing.assert_allclose(sums["sum"], of_tokens, rtol=0.1, atol=1)


@pytest.mark.parametrize("longest", [2 * WINDOW, 100])
def test_a_block_holds_few_tokens_however_long_a_region_is(world, monkeypatch, longest):
    monkeypatch.setattr(region_blocks, "TOKENS_AT_ONCE", longest)
    first, last = world.segments[:-1], world.segments[1:]  # regions of 100 and 51 tokens
    occurrences = Occurrences(world.tokens.tokens, first, last, 0, VOCABULARY.size, 5, 3)
    places = Places(world.genome.bounds[:-1], world.genome.bounds[1:], first, last)
    found = list(blocks(world.tokens, range(2), places, world.segments, WINDOW, CONTEXT, occurrences))
    assert len(found) > 2 * (longest < 50) and all(len(block.ids) <= longest for block in found)
    np.testing.assert_array_equal(np.concatenate([block.ids for block in found]), world.tokens.tokens)
    assert sum(block.begins.sum() for block in found) == 2 and len({id(block.means) for block in found}) == 2
    # the same occurrences as if all were one block
    ids = np.asarray(world.tokens.tokens)
    used, stored = choose_occurrences(
        ids, np.zeros(VOCABULARY.size, int), np.bincount(ids, minlength=VOCABULARY.size), 5, 3
    )
    np.testing.assert_array_equal(np.concatenate([block.used for block in found]), used)
    np.testing.assert_array_equal(np.concatenate([block.stored for block in found]), stored)


def test_states_and_sums_are_those_of_all_tokens_of_the_regions(encoder, world, expected, tmp_path):
    paths, sums = run(encoder, world, tmp_path)
    table = pd.read_parquet(paths[2]).sort_values(["region", "start"], ignore_index=True)
    assert table["token"].tolist() == expected.ids.tolist() and table["region"].tolist() == expected.region.tolist()
    bases = world.tokens.bases_at(expected.position)
    assert table["start"].tolist() == world.genome.locate(bases)[1].tolist()
    assert (table["end"] - table["start"]).tolist() == VOCABULARY.spans[expected.ids].tolist()
    assert table["chrom"].tolist() == world.table["chrom"].iloc[expected.region].tolist()
    for layer in range(3):
        np.testing.assert_allclose(np.stack(table[f"state_{layer}"]), expected.states[layer], rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(sums["count"], np.bincount(expected.ids, minlength=VOCABULARY.size))
    np.testing.assert_array_equal(sums["used"], np.minimum(sums["count"], 5))
    assert sums["layers"].tolist() == [0, 1, 2] and sums["sum"].dtype == np.float64
    used = choose_occurrences(expected.ids, np.zeros(VOCABULARY.size, int), sums["count"], 5, 3)[0]
    units = expected.states / np.linalg.norm(expected.states, axis=2, keepdims=True)
    for token in range(VOCABULARY.size):
        of_token = expected.ids == token
        np.testing.assert_allclose(sums["sum"][:, token], expected.states[:, of_token].sum(1), atol=1e-4)
        np.testing.assert_allclose(sums["unit"][:, token], units[:, of_token & used].sum(1), atol=1e-5)


def test_a_choice_of_occurrences_is_even_and_nested():
    rng = np.random.default_rng(3)
    ids = rng.choice(4, 2_000, p=[0.9, 0.09, 0.009, 0.001])
    total = np.bincount(ids, minlength=4)
    used, stored = choose_occurrences(ids, np.zeros(4, int), total, 50, 7)
    np.testing.assert_array_equal(np.bincount(ids[used], minlength=4), np.minimum(total, 50))
    np.testing.assert_array_equal(np.bincount(ids[stored], minlength=4), np.minimum(total, 7))
    assert not (stored & ~used).any()
    for mask, number in ((used, 50), (stored, 7)):
        taken = np.flatnonzero(mask[ids == 0])
        assert np.ptp(np.diff(taken)) <= np.ceil(total[0] / 50) and np.allclose(
            np.diff(taken), total[0] / number, rtol=0.3
        )
    # nothing changes where the tokens come in two runs
    before = np.bincount(ids[:777], minlength=4)
    halves = (
        choose_occurrences(ids[:777], 0 * before, total, 50, 7),
        choose_occurrences(ids[777:], before, total, 50, 7),
    )
    np.testing.assert_array_equal(np.concatenate([half[0] for half in halves]), used)
    np.testing.assert_array_equal(np.concatenate([half[1] for half in halves]), stored)
    assert not any(mask.any() for mask in choose_occurrences(ids, 0 * total, total, 0, 7))


def test_all_parts_together_give_what_one_gives(encoder, world, tmp_path):
    whole, sums = run(encoder, world, tmp_path / "whole")
    runs = [run(encoder, world, tmp_path / "shards", shard=shard, shards=5) for shard in (3, 0, 4, 1, 2)]
    together = open_embeddings([paths[0] for paths, _ in runs])["chosen"]
    alone = open_embeddings(whole[:1])["chosen"]
    assert together.regions().equals(alone.regions())
    np.testing.assert_allclose(together.vectors("cls"), alone.vectors("cls"), rtol=2e-3, atol=1e-4)
    np.testing.assert_allclose(together.vectors("mean", 1), alone.vectors("mean", 1), rtol=2e-3, atol=1e-4)
    for key in ("count", "used"):
        np.testing.assert_array_equal(sum(shard[key] for _, shard in runs), sums[key])
    for key in ("sum", "unit"):
        np.testing.assert_allclose(sum(shard[key] for _, shard in runs), sums[key], atol=1e-5)
    contexts = pd.read_parquet(whole[1]).sort_values(NUMBERS[:3], ignore_index=True)
    of_parts = pd.concat([pd.read_parquet(paths[1]) for paths, _ in runs]).sort_values(NUMBERS[:3], ignore_index=True)
    assert contexts[NUMBERS].equals(of_parts[NUMBERS]) and len(contexts) == np.minimum(sums["count"], 3).sum()
    np.testing.assert_allclose(np.stack(contexts["state_2"]), np.stack(of_parts["state_2"]), rtol=2e-3, atol=1e-4)


def test_a_part_without_regions_writes_its_columns(encoder, world, tmp_path):
    runs = [run(encoder, world, tmp_path, shard=shard, shards=13)[0] for shard in range(13)]
    assert len(open_embeddings([paths[0] for paths in runs])["chosen"].vectors("mean")) == 12
    for kind in (1, 2):
        names = {tuple(pd.read_parquet(paths[kind]).columns) for paths in runs}
        assert names == {("token", "chrom", "start", "end", "region", "state_0", "state_1", "state_2")}


def test_some_layers_are_those_among_all(encoder, world, tmp_path):
    every, sums = run(encoder, world, tmp_path / "all", states=False)
    some, of_some = run(encoder, world, tmp_path / "some", states=False, layers=[0, 2], contexts=0)
    every, some = (open_embeddings(paths[:1])["chosen"] for paths in (every, some))
    np.testing.assert_array_equal(some.vectors("mean", 0), every.vectors("mean", 0))
    np.testing.assert_array_equal(some.vectors("cls"), every.vectors("cls", 2))
    np.testing.assert_allclose(of_some["sum"], sums["sum"][[0, 2]], atol=1e-6)
    assert not of_some["used"].any() and not of_some["unit"].any() and len(pd.read_parquet(some.paths[0])) == 12
    assert not len(pd.read_parquet(tmp_path / "some/0.contexts.parquet"))


def test_several_threads_give_what_one_gives():
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        assert list(each(lambda item: (item, torch.get_num_threads()), iter(range(20)), 3)) == [
            (i, 1) for i in range(20)
        ]
        assert torch.get_num_threads() == 3
        with pytest.raises(ZeroDivisionError):
            list(each(lambda item: 1 / item, [1, 0, 2], 3))
    finally:
        torch.set_num_threads(threads)


@pytest.fixture
def files(encoder, world, tmp_path):
    """What the script reads: a model's folder with its tokenizer, the genome, and a table of regions."""
    language_model = BertForMaskedLM(encoder.config)
    language_model.bert = encoder
    VOCABULARY.save(tmp_path / "vocabulary")
    save(language_model, encoder.config, tmp_path / "kmer-2", tmp_path / "vocabulary")
    world.table.to_parquet(tmp_path / "regions.parquet")
    names = ("tokens.npy", "index.npy", "sequence.npy", "segments.bed")
    outputs = [tmp_path / f"shards/0{suffix}" for suffix in (".parquet", ".tokens.npz", ".contexts.parquet")]
    return [
        tmp_path / "kmer-2/model.safetensors",
        *(world.folder / name for name in names),
        tmp_path / "regions.parquet",
    ], outputs


def run_script(inputs, outputs, **changes):
    """Call the function behind the script with small settings, some of them changed."""
    given = {"name": "kmer-2", "initial": "pretrained", "shard": 0, "shards": 1, "window_tokens": WINDOW}
    given |= {"context": CONTEXT, "layers": [], "seed": 0} | changes
    script()(
        *inputs,
        *outputs,
        **{name: given[name] for name in ("name", "initial", "shard", "seed")},
        jobs=config.Shards(shards=given["shards"]),
        windows=config.WindowTokens(window_tokens=given["window_tokens"]),
        margins=config.WindowContext(context=given["context"]),
        kept=config.Layers(layers=given["layers"]),
        occurrences=config.Contexts(contexts=5000, stored_contexts=400),
        device="cpu",
        precision="auto",
    )


def script():
    path = Path(__file__).parents[3] / "workflow/scripts/embed.py"
    spec = importlib.util.spec_from_file_location("embed_script", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.embed


def test_the_script_writes_a_model_and_its_random_model_in_the_same_layout(files, expected, tmp_path):
    inputs, outputs = files
    run_script(inputs, outputs)
    trained = open_embeddings(outputs[:1], inputs[-1])["kmer-2"]
    np.testing.assert_allclose(trained.vectors("mean"), expected.mean[2], rtol=1e-3, atol=1e-3)
    assert set(np.load(outputs[1])) == {"count", "sum", "used", "unit", "layers", "grover"}
    said = read_metadata(outputs[0])
    assert json.loads(str(np.load(outputs[1])["grover"])) == said
    assert {said[key] for key in ("initial", "hidden", "shard", "shards")} == {"pretrained", 16, 0, 1}
    assert read_metadata(outputs[2]) == said
    run_script(inputs, outputs, initial="random", name="random", seed=1)
    random_model = open_embeddings(outputs[:1])["random"]
    assert random_model.initial == "random" and random_model.model == trained.model
    random = load_encoder(inputs[0].parent, random=True, seed=1)
    first = embed_sequences(random, [np.load(inputs[1])[:6]], layers=(), device="cpu", precision="auto")["cls", 0]
    np.testing.assert_allclose(random_model.vectors("cls", 0)[0], first[0], rtol=1e-3, atol=1e-3)


def test_tokens_of_another_vocabulary_and_impossible_settings_are_refused(files, world, tmp_path):
    inputs, outputs = files
    other = Vocabulary.from_kmers("kmer-1", 1)
    tokenise(world.genome.codes, world.genome.bounds, other, tmp_path / "tokens.npy", tmp_path / "index.npy")
    foreign = [inputs[0], tmp_path / "tokens.npy", tmp_path / "index.npy", *inputs[3:]]
    with pytest.raises(InputError, match="does not hold this genome in the vocabulary of"):
        run_script(foreign, outputs)
    for wrong, message in (
        ({"shard": 2, "shards": 2}, "shard 2: the 2 shards have the numbers 0 to 1"),
        ({"layers": [7]}, "layers: 7 is none"),
        ({"window_tokens": 20}, "14 positions"),
        ({"context": 6}, "leave none between 6 tokens"),
    ):
        with pytest.raises(InputError, match=message):
            run_script(inputs, outputs, **wrong)
    assert not (tmp_path / "shards").exists() or not list((tmp_path / "shards").iterdir())
