"""Attributes of annotated features: column 9 of GTF and of GFF3, told apart row by row.

GTF writes `key "value";`, and some programs `key value;`. GFF3 writes `key=value;`, with percent-encoding in the values and commas
between several values of a key.
"""

from collections.abc import Iterable
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc

GFF3 = r'^\s*[^\s;="]+='
# a semicolon inside quotes ends no attribute of GTF
GTF_VALUE = r'^(?:[^";]*(?:"[^"]*"[^";]*)*;)*?\s*{key}\s+(?:"(?P<quoted>[^"]*)"|(?P<bare>[^";\s][^;]*))'
GFF3_VALUE = r"(?:^|;)\s*{key}=(?P<value>[^;]*)"
NAME_ALONE = r"^\s*(?P<name>[^\s;=\"]+)\s*;?\s*$"


def is_gff3(texts: pa.Array) -> pa.Array:
    """Return True for each text that is written as in GFF3."""
    return pc.match_substring_regex(texts, GFF3)


def of_gtf(texts: pa.Array, *keys: str) -> pa.Array:
    """Return the value of the first of `keys` that has one; "" where none has, as in each text of GFF3."""
    return _first(pc.binary_join_element_wise(*_match(texts, GTF_VALUE, key).flatten(), "") for key in keys)


def of_gff3(texts: pa.Array, *keys: str) -> pa.Array:
    """Return the value of the first of `keys` that has one, decoded; "" where none has."""
    return decode(encoded(texts, *keys))


def encoded(texts: pa.Array, *keys: str) -> pa.Array:
    """Return what `of_gff3` does, before percent-encoding is decoded, as a list of values must be split."""
    return _first(pc.utf8_trim(_match(texts, GFF3_VALUE, key).field("value"), characters=' "') for key in keys)


def decode(values: pa.Array) -> pa.Array:
    """Return percent-encoded values in plain text."""
    if not pc.any(pc.match_substring(values, "%")).as_py():
        return values
    return pa.array([unquote(value) for value in values.to_pylist()], pa.string())


def name_alone(texts: pa.Array) -> pa.Array:
    """Return each text that is one name without a key, as rows `gene` and `transcript` of AUGUSTUS and BRAKER have; "" elsewhere."""
    name = _first([pc.extract_regex(texts, NAME_ALONE).field("name")])
    return pc.if_else(pc.equal(name, "."), "", name)


def _match(texts: pa.Array, pattern: str, key: str) -> pa.Array:
    return pc.extract_regex(texts, pattern.replace("{key}", key))


def _first(found: Iterable[pa.Array]) -> pa.Array:
    """Return, by row, the first text that is neither missing nor empty; "" without one."""
    first = None
    for values in found:
        values = pc.utf8_trim_whitespace(pc.fill_null(values, ""))
        first = values if first is None else pc.if_else(pc.equal(first, ""), values, first)
    return first
