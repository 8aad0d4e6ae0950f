"""Files of embeddings: what is written comes back, and files that do not belong together are told apart."""

import os
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from grover.embeddings.vectors import Writer, check_weights, expect, half, open_embeddings, read_metadata
from grover.runtime.errors import InputError
from grover.runtime.files import checksum


def said(name="chosen", shard=0, shards=1, **more) -> dict:
    return {
        "name": name,
        "model": "a" * 64,
        "initial": "pretrained",
        "layers": [1, 11],
        "hidden": 4,
        "shard": shard,
        "shards": shards,
        "regions": "b" * 64,
    } | more


def table(first: int, number: int, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng([seed, first])
    rows = np.arange(first, first + number)
    places = {"chrom": np.array(["chr1", "chrX"], object)[rows % 2], "start": rows * 10, "end": rows * 10 + 9}
    states = {
        f"{pooling}_{layer}": rng.normal(size=(number, 4)).astype(np.float16)
        for layer in (1, 11)
        for pooling in ("cls", "mean")
    }
    return {"region": rows, **places, "tokens": np.full(number, 7, np.int32), **states}


def write(path, blocks, **metadata):
    with Writer(path, said(**metadata)) as writer:
        for block in blocks:
            writer.write(block)
    return path


def test_what_is_written_comes_back_in_the_order_of_the_parts(tmp_path):
    blocks = [table(0, 3), table(3, 2), table(5, 4)]
    shards = [
        write(tmp_path / "0.parquet", blocks[:2], shards=2),
        write(tmp_path / "1.parquet", blocks[2:], shard=1, shards=2),
    ]
    chosen = open_embeddings(shards[::-1])["chosen"]
    assert (chosen.layers, chosen.hidden, chosen.initial, chosen.paths) == ((1, 11), 4, "pretrained", tuple(shards))
    for layer, pooling in ((1, "cls"), (11, "mean")):
        expected = np.concatenate([block[f"{pooling}_{layer}"] for block in blocks])
        found = chosen.vectors(pooling, layer)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(chosen.vectors("mean"), chosen.vectors("mean", 11))
    regions = chosen.regions()
    assert list(regions) == ["region", "chrom", "start", "end", "tokens"]
    assert regions["region"].tolist() == list(range(9)) and regions["chrom"].tolist()[:3] == ["chr1", "chrX", "chr1"]
    assert chosen.column("tokens").dtype == np.int32


def test_other_programs_read_the_vectors_as_lists_of_half_precision(tmp_path):
    path = write(tmp_path / "0.parquet", [table(0, 3)])
    assert str(pq.read_schema(path).field("mean_1").type).startswith("fixed_size_list<element: halffloat")
    column = pd.read_parquet(path, columns=["mean_1"])["mean_1"]
    np.testing.assert_array_equal(np.stack(column), table(0, 3)["mean_1"])


def test_a_model_without_cls_has_the_mean_alone(tmp_path):
    whole = table(0, 3)
    alone = {name: values for name, values in whole.items() if not name.startswith("cls")}
    external = open_embeddings([write(tmp_path / "0.parquet", [alone], name="external")])["external"]
    both = open_embeddings([write(tmp_path / "1.parquet", [whole])])["chosen"]
    assert external.poolings == ("mean",) and both.poolings == ("cls", "mean")
    np.testing.assert_array_equal(external.vectors("mean"), both.vectors("mean"))
    with pytest.raises(InputError, match="no vectors 'cls' of layer 11 of external; it has mean of the layers 1, 11"):
        external.vectors("cls")


def test_a_part_without_regions_has_the_columns_of_the_others(tmp_path):
    empty = write(
        tmp_path / "1.parquet", [{name: values[:0] for name, values in table(0, 1).items()}], shard=1, shards=2
    )
    full = write(tmp_path / "0.parquet", [table(0, 2)], shards=2)
    chosen = open_embeddings([full, empty])["chosen"]
    assert chosen.vectors("cls").shape == (2, 4) and len(chosen.regions()) == 2


def test_files_that_do_not_belong_together_are_told_apart(tmp_path):
    first = write(tmp_path / "0.parquet", [table(0, 2)], shards=3)
    second = write(tmp_path / "1.parquet", [table(2, 2)], shard=1, shards=3)
    with pytest.raises(InputError, match="chosen: shard 2 of 3 is missing"):
        open_embeddings([first, second])
    with pytest.raises(InputError, match="given twice"):
        open_embeddings([first, second, write(tmp_path / "2.parquet", [table(4, 2)], shard=2, shards=3), first])
    for key, value in (("model", "c" * 64), ("regions", "c" * 64), ("layers", [11])):
        other = write(tmp_path / "other.parquet", [table(2, 2)], shard=2, shards=3, **{key: value})
        with pytest.raises(InputError, match=f"no shards of the same embeddings of chosen: {key} is"):
            open_embeddings([first, second, other])


def test_embeddings_of_other_regions_are_refused(tmp_path):
    regions = tmp_path / "regions.parquet"
    regions.write_bytes(b"regions")
    fitting = write(tmp_path / "0.parquet", [table(0, 2)], regions=checksum(regions))
    other = write(tmp_path / "1.parquet", [table(0, 2)], name="external")
    assert set(open_embeddings([fitting], regions)) == {"chosen"}
    for given in (None, regions):
        with pytest.raises(InputError, match="of other regions than"):
            open_embeddings([fitting, other], given)


def test_the_model_that_was_named_must_be_among_the_files(tmp_path):
    found = open_embeddings([write(tmp_path / "0.parquet", [table(0, 2)], name="kmer-4", model="1a2b3c" + "0" * 58)])
    assert expect(found, "kmer-4").name == "kmer-4"
    with pytest.raises(InputError, match=r"contains embeddings of kmer-4 \(weights 1a2b3c\), not of chosen; give"):
        expect(found, "chosen")
    with pytest.raises(InputError, match="no vectors 'mean' of layer 2 of kmer-4.*layers 1, 11"):
        found["kmer-4"].vectors("mean", 2)
    with pytest.raises(InputError, match="has no column state_1"):
        found["kmer-4"].column("state_1")


def test_embeddings_must_come_from_the_weights_of_their_model(tmp_path):
    mine, other = tmp_path / "mine.safetensors", tmp_path / "other.safetensors"
    mine.write_bytes(b"weights"), other.write_bytes(b"other weights")
    found = open_embeddings([write(tmp_path / "0.parquet", [table(0, 2)], model=checksum(mine))])
    check_weights(found, {"chosen": mine})
    with pytest.raises(
        InputError, match=r"0.parquet: the embeddings of chosen come from the weights \w{6}.*other.safetensors contains"
    ):
        check_weights(found, {"chosen": other})
    with pytest.raises(InputError, match="not of chosen-random"):
        check_weights(found, {"chosen-random": mine})


def test_files_of_another_kind_are_refused(tmp_path):
    pd.DataFrame({"region": [1]}).to_parquet(tmp_path / "plain.parquet")
    (tmp_path / "text.parquet").write_text("text")
    for name in ("plain", "text", "missing"):
        with pytest.raises(InputError, match=f"{name}.parquet is no file of embeddings"):
            read_metadata(tmp_path / f"{name}.parquet")


def test_states_beyond_half_precision_are_an_error():
    assert half(np.array([1.5, -65504.0], np.float32), "layer 1").dtype == np.float16
    for bad in (70_000.0, np.nan):
        with pytest.raises(InputError, match="layer 1: .*65,504"):
            half(np.array([1.0, bad], np.float32), "layer 1")


def test_a_writer_that_fails_or_is_killed_leaves_no_file(tmp_path):
    with pytest.raises(ValueError, match="broken"), Writer(tmp_path / "0.parquet", said()) as writer:
        writer.write(table(0, 2))
        raise ValueError("broken")
    assert not list(tmp_path.iterdir())
    code = (
        "import os, signal, numpy as np; from grover.embeddings.vectors import Writer\n"
        f"with Writer({str(tmp_path / '0.parquet')!r}, {{}}) as writer:\n"
        "    writer.write({'region': np.arange(3)}); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    assert killed.returncode == -signal.SIGKILL and not (tmp_path / "0.parquet").exists()
