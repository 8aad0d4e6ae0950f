"""Draw the comparison of the vocabularies as a file of its own; the report holds the same figure."""

from typing import Annotated

import pandas as pd

from grover.config.sections.run import Report
from grover.report.figures.selection import next_kmer
from grover.report.style import to_svg, use_palette
from grover.runtime.cli import Input, Output, main
from grover.runtime.files import write_text
from grover.runtime.settings import Setting


def plot_selection(
    table: Input,
    chosen: Input,
    figure: Output,
    palette: Annotated[str, Setting(Report, "palette")],
) -> None:
    """FIGURE (SVG) shows TABLE with the vocabulary that the first line of CHOSEN names in a colour of its own."""
    use_palette(palette)
    write_text(figure, to_svg(next_kmer(pd.read_parquet(table), chosen.read_text().splitlines()[0])))


if __name__ == "__main__":
    main(plot_selection)
