"""`grover report`: where the report of a finished run is, and a page that compares runs."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    run: Annotated[Path, typer.Argument(help="folder of a finished run, such as results/demo", show_default=False)],
    compare: Annotated[
        list[Path] | None,
        typer.Option(help="folder of a finished run to compare with; may be repeated", show_default=False),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="HTML file to write", show_default="RUN-compared.html in this folder"),
    ] = None,
) -> None:
    """Print where the report of a RUN is, or write a page that compares it with other runs.

    Example: grover report results/demo --compare results/other -o compared.html
    """
    from grover.report.compared.page import compare as comparison
    from grover.report.compared.runs import PAGE, check_finished, open_runs
    from grover.runtime.errors import InputError
    from grover.runtime.files import write_text

    if not compare:
        if output:
            raise InputError(f"--output {output} needs --compare RUN; the report of a run is written by the workflow")
        check_finished(run)
        print(run / PAGE)
        return
    path = output or Path(f"{run.resolve().name}-compared.html")
    write_text(path, comparison(open_runs([run, *compare])))
    print(f"written: {path}")
