"""Tables of variants that are read and written a block at a time. No block ends within a VCF record."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from grover.runtime.files import atomic

COLUMNS = ["chrom", "pos", "ref", "alt", "record", "id", "original_pos", "original_ref", "original_alt", "status"]
COLUMNS += ["llr", "llr_plus", "llr_minus", "strand_gap", "llr_joint", "llr_centred", "llr_length_adjusted"]
COLUMNS += [
    "tokens_ref",
    "tokens_alt",
    "tokens_ref_minus",
    "tokens_alt_minus",
    "cosine",
    "l2",
    "delta_logit",
    "effect",
    "label",
]
ROWS = 20_000  # of a block, unless one record has more alleles


def cut(records: np.ndarray, parts: int) -> np.ndarray:
    """Return the bounds of about equal parts of rows, int64 [parts + 1], none of which ends within a record.

    records: number of the record of each row, ascending.
    """
    begins = np.append(np.flatnonzero(np.diff(records, prepend=-1)), len(records))
    asked = np.arange(parts + 1) * len(records) // parts
    bounds: np.ndarray = begins[np.searchsorted(begins, asked)]
    return bounds


def read_shard(path: Path, shard: int, shards: int) -> Iterator[pd.DataFrame]:
    """Yield the rows of one of so many shards, a block of whole records at a time; at least one block, which may be empty."""
    records = pq.read_table(path, columns=["record"])["record"].to_numpy()
    first, last = cut(records, shards)[shard : shard + 2]
    bounds = cut(records[first:last], max(1, -(-(last - first) // ROWS)))
    rows = _Rows(path, int(first), int(last))
    for size in np.diff(bounds):
        yield rows.take(int(size))


class _Rows:
    """Rows of a file from one to another, read on as they are taken."""

    def __init__(self, path: Path, first: int, last: int):
        self._file = pq.ParquetFile(path)
        self._batches = self._read(first, last)
        self._rest = self._file.schema_arrow.empty_table().to_pandas()

    def take(self, number: int) -> pd.DataFrame:
        parts = [self._rest]
        while sum(map(len, parts)) < number:
            parts.append(next(self._batches))
        table = pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)
        self._rest = table.iloc[number:]
        return table.iloc[:number].reset_index(drop=True)

    def _read(self, first: int, last: int) -> Iterator[pd.DataFrame]:
        begin = 0
        for group in range(self._file.num_row_groups):
            end = begin + self._file.metadata.row_group(group).num_rows
            if begin < last and end > first:
                table = self._file.read_row_group(group).slice(max(0, first - begin), last - max(begin, first))
                yield table.to_pandas()
            begin = end


def read_blocks(paths: Iterable[Path]) -> Iterator[pd.DataFrame]:
    """Yield the blocks of several tables as `write_blocks` wrote them."""
    for path in paths:
        file = pq.ParquetFile(path)
        for group in range(file.num_row_groups):
            yield file.read_row_group(group).to_pandas()


def write_blocks(path: Path, blocks: Iterable[pd.DataFrame]) -> None:
    """Write blocks as one Parquet table atomically, each as a group of rows; all have the columns of the first."""
    with atomic(path) as temporary:
        writer = None
        try:
            for block in blocks:
                table = pa.Table.from_pandas(block, writer.schema if writer else None, preserve_index=False)
                table = table.replace_schema_metadata()
                writer = writer or pq.ParquetWriter(temporary, table.schema)
                writer.write_table(table, row_group_size=max(1, len(block)))
        finally:
            if writer:
                writer.close()


def write_text_blocks(path: Path, blocks: Iterable[pd.DataFrame]) -> None:
    """Write blocks as one TSV with a header, atomically."""
    with atomic(path) as temporary:
        for number, block in enumerate(blocks):
            block.to_csv(temporary, sep="\t", index=False, mode="a", header=number == 0, float_format="%.6g")
