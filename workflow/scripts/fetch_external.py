"""Bring a model from the Hugging Face hub into a folder."""

from typing import Annotated

from typer import Option

from grover.external_models.folder import COMPLETE, download
from grover.runtime.cli import Output, main


def fetch_external(
    model: Annotated[
        str, Option(help="id of the hub, such as InstaDeepAI/nucleotide-transformer-v2-50m-multi-species")
    ],
    revision: Annotated[str, Option(help="commit, tag or branch; empty: the newest, whose commit is written down")],
    folder: Output,
) -> None:
    """Download configuration, tokenizer, weights and code with resume. FOLDER is the external.json that is written last.

    What is downloaded is not executed.
    """
    download(model, revision, folder.parent if folder.name == COMPLETE else folder)


if __name__ == "__main__":
    main(fetch_external)
