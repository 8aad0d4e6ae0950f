"""Token vectors beside physicochemical properties of the token's dinucleotide steps: stacking energy, roll and twist.

The ten steps (a step and its reverse complement are the same pairs of bases) and their values:

- `stacking`: free energy of nearest neighbours at 37 °C in kcal/mol, unified parameters (SantaLucia 1998, Proc Natl Acad Sci USA 95:1460,
  Table 1).
- `roll`, `twist`: averages in degrees over crystal structures of DNA with proteins (Olson et al. 1998, Proc Natl Acad Sci USA 95:11163,
  Table 1).

The property of a token is the mean over its steps. All three follow GC content, and short tokens have few steps; so a component of the
embedding is compared by partial rank correlation given GC and length. Tokens share steps, so that they are not independent. The null
assigns the ten values of a property to the ten steps at random, and keeps tokens and vectors.
"""

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from grover.embeddings.tokens.components import NAMES

STEPS = ("AA", "AC", "AG", "AT", "CA", "CC", "CG", "GA", "GC", "TA")
VALUES = {
    "stacking": (-1.00, -1.44, -1.28, -0.88, -1.45, -1.84, -2.17, -1.30, -2.24, -0.58),
    "roll": (0.7, 0.7, 4.5, 1.1, 4.7, 3.6, 5.4, 1.9, 0.3, 3.3),
    "twist": (35.1, 31.5, 31.9, 29.3, 37.3, 32.9, 36.1, 36.3, 33.6, 37.8),
}
DRAWS = 999
COLUMNS = ["property", "component", "partial", "null", "p"]
FEWEST = 10  # tokens with steps


def step_shares(texts: pd.Series) -> np.ndarray:
    """Share of each of the ten steps among the steps of each token, float64 [tokens, 10]; NaN for a token of one base."""
    counts = np.zeros((len(texts), len(STEPS)))
    number = {name: i for i, name in enumerate(STEPS)}
    for row, text in enumerate(texts):
        for left, right in zip(text, text[1:], strict=False):
            counts[row, number[left + right] if left + right in number else number[_opposite(left + right)]] += 1
    with np.errstate(invalid="ignore"):
        return counts / counts.sum(axis=1, keepdims=True)


def compare_steps(values: np.ndarray, texts: pd.Series, seed: int) -> pd.DataFrame:
    """Find the component with the largest partial rank correlation with each property, given GC and length: a row with `COLUMNS` each.

    values: float [tokens, 6], components; NaN where there are fewer. `null` is the 95 % quantile of the largest |partial| under the
    null. p: the share of the null with at least the observed value, itself included. No rows where fewer than ten tokens have steps.
    """
    shares = step_shares(texts)
    kept = np.flatnonzero(texts.str.len().to_numpy() > 1)
    there = ~np.isnan(values).all(axis=0)
    if len(kept) < FEWEST:
        return pd.DataFrame(columns=COLUMNS)
    texts, shares = texts.iloc[kept], shares[kept]
    length = texts.str.len().to_numpy()
    given = np.column_stack(
        [np.ones(len(kept)), rankdata(texts.str.count("[GC]").to_numpy() / length), rankdata(length)]
    )
    components = _residuals(values[np.ix_(kept, there)], given)
    rng, rows = np.random.default_rng(seed), []
    for name, of_step in VALUES.items():
        drawn = np.stack([of_step, *(rng.permutation(of_step) for _ in range(DRAWS))], axis=1)
        partial = components.T @ _residuals(np.round(shares @ drawn, 9), given)  # equal means are ties
        largest = np.abs(partial).max(axis=0)
        best = int(np.abs(partial[:, 0]).argmax())
        rows.append(
            (
                name,
                np.array(NAMES)[there][best],
                float(partial[best, 0]),
                float(np.quantile(largest[1:], 0.95)),
                float((largest >= largest[0] - 1e-12).mean()),
            )
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def _residuals(columns: np.ndarray, given: np.ndarray) -> np.ndarray:
    """What a linear fit of `given` leaves of the ranks of each column, scaled to length 1; products of two are partial correlations."""
    ranks = rankdata(columns, axis=0)
    left = ranks - given @ np.linalg.lstsq(given, ranks, rcond=None)[0]
    size = np.linalg.norm(left, axis=0)
    scaled: np.ndarray = np.divide(left, size, out=np.zeros_like(left), where=size > 1e-9 * len(ranks))
    return scaled


def _opposite(step: str) -> str:
    """The reverse complement."""
    return step[::-1].translate(str.maketrans("ACGT", "TGCA"))
