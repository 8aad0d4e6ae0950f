"""The version of this copy of the package; it is written in `pyproject.toml` alone."""

import tomllib
from importlib import metadata
from pathlib import Path

NAME = "grover"
UNKNOWN = "unknown"
ROOT = Path(__file__).resolve().parents[2]


def version(root: Path = ROOT) -> str:
    """Return the version of the package that lies in the folder `root`.

    In a checkout it is read from `pyproject.toml`, since one environment may run several checkouts and its metadata belongs to one of
    them. An installed package has its metadata beside it. A bare copy of the package has neither: its version is "unknown".
    """
    declared = root / "pyproject.toml"
    if declared.is_file():
        project = tomllib.loads(declared.read_text(encoding="utf-8")).get("project", {})
        if project.get("name") == NAME:
            return str(project["version"])
    installed = metadata.distributions(name=NAME, path=[str(root)])
    return next((distribution.version for distribution in installed), UNKNOWN)


def is_of(found: str, release: str) -> bool:
    """Whether a version belongs to a release: 0.2.1 to v0.2 and to v0.2.1, and 0.20.0 to neither."""
    return bool(release) and f"v{found}.".startswith(f"{release}.")
