"""Open files of text: plain or compressed, in the encodings and with the line ends that they come with.

What a file is, its content decides and not its name:

- gzip, bgzip, bzip2 and xz are decompressed. A damaged or truncated file, or one with other bytes behind its end, is refused.
- Text is UTF-8, with or without a byte order mark; bytes that are no UTF-8 are Latin-1. UTF-16 is read where its mark tells it.
- Lines end with LF, CR LF or CR.
- Binary files, other archives and web pages are refused, and named where their first bytes tell what they are.
"""

import bz2
import codecs
import gzip
import io
import lzma
import os
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import IO, Any, BinaryIO, TextIO

from grover.runtime.errors import InputError

COMPRESSED: list[tuple[str, re.Pattern[bytes], Callable[..., Any]]] = [
    ("gzip", re.compile(rb"\x1f\x8b"), gzip.open),
    ("bzip2", re.compile(rb"BZh[1-9](1AY&SY|\x17\x72\x45\x38\x50\x90)"), bz2.open),
    ("xz", re.compile(rb"\xfd7zXZ\0"), lzma.open),
]
DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError)
# the empty block that ends every complete bgzip file (SAM specification, section 4.1.2)
BGZIP_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
BLOCK = 1 << 22  # bytes
START = 4096  # bytes by which a file is judged

BIGWIG = "is a bigWig; give it as such, or convert it by bigWigToBedGraph"
BIGBED = "is a bigBed; convert it by bigBedToBed"
OTHERS = {
    b"\x28\xb5\x2f\xfd": "is compressed by zstd; decompress it by `zstd -d`, or give it as gzip",
    b"PK\x03\x04": "is a zip archive or an Excel file; unpack it, or save the table as text with tabs",
    b"\xd0\xcf\x11\xe0": "is an Excel file; save the table as text with tabs",
    b"BAM\1": "is a BAM file; convert it, for intervals by `bedtools bamtobed`",
    b"BCF\2": "is a BCF file; convert it by `bcftools view -O z`",
    b"\x26\xfc\x8f\x88": BIGWIG,
    b"\x88\x8f\xfc\x26": BIGWIG,
    b"\xeb\xf2\x89\x87": BIGBED,
    b"\x87\x89\xf2\xeb": BIGBED,
    b"\x43\x27\x41\x1a": "is a 2bit file of sequences; give it as `genome.source`",
}


@contextmanager
def open_text(path: Path | str) -> Iterator[TextIO]:
    """Open a file of text for reading; lines come with \\n at their end. Raises `InputError` for what is no text."""
    codecs.register_error("latin-1", _as_latin1)
    with open_compressed(path) as stream:
        start = _judge(path, stream)
        encoding = "utf-16" if _is_utf16(start) else "utf-8-sig"
        with io.TextIOWrapper(stream, encoding=encoding, errors="latin-1") as text:
            yield text


@contextmanager
def open_bytes(path: Path | str, raw: BinaryIO | None = None) -> Iterator["_Utf8"]:
    """Open a file of text for reading as bytes of UTF-8 without a byte order mark; lines come with \\n at their end.

    raw: the open file, for who follows how much of it has been read. Raises `InputError` for what is no text.
    """
    with open_compressed(path, raw) as stream:
        start = _judge(path, stream)
        stream.seek(len(codecs.BOM_UTF8) if start.startswith(codecs.BOM_UTF8) else 0)
        yield _Utf8(stream, "utf-16" if _is_utf16(start) else "utf-8")


@contextmanager
def open_compressed(
    path: Path | str, raw: BinaryIO | None = None, name: Path | str | None = None
) -> Iterator[IO[bytes]]:
    """Open any file for reading, decompressed where it is compressed; what is read of a damaged file raises `InputError`.

    raw: the open file. name: of the file in messages, `path` where it is None.
    """
    name = path if name is None else name
    with _open(path, name) if raw is None else nullcontext(raw) as file:
        kind, opener = _compression(file)
        try:
            if kind == "gzip":
                _check_bgzip_end(file)
            with opener(file) if opener else nullcontext(file) as stream:
                yield stream
        except DAMAGED as error:
            # gzip takes what follows a whole member for another one
            if str(error).startswith("Not a gzipped file"):
                raise InputError(
                    f"{name} has other bytes behind its gzip data; fetch it again, or cut them off"
                ) from None
            raise InputError(f"{name} is a truncated or damaged {kind} file; fetch it again") from None
        except OSError as error:
            if kind != "bzip2" or error.errno is not None:  # not one of decompression
                raise
            raise InputError(f"{name} is a truncated or damaged {kind} file; fetch it again") from None


