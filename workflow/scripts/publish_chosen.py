"""Publish the chosen vocabulary, its tokens, windows and model under the name `chosen`."""

import os
from pathlib import Path
from typing import Annotated

from typer import Option

from grover.config.sections.pretraining import Choice
from grover.runtime.cli import READ, Outputs, main
from grover.runtime.errors import InputError
from grover.runtime.settings import Setting


def publish_chosen(
    published: Outputs,
    vocabulary: Annotated[str, Setting(Choice, "vocabulary")],
    chosen: Annotated[Path | None, READ, Option(help="the winner in its first line", exists=True)] = None,
) -> None:
    """Make each PUBLISHED path, such as models/chosen/config.json, a relative link to the same file of the winner.

    --chosen names the winner, or, without it, --vocabulary.
    """
    name = chosen.read_text(encoding="utf-8").splitlines()[0].strip() if chosen else vocabulary
    if not name:
        raise InputError("no vocabulary is named; give --vocabulary, or --chosen with the file that names it")
    for link in published:
        target = link.parent.parent / name / link.name
        if not target.is_file():
            raise InputError(
                f"{target}: no such file; {name} was chosen, whose files must be there before they are published"
            )
    for link in published:
        link.parent.mkdir(parents=True, exist_ok=True)
        # a link made under another name and moved, so that the published path never is missing or half-made
        temporary = link.with_name(f".partial-{link.name}")
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(Path(os.pardir) / name / link.name)
        temporary.replace(link)


if __name__ == "__main__":
    main(publish_chosen)
