"""The report: one self-contained HTML page that opens without a network."""

import re
from collections.abc import Callable
from html import escape
from pathlib import Path
from types import ModuleType

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from grover.config.names import CHOSEN
from grover.report.folding import fold, parted, unfolded
from grover.report.glossary import TERMS, anchor, gloss
from grover.report.overview import Overview
from grover.report.parts import Folded, Picture, Results, Scatter, Section, Table
from grover.report.scatter import SCRIPT, as_json
from grover.report.sections import (
    atlas,
    base_tracks,
    benchmarks,
    contexts,
    corpus,
    enrichment,
    genome,
    importance,
    maps,
    motifs,
    pretraining,
    provenance,
    region_map,
    regions,
    reproduction,
    selection,
    stability,
    strands,
    tokens,
    transfer,
    variants,
    vocabulary,
)
from grover.report.style import INK, to_svg, use_palette

SECTIONS: tuple[ModuleType, ...] = (
    genome,
    vocabulary,
    atlas,
    stability,
    corpus,
    pretraining,
    selection,
    benchmarks,
    reproduction,
    tokens,
    contexts,
    enrichment,
    region_map,
    regions,
    strands,
    importance,
    motifs,
    variants,
    base_tracks,
    maps,
    transfer,
)


# a figure of 9 inches is as wide as the text, and others are drawn at the same scale
TEXT_WIDTH, INCHES, POINTS = 56, 9, 72  # rem, and points per inch
PAGE_SCRIPT = Path(__file__).parent / "page.js"


def build(results: Results, configuration: str, palette: str) -> list[Section]:
    """All sections in the order of the data; one whose artefacts are absent holds a sentence that says so.

    configuration: the resolved configuration as YAML; palette: `okabe-ito` or `tol-bright`.
    """
    use_palette(palette)
    sections = [_section(module, results) for module in SECTIONS]
    return [*sections, provenance.section(results.folder, configuration)]


def _section(module: ModuleType, results: Results) -> Section:
    absent = [pattern for pattern in module.NEEDS if not results.find(pattern)]
    if not absent:
        section = module.section(results)
        section.parts[:0] = _other_vocabulary(section.vocabulary, results.chosen)
        return section
    sentence = f"Left out: this run has no {', no '.join(absent)}."
    return Section(module.__name__.rpartition(".")[2], module.TITLE, parts=[sentence])


def _other_vocabulary(vocabulary: str, chosen: str) -> list[str]:
    """Return the sentence of a section about another vocabulary than the chosen one, which other sections are about."""
    if vocabulary in ("", CHOSEN, chosen):
        return []
    return [f"This section is about {vocabulary}; the vocabulary chosen for the benchmarks is {chosen}."]


def render(
    sections: list[Section],
    title: str,
    command: str,
    write_figure: Callable[[str, str], None],
    overview: Overview | None = None,
) -> str:
    """The page as HTML text.

    command: what, followed by the name of an artefact, makes that artefact. `write_figure(name, svg)` is called with
    each figure. overview: the first screen, as `grover.report.overview.summarise` makes it.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    overview = overview or Overview()
    parts = [part for section in sections for part in unfolded(section.parts)]
    figures = {panel.name: to_svg(panel.figure) for panel in overview.panels if panel.figure is not None}
    figures |= {part.name: to_svg(part.figure) for part in parts if isinstance(part, Picture)}
    for name, svg in figures.items():
        write_figure(name, svg)
    environment.tests["of"] = isinstance
    environment.globals.update({kind.__name__: kind for kind in (Folded, Picture, Scatter, Table)})
    environment.globals.update(glossary=TERMS, anchor=anchor, seen=set)
    environment.filters.update({"as_json": as_json, "inline_svg": inline_svg, "gloss": gloss, "parted": parted})
    scripts = [PAGE_SCRIPT, *([SCRIPT] if any(isinstance(part, Scatter) for part in parts) else [])]
    return environment.get_template("page.html").render(
        shown=[fold(section) for section in sections],
        overview=overview,
        title=title,
        command=command,
        style=(Path(__file__).parent / "page.css").read_text(encoding="utf-8"),
        scripts=[path.read_text(encoding="utf-8") for path in scripts],
        figures=figures,
    )


def inline_svg(svg: str, name: str, label: str) -> str:
    """An SVG document as an element of a page: ids of its own, the page's text colour, a label for screen readers."""
    svg = svg[svg.index("<svg") :]
    # the style sheet of a figure would hold for the whole page; its one rule becomes attributes
    svg = re.sub(r"<style type=\"text/css\">.*?</style>", "", svg, flags=re.DOTALL)
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))
    svg = re.sub(r' id="([^"]+)"', lambda found: f' id="{name}-{found[1]}"' if found[1] in used else "", svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\1{name}-", svg)
    found = re.search(r'<svg[^>]* width="([\d.]+)pt"', svg)
    width = float(found[1]) / POINTS / INCHES * TEXT_WIDTH if found else TEXT_WIDTH
    attributes = f'style="--width: {width:.1f}rem" role="img" aria-label="{escape(label)}" stroke-linejoin="round" stroke-linecap="butt"'
    return svg.replace(INK, "currentColor").replace("<svg ", f"<svg {attributes} ", 1)
