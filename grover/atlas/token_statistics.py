"""What the tokens of a vocabulary are like: frequency, length, composition, balance against k-mers."""

import numpy as np
import pandas as pd

from grover.atlas.null_genomes import markov_counts

KMERS = (4, 5, 6)
# hg19 has about 712 million tokens of 4.07 bases, so that the 100,000 times of the paper are 140 in a million
FREQUENT, PER_MILLION = 100_000, 140


def describe_tokens(statistics: pd.DataFrame, pairs: np.ndarray) -> pd.DataFrame:
    """Return the tokens that spell sequence, most frequent first.

    Columns: id, token, length, count, share (of all occurrences), rank (from 1), first (base), gc, ag, ac (shares of the bases), expected.

    statistics: id, token, count. pairs: how often each two bases stand side by side, int [16], as
    `grover.atlas.null_genomes.markov_counts` of order 1 returns them. `expected` says how often the token's bases would stand
    side by side anywhere if each base depended only on the one before it. A token may occur less often than its bases, since
    other tokens can begin among them.
    """
    spelt = statistics.loc[statistics["token"].str.fullmatch("[ACGT]+"), ["id", "token", "count"]]
    spelt = spelt.sort_values("count", ascending=False, kind="stable", ignore_index=True)
    length = spelt["token"].str.len()
    spelt.insert(2, "length", length)
    spelt["share"] = spelt["count"] / max(1, spelt["count"].sum())
    spelt["rank"] = range(1, len(spelt) + 1)
    spelt["first"] = spelt["token"].str[0]
    for bases in ("gc", "ag", "ac"):
        spelt[bases] = spelt["token"].str.count(f"[{bases.upper()}]") / length
    return spelt.assign(expected=[expected_count(token, pairs.reshape(4, 4)) for token in spelt["token"]])


def expected_count(token: str, pairs: np.ndarray) -> float:
    """Occurrences of a token in a first-order Markov sequence with the given counts of pairs, [first base, second base]."""
    bases = ["ACGT".index(base) for base in token]
    followed = pairs.sum(1)
    expected = float(followed[bases[0]])
    for left, right in zip(bases, bases[1:], strict=False):
        expected *= pairs[left, right] / max(1, followed[left])
    return expected


def count_kmers(codes: np.ndarray, bounds: np.ndarray) -> pd.DataFrame:
    """Count each 4-mer, 5-mer and 6-mer of the genome, at any position: k, kmer, count."""
    tables = []
    for k in KMERS:
        kmers = ["".join("ACGT"[number >> 2 * (k - 1 - i) & 3] for i in range(k)) for number in range(4**k)]
        tables.append(pd.DataFrame({"k": k, "kmer": kmers, "count": markov_counts(codes, bounds, k - 1)}))
    return pd.concat(tables, ignore_index=True)


def evenness(counts: np.ndarray) -> float:
    """Entropy of the frequencies over its maximum (Pielou): 1 if all are used alike, 0 if only one is used."""
    counts = np.asarray(counts, np.float64)
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum() / np.log(len(counts))) if len(counts) > 1 else 1.0


def gini(counts: np.ndarray) -> float:
    """Gini coefficient of the frequencies: 0 if all are used alike, near 1 if few make up nearly all."""
    counts = np.sort(np.asarray(counts, np.float64))
    ranks = np.arange(1, len(counts) + 1)
    return float((2 * ranks - len(counts) - 1) @ counts / (len(counts) * counts.sum()))


def summarise(tokens: pd.DataFrame, kmers: pd.DataFrame, bases: int) -> dict:
    """Numbers of a vocabulary on a genome of `bases` bases, the ones that the paper reports among them.

    tokens: as `describe_tokens` returns them; kmers: as `count_kmers` does. Keys that end in `_types` count each token once, the
    others count occurrences. `balance` gives rows, evenness and Gini coefficient of the tokens and of all 4-mers, 5-mers and 6-mers.
    """
    counts, lengths = tokens["count"], tokens["length"]
    total = int(counts.sum())
    used = tokens[counts > 0]
    ends = used[used["length"] == used["length"].max()]
    runs = used[[len(set(token)) == 1 for token in used["token"]]]
    with_at = tokens["first"].isin(["A", "T"])
    per_million = counts * 1e6 / total
    alone = tokens[lengths == 1].set_index("token")["share"]
    balance = {"tokens": counts.to_numpy()} | {f"{k}-mers": rows["count"].to_numpy() for k, rows in kmers.groupby("k")}
    return {
        "bases": bases,
        "occurrences": total,
        "types": len(tokens),
        "used_types": len(used),
        "mean_length": bases / total,
        "gc": float((tokens["gc"] * lengths * counts).sum() / (lengths * counts).sum()),
        "starts_with_at": float(counts[with_at].sum() / total),
        "starts_with_at_types": float(with_at.mean()),
        "types_by_length": {str(length): int(number) for length, number in lengths.value_counts().sort_index().items()},
        "five_mers": int((lengths == 5).sum()),
        "six_mers": int((lengths == 6).sum()),
        "longest_length": int(ends["length"].iloc[0]),
        "longest": ends["token"].tolist(),
        "longest_runs": runs.loc[runs.groupby("first")["length"].idxmax(), "token"].sort_values().tolist(),
        "least_count": int(counts.min()),
        "median_count": float(counts.median()),
        "median_per_million": float(per_million.median()),
        "frequent": int((counts > FREQUENT).sum()),
        "frequent_per_million": float((per_million > PER_MILLION).mean()),
        "lone_bases": {base: float(alone.get(base, 0.0)) for base in "ACGT"},
        "has_cg": bool((tokens["token"] == "CG").any()),
        "balance": {
            name: {"rows": len(values), "evenness": evenness(values), "gini": gini(values)}
            for name, values in balance.items()
        },
    }
