"""Regions through models from elsewhere, made here with random weights: what is written, and what long regions become."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import AutoModel

from grover.config.sections.benchmarks import ExternalReading
from grover.config.sections.embeddings import Shards
from grover.embeddings.vectors import open_embeddings, read_metadata
from grover.external_models import adapters
from grover.external_models.embedding import cut, embed
from grover.genome.bases import encode
from grover.runtime.errors import InputError
from grover.runtime.files import checksum
from tests.fakes.external_models import random_sequences

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "workflow/scripts/embed_external.py"
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def command():
    specification = importlib.util.spec_from_file_location("embed_external", SCRIPT)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)

    def run(adapter: str, shard: int = 0, shards: int = 1, **given) -> None:
        """Call the function behind the script, without consent to code of the model."""
        reading = ExternalReading(adapter=adapter, remote_code=False)
        module.embed_external(
            **given,
            shard=shard,
            reading=reading,
            jobs=Shards(shards=shards),
            seed=0,
            device="cpu",
            precision="auto",
        )

    return run


@pytest.fixture
def files(tmp_path):
    """A genome of two segments and a table of five regions."""
    text = random_sequences([60, 90], 3)
    np.save(tmp_path / "sequence.npy", encode("".join(text)))
    (tmp_path / "segments.bed").write_text("chr1\t10\t70\ts0\nchr1\t100\t190\ts1\n")
    starts = np.array([10, 30, 100, 120, 140])
    table = pd.DataFrame(
        {"chrom": "chr1", "start": starts, "end": starts + [20, 40, 9, 10, 50], "gc": 0.5, "fold": "test"}
    )
    table.to_parquet(tmp_path / "regions.parquet")
    sequences = [text[0][:20], text[0][20:60], text[1][:9], text[1][20:30], text[1][40:90]]
    names = {"regions": "regions.parquet", "sequence": "sequence.npy", "segments": "segments.bed"}
    return {key: tmp_path / name for key, name in names.items()}, sequences


def states(folder, ids):
    with torch.inference_mode():
        return AutoModel.from_pretrained(folder).eval()(torch.from_numpy(ids)[None]).last_hidden_state[0].numpy()


def test_vectors_are_those_of_each_piece_alone(dnabert):
    external = adapters.load(
        dnabert, "dnabert", remote_code=False
    )  # 24 positions: 22 overlapping 3-mers, which span 24 bases
    sequences = random_sequences([20, 24, 25, 70, 3])
    ((vectors, tokens),) = embed(external, sequences, CPU, precision="auto", seed=0)
    assert tokens.tolist() == [18, 22, 10 + 11, 15 + 16 + 15 + 16, 1]
    for row, sequence in enumerate(sequences):
        bounds = np.linspace(0, len(sequence), {25: 2, 70: 4}.get(len(sequence), 1) + 1).astype(int)
        pieces = [external.read([sequence[start:end]])[0] for start, end in zip(bounds, bounds[1:], strict=False)]
        alone = [states(dnabert, ids) for ids in pieces]
        assert tokens[row] == sum(len(ids) - 2 for ids in pieces)
        means = np.concatenate([each[1:-1] for each in alone]).mean(0)
        first = np.average([each[0] for each in alone], axis=0, weights=[len(ids) - 2 for ids in pieces])
        np.testing.assert_allclose(vectors["mean"][row], means, atol=1e-5)
        np.testing.assert_allclose(vectors["cls"][row], first, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "adapter"), [("dnabert", "dnabert"), ("nt", "nucleotide-transformer"), ("tiny", "auto")]
)
def test_every_length_is_cut_so_that_all_pieces_fit(name, adapter, request):
    external = adapters.load(request.getfixturevalue(name), adapter, remote_code=True)
    sequences = random_sequences([*range(1, 40), 119, 500])
    inputs, owner = cut(external, sequences)
    assert max(map(len, inputs)) <= external.limit and np.unique(owner).tolist() == list(range(len(sequences)))
    assert (np.diff(owner) >= 0).all()


def test_cls_is_kept_only_of_a_model_that_has_it_in_front(dnabert, nt, tiny):
    assert adapters.load(dnabert, "dnabert", remote_code=False).poolings == ("cls", "mean")
    assert adapters.load(nt, "nucleotide-transformer", remote_code=False).poolings == ("cls", "mean")
    external = adapters.load(tiny, "hyenadna", remote_code=True)
    ((vectors, tokens),) = embed(external, ["ACCT"], CPU, precision="auto", seed=0)
    assert list(vectors) == ["mean"] and tokens.tolist() == [4]
    rows = torch.load(tiny / "pytorch_model.bin")["embedding.weight"]
    np.testing.assert_allclose(vectors["mean"][0], rows[[7, 8, 8, 10]].cumsum(0).mean(0), atol=1e-6)


def test_the_command_writes_parts_that_open_as_one(dnabert, files, command, tmp_path):
    given, sequences = files
    paths = [tmp_path / f"{shard}.parquet" for shard in range(2)]
    options = {"folder": dnabert / "config.json", "name": "dna", "adapter": "dnabert"}
    for shard, path in enumerate(paths):
        command(**given, **options, output=path, shard=shard, shards=2)
    said = read_metadata(paths[1])
    assert said["model"] == checksum(dnabert / "model.safetensors") and said["initial"] == "pretrained"
    assert (said["layers"], said["hidden"], said["shards"]) == ([1], 16, 2)
    found = open_embeddings(paths, given["regions"])["dna"]
    table = pd.read_parquet(given["regions"])
    assert found.regions()["region"].tolist() == [0, 1, 2, 3, 4]
    assert found.regions()["start"].tolist() == table["start"].tolist()
    ((expected, tokens),) = embed(
        adapters.load(dnabert, "dnabert", remote_code=False), sequences, CPU, precision="auto", seed=0
    )
    assert found.regions()["tokens"].tolist() == tokens.tolist()
    for pooling in ("cls", "mean"):
        np.testing.assert_allclose(found.vectors(pooling), expected[pooling], atol=3e-3)
        assert pd.read_parquet(paths[0])[f"{pooling}_1"][0].dtype == np.float16


def test_a_random_model_says_that_it_is_one_and_differs_and_a_part_may_be_empty(dnabert, files, command, tmp_path):
    given, _ = files
    options = {"folder": dnabert / "config.json", "adapter": "dnabert"}
    command(**given, **options, name="dna", output=tmp_path / "dna.parquet")
    for shard in range(6):
        command(**given, **options, name="t", initial="random", output=tmp_path / f"t{shard}", shard=shard, shards=6)
    paths = [tmp_path / "dna.parquet", *(tmp_path / f"t{shard}" for shard in range(6))]
    found = open_embeddings(paths, given["regions"])
    assert found["t"].initial == "random" and found["t"].model == found["dna"].model
    assert found["t"].vectors("mean").shape == (5, 16)
    assert np.abs(found["t"].vectors("mean") - found["dna"].vectors("mean")).max() > 0.1


def test_a_part_that_is_none_and_missing_consent_are_refused(dnabert, tiny, files, command, tmp_path):
    given = files[0] | {"name": "x", "output": tmp_path / "x.parquet"}
    with pytest.raises(InputError, match="shard 2: the 2 shards have the numbers 0 to 1"):
        command(**given, folder=dnabert, adapter="dnabert", shard=2, shards=2)
    with pytest.raises(InputError, match="remote_code: true"):
        command(**given, folder=tiny, adapter="hyenadna")
    assert not (tmp_path / "x.parquet").exists()
