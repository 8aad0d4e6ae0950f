"""Models that come with the package, found by name: folders under `resources/models/` of the project, `grover/models/` of the package."""

from importlib.resources import files
from pathlib import Path

from grover.runtime.errors import InputError


def shipped_models() -> dict[str, Path]:
    """Return the folders of the models that come with the package, by name."""
    place = Path(str(files("grover") / "models"))
    return {path.name: path for path in sorted(place.iterdir()) if path.is_dir()} if place.is_dir() else {}


def model_folder(model: str | Path) -> Path:
    """Return the folder that `model` names: a folder, or else a model that comes with the package.

    Raises InputError where it is neither.
    """
    if Path(model).is_dir():
        return Path(model)
    shipped = shipped_models()
    if str(model) in shipped:
        return shipped[str(model)]
    known = ", ".join(shipped) or "none"
    raise InputError(
        f"{model}: no such folder, and the package has no model of this name (it has: {known}); name the folder of a model, such as "
        "results/RUN/models/NAME or results/RUN/finetuning/TASK/NAME"
    )
