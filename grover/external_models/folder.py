"""The folder of an external model: download from the hub, completeness, and the code in it that would run.

Nothing here imports torch or opens the model (`grover.external_models.adapters` does).
"""

from pathlib import Path

from grover.runtime.errors import InputError
from grover.runtime.failures import number_of
from grover.runtime.files import checksum, write_json
from grover.runtime.json_files import read_json

CONFIG, COMPLETE = "config.json", "external.json"
# in the order in which transformers prefers them
WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json", "tokenizer.model")
TEXTS = (".json", ".txt", ".py", ".model")  # configuration, tokenizer, code
BELONG = f"{CONFIG}, {WEIGHTS[0]} or {WEIGHTS[2]}, the tokenizer's files and, where it has code of its own, its *.py"

REMEDY = "copy it again from the model's repository"


def check_folder(folder: Path, weights: bool = True) -> None:
    """Raise InputError, naming folder and file, unless a configuration, `weights` and a tokenizer are there."""
    if not (folder / CONFIG).is_file():
        raise InputError(f"{folder}: {CONFIG} is missing there; fill the folder with {BELONG}")
    if weights:
        found = weights_of(folder)
        if not found:
            raise InputError(f"{folder}: the weights are missing there; add {WEIGHTS[0]} or {WEIGHTS[2]}")
        for path in found:
            if not path.is_file():
                raise InputError(f"{folder}: {path.name} is missing there, one of the shards of the weights; add it")
    if not any((folder / name).is_file() for name in TOKENIZERS) and not auto_map(folder, "tokenizer_config.json"):
        raise InputError(f"{folder}: the tokenizer is missing there; add {TOKENIZERS[0]} or {TOKENIZERS[1]}")


def weights_of(folder: Path) -> list[Path]:
    """List the files of the weights that are read from `folder`, existing or not; [] where none are named."""
    found = next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)
    if found is None or found.suffix != ".json":
        return [found] if found else []
    return [folder / name for name in sorted(set(read_json(found, REMEDY).get("weight_map", {}).values()))]


def code_of(folder: Path) -> list[str]:
    """List the Python files of `folder` that its configuration and tokenizer name, and that would be executed.

    Raises InputError where one is missing or belongs to another repository.
    """
    references = []
    for name in (CONFIG, "tokenizer_config.json"):
        for value in auto_map(folder, name).values():
            references += [item for item in (value if isinstance(value, list) else [value]) if item]
    for reference in references:
        if "--" in reference:
            raise InputError(
                f"{folder}: its auto_map names code of another repository, {reference}; copy that code into the folder and "
                "name it there without the part up to --"
            )
    files = sorted({f"{reference.split('.')[0]}.py" for reference in references})
    for name in files:
        if not (folder / name).is_file():
            raise InputError(f"{folder}: {name} is missing there, which contains code of this model; add it")
    return files


def files_of(folder: Path) -> list[Path]:
    """List the files that decide what a model computes: weights, code, settings of the tokenizer, vocabulary."""
    texts = (path for path in folder.iterdir() if path.suffix in TEXTS and path.suffix != ".py" and path.is_file())
    return sorted({*weights_of(folder), *(folder / name for name in code_of(folder)), *texts} - {folder / CONFIG})


def auto_map(folder: Path, name: str) -> dict:
    """Return the own classes of a folder by the name of the class of transformers; {} where there are none."""
    path = folder / name
    return (read_json(path, REMEDY).get("auto_map") or {}) if path.is_file() else {}


def download(model: str, revision: str, folder: Path) -> None:
    """Fill `folder` with a model of the hub, and write external.json, which describes it, when it is complete.

    Existing files are kept and partial ones continued. Of several formats of the weights one is taken, preferably safetensors.
    Raises InputError where the model is not available, with the files to add by hand.
    """
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    wanted = f"{model}{f' at {revision}' if revision else ''}"
    try:
        found = HfApi().model_info(model, revision=revision or None)
        names = files_to_fetch([file.rfilename for file in found.siblings or []])
        folder.mkdir(parents=True, exist_ok=True)
        snapshot_download(model, revision=found.sha, local_dir=folder, allow_patterns=names)
    except GatedRepoError:
        raise InputError(
            f"{wanted}: its owners give it only on request; ask them on its page, then set HF_TOKEN and run again"
        ) from None
    except (HFValidationError, RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise InputError(
            f"{wanted} is neither a folder here nor a model of the hub ({_first_line(error)}); correct `model` or `revision`"
        ) from None
    except Exception as error:  # what a failing network raises differs between versions of the hub's libraries
        if number_of(error) is not None:
            raise  # the disk is full, not the network away
        raise InputError(
            f"{wanted} could not be downloaded ({_first_line(error)}); run again with a network, which continues, or fill "
            f"{folder} with {BELONG}, and set `model` to that folder"
        ) from None
    check_folder(folder)
    files = {name: {"sha256": checksum(folder / name), "bytes": (folder / name).stat().st_size} for name in names}
    write_json(folder / COMPLETE, {"model": model, "revision": found.sha, "asked": revision, "files": files})


def files_to_fetch(names: list[str]) -> list[str]:
    """Choose the files of a repository that belong into the folder: no other formats of weights, no subfolders."""
    top = [name for name in names if "/" not in name]
    weights = [name for name in top if name.startswith("model") and name.endswith(".safetensors")]
    weights = weights or [name for name in top if name.startswith("pytorch_model") and name.endswith(".bin")]
    return sorted([name for name in top if name.endswith(TEXTS)] + weights)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
