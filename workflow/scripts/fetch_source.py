"""Bring one source to one place: downloaded or linked, and verified."""

from typing import Annotated

from typer import Option

from grover.runtime.cli import Output, main
from grover.sources.download import fetch


def fetch_source(
    url: Annotated[str, Option(help="https, http, ftp or file:// address, or a path")],
    output: Output,
    md5: Annotated[str, Option(help="MD5 that the file must have")] = "",
    sha256: Annotated[str, Option(help="SHA-256 that the file must have")] = "",
    bsd_sum: Annotated[str, Option("--sum", help="what the command `sum` must print of the file: two numbers")] = "",
    checksum_url: Annotated[str, Option(help="address of a listing of checksums that names the file")] = "",
    retries: Annotated[int, Option(help="further attempts after a failure of the network")] = 5,
) -> None:
    """Download with resume and retries, or link a local file. The output appears only when its checksum agrees."""
    fetch(url, output, checksum_url, retries, md5=md5, sha256=sha256, sum=bsd_sum)


if __name__ == "__main__":
    main(fetch_source)