def is_compressed(path: Path | str) -> bool:
    """Return True for gzip, bgzip, bzip2 and xz."""
    with open(path, "rb") as file:
        return _compression(file)[1] is not None


def check_whole(path: Path | str, name: Path | str) -> None:
    """Raise `InputError` where a compressed file does not decompress to its end; other files pass. name: for the message."""
    if is_compressed(path):
        with open_compressed(path, name=name) as stream:
            while stream.read(BLOCK):
                pass


def _open(path: Path | str, name: Path | str) -> BinaryIO:
    try:
        return open(path, "rb")
    except FileNotFoundError:
        raise InputError(f"{name} does not exist; correct the path") from None
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror or error}") from None


def _compression(file: BinaryIO) -> tuple[str, Callable[..., Any] | None]:
    """Name of the compression of a file, by its first bytes, and what opens it; None where it is not compressed."""
    start = file.read(16)
    file.seek(0)
    return next(((name, opener) for name, magic, opener in COMPRESSED if magic.match(start)), ("", None))


def _check_bgzip_end(file: BinaryIO) -> None:
    """Raise `EOFError` for a bgzip file cut between two blocks: it decompresses without an error, but its end mark is missing."""
    start = file.read(16)
    if start[12:16] == BGZIP_END[12:16] and start[3] & 4:
        file.seek(-min(len(BGZIP_END), file.seek(0, os.SEEK_END)), os.SEEK_END)
        if file.read() != BGZIP_END:
            raise EOFError
    file.seek(0)


def _judge(path: Path | str, stream: IO[bytes]) -> bytes:
    """Return the first bytes of a stream, which is left at its start; raise `InputError` where they are no text."""
    start = stream.read(START)
    stream.seek(0)
    for magic, reason in OTHERS.items():
        if start.startswith(magic):
            raise InputError(f"{path} {reason}")
    if start.removeprefix(codecs.BOM_UTF8).lstrip()[:14].lower().startswith((b"<!doctype html", b"<html")):
        raise InputError(
            f"{path} is a web page (HTML), as servers send in place of a missing file; fetch the file itself"
        )
    if b"\0" in start and not _is_utf16(start):
        raise InputError(f"{path} is a binary file and no text; give it as text, plain or compressed by gzip")
    return start


def _is_utf16(start: bytes) -> bool:
    utf32 = start.startswith(codecs.BOM_UTF32_LE)  # whose mark begins with that of UTF-16
    return start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and not utf32


class _Utf8:
    """The bytes of a stream of text, in UTF-8 and with \\n at the ends of lines."""

    def __init__(self, stream: IO[bytes], encoding: str):
        codecs.register_error("latin-1", _as_latin1)
        self._stream, self._encoding = stream, encoding
        self._decoder = codecs.getincrementaldecoder(encoding)("latin-1")
        self._rest, self._ended, self._after_cr = b"", False, False

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, or all that follow; none at the end of the file."""
        if size < 0:
            return b"".join(iter(partial(self.read, BLOCK), b""))
        data = self._rest or self._convert(partial(self._stream.read, size))
        self._rest = data[size:]
        return data[:size]

    def readline(self) -> bytes:
        """Return the bytes up to the end of the line, which is one of them."""
        line = b""
        while not line.endswith(b"\n") and (data := self._rest or self._convert(self._stream.readline)):
            here, end, self._rest = data.partition(b"\n")
            line += here + end
        return line

    def _convert(self, take: Callable[[], bytes]) -> bytes:
        """Return what the next bytes that are taken stand for; nothing at the end of the file."""
        found = b""
        while not found and not self._ended:
            data = take()
            self._ended = not data
            # ASCII is UTF-8 already, unless a character has begun in the bytes before
            plain = self._encoding == "utf-8" and data.isascii() and not self._decoder.getstate()[0]
            data = data if plain else self._decoder.decode(data, self._ended).encode()
            found = data.removeprefix(b"\n") if self._after_cr else data
            self._after_cr = data.endswith(b"\r") if data else self._after_cr
            if b"\r" in data:
                found = found.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return found


def _as_latin1(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end
