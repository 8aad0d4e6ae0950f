"""Attributes of annotated features: column 9 of GTF and of GFF3, told apart row by row.

GTF writes `key "value";`, and some programs `key value;`. GFF3 writes `key=value;`, with percent-encoding in the values and commas
between several values of a key. Texts are arrays of strings; what is returned has a value for each, "" where there is none.
"""

from collections.abc import Callable, Iterable
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc

GFF3 = r'^\s*[^\s;="]+='
GFF3_VALUE = r"(?:^|;)\s*{key}=(?P<value>[^;]*)"
GTF_VALUE = r'\s*{key}\s+(?:"(?P<quoted>[^"]*)"|(?P<bare>[^";\s][^;]*))'
PLAIN = r'^(?:[^";]*(?:"[^";]*"[^";]*)*(?:;|$))*$'  # no semicolon is inside quotes, where it ends no attribute
BEFORE = r'^(?:[^";]*(?:"[^"]*"[^";]*)*;)*?'
NAME_ALONE = r"^\s*(?P<name>[^\s;=\"]+)\s*;?\s*$"


def is_gff3(texts: pa.Array) -> pa.Array:
    """Return True for each text that is written as in GFF3."""
    return pc.match_substring_regex(texts, GFF3)


def of_gtf(texts: pa.Array, *keys: str) -> pa.Array:
    """Return the value of the first of `keys` that has one; none of a text of GFF3."""
    return _first(texts, keys, _of_gtf)


def of_gff3(texts: pa.Array, *keys: str) -> pa.Array:
    """Return the value of the first of `keys` that has one, decoded."""
    return decode(encoded(texts, *keys))


def encoded(texts: pa.Array, *keys: str) -> pa.Array:
    """Return what `of_gff3` does, before percent-encoding is decoded, as a list of values must be split."""
    return _first(texts, keys, _of_gff3)


def decode(values: pa.Array) -> pa.Array:
    """Return percent-encoded values in plain text."""
    if not pc.any(pc.match_substring(values, "%")).as_py():
        return values
    return pa.array([unquote(value) for value in values.to_pylist()], pa.string())


def name_alone(texts: pa.Array) -> pa.Array:
    """Return each text that is one name without a key, as rows `gene` and `transcript` of AUGUSTUS and BRAKER have."""
    name = pc.fill_null(pc.extract_regex(texts, NAME_ALONE).field("name"), "")
    return pc.if_else(pc.equal(name, "."), "", name)


def _first(texts: pa.Array, keys: Iterable[str], read: Callable[[pa.Array, str], pa.Array]) -> pa.Array:
    """Return the first value of any of `keys`; a key is looked for in those texts alone that contain it and have none yet."""
    found = pa.array([""] * len(texts), pa.string())
    for key in keys:
        asked = pc.and_(pc.equal(found, ""), pc.match_substring(texts, key))
        if pc.any(asked).as_py():
            values = read(texts.filter(asked), key)
            found = pc.replace_with_mask(found, asked, pc.utf8_trim_whitespace(pc.fill_null(values, "")))
    return found


def _of_gtf(texts: pa.Array, key: str) -> pa.Array:
    plain = pc.all(pc.match_substring_regex(texts, PLAIN)).as_py()
    value = ("(?:^|;)" if plain else BEFORE) + GTF_VALUE.replace("{key}", key)
    quoted, bare = pc.extract_regex(texts, value).flatten()
    return pc.binary_join_element_wise(quoted, bare, "")


def _of_gff3(texts: pa.Array, key: str) -> pa.Array:
    found = pc.extract_regex(texts, GFF3_VALUE.replace("{key}", key))
    return pc.utf8_trim(found.field("value"), characters=' "')
