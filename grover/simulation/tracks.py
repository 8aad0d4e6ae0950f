"""Annotation that follows from what was planted: chromatin states, replication timing, and a control of pure noise."""

import numpy as np
import pandas as pd

from grover.simulation.canvas import Canvas

STATE_BIN = 200  # as in ChromHMM
TIMING_BIN = 1_000
NOISE_BIN = 5_000
STATES = ("TssA", "TssBiv", "Tx", "TxWk", "Enh", "ReprPC", "Het", "Quies")


def plant_chromatin_states(rng: np.random.Generator, canvas: Canvas) -> None:
    """One state per bin of 200 bases, later rules over earlier ones.

    AT-rich isochores are heterochromatin, GC-rich ones between genes partly repressed; bodies of active genes are
    transcribed, strongly in their first two thirds; silent genes with an island are repressed and poised; enhancers and
    promoters last. One stretch in twenty is quiescent whatever lies there.
    """
    state = np.full(len(canvas.codes), STATES.index("Quies"), dtype=np.uint8)
    for start, end, name in canvas.tables["isochores"][["start", "end", "name"]].itertuples(index=False):
        if name == "L1":
            state[start:end] = STATES.index("Het")
        elif name in ("H2", "H3"):
            _speckle(rng, state, start, end, 0.3, STATES.index("ReprPC"))
    satellites = canvas.tables["repeats"].query("repeat_class == 'Satellite'")
    for start, end in zip(satellites.start, satellites.end, strict=True):
        state[start - 2_000 : end + 2_000] = STATES.index("Het")
    for gene in canvas.tables["genes"].itertuples():
        turn = (gene.end - gene.start) * 2 // 3
        if gene.active:
            state[gene.start : gene.end] = STATES.index("TxWk")
            strong = (gene.start, gene.start + turn) if gene.strand == "+" else (gene.end - turn, gene.end)
            state[slice(*strong)] = STATES.index("Tx")
        elif gene.cpg_island:
            state[gene.start : gene.end] = STATES.index("ReprPC")
    for start in range(0, len(state) - 1_000, 1_000):
        if rng.random() < 0.05:
            state[start : start + 1_000] = STATES.index("Quies")
    for enhancer in canvas.tables["enhancers"].itertuples():
        state[enhancer.start - 200 : enhancer.end + 200] = STATES.index("Enh")
    for gene in canvas.tables["genes"].itertuples():
        tss = gene.start if gene.strand == "+" else gene.end
        if gene.active or gene.cpg_island:
            state[tss - 800 : tss + 800] = STATES.index("TssA" if gene.active else "TssBiv")
    rows = []
    for first, last in zip(canvas.offsets[:-1], canvas.offsets[1:], strict=True):
        bins = np.arange(first, last, STATE_BIN)
        labels = state[np.minimum(bins + STATE_BIN // 2, last - 1)]
        starts = np.flatnonzero(np.concatenate([[True], labels[1:] != labels[:-1]]))
        edges = np.append(bins[starts], last)
        rows += [(edges[i], edges[i + 1], STATES[labels[place]]) for i, place in enumerate(starts)]
    canvas.tables["states"] = pd.DataFrame(rows, columns=["start", "end", "name"])


def _speckle(rng: np.random.Generator, state: np.ndarray, start: int, end: int, share: float, value: int) -> None:
    """Set a `share` of the stretches of 2,000 bases between `start` and `end` to `value`."""
    for place in range(start, end, 2_000):
        if rng.random() < share:
            state[place : min(place + 2_000, end)] = value


def plant_replication_timing(rng: np.random.Generator, canvas: Canvas) -> None:
    """Early (high) where the isochore is GC-rich: its GC smoothed over ten bins, standardised, with noise of 0.2."""
    rows = []
    for first, last in zip(canvas.offsets[: canvas.main], canvas.offsets[1:], strict=False):
        starts = np.arange(first, last, TIMING_BIN)
        ends = np.minimum(starts + TIMING_BIN, last)
        gc = np.add.reduceat(canvas.gc[first:last], starts - first) / (ends - starts)
        smooth = np.convolve(np.pad(gc, 5, "edge"), np.full(11, 1 / 11), "valid")
        known = [bool((canvas.codes[start:end] < 4).all()) for start, end in zip(starts, ends, strict=True)]
        rows.append(pd.DataFrame({"start": starts, "end": ends, "value": smooth})[known])
    timing = pd.concat(rows, ignore_index=True)
    standard = (timing.value - timing.value.mean()) / max(timing.value.std(), 1e-9)
    timing["value"] = np.round(standard + rng.normal(0, 0.2, len(timing)), 4)
    canvas.tables["timing"] = timing


def plant_noise(rng: np.random.Generator, canvas: Canvas) -> None:
    """Two labels drawn at random for bins of 5,000 bases: no probe may find anything here."""
    rows = [
        (start, min(start + NOISE_BIN, last), "AB"[rng.integers(2)])
        for first, last in zip(canvas.offsets[:-1], canvas.offsets[1:], strict=True)
        for start in range(first, last, NOISE_BIN)
    ]
    canvas.tables["noise"] = pd.DataFrame(rows, columns=["start", "end", "name"])
