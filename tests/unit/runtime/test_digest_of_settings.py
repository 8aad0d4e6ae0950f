"""What a script counts of the configuration: name, type and default of the fields that it declares. On a small package."""

from pathlib import Path

import pytest

from grover.runtime.digest import Code

FIELDS = '''"""Building blocks."""

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    model_config = ConfigDict(frozen=True)


def setting(default, description, *, unit="", **limits):
    return Field(default, description=description, **limits)
'''
SECTIONS = '''"""Groups and sections."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from grover.config.fields import Section, setting


def _fold(value):
    return float(value)


Fold = Annotated[float, Field(gt=0, le=0.5), BeforeValidator(_fold)]
LONGEST = 510


class Spans(Section):
    """Masked spans."""

    span: int = setting(0, "neighbouring tokens masked together", unit="tokens", ge=0)


class Masking(Spans):
    """Which tokens are masked."""

    ratio: float = setting(0.022, "share of the tokens to predict", gt=0, le=0.5)
    start: Literal["random", "neighbours"] = setting("random", "where the weights begin")
    fold: Fold = setting(0.1, "share held out")
    longest: int = setting(LONGEST, "longest window", ge=4)
    orders: list[Annotated[int, Field(ge=0, le=8)]] = setting(default_factory=lambda: [1, 5], description="orders")

    @property
    def kept(self):
        return 1 - self.ratio

    @field_validator("ratio")
    @classmethod
    def even(cls, value):
        return value


class Optimisation(Section):
    """How weights are updated."""

    steps: int = setting(100, "optimiser steps", ge=1)
    warmup: float = setting(0.05, "share of the steps")


class Pretraining(Masking, Optimisation):
    """All of it."""

    size: str = setting("base", "size of the encoder")

    @model_validator(mode="after")
    def agree(self):
        return self


def section_of(group):
    return "pretraining"
'''
OPTIONS = '''"""Ready options."""

from typing import Annotated

from grover.config.sections import Optimisation
from grover.runtime.settings import Setting

Steps = Annotated[int, Setting(Optimisation, "steps")]
'''
SETTINGS = '''class Setting:
    """Mark."""
'''
TAKES_GROUP = """from grover.config.sections import Masking


def command(masking: Masking):
    print(masking.ratio)
"""
TAKES_FIELD = """from typing import Annotated

from grover.config.sections import Masking
from grover.runtime.settings import Setting


def command(span: Annotated[int, Setting(Masking, "span")]):
    print(span)
"""
TAKES_OPTION = """from grover.config.options import Steps


def command(steps: Steps):
    print(steps)
"""
SCRIPTS = {"group": TAKES_GROUP, "field": TAKES_FIELD, "option": TAKES_OPTION}


def digests(folder: Path, sections: str = SECTIONS, fields: str = FIELDS, **scripts: str) -> dict[str, str]:
    """The digest of each script, with these modules in `grover.config`."""
    root = folder / str(len(list(folder.iterdir())))
    modules = {
        "config/fields": fields,
        "config/sections": sections,
        "config/options": OPTIONS,
        "runtime/settings": SETTINGS,
    }
    for name, text in {**{f"grover/{name}": text for name, text in modules.items()}, **SCRIPTS, **scripts}.items():
        path = (root / name).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    code = Code(root / "grover")
    return {name: code.digest(root / f"{name}.py") for name in SCRIPTS}


