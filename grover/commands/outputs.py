"""Write a table chunk by chunk, to a file that appears when it is complete, or to standard output.

Beside the file the chunks are kept, each a file of its own, in a folder `.partial-NAME.parts`. They are joined at the end, so that an
interrupted command goes on with `--resume`, and the file is the same as without the interruption.
"""

import csv
import fcntl
import gzip
import io
import json
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from grover.commands.options import STANDARD, Result
from grover.commands.skipped import OK, Skipped
from grover.runtime.errors import InputError
from grover.runtime.failures import PARTIAL
from grover.runtime.files import atomic, write_json
from grover.runtime.json_files import read_json
from grover.runtime.version import version

PARQUET, TSV, GZIP = ".parquet", ".tsv", ".tsv.gz"
PROGRESS, IDENTITY, LOCK = "progress.json", "identity.json", "lock"
KEY = b"grover"

Item = TypeVar("Item")
Table = Mapping[str, Any]
Join = Callable[[list[Path], Path], None]  # writes a file of another format from the chunks, which are Parquet


class TableWriter:
    """Write chunks of rows: columns by name, of which those with two dimensions, float [rows, width], are vectors.

    Use as a context manager, and iterate over the chunks of the input by `missing`, which leaves out those that were written before:

        with TableWriter(asked, identity) as writer:
            for chunk in writer.missing(inputs.chunks):
                writer.write(rows, vectors)
    """

    def __init__(self, asked: Result, identity: Mapping[str, Any], joins: Mapping[str, Join] | None = None):
        """identity: what the table depends on, plain values; `--resume` goes on only where it is the same. A Parquet file has the part
        `about` of it in its metadata. joins: further formats by suffix.
        """
        self.joins = joins or {}
        self.output, self.skipped = asked.output, Skipped()
        self.path = None if asked.output == STANDARD else Path(asked.output)
        self.identity = {"grover": version(), **json.loads(json.dumps(identity, default=str))}
        self.asked, self._number, self._written = asked, 0, 0
        check_result(asked, self.joins)
        self.format = TSV if self.path is None else _format(self.path, self.joins)
        if self.path is not None:
            self.parts = _parts(self.path)

    def __enter__(self) -> "TableWriter":
        if self.path is None:
            return self
        self.parts.mkdir(parents=True, exist_ok=True)
        self._lock = open(self.parts / LOCK, "w")  # noqa: SIM115 (closed in __exit__)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"{self.path}: another command is writing this file; wait for it, or give another name"
            ) from None
        if self.asked.resume and (self.parts / PROGRESS).is_file():
            self._take_up()
        else:
            for path in self.parts.iterdir():
                if path.name != LOCK:
                    path.unlink()
            write_json(self.parts / IDENTITY, self.identity)
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: Any) -> None:
        if self.path is None:
            if kind is None:
                sys.stdout.buffer.flush()
            return
        try:
            if kind is None:
                self._join()
                shutil.rmtree(self.parts, ignore_errors=True)
            elif not self._written:
                shutil.rmtree(self.parts, ignore_errors=True)
            elif issubclass(kind, KeyboardInterrupt):
                print(f"{_rows_in(self.parts):,} rows are kept; go on with --resume", file=sys.stderr)
        finally:
            self._lock.close()

    def missing(self, chunks: Iterable[Item]) -> Iterator[Item]:
        """Yield the chunks that were not written by an interrupted command."""
        for number, chunk in enumerate(chunks):
            if number >= self._written:
                self._number = number
                yield chunk

    def write(self, rows: pd.DataFrame, values: Table, inputs: pd.DataFrame | None = None) -> None:
        """Write a chunk: its `rows`, with chrom, start, end and status, and further columns, NaN where the status is not ok.

        inputs: chrom, start, end and status of the inputs, where the rows are others.
        """
        self.skipped.add(rows if inputs is None else inputs)
        columns = {**{str(name): rows[name].to_numpy() for name in rows}, **values}
        if self.path is None:
            sys.stdout.buffer.write(_as_text(columns, self._written == 0))
            sys.stdout.buffer.flush()
        else:
            with atomic(self._part(self._written)) as temporary:
                if self._kept == PARQUET:
                    known = (rows["status"] == OK).to_numpy() if "status" in rows else np.ones(len(rows), bool)
                    pq.write_table(_as_arrow(columns, known, self.identity), temporary)
                else:
                    text = _as_text(columns, self._written == 0)
                    temporary.write_bytes(text if self.format == TSV else gzip.compress(text, 6, mtime=0))
        self._written += 1
        if self.path is not None:
            write_json(self.parts / PROGRESS, {"parts": self._written, "skipped": asdict(self.skipped)})

    def _take_up(self) -> None:
        before = read_json(self.parts / IDENTITY, "begin anew with --force")
        if before != self.identity:
            other = sorted(name for name in {*before, *self.identity} if before.get(name) != self.identity.get(name))
            raise InputError(
                f"{self.path}: the interrupted command had another {' and '.join(other)}; repeat it as it was, or begin anew with --force"
            )
        progress = read_json(self.parts / PROGRESS, "begin anew with --force")
        self._written, self.skipped = progress["parts"], Skipped(**progress["skipped"])

    @property
    def _kept(self) -> str:
        """The format of the chunks."""
        return PARQUET if self.format in self.joins else self.format

    def _part(self, number: int) -> Path:
        return self.parts / f"{number:08}{self._kept}"

    def _join(self) -> None:
        assert self.path is not None
        parts = [self._part(number) for number in range(self._written)]
        if self.format in self.joins:
            self.joins[self.format](parts, self.path)
            return
        with atomic(self.path) as temporary:
            if self.format == PARQUET:
                schema = pq.read_schema(parts[0])
                with pq.ParquetWriter(temporary, schema) as stream:
                    for part in parts:
                        stream.write_table(pq.read_table(part), row_group_size=1 << 30)
            else:
                with open(temporary, "wb") as stream:
                    for part in parts:
                        with open(part, "rb") as source:
                            shutil.copyfileobj(source, stream)


