"""Write files so that a killed job leaves nothing that looks finished; and find and read those that options name.

Of `grover.runtime` this module and `grover.runtime.text` count in the digest of a command (`grover.runtime.digest`).
"""

import errno
import hashlib
import json
import mmap
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grover.runtime.errors import InputError
from grover.runtime.failures import PARTIAL, WHILE_WRITING


@contextmanager
def atomic(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` when the block ends without an error.

    The temporary name keeps the suffix of `path`, since several writers choose the format by it. An error gets a note that names the
    file.
    """
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=PARTIAL, suffix=f"-{path.name}")
        os.close(handle)
        temporary = Path(name)
        yield temporary
        os.chmod(temporary, 0o666 & ~_umask())
        give_name(temporary, path)
    except Exception as error:
        error.add_note(f"{WHILE_WRITING}{path}")
        raise
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def give_name(temporary: Path, path: Path) -> None:
    """Rename a whole file to `path` in its folder.

    The content is on the disk before it has its name, so that a node that loses its power leaves no empty file.
    """
    _flush(temporary)
    os.replace(temporary, path)
    _flush(path.parent)


def write_text(path: Path | str, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path | str, data: Any) -> None:
    """Write JSON atomically, NumPy scalars included; what is no finite number becomes null, since JSON has no NaN."""
    finite = json.loads(json.dumps(data, default=_plain), parse_constant=lambda name: None)
    write_text(path, json.dumps(finite, indent=2) + "\n")


def write_array(path: Path | str, array: np.ndarray) -> None:
    """Write an `.npy` file atomically."""
    with atomic(path) as temporary, open(temporary, "wb") as stream:
        np.save(stream, array)


class ArrayWriter:
    """Append to a one-dimensional `.npy` file whose length is known only at the end; kind: of its numbers, as NumPy writes it."""

    def __init__(self, path: Path, kind: str = "|u1"):
        self.path, self.kind, self.length = path, kind, 0

    def __enter__(self) -> "ArrayWriter":
        self.stream = open(self.path, "wb")  # noqa: SIM115 (closed in __exit__)
        self._header()
        return self

    def __exit__(self, *exception: Any) -> None:
        # NumPy leaves room in the header for a longer first axis, so that it can be written over
        self.stream.seek(0)
        self._header()
        self.stream.close()

    def append(self, values: np.ndarray) -> None:
        """Write values of this kind."""
        self.stream.write(values.data)
        self.length += len(values)

    def _header(self) -> None:
        header = {"descr": self.kind, "fortran_order": False, "shape": (self.length,)}
        np.lib.format.write_array_header_1_0(self.stream, header)


def write_table(path: Path | str, table: pd.DataFrame) -> None:
    """Write a pandas table atomically, as Parquet or as TSV with a header, by the suffix of `path`."""
    with atomic(path) as temporary:
        if Path(path).suffix == ".parquet":
            table.to_parquet(temporary, index=False)
        else:
            table.to_csv(temporary, sep="\t", index=False)


def release(array: np.ndarray) -> None:
    """Let go of the pages of a read-only memory-mapped array that were read; they are read again from its file where needed."""
    mapped = getattr(array, "_mmap", None)
    if mapped is not None:
        mapped.madvise(mmap.MADV_DONTNEED)


def checksum(path: Path | str, algorithm: str = "sha256") -> str:
    """Hexadecimal digest of a file, read in blocks."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()


def folder(path: Path) -> Path:
    """Return the folder of a model or vocabulary, named by itself or by a file in it."""
    return path if path.is_dir() else path.parent


def source_files(options: list[str] | None, name: str = "--source") -> dict[str, Path]:
    """Return files by key from the options `--source KEY=FILE`, or those of another name."""
    files = {key: Path(value) for key, value in key_values(options, name)}
    for path in files.values():
        if not path.is_file():
            raise InputError(f"{name}: {path} does not exist")
    return files


def key_values(options: list[str] | None, name: str) -> list[tuple[str, str]]:
    """Return KEY=VALUE options as pairs; `name` is the option that a mistake is blamed on."""
    split = [option.partition("=") for option in options or []]
    for key, sign, value in split:
        if not (key and sign and value):
            raise InputError(f"{name} {key}{sign}{value}: expected KEY=VALUE")
    return [(key, value) for key, _, value in split]


def _flush(path: Path) -> None:
    """Bring a file or the names in a folder to the disk; file systems that cannot flush a folder are left alone."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"cannot write {type(value).__name__} as JSON")
