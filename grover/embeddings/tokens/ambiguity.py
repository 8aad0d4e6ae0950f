"""Lexical ambiguity: two groups of a token's contexts, and the annotation that distinguishes them.

K-means cuts the states of a token's occurrences into two groups without the annotation. It always finds two groups, so that their
silhouette is compared with that of a cloud without structure. A category distinguishes the groups where their shares inside it
differ. Neighbouring occurrences are similar, so that errors are those between blocks of the genome. Groups may differ by composition
alone, so that GC content around the occurrences is compared too.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_score

from grover.annotation.enrichment import LEVEL, PROMOTER, Category, widen
from grover.annotation.tracks import each_track, in_order
from grover.embeddings.tokens.states import by_token, sorted_states
from grover.embeddings.tokens.two_groups import MEASURED, auroc, compare, within_strata
from grover.embeddings.vectors import Embeddings
from grover.genome.assembly import Genome
from grover.genome.bases import C, G
from grover.intervals.contigs import ContigNames
from grover.intervals.overlaps import overlaps
from grover.runtime.errors import InputError
from grover.runtime.progress import track
from grover.statistics.blocks import number_blocks

COMPONENTS, STARTS = 16, 4  # of the PCA before, and of k-means
FLANK = 50  # bases on each side of an occurrence whose GC content counts
AT_ONCE = 1 << 16  # occurrences
STRANDS = ("+", "-")
COLUMNS = ["token", "id", "length", "n", "silhouette", "silhouette_expected", "share", "track", "category", *MEASURED]
COLUMNS += ["q", "gc_auroc", "within_gc"]


def find_groups(states: np.ndarray, seed: int) -> tuple[np.ndarray, float, float]:
    """Cut the rows of `states` into two groups by k-means on their first 16 principal components.

    Returns bool [rows], true in the smaller group; their silhouette; and that of the two groups of a cloud without structure, normally
    distributed with the same standard deviation along each component.
    """
    if (states == states[0]).all():  # all contexts are equal, as in a model that ignores them
        return np.zeros(len(states), bool), float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    components = min(COMPONENTS, *states.shape)
    points = PCA(components, random_state=seed).fit_transform(states.astype(np.float32))
    cloud = rng.normal(size=points.shape) * points.std(0)
    groups, silhouettes = [], []
    for rows in (points, cloud):
        found = KMeans(2, n_init=STARTS, random_state=seed).fit_predict(rows).astype(bool)
        groups.append(~found if found.mean() > 0.5 else found)
        silhouettes.append(float(silhouette_score(rows, found)) if 0 < found.sum() < len(found) else float("nan"))
    return groups[0], *silhouettes


@dataclass(frozen=True)
class Annotated:
    """Annotated `occurrences` (chrom, start, end) of tokens: `member`, bool [occurrences, categories], says which `categories` (track,
    category) the middle base of each is in.
    """

    occurrences: pd.DataFrame
    categories: list[Category]
    member: np.ndarray


def annotate(
    occurrences: pd.DataFrame,
    tracks: pd.DataFrame,
    sources: dict[str, Path],
    lengths: dict[str, int],
    names: dict[str, ContigNames],
    promoter_flank: int,
) -> Annotated:
    """Find the categories of the middle base of each occurrence (chrom, start, end).

    tracks: as `grover.annotation.tracks.read_tracks` returns them; those of numbers and those whose source is not given are left out;
    sources, names: file and contig names by source; lengths: of the contigs. A track of kind presence has its own name as
    category, one of kind strand `+` and `-`. Promoters extend at least `promoter_flank` bases to both sides of their middle.
    """
    middle = (occurrences["start"] + occurrences["end"] - 1) // 2
    middle = pd.DataFrame({"chrom": occurrences["chrom"], "start": middle, "end": middle + 1})
    found: dict[Category, np.ndarray] = {}
    tracks = tracks[tracks["kind"] != "quantity"]
    for row, table in each_track(tracks, sources, lengths, names):
        if row.track.startswith(PROMOTER):
            table = widen(table, promoter_flank)
        if row.kind == "strand":
            table = table[table["strand"].isin(STRANDS)]
        of = {"category": row.column, "strand": "strand"}.get(row.kind)
        groups = table.groupby(table[of] if of else np.full(len(table), row.track), sort=True, observed=True)
        for name, intervals in groups:
            found[row.track, str(name)] = overlaps(middle, intervals)
    found = in_order(found, tracks)
    member = np.stack([*found.values()], axis=1) if found else np.zeros((len(occurrences), 0), bool)
    return Annotated(occurrences, list(found), member)


def places(genome: Genome, occurrences: pd.DataFrame) -> np.ndarray:
    """Locate the middle base of each occurrence (chrom, start, end) in the genome's codes, int64."""
    found = genome.positions(occurrences["chrom"], ((occurrences["start"] + occurrences["end"] - 1) // 2).to_numpy())
    if (found < 0).any():
        row = occurrences.iloc[int(np.flatnonzero(found < 0)[0])]
        raise InputError(
            f"the contexts have an occurrence at {row['chrom']}:{row['start']:,}, which is in no segment; give their genome"
        )
    return found


def gc_around(genome: Genome, place: np.ndarray) -> np.ndarray:
    """Compute the share of G and C in the 50 bases on each side of places in the genome's codes, within their segment; float64."""
    segment = np.searchsorted(genome.bounds, place, side="right") - 1
    low, high = genome.bounds[segment], genome.bounds[segment + 1]
    answer = np.empty(len(place))
    for start in range(0, len(place), AT_ONCE):
        rows = slice(start, start + AT_ONCE)
        around = place[rows, None] + np.arange(-FLANK, FLANK)
        inside = (around >= low[rows, None]) & (around < high[rows, None])
        codes = genome.codes[np.where(inside, around, place[rows, None])]
        answer[rows] = (((codes == C) | (codes == G)) & inside).sum(1) / inside.sum(1)
    return answer


def distinguish(
    stored: Embeddings,
    statistics: pd.DataFrame,
    genome: Genome,
    annotated: Annotated,
    *,
    minimum: int,
    resamples: int,
    seed: int,
) -> pd.DataFrame:
    """Cut the stored contexts of each token that has at least `minimum` into two groups, and find what distinguishes them.

    The groups are those of the states in the last layer. statistics: id, token, length of the vocabulary; annotated: the stored
    contexts. Returns a table: token, id, length, n (contexts); silhouette, silhouette_expected (of a cloud without
    structure); share (of the larger group, the first), track, category; share_first, share_second (inside the category),
    difference, low, high, p; q (Benjamini and Hochberg over all tests of all tokens); gc_auroc (0.5: both groups have the same GC
    content around them); within_gc (the difference among occurrences with similar GC content around them). Each token has the
    categories with q below 0.05, or else the one with the lowest p. It has one row without category where none could be tested. Rows
    with q below 0.05 come first, then those with the largest difference.
    """
    member = annotated.member
    tokens = statistics.loc[statistics["length"] > 0, ["token", "id", "length"]].sort_values("id")
    order, edges = by_token(stored, int(statistics["id"].max()) + 1)
    tokens = tokens[np.diff(edges)[tokens["id"]] >= minimum]
    states = sorted_states(stored, stored.layers[-1], order)
    place = places(genome, annotated.occurrences)
    block, gc = number_blocks(place), gc_around(genome, place)
    tables = []
    for token in track(tokens.itertuples(index=False), len(tokens), "ambiguity", "tokens"):
        rows = order[edges[token.id] : edges[token.id + 1]]
        second, silhouette, expected = find_groups(states[edges[token.id] : edges[token.id + 1]], seed)
        measured = compare(second, member[rows], block[rows], resamples, seed)
        found = pd.DataFrame(annotated.categories, columns=["track", "category"]).assign(**measured)
        found["within_gc"] = within_strata(second, member[rows], gc[rows])
        found = found[found["p"].notna()] if found["p"].notna().any() else pd.DataFrame([dict.fromkeys(found)])
        about = token._asdict() | {"n": len(rows), "silhouette": silhouette, "silhouette_expected": expected}
        about |= {"share": float((~second).mean()), "gc_auroc": auroc(second, gc[rows])}
        tables.append(found.assign(**about))
    return _leading(pd.concat(tables, ignore_index=True))[COLUMNS] if tables else pd.DataFrame(columns=COLUMNS)


def _leading(table: pd.DataFrame) -> pd.DataFrame:
    """Select the categories of each token with q below 0.05, or else that with the lowest p; add q and sort."""
    table = table.astype(dict.fromkeys([*MEASURED, "within_gc"], "float64"))
    table["q"] = np.nan
    known = table["p"].notna()
    if known.any():
        table.loc[known, "q"] = false_discovery_control(table.loc[known, "p"])
    table["significant"] = table["q"] < LEVEL
    table = table.sort_values("p", kind="stable")
    table = table[table["significant"] | ~table.duplicated("id")]
    size = table["difference"].abs().fillna(-1)
    return (
        table.assign(size=size)
        .sort_values(["significant", "size"], ascending=False, kind="stable")
        .reset_index(drop=True)
    )
