"""Bring one source, a download or a local file, to one place, whole and verified."""

import ftplib
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import IO, TypeVar
from urllib.parse import unquote, urlsplit

from grover.runtime.errors import InputError
from grover.runtime.failures import number_of
from grover.runtime.files import give_name, write_json
from grover.runtime.json_files import read_record
from grover.runtime.progress import Progress
from grover.runtime.text import check_whole
from grover.sources.checksums import digest, find_listed, read_digest
from grover.sources.contents import replace_link

BLOCK = 1 << 18
TIMEOUT = 60.0
LONGEST_WAIT = 60.0

Result = TypeVar("Result")

# Answers of a server that may change with time; every other 4xx is final.
PASSING = (408, 425, 429)
ABSENT = (404, 410)
WITHHELD = (401, 403)


def fetch(
    url: str,
    output: Path,
    checksum_url: str = "",
    retries: int = 5,
    wait: float = 2.0,
    **checksums: str,
) -> None:
    """Bring `url` (https, http, ftp, file:// or a plain path) to `output`, verified.

    `checksums` are `md5`, `sha256` and `sum`, empty ones for none. `checksum_url` names a listing beside the file, such as UCSC's
    md5sum.txt or Ensembl's CHECKSUMS, in which the line of the file's name counts. A download grows in `output.part`, which the
    next attempt or the next call continues; it takes the name `output` only when every checksum agrees. A local file is
    verified and linked. A compressed file is read to its end, since a damaged one may have a checksum too. After a failure of
    the network it tries `retries` times more, waiting `wait` seconds and each time twice as long.
    Raises `InputError` where the source cannot be had or is not what the checksum says.
    """
    expected = [read_digest(name, value) for name, value in checksums.items() if value]
    if checksum_url:
        name = unquote(urlsplit(url).path).rsplit("/", 1)[-1]
        expected.append(find_listed(read_text(checksum_url, retries, wait), name, checksum_url))
    output.parent.mkdir(parents=True, exist_ok=True)
    local = local_path(url)
    if local is None:
        part = Path(f"{output}.part")
        _retry(lambda: _download(url, part), url, retries, wait)
        try:
            verify(part, expected, url)
        except InputError:
            _discard(part)
            raise
        give_name(part, output)
        _discard(part)
    else:
        if not local.is_file():
            raise InputError(f"{local} does not exist or is no file; correct the path of this source")
        verify(local, expected, url)
        replace_link(output, local)


def local_path(url: str) -> Path | None:
    """Absolute path of a file:// address or a plain path; None for what must be downloaded."""
    parts = urlsplit(url)
    if parts.scheme in ("http", "https", "ftp"):
        return None
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    if "://" in url:
        raise InputError(f"{url} cannot be fetched; use https, http, ftp, file:// or a plain path")
    return Path(url).expanduser().absolute()


def verify(path: Path, expected: list[tuple[str, str]], name: str) -> None:
    """Raise `InputError` unless every (algorithm, digest) agrees with the file and, where it is compressed, it decompresses whole."""
    for algorithm, value in expected:
        found = digest(path, algorithm)
        if found != value:
            raise InputError(
                f"{name} has {algorithm} {found}, but {value} was expected; it is damaged or another version"
            )
    check_whole(path, name)


def read_text(url: str, retries: int = 5, wait: float = 2.0, timeout: float = TIMEOUT) -> str:
    """Return the text of a small file at an address or a path, such as a listing of checksums.

    Raises `Missing` or `Unreachable`, which are `InputError`s, where the server does not have the file or does not answer.
    """
    local = local_path(url)
    if local is not None:
        if not local.is_file():
            raise InputError(f"the checksum listing {local} does not exist")
        return local.read_text(encoding="utf-8", errors="replace")

    def read() -> str:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            text: str = answer.read().decode("utf-8", "replace")
        return text

    return _retry(read, url, retries, wait)


def find_size(url: str, retries: int = 5, wait: float = 2.0, timeout: float = TIMEOUT) -> int:
    """Return the bytes of a file at an http or https address, 0 where the server does not say. Raises as `read_text` does."""

    def ask() -> int:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=timeout) as answer:
            return int(answer.headers.get("Content-Length") or 0)

    return _retry(ask, url, retries, wait)


class Missing(InputError):
    """The server answered that it has no such file."""


class Unreachable(InputError):
    """No attempt to reach the server succeeded."""


