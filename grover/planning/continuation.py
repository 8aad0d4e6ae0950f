"""Pretraining that starts from another model: where that model is, and what a configuration takes over from it.

Nothing heavy is imported unless `pretraining.from` names a model.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grover.config.configuration import Configuration
from grover.config.names import CHOSEN
from grover.config.sections.pretraining import SIZES
from grover.network.shipped import shipped_models
from grover.runtime.errors import InputError

KEY = "pretraining.from"
FREE = ("pretraining.dropout",)  # what a training may change


def source_folder(settings: Configuration, installation: Path, origin: str) -> Path | None:
    """Return the folder of the model that `pretraining.from` names, None where it is empty. Raises InputError as `model_at` does."""
    asked = settings.pretraining.source
    return model_at(asked, settings, installation, origin, KEY) if asked else None


def model_at(asked: str, settings: Configuration, installation: Path, origin: str, key: str) -> Path:
    """Return the folder of the model that the value `asked` of a key names.

    It is one of: a run of the same folder of results, whose chosen model is taken; a folder of a model or of a run, in the working
    directory or the installation; a model that the package ships. Raises InputError where there is no such model.
    """
    from grover.network.folder import WEIGHTS  # only here, since it imports pandas

    run = Path(settings.results, asked)
    own = Path(settings.results, settings.run).absolute()
    for place in (run, Path(asked), installation / asked):
        if place.absolute().is_relative_to(own):
            raise InputError(
                f"{origin}: `{key}` is {asked}, which this run itself makes; name the model of another run"
            )
        for folder in (place, place / "models" / CHOSEN):
            if (folder / WEIGHTS).is_file():  # a run has a config.json, too
                return folder
    if asked in shipped_models():
        return shipped_models()[asked]
    if run.is_dir():
        raise InputError(
            f"{origin}: `{key}` is {asked}, but {run / 'models' / CHOSEN} has no model; finish the pretraining of that run first"
        )
    known = ", ".join(shipped_models()) or "none"
    raise InputError(
        f"{origin}: `{key}` is {asked}, which is neither a run in {settings.results}, nor the folder of a model, nor a model of "
        f"the package ({known}); correct it"
    )


def adopt_source(
    raw: dict[str, Any], draft: Configuration, origin: str, installation: Path
) -> tuple[dict[str, Any], list[str]]:
    """Fill in what comes from the model that `pretraining.from` names, and say so in lines; without one nothing changes.

    draft: `raw` as far as it is valid. Raises one InputError for all keys that contradict the model.
    """
    folder = source_folder(draft, installation, origin)
    if folder is None:
        return raw, []
    from grover.network.source import read_source  # only here, since it imports numba

    source = read_source(folder)
    taken = {f"pretraining.{name}": value for name, value in source.architecture.items()}
    taken["vocabulary.candidates"] = [source.vocabulary_name]
    refuse_contradictions(raw, taken, f"{origin}: `{KEY}` is {draft.pretraining.source}")
    shown = ", ".join(f"{key.partition('.')[2]} {_shown(value)}" for key, value in taken.items())
    filled = {name: dict(value) if isinstance(value, dict) else value for name, value in raw.items()}
    for key, value in taken.items():
        section, _, name = key.partition(".")
        if isinstance(filled.setdefault(section, {}), dict):
            filled[section].setdefault(name, value)
    return filled, [f"pretraining starts from {folder}, whose vocabulary and encoder are taken: {shown}"]


def refuse_contradictions(raw: Mapping[str, Any], taken: Mapping[str, Any], asked: str) -> None:
    """Raise InputError, which begins with `asked`, for the keys of a configuration that have another value than the model."""
    given = {key: _given(raw, key) for key in taken}
    wrong = [key for key, value in given.items() if value is not None and value != taken[key] and key not in FREE]
    size = SIZES.get(str(_given(raw, "pretraining.size")), {})
    if any(taken[f"pretraining.{name}"] != value for name, value in size.items()):
        wrong.append("pretraining.size")
    studied = _given(raw, "vocabulary.studied") or []
    if set(taken["vocabulary.candidates"]) & set(studied):
        wrong.append("vocabulary.studied")
    if wrong:
        theirs = ", ".join(f"{key.partition('.')[2]} {_shown(taken[key])}" for key in taken if key not in FREE)
        keys = " and ".join(f"`{key}` ({_shown(_given(raw, key))})" for key in wrong)
        raise InputError(
            f"{asked}, a model with {theirs}, which {keys} contradicts; remove that, or name another model"
        )


def _given(raw: Mapping[str, Any], key: str) -> Any:
    section, _, name = key.partition(".")
    place = raw.get(section)
    return place.get(name) if isinstance(place, dict) else None


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
