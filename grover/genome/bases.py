"""Codes of bases: A 0, C 1, G 2, T 3, and 4 for anything else; texts to codes and back, and the opposite strand."""

import numpy as np

A, C, G, T, N = range(5)

# Besides the four bases an assembly may contain N, X (hard mask) and the ambiguity codes of IUPAC. Any other character,
# such as U, shows that the file is no DNA.
AMBIGUOUS = b"NXRYSWKMBDHV"
LOWER, INVALID = 16, 255


def _table(lower: int, invalid: int) -> bytes:
    """Return 256 codes for `bytes.translate`; lower-case bases carry the bit `lower`."""
    table = bytearray([invalid]) * 256
    for base in AMBIGUOUS + AMBIGUOUS.lower():
        table[base] = N
    for code, base in enumerate(b"ACGT"):
        table[base] = code
        table[base + 32] = code | lower
    return bytes(table)


ENCODE = _table(lower=0, invalid=N)
ENCODE_CASE = _table(lower=LOWER, invalid=INVALID)
DECODE = b"ACGTN" + b"N" * 251
COMPLEMENT = np.array([T, G, C, A, N], dtype=np.uint8)


def encode(sequence: str | bytes) -> np.ndarray:
    """Return the codes (uint8) of a sequence; the case is folded, whatever is no base becomes 4."""
    sequence = sequence.encode("latin-1", "replace") if isinstance(sequence, str) else sequence
    return np.frombuffer(bytearray(sequence.translate(ENCODE)), dtype=np.uint8)


def decode(codes: np.ndarray) -> str:
    """Return the upper-case text of codes; 4 becomes N."""
    return np.asarray(codes, dtype=np.uint8).tobytes().translate(DECODE).decode("ascii")


def reverse_complement(codes: np.ndarray) -> np.ndarray:
    """Return the codes of the opposite strand; the last axis is reversed."""
    return COMPLEMENT[codes[..., ::-1]]
