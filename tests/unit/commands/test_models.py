"""Models by name, by folder, and from elsewhere."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch

from grover.commands import embed
from grover.commands.info import ELSEWHERE, describe
from grover.commands.info_text import print_description
from grover.commands.kinds import adapter_of, is_own
from grover.commands.models import open_model
from grover.external_models import adapters
from grover.external_models.embedding import embed as embed_stage
from grover.runtime.errors import InputError
from tests.unit.commands.conftest import QUIET

CPU = torch.device("cpu")


@pytest.mark.parametrize(("fixture", "adapter"), [("dnabert", "dnabert"), ("nt", "auto"), ("tiny", "auto")])
def test_a_folder_from_elsewhere_is_embedded_by_its_own_tokenizer(
    request, world, bed, result, tmp_path, capsys, fixture, adapter
):
    folder = request.getfixturevalue(fixture)
    rows = [("chr1", 0, 18), ("chr2", 3, 60), ("chr3", 0, 5), ("chr1", 10, 22)]
    model = open_model(str(folder), remote_code=True)
    assert model.outside and adapter_of(folder) == adapter
    asked = bed(world.fasta, *rows)
    embed.run(model, "-1", None, "tile", asked, QUIET, result("e.parquet", max_skipped=0.3))
    found = pd.read_parquet(tmp_path / "e.parquet")
    external = adapters.load(folder, adapter, True)
    texts = [world.sequences[chrom][start:end] for chrom, start, end in rows if chrom in world.sequences]
    ((expected, tokens),) = embed_stage(external, texts, CPU, "fp32", 0)
    known = found[found["status"] == "ok"]
    assert known["tokens"].tolist() == tokens.tolist() and found["status"].tolist()[2] == "unknown_contig"
    for pooling, vectors in expected.items():
        np.testing.assert_allclose(np.stack(known[f"{pooling}_{external.layers}"]), vectors, atol=1e-6)
    with pytest.raises(InputError, match="from elsewhere only the last layer"):
        embed.embedder(model, "0", None, "tile", CPU, "fp32")
    with pytest.raises(InputError, match="from elsewhere, and only `grover embed` reads such a model"):
        model.language_model()
    description = describe(folder)
    assert description["kind"] == ELSEWHERE and description["adapter"] == adapter
    print_description(description, False)
    assert "read by       grover embed" in capsys.readouterr().out


def test_code_of_a_folder_runs_by_consent_alone(tiny):
    with pytest.raises(InputError, match="would be executed with your rights; read them"):
        open_model(str(tiny)).external()
    assert not (tiny.parent / "marker").exists()


def test_the_layouts_of_published_models(tmp_path, world):
    own = world.models["bpe-3"]
    assert is_own(own, json.loads((own / "config.json").read_text()))
    # the network and the tokens of this project in a folder that another program has written
    config = {name: value for name, value in json.loads((own / "config.json").read_text()).items() if name != "start"}
    assert is_own(own, config)
    assert not is_own(own, config | {"vocab_size": 5})
    assert not is_own(own, config | {"auto_map": {}, "model_type": "esm"})
    maps = {"AutoModel": "bert_layers.BertModel", "AutoConfig": "configuration_bert.BertConfig"}
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert", "auto_map": maps}))
    assert adapter_of(tmp_path) == "dnabert2"
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    (tmp_path / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "A", "C", "ACGT"]))
    assert adapter_of(tmp_path) == "auto"  # GROVER's: byte pairs of several lengths


def test_a_folder_without_its_parts_is_one_sentence(world, tmp_path):
    shutil.copytree(world.models["bpe-3"], tmp_path / "model")
    (tmp_path / "model/tokenizer.json").unlink()
    with pytest.raises(InputError, match="the tokenizer is missing there; add tokenizer.json or vocab.txt"):
        open_model(str(tmp_path / "model"))
    (tmp_path / "model/config.json").unlink()
    with pytest.raises(InputError, match="no config.json there; expected the folder of a pretrained model"):
        open_model(str(tmp_path / "model"))


def test_what_a_model_was_trained_on_is_found_and_said(world, tmp_path, capsys):
    folder = tmp_path / "model"
    shutil.copytree(world.models["kmer-3"], folder)
    assert open_model(str(folder)).trained_on() is None and describe(folder)["trained_on"] is None
    (folder / "trained_on.bed").write_text("chr1\t0\t100\nchr2\t5\t10\n")
    assert open_model(str(folder)).trained_on()["end"].tolist() == [100, 10]
    found = describe(folder)
    assert found["trained_on"] == {"bases": 105, "contigs": ["chr1", "chr2"]} and found["longest"] == 32
    print_description(found, False)
    assert "trained on    105 bases of chr1, chr2\n" in capsys.readouterr().out


def test_the_masks_of_the_training_are_found(world, tmp_path):
    assert open_model("hg19-mini").settings() == {
        "mask_ratio": 0.2,
        "mask_span": 1,
    }  # of its scores: it is shipped without provenance
    shutil.copytree(world.models["kmer-3"], tmp_path / "model")
    assert open_model(str(tmp_path / "model")).settings() == {}
    record = {"arguments": {"mask_ratio": 0.15}, "inputs": {}, "outputs": {}}
    (tmp_path / "model/model.safetensors.provenance.json").write_text(json.dumps(record))
    assert open_model(str(tmp_path / "model")).settings() == {"mask_ratio": 0.15}