def check_result(asked: Result, further: Iterable[str] = ()) -> None:
    """Raise InputError where the options do not fit what is there: an existing file, rows that an interrupted command left.

    further: suffixes of formats beside those of tables.
    """
    if asked.output == STANDARD:
        if asked.resume:
            raise InputError("--resume needs a file; standard output cannot be continued")
        return
    path = Path(asked.output)
    suffix = _format(path, further)
    if path.is_dir() and suffix:
        raise InputError(f"{path} is a folder; give the name of a file")
    if path.exists() and not asked.force:
        raise InputError(f"{path} exists; add --force to replace it, or give another name")
    if _parts(path).exists() and not (asked.resume or asked.force):
        raise InputError(
            f"{path}: an interrupted command left {_rows_in(_parts(path)):,} rows; go on with --resume, or begin anew with --force"
        )


def _parts(path: Path) -> Path:
    return path.with_name(f"{PARTIAL}{path.name}.parts")


def _format(path: Path, further: Iterable[str]) -> str:
    known = [*further, PARQUET, TSV, GZIP]
    for suffix in sorted(known, key=len, reverse=True):
        if path.name.endswith(suffix):
            return suffix
    raise InputError(f"{path}: the suffix decides the format; expected {', '.join(known[:-1])} or {known[-1]}")


def _rows_in(parts: Path) -> int:
    with suppress(InputError, KeyError, TypeError, OSError):
        return int(read_json(parts / PROGRESS, "")["skipped"]["inputs"])
    return 0


def _as_arrow(columns: Mapping[str, np.ndarray], known: np.ndarray, identity: Mapping[str, Any]) -> pa.Table:
    arrays = {}
    for name, values in columns.items():
        values = np.asarray(values)
        if values.ndim == 2:
            flat = pa.array(np.ascontiguousarray(values).ravel())
            arrays[name] = pa.FixedSizeListArray.from_arrays(flat, values.shape[1], mask=pa.array(~known))
        elif values.dtype.kind == "f":
            arrays[name] = pa.array(values, from_pandas=True)
        else:
            arrays[name] = pa.array(values.tolist() if values.dtype.kind in "OU" else values)
    table = pa.table(arrays)
    return table.replace_schema_metadata(
        {KEY: json.dumps({"grover": identity["grover"], **identity.get("about", {})}).encode()}
    )


def _as_text(columns: Mapping[str, np.ndarray], header: bool) -> bytes:
    """The rows as TSV; a vector becomes one column per number, NAME_0, NAME_1, and so on."""
    frames = []
    for name, values in columns.items():
        values = np.asarray(values)
        names = [name] if values.ndim == 1 else [f"{name}_{number}" for number in range(values.shape[1])]
        frames.append(pd.DataFrame(values.reshape(len(values), -1), columns=names))
    stream = io.StringIO()
    pd.concat(frames, axis=1).to_csv(stream, sep="\t", index=False, header=header, quoting=csv.QUOTE_NONE)
    return stream.getvalue().encode()