def _retry(attempt: Callable[[], Result], url: str, retries: int, wait: float) -> Result:
    """Result of `attempt`; failures that may pass are tried again, the last one becomes an `InputError`."""
    for number in range(retries + 1):
        try:
            return attempt()
        except (OSError, EOFError, HTTPException, ftplib.Error) as error:
            if isinstance(error, OSError) and error.errno and number_of(error) is not None:
                raise  # a disk that is full here stays full
            reason = _reason(error)
            final = isinstance(error, ftplib.error_perm) or (
                isinstance(error, urllib.error.HTTPError) and error.code < 500 and error.code not in PASSING
            )
            if final:
                code = getattr(error, "code", 0)
                advice = "give the path of a local copy" if code in WITHHELD else "correct the address of this source"
                raise (Missing if code in ABSENT else InputError)(
                    f"{url} cannot be fetched: {reason}; {advice}"
                ) from None
        if number < retries:
            time.sleep(min(wait * 2**number, LONGEST_WAIT))
    raise Unreachable(
        f"{url} could not be fetched in {retries + 1} attempts, the last one ended with: {reason}; "
        "try again later, which continues the download, or give the path of a local copy"
    )


def _reason(error: BaseException) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answered {error.code} {error.reason}"
    return str(getattr(error, "reason", error)) or type(error).__name__


@dataclass
class _Transfer:
    """An open download: its bytes from `offset` on, the size of the whole file (0: unknown), and the file's version."""

    stream: IO[bytes]
    offset: int
    size: int
    version: str = ""


def _download(url: str, part: Path) -> None:
    """Continue `part` to the end of `url`, or begin anew where the server or the file's version does not let it."""
    version_file = _version_file(part)
    begun = read_record(version_file) or {}
    if begun.get("url") != url:
        _discard(part)
        begun = {}
    have = part.stat().st_size if part.is_file() else 0
    opened = _open_ftp if url.startswith("ftp:") else _open_http
    with opened(url, have, begun.get("version", "")) as transfer:
        write_json(version_file, {"url": url, "version": transfer.version})
        with open(part, "ab") as file, Progress(transfer.size, f"fetch {url}", "bytes") as bar:
            file.truncate(transfer.offset)
            bar.update(transfer.offset)
            while block := transfer.stream.read(BLOCK):
                file.write(block)
                bar.update(len(block))
    have = part.stat().st_size
    if have < transfer.size:
        raise ConnectionError(f"the connection ended after {have:,} of {transfer.size:,} bytes")


@contextmanager
def _open_http(url: str, have: int, version: str) -> Iterator[_Transfer]:
    headers = {"Range": f"bytes={have}-"} if have else {}
    if have and version:
        # the server sends the whole file where it is no longer the one that was begun
        headers["If-Range"] = version
    try:
        answer = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code != 416:
            raise
        # nothing follows what is there: it is complete, or it belongs to another file and the size tells
        size = int(error.headers.get("Content-Range", "*/0").rpartition("/")[2].strip("*") or 0)
        if size != have:
            answer = urllib.request.urlopen(url, timeout=TIMEOUT)
        else:
            with error:
                yield _Transfer(error, have, size, version)
            return
    with answer:
        # `Content-Range: bytes 100-199/200`; a server that ignores the range answers 200 and sends everything
        offset = int(answer.headers["Content-Range"].split()[1].split("-")[0]) if answer.status == 206 else 0
        version = answer.headers.get("ETag", "")
        version = answer.headers.get("Last-Modified", "") if not version or version.startswith("W/") else version
        length = int(answer.headers.get("Content-Length", 0))
        yield _Transfer(answer, offset, offset + length if length else 0, version)


@contextmanager
def _open_ftp(url: str, have: int, version: str) -> Iterator[_Transfer]:
    parts = urlsplit(url)
    with ftplib.FTP(timeout=TIMEOUT) as server:
        server.connect(parts.hostname or "", parts.port or ftplib.FTP_PORT)
        server.login(unquote(parts.username or ""), unquote(parts.password or ""))
        path = unquote(parts.path)
        server.voidcmd("TYPE I")
        size = server.size(path) or 0
        changed = ""
        with suppress(ftplib.error_perm):
            changed = server.voidcmd(f"MDTM {path}")
        have = have if changed == version and have <= size else 0
        connection = server.transfercmd(f"RETR {path}", rest=have or None)
        with connection, connection.makefile("rb") as stream:
            yield _Transfer(stream, have, size, changed)
        with suppress(ftplib.Error, EOFError, OSError):
            server.voidresp()


def _version_file(part: Path) -> Path:
    return Path(f"{part}.version")


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    _version_file(part).unlink(missing_ok=True)
