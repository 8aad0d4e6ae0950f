"""Sidecars: what they hold, and those that are damaged or come from another program."""

import hashlib
import json
import time

import pytest

from grover.runtime import provenance


@pytest.fixture
def made(tmp_path):
    """An output with its sidecar."""
    path = tmp_path / "out.npy"
    path.write_bytes(b"content")
    provenance.record([path], [], {"seed": 1}, time.time())
    return path


def test_a_known_checksum_is_read_from_the_sidecar_while_size_and_time_agree(made):
    true = hashlib.sha256(b"content").hexdigest()
    assert provenance.read(made)["outputs"][str(made)]["sha256"] == true == provenance.known_checksum(made)
    sidecar = made.with_name("out.npy.provenance.json")
    sidecar.write_text(sidecar.read_text().replace(true, "0" * 64))
    assert provenance.known_checksum(made) == "0" * 64  # from there
    made.write_bytes(b"another content")
    assert provenance.known_checksum(made) == hashlib.sha256(b"another content").hexdigest()


@pytest.mark.parametrize(
    "text",
    ["", '{"command": [', "[]", "null", "{}", json.dumps({"outputs": [], "code": 1}), json.dumps({"git": "abc"})],
)
def test_a_damaged_or_foreign_sidecar_counts_as_absent(made, text, tmp_path):
    (tmp_path / "aaa.provenance.json").write_text(text)
    assert provenance.known_checksum(made) == hashlib.sha256(b"content").hexdigest()
    made.with_name("out.npy.provenance.json").write_text(text)
    assert provenance.read(made) is None
    assert provenance.known_checksum(made) == hashlib.sha256(b"content").hexdigest()


def test_an_absent_sidecar_is_none(tmp_path):
    assert provenance.read(tmp_path / "x") is None
