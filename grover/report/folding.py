"""What a section shows at first, its first finding and its first figure, and what is folded below them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from grover.report.parts import Code, Folded, Picture, Scatter, Section, Table, count


@dataclass
class Shown:
    """A section as the page shows it: `lead` is a sentence, `picture` the figure below it, `rest` folded under `title`."""

    section: Section
    lead: str
    picture: Picture | None
    rest: list
    title: str


def fold(section: Section) -> Shown:
    """Choose the sentence and the figure that stay open. A section of one sentence has nothing to fold."""
    lead = section.findings[0] if section.findings else _first_sentence(section.parts)
    pictures = [part for part in section.parts if isinstance(part, Picture)]
    picture = next((part for part in pictures if part.name == section.lead), pictures[0] if pictures else None)
    rest = [without(part, lead) for part in section.parts if part is not picture]
    rest = [part for part in rest if part]
    return Shown(section, lead, picture, rest, contents(rest))


def _first_sentence(parts: list) -> str:
    """Return the first sentence of the first paragraph."""
    text = next((part for part in parts if isinstance(part, str)), "")
    return parted(text)[0]


def parted(text: str) -> tuple[str, str]:
    """Return the first sentence of a text, which stays open, and the others."""
    found = re.search(r"(?<=[a-z0-9)%²])\. (?=[A-Z`0-9])", text)
    return (text[: found.start() + 1], text[found.end() :]) if found else (text, "")


def without(part: Any, sentence: str) -> Any:
    """Return a paragraph or a list of sentences without that sentence; another part as it is."""
    if isinstance(part, str):
        return "" if part == sentence else part.removeprefix(f"{sentence} ")
    return [each for each in part if each != sentence] if isinstance(part, list) else part


def unfolded(parts: list) -> Iterator[Any]:
    """Yield all parts, those that are folded too."""
    for part in parts:
        yield part
        if isinstance(part, Folded):
            yield from unfolded(part.parts)


def contents(parts: list) -> str:
    """Return what is folded: `Methods, 3 figures, 2 tables`."""
    every = list(unfolded(parts))
    kinds: dict[str, tuple[type, ...]] = {"figure": (Picture, Scatter), "table": (Table,), "listing": (Code,)}
    numbers = {noun: sum(isinstance(part, kind) for part in every) for noun, kind in kinds.items()}
    findings = sum(len(part) for part in every if isinstance(part, list))
    numbers = ({"sentence": findings} if findings else {}) | numbers
    methods = ["methods"] if any(isinstance(part, str) for part in every) else []
    text = ", ".join([*methods, *[count(number, noun) for noun, number in numbers.items() if number]])
    return text[:1].upper() + text[1:]
