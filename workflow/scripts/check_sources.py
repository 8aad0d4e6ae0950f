"""Read every annotation against the encoded genome before any long work."""

from pathlib import Path
from typing import Annotated

from typer import Option

from grover.genome.assembly import read_segments
from grover.genome.contig_table import read_contig_table
from grover.runtime.cli import Files, Input, Output, main
from grover.runtime.errors import InputError
from grover.runtime.files import write_table
from grover.sources import check


def check_sources(
    segments: Input,
    contigs: Input,
    output: Output,
    source: Annotated[
        list[str],
        Files(path=lambda text: Path(check.Source.parse(text).path)),
        Option(help="annotation to read, as KEY=FORMAT=FILE[=RENAME]; repeat the option for each"),
    ] = [],  # noqa: B006
    minimum: Annotated[list[str], Option(help="KEY=ROWS that must lie in the segments; repeat for each")] = [],  # noqa: B006
) -> None:
    """Write what each source holds; end with one sentence at the first that does not fit the assembly.

    Sources are given as KEY=FORMAT=FILE[=RENAME]. FORMAT is bed, tss, splice, csv, narrowPeak, bedgraph, rmsk, gtf,
    vcf or meme. RENAME maps contig names to those of the assembly: add-chr or strip-chr.
    """
    sources = [check.Source.parse(text) for text in source]
    table = check.check_sources(
        sources, read_segments(segments), read_contig_table(contigs), dict(map(_minimum, minimum))
    )
    write_table(output, table)


def _minimum(text: str) -> tuple[str, int]:
    key, _, rows = text.partition("=")
    if not rows.isdigit():
        raise InputError(f"minimum {text!r} is not of the form KEY=ROWS")
    return key, int(rows)


if __name__ == "__main__":
    main(check_sources)
