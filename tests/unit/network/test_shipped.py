"""A model is named by its folder, or by the name under which the package ships it."""

import pytest

from grover.network import shipped
from grover.runtime.errors import InputError


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package that ships two models, and another folder as the working directory."""
    for name in ("small", "large"):
        (tmp_path / "package/models" / name).mkdir(parents=True)
    monkeypatch.setattr(shipped, "files", lambda package: tmp_path / "package")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "package/models"


def test_a_folder_goes_before_a_shipped_model_of_the_same_name(package, tmp_path):
    assert shipped.model_folder("small") == package / "small"
    (tmp_path / "here/small").mkdir()
    assert str(shipped.model_folder("small")) == "small"


def test_another_name_ends_with_the_names_that_there_are(package):
    with pytest.raises(InputError, match=r"nosuch: no such folder, and the package .* \(it has: large, small\)"):
        shipped.model_folder("nosuch")


def test_a_package_without_models_ships_none(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "files", lambda package: tmp_path)
    assert shipped.shipped_models() == {}
