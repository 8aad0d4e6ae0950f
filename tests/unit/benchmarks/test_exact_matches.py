"""Places of sequences in a genome, beside a search with Python's str.find on both strands."""

import numpy as np
import pytest

import grover.benchmarks.exact_matches
from grover.benchmarks.exact_matches import locate
from grover.genome.bases import decode, encode, reverse_complement


def opposite(sequence: str) -> str:
    return decode(reverse_complement(encode(sequence)))


def brute_force(sequences: list[str], codes: np.ndarray, bounds: list[int]) -> list[tuple[int, int, str]]:
    found = []
    for row, sequence in enumerate(sequences):
        strands = {"+": sequence, "-": opposite(sequence)}
        if strands["+"] == strands["-"]:
            del strands["-"]
        for strand, text in strands.items():
            for first, last in zip(bounds[:-1], bounds[1:], strict=True):
                segment, at = decode(codes[first:last]), -1
                while text and (at := segment.find(text, at + 1)) >= 0:
                    found.append((row, first + at, strand))
    return sorted(found)


def as_rows(found) -> list[tuple[int, int, str]]:
    return list(zip(*(part.tolist() for part in found), strict=True))


@pytest.mark.parametrize("shortest, longest", [(4, 8), (20, 60), (31, 31), (40, 200)])
def test_places_are_those_of_a_plain_search(shortest, longest):
    rng = np.random.default_rng(shortest)
    codes = rng.integers(4, size=3000).astype(np.uint8)
    codes[1000:1400] = codes[2000:2400]  # a repeat
    codes[1500:1700] = reverse_complement(codes[2000:2200])
    codes[2500:2600] = 0  # a run, in which places overlap
    bounds = [0, 700, 1300, 2550, 3000]
    starts = rng.integers(0, 3000 - longest, 60)
    lengths = rng.integers(shortest, longest + 1, 60)
    sequences = [decode(codes[start : start + length]) for start, length in zip(starts, lengths, strict=True)]
    sequences = [opposite(text) if i % 3 == 0 else text for i, text in enumerate(sequences)]
    sequences += ["A" * longest, decode(rng.integers(4, size=longest))]
    found = locate(sequences, codes, np.array(bounds))
    assert as_rows(found) == brute_force(sequences, codes, bounds)
    assert len(found[0]) > 40


def test_one_wrong_base_is_no_place_and_neither_is_one_across_a_border():
    codes = np.random.default_rng(2).integers(4, size=400).astype(np.uint8)
    text = decode(codes[100:200])
    wrong = text[:-1] + ("A" if text[-1] != "A" else "C")
    assert as_rows(locate([text, wrong], codes, np.array([0, 400]))) == [(0, 100, "+")]
    assert not len(locate([text], codes, np.array([0, 150, 400]))[0])


def test_its_own_reverse_complement_stands_once():
    codes = encode("GGGGGACGTTTAAACGTGGGG")
    assert as_rows(locate(["ACGTTTAAACGT"], codes, np.array([0, codes.size]))) == [(0, 5, "+")]


def test_sequences_with_n_and_empty_ones_stand_nowhere():
    codes = encode("ACGTTGCATTGACCA")
    bounds = np.array([0, codes.size])
    assert as_rows(locate(["ACGN", "", "TTGACC"], codes, bounds)) == [(2, 8, "+")]
    for nothing in ([], [""], ["NNNN"]):
        assert [len(part) for part in locate(nothing, codes, bounds)] == [0, 0, 0]


def test_long_segments_are_read_in_stretches_and_lose_no_place(monkeypatch, tmp_path):
    monkeypatch.setattr(grover.benchmarks.exact_matches, "STRETCH", 64)
    codes = np.random.default_rng(3).integers(4, size=1000).astype(np.uint8)
    np.save(tmp_path / "codes.npy", codes)
    sequences = [decode(codes[start : start + 100]) for start in range(0, 900, 7)]
    found = locate(sequences, np.load(tmp_path / "codes.npy", mmap_mode="r"), np.array([0, 1000]))
    assert as_rows(found) == [(i, 7 * i, "+") for i in range(len(sequences))]
