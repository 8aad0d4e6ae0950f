"""Checksums that are kept, and the params that they become."""

import hashlib
import os

import pytest

from grover.runtime.errors import InputError
from grover.sources.contents import Contents, content_param, refuse_future


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_file_is_read_once_until_it_changes(tmp_path):
    path, kept = tmp_path / "a.bed", tmp_path / "folder/kept.json"
    path.write_text("one")
    assert Contents(kept).digest(path) == sha256("one")
    assert Contents(kept).digest(path, "md5") == hashlib.md5(b"one").hexdigest()
    # what is kept is what is returned, until the file has another date
    kept.write_text(kept.read_text().replace(sha256("one"), "as kept"))
    assert Contents(kept).digest(path) == "as kept"
    os.utime(path, (1, 1))
    assert Contents(kept).digest(path) == sha256("one")
    # size and time of a copy may be those of the file before
    path.write_text("two")
    os.utime(path, (1, 1))
    assert Contents(kept).digest(path) == sha256("two")


def test_a_damaged_cache_or_one_that_cannot_be_written_costs_a_reading_only(tmp_path):
    path = tmp_path / "a.bed"
    path.write_text("one")
    for damaged in ("", "[]", '{"x": 1}', "{"):
        (tmp_path / "kept.json").write_text(damaged)
        assert Contents(tmp_path / "kept.json").digest(path) == sha256("one")
    assert Contents(path / "kept.json").digest(path) == sha256("one")  # below a file nothing can be written


def test_a_file_dated_in_the_future_is_named_with_the_way_out(tmp_path):
    paths = [tmp_path / name for name in ("now.bed", "my 2100.bed", "2101.bed")]
    for path in paths:
        path.touch()
    refuse_future([*paths, tmp_path / "none"])
    os.utime(paths[1], (4_102_444_800, 4_102_444_800))
    with pytest.raises(
        InputError, match=r"my 2100.bed: dated in the future \((2100-01-01|2099-12-31) .*then `touch '.*my 2100.bed'`"
    ):
        refuse_future(paths)
    os.utime(paths[2], (4_133_980_800, 4_133_980_800))
    with pytest.raises(InputError, match="2101.bed and 1 more: dated in the future"):
        refuse_future(paths)
    # a link is looked at itself
    link = tmp_path / "link.bed"
    link.symlink_to(paths[2])
    refuse_future([link])


def test_a_param_names_the_local_inputs_of_a_rule_and_their_content(tmp_path):
    a, b = tmp_path / "a.bed", tmp_path / "b.bed"
    a.write_text("one")
    b.write_text("two")
    local = {"link/a.bed": str(a), str(b): str(b)}
    contents = Contents(tmp_path / "kept.json")
    inputs = [("first", "made/by/a/rule"), ("more", ["link/a.bed"]), (None, lambda wildcards: [wildcards, "other"])]
    text = content_param(inputs, local, contents)
    assert text("nothing") == f"a.bed {sha256('one')}"
    assert text(str(b)) == f"a.bed {sha256('one')}, b.bed {sha256('two')}"
    assert content_param(inputs[:1], local, contents) is None
