"""What tracks show of base probabilities, and how good these are.

Heights are those of a sequence logo (Schneider and Stephens 1990): the probability of a base times the information of its position in bits.
Every value is the difference from the same value by token frequencies, or the value itself (`absolute`).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from grover.statistics.bootstrap import draw, interval

BASES = "ACGT"
ENTROPY, LOG_PROBABILITY = "entropy", "log_probability"
TRACKS = (*BASES, ENTROPY, LOG_PROBABILITY)
ABSOLUTE = "_absolute"  # ending of a track that is no difference
SUMS = ("bases", "correct", "correct_frequency", "bits", "bits_frequency")
FEWEST_BLOCKS = 5  # for an interval
RESAMPLES = 1_000


def entropy(probabilities: np.ndarray) -> np.ndarray:
    """Return the entropy of each position in bits, float64 [bases], of probabilities [bases, 4]."""
    logs = np.log2(np.where(probabilities > 0, probabilities, 1))
    return -(probabilities * logs).sum(axis=1)


def logo_heights(probabilities: np.ndarray) -> np.ndarray:
    """Return the height of each base in bits, float64 [bases, 4]: probability times information, 2 bits at most."""
    return probabilities * (2 - entropy(probabilities))[:, None]


def track_values(model: np.ndarray, frequency: np.ndarray, codes: np.ndarray, absolute: bool) -> dict[str, np.ndarray]:
    """Return the tracks of a stretch, float32 [bases] by name.

    model, frequency: float64 [bases, 4], probabilities by the model and by token frequencies. codes: uint8 [bases], the reference.
    """
    found = {
        name: ours - theirs
        for name, ours, theirs in zip(TRACKS, _values(model, codes), _values(frequency, codes), strict=True)
    }
    if absolute:
        found |= {name + ABSOLUTE: values for name, values in zip(TRACKS, _values(model, codes), strict=True)}
    return {name: values.astype(np.float32) for name, values in found.items()}


def _values(probabilities: np.ndarray, codes: np.ndarray) -> list[np.ndarray]:
    reference = probabilities[np.arange(len(codes)), codes]
    return [*logo_heights(probabilities).T, entropy(probabilities), np.log2(reference)]


def accuracy(model: np.ndarray, frequency: np.ndarray, codes: np.ndarray) -> dict[str, float]:
    """Return sums over the bases of a stretch, by the model and by token frequencies.

    They are the number of bases; how often the likeliest base is that of the reference; and bits, minus the binary logarithm of the
    reference's probability.
    """
    place = np.arange(len(codes))
    return {
        "bases": len(codes),
        "correct": int((model.argmax(axis=1) == codes).sum()),
        "correct_frequency": int((frequency.argmax(axis=1) == codes).sum()),
        "bits": float(-np.log2(model[place, codes]).sum()),
        "bits_frequency": float(-np.log2(frequency[place, codes]).sum()),
    }


@dataclass(frozen=True)
class _Means:
    bits: np.ndarray
    gain: np.ndarray
    accuracy: np.ndarray
    more: np.ndarray


def by_run(sums: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Tabulate accuracy by length of the masked runs: run, strands, bases, blocks, and the mean of each score with a 95 % interval.

    sums: run, strands, block and `SUMS`, several rows per block; the result has their order. Scores: `bits` per base; `gain`, bits per
    base less than by token frequencies; `accuracy`; `more`, accuracy beyond that of token frequencies. Intervals are those of a bootstrap
    over blocks, missing for fewer than five of them.
    """
    rows = []
    for (run, strands), table in sums.groupby(["run", "strands"], sort=False):
        blocks = table.groupby("block")[list(SUMS)].sum()
        whole, drawn = _means(blocks.sum().to_frame().T), None
        if len(blocks) >= FEWEST_BLOCKS:
            counts = draw(len(blocks), RESAMPLES, seed).astype(np.float64)
            drawn = _means(pd.DataFrame(counts @ blocks.to_numpy(np.float64), columns=blocks.columns))
        row = {"run": run, "strands": strands, "bases": int(blocks["bases"].sum()), "blocks": len(blocks)}
        for name in ("bits", "gain", "accuracy", "more"):
            low, high = interval(getattr(drawn, name)) if drawn is not None else (np.nan, np.nan)
            row |= {name: float(getattr(whole, name)[0]), f"{name}_low": low, f"{name}_high": high}
        rows.append(row)
    return pd.DataFrame(rows)


def _means(sums: pd.DataFrame) -> _Means:
    bases = sums["bases"].to_numpy()
    return _Means(
        (sums["bits"] / bases).to_numpy(),
        ((sums["bits_frequency"] - sums["bits"]) / bases).to_numpy(),
        (sums["correct"] / bases).to_numpy(),
        ((sums["correct"] - sums["correct_frequency"]) / bases).to_numpy(),
    )