@pytest.fixture
def changed(tmp_path):
    """Replace a text in the sections; which scripts have another digest then."""
    before = digests(tmp_path)

    def change(old: str, new: str) -> set[str]:
        assert SECTIONS.count(old) == 1, old
        after = digests(tmp_path, SECTIONS.replace(old, new))
        return {name for name in before if before[name] != after[name]}

    return change


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("setting(0.022,", "setting(0.15,", {"group"}),
        ("ratio: float", "ratio: int", {"group"}),
        ("ratio: float", "share: float", {"group"}),
        ('"random", "neighbours"]', '"random", "neighbours", "zero"]', {"group"}),
        ("Field(gt=0, le=0.5), BeforeValidator(_fold)]", "Field(gt=0)] | None", {"group"}),
        ("LONGEST = 510", "LONGEST = 254", {"group"}),
        ("lambda: [1, 5]", "lambda: [1, 6]", {"group"}),
        ('    fold: Fold = setting(0.1, "share held out")\n', "", {"group"}),
        ("return 1 - self.ratio", "return 1 + self.ratio", {"group"}),
        ("span: int = setting(0,", "span: int = setting(1,", {"group", "field"}),
        ("span: int = setting(0,", 'toy: int = setting(3, "a new setting")\n    span: int = setting(0,', {"group"}),
        ("steps: int = setting(100,", "steps: int = setting(200,", {"option"}),
        ("setting(0.05,", "setting(0.1,", set()),
        ('setting("base",', 'setting("small",', set()),
        ("steps: int", 'toy: int = setting(3, "a new setting")\n    steps: int', set()),
    ],
    ids=[
        "default",
        "type",
        "name",
        "choice",
        "type behind an alias",
        "default behind a constant",
        "factory of a default",
        "a setting less",
        "property",
        "inherited default",
        "a new setting in a base",
        "default behind an option",
        "another field than that of the option",
        "another group",
        "a new setting in another group",
    ],
)
def test_name_type_and_default_of_declared_settings_count(changed, old, new, expected):
    assert changed(old, new) == expected


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"share of the tokens to predict"', '"share of the tokens that the model predicts"'),
        ('unit="tokens", ge=0', 'unit="k-mers", ge=0'),
        ('unit="tokens", ge=0', "ge=1, le=5"),
        ("gt=0, le=0.5)\n    start", "gt=0, le=0.9)\n    start"),
        ("Field(gt=0, le=0.5), BeforeValidator(_fold)]", "Field(gt=0.1)]"),
        ("return float(value)", "return max(0, float(value))"),
        ("Field(ge=0, le=8)", "Field(ge=1, le=9)"),
        ('description="orders"', 'description="orders of the chains"'),
        ("        return value\n", "        return abs(value)\n"),
        ("        return self\n", "        self.size\n        return self\n"),
        ('return "pretraining"', 'return "pretraining.masking"'),
        ('"""Which tokens are masked."""', '"""Masked tokens."""'),
        ("class Spans(Section):", "class New(Section):\n    toy: int = setting(1, 'toy')\n\n\nclass Spans(Section):"),
    ],
    ids=[
        "description",
        "unit",
        "no unit and another range",
        "range",
        "range behind an alias",
        "validator behind an alias",
        "range of items",
        "description by name",
        "validator of a field",
        "agreement",
        "section_of",
        "docstring",
        "a new group",
    ],
)
def test_descriptions_units_ranges_and_validators_do_not_count(changed, old, new):
    assert changed(old, new) == set()


def test_neither_the_order_of_fields_nor_the_group_that_declares_them_counts(tmp_path):
    before = digests(tmp_path)
    field = '    start: Literal["random", "neighbours"] = setting("random", "where the weights begin")\n'
    assert SECTIONS.count(field) == 1
    last = SECTIONS.replace(field, "").replace("    @property\n", f"{field}\n    @property\n")
    inherited = SECTIONS.replace(field, "").replace("    span: int", f"{field}    span: int")
    assert digests(tmp_path, last) == digests(tmp_path, inherited) == before


def test_another_building_block_reruns_nothing(tmp_path):
    assert digests(tmp_path, fields=FIELDS.replace("frozen=True", "frozen=True, strict=True")) == digests(tmp_path)


def test_a_mark_that_names_no_field_is_refused(tmp_path):
    for field in ('"spans"', "SPAN"):
        script = TAKES_FIELD.replace('"span")]', f"{field})]")
        with pytest.raises(SyntaxError, match="write out a group of settings and the name of one of its fields"):
            digests(tmp_path, field=script)
