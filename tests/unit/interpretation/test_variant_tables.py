import numpy as np
import pandas as pd
import pytest

from grover.interpretation import variant_tables
from grover.interpretation.variant_tables import cut, read_blocks, read_shard, write_blocks, write_text_blocks


@pytest.mark.parametrize("shards", [1, 3, 7, 60])
def test_shards_are_all_rows_in_their_order_and_no_block_ends_within_a_record(tmp_path, monkeypatch, shards):
    monkeypatch.setattr(variant_tables, "ROWS", 4)
    rng = np.random.default_rng(shards)
    record = np.sort(rng.integers(0, 25, 40))
    table = pd.DataFrame({"record": record, "value": rng.normal(size=40), "name": [f"n{i}" for i in range(40)]})
    path = tmp_path / "t.parquet"
    write_blocks(path, [table.iloc[:11], table.iloc[11:12], table.iloc[12:]])
    read = [list(read_shard(path, shard, shards)) for shard in range(shards)]
    blocks = [block for shard in read for block in shard]
    assert all(shard for shard in read)
    pd.testing.assert_frame_equal(pd.concat(blocks, ignore_index=True), table)
    filled = [set(block["record"]) for block in blocks if len(block)]
    assert sum(map(len, filled)) == len(set().union(*filled))
    assert max(len(block) for block in blocks) <= 4 + np.bincount(record).max()
    assert cut(record, shards).tolist()[0::shards] == [0, 40]


def test_blocks_are_read_as_they_were_written(tmp_path):
    blocks = [pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}), pd.DataFrame({"a": [3], "b": ["z"]})]
    write_blocks(tmp_path / "t.parquet", blocks)
    found = list(read_blocks([tmp_path / "t.parquet"] * 2))
    assert [block["a"].tolist() for block in found] == [[1, 2], [3], [1, 2], [3]]
    write_text_blocks(tmp_path / "t.tsv", found)
    assert (tmp_path / "t.tsv").read_text() == "a\tb\n" + "1\tx\n2\ty\n3\tz\n" * 2
