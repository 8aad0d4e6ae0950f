"""Motif discovery beside modisco-lite: the same windows of the same sequences, on the CPU.

600 sequences of 161 bases have one of three elements each, on either strand, whose bases contribute; the windows of 21 bases around them
are given to `motifs_of` and to modisco-lite's `seqlets_to_patterns`. Runs are interleaved after a warm-up, each side in one process;
memory is that of a process per side. `recovery` is, for each element, the best mean probability of its bases in any motif found.

It needs modisco-lite, which has an environment of its own:

  make peers
  .venv-peers/bin/python bench/motif_discovery.py --record motif-discovery
"""

import argparse
import json
import time

import numpy as np
import support

from grover.config.sections.interpretation import Motifs
from grover.genome.bases import encode
from grover.interpretation.contributions import Contributions
from grover.interpretation.motif_discovery import motifs_of
from grover.interpretation.seqlets import Seqlets

REPEATS = 3
SEQUENCES, BASES, WIDTH = 600, 161, 21
ELEMENTS = ("TTACGCAATCGGA", "GGTAAGTCTTAC", "CCGCGAGGGGGCAG")


def planted() -> tuple[Contributions, Seqlets]:
    """Sequences with one element each, and the windows around the elements."""
    rng, codes, values, starts = np.random.default_rng(2), [], [], []
    for number in range(SEQUENCES):
        element = encode(ELEMENTS[number % len(ELEMENTS)])
        if rng.random() < 0.5:
            element = 3 - element[::-1]
        sequence, value = rng.integers(0, 4, BASES, dtype=np.uint8), rng.normal(0, 0.05, BASES)
        start = int(rng.integers(40, BASES - 60))
        sequence[start : start + len(element)] = element
        value[start : start + len(element)] += rng.uniform(0.5, 1.5)
        codes.append(sequence)
        values.append(value)
        starts.append(start - int(rng.integers(2, 6)))
    places = np.arange(SEQUENCES), np.array(starts), np.zeros(SEQUENCES, bool), np.ones(SEQUENCES)
    return Contributions(np.arange(SEQUENCES), codes, values), Seqlets(*places, WIDTH)


def ours(contributions: Contributions, windows: Seqlets) -> list[np.ndarray]:
    """Probabilities of the bases in each motif, float [4, width]."""
    return [motif.probabilities for motif in motifs_of(contributions, windows, Motifs(motif_width=WIDTH))]


def peer(contributions: Contributions, windows: Seqlets) -> list[np.ndarray]:
    """The same by modisco-lite."""
    from modiscolite.core import Seqlet, TrackSet
    from modiscolite.tfmodisco import seqlets_to_patterns

    one_hot = np.eye(4)[np.stack(contributions.codes)]
    values = np.stack(contributions.values)[:, :, None] * one_hot
    tracks = TrackSet(one_hot=one_hot, contrib_scores=values, hypothetical_contribs=values)
    places = zip(windows.example.tolist(), windows.start.tolist(), strict=True)
    seqlets = tracks.create_seqlets([Seqlet(row, start, start + WIDTH, False) for row, start in places])
    return [pattern.sequence.T for pattern in seqlets_to_patterns(seqlets, tracks, track_signs=1)]


def recovery(motifs: list[np.ndarray]) -> list[float]:
    """For each element the best mean probability of its bases in any motif, at any offset and on both strands."""
    found = []
    for element in map(encode, ELEMENTS):
        best = 0.0
        for motif in motifs:
            for matrix in (motif, motif[::-1, ::-1]):
                wide = np.pad(matrix, ((0, 0), (len(element), len(element))), constant_values=0.25)
                for offset in range(wide.shape[1] - len(element) + 1):
                    best = max(best, float(wide[element, offset + np.arange(len(element))].mean()))
        found.append(round(best, 4))
    return found


SIDES = {"ours": ours, "peer": peer}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worker", choices=[*SIDES, "compare"], help=argparse.SUPPRESS)
    options = support.arguments(parser)
    given = planted()
    if options.worker == "compare":
        return print(json.dumps(compare(given)))
    if options.worker:
        return support.report(lambda: len(SIDES[options.worker](*given)), lambda: None)
    found = support.measure(__file__, "--worker", "compare")
    memory = {side: round(support.measure(__file__, "--worker", side)["peak_mb"]) for side in SIDES}
    speed = {side: round(SEQUENCES / found["seconds"][side], 1) for side in SIDES}
    result = speed | {"unit": "windows/s", "ratio": round(found["seconds"]["peer"] / found["seconds"]["ours"], 3)}
    result |= {"motifs": found["motifs"], "recovery": found["recovery"], "peak_mb": memory}
    support.finish(result, ["numpy", "modisco-lite", "numba"], options.record)


def compare(given: tuple[Contributions, Seqlets]) -> dict:
    """Median seconds of both sides, interleaved after a run of each, and what they found."""
    found = {side: run(*given) for side, run in SIDES.items()}
    seconds: dict[str, list[float]] = {side: [] for side in SIDES}
    for _ in range(REPEATS):
        for side, run in SIDES.items():
            started = time.perf_counter()
            run(*given)
            seconds[side].append(time.perf_counter() - started)
    return {
        "seconds": {side: float(np.median(values)) for side, values in seconds.items()},
        "motifs": {side: len(motifs) for side, motifs in found.items()},
        "recovery": {side: recovery(motifs) for side, motifs in found.items()},
    }


if __name__ == "__main__":
    main()
