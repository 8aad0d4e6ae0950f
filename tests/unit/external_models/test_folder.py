"""Folders of external models: what they must hold, and how a download fills them."""

import json
from types import SimpleNamespace

import pytest

from grover.external_models import adapters, folder
from grover.runtime.errors import InputError
from grover.runtime.files import checksum
from tests.fakes.external_models import write


def test_code_elsewhere_or_missing_is_refused(tiny):
    (tiny / "modeling_tiny.py").unlink()
    with pytest.raises(InputError, match="modeling_tiny.py is missing"):
        adapters.load(tiny, "hyenadna", remote_code=True)
    write(tiny / "config.json", {"auto_map": {"AutoModel": "other/place--modeling_tiny.TinyModel"}})
    with pytest.raises(InputError, match="another repository, other/place--"):
        adapters.load(tiny, "hyenadna", remote_code=True)


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        ("config.json", "config.json is missing"),
        ("model.safetensors", "the weights are missing"),
        ("vocab.txt", "the tokenizer is missing"),
    ],
)
def test_an_incomplete_folder_is_named_with_what_it_lacks(dnabert, tmp_path, missing, sentence):
    for path in dnabert.iterdir():
        if path.name not in (missing, "tokenizer.json"):
            (tmp_path / path.name).symlink_to(path)
    with pytest.raises(InputError, match=f"{tmp_path}: {sentence}"):
        adapters.load(tmp_path, "dnabert", remote_code=False)


def test_a_part_of_the_weights_that_is_missing_is_named(tmp_path):
    write(tmp_path / "config.json", {})
    write(tmp_path / "pytorch_model.bin.index.json", {"weight_map": {"a": "one.bin", "b": "two.bin"}})
    (tmp_path / "one.bin").touch()
    with pytest.raises(InputError, match="two.bin is missing"):
        folder.check_folder(tmp_path)


def test_weights_of_another_model_are_refused(dnabert, tmp_path):
    for path in dnabert.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "config.json").unlink()
    config = json.loads((dnabert / "config.json").read_text())
    write(tmp_path / "config.json", config | {"num_hidden_layers": 2})
    with pytest.raises(InputError, match=r"layer\.1\..* is missing"):
        adapters.load(tmp_path, "dnabert", remote_code=False).make(2, 0)


HUB = ["README.md", "config.json", "vocab.txt", "model.safetensors", "pytorch_model.bin", "onnx/model.onnx", "x.py"]


def test_a_download_takes_what_belongs_into_the_folder_and_says_what_it_is(tmp_path, monkeypatch):
    import huggingface_hub

    def model_info(self, model, revision):
        assert (model, revision) == ("lab/model", None)
        return SimpleNamespace(sha="abc123", siblings=[SimpleNamespace(rfilename=name) for name in HUB])

    def snapshot_download(model, revision, local_dir, allow_patterns):
        assert revision == "abc123"
        for name in allow_patterns:
            (local_dir / name).write_text(name)

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", model_info)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    folder.download("lab/model", "", tmp_path / "nt")
    said = json.loads((tmp_path / "nt/external.json").read_text())
    assert list(said["files"]) == ["config.json", "model.safetensors", "vocab.txt", "x.py"]
    assert said["revision"] == "abc123" and said["files"]["x.py"]["sha256"] == checksum(tmp_path / "nt/x.py")
    assert folder.files_to_fetch(["pytorch_model.bin", "training_args.bin", "a.json"]) == [
        "a.json",
        "pytorch_model.bin",
    ]


def test_without_a_network_the_folder_to_fill_is_named(tmp_path, monkeypatch):
    import huggingface_hub

    def model_info(self, model, revision):
        raise ConnectionError("name not known")

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", model_info)
    with pytest.raises(InputError, match=rf"fill {tmp_path}/nt with config.json, .*set `model` to that folder"):
        folder.download("lab/model", "", tmp_path / "nt")
    assert not (tmp_path / "nt/external.json").exists()
