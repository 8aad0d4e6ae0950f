"""Write the report: one HTML page that holds everything and opens without a network."""

from pathlib import Path
from typing import Annotated

import yaml
from typer import Option

from grover.config.sections.run import Report
from grover.report.overview import summarise
from grover.report.page import build, render
from grover.report.parts import Results
from grover.runtime.cli import Input, Inputs, Output, main
from grover.runtime.files import write_text


def write_report(
    inputs: Inputs,
    config: Input,
    notes: Input,
    output: Output,
    results: Annotated[Path, Option(help="folder of the run; inputs are known by their names relative to it")],
    command: Annotated[str, Option(help="command that makes an artefact when its path follows")],
    page: Report,
    figures: Annotated[Path | None, Option(help="folder that also gets each figure as SVG")] = None,
) -> None:
    """Only the given inputs are shown; a section that lacks one is left out and says so. CONFIG is the resolved
    configuration as JSON or YAML, NOTES the lines that stand above it: chosen defaults, and what is left out."""
    settings = yaml.safe_dump(yaml.safe_load(config.read_text()), sort_keys=False, allow_unicode=True)
    configuration = "".join(f"# {note}\n" for note in notes.read_text().splitlines() if note) + settings

    def write_figure(name: str, svg: str) -> None:
        if figures is not None:
            write_text(figures / f"{name}.svg", svg)

    artefacts = Results(results, inputs)
    sections = build(artefacts, configuration, page.palette)
    overview = summarise(artefacts, sections)
    write_text(output, render(sections, page.title, f"{command} {results}/", write_figure, overview))


if __name__ == "__main__":
    main(write_report)
