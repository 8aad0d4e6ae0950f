"""Start codons of coding sequences and other ATG, GTG and TTG, in three strata."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from grover.genome.assembly import Genome
from grover.genome.bases import A, C, G, N, T, reverse_complement

STRATA = ("in-frame", "out-of-frame", "intergenic")
BEFORE_CODON = "before_codon"  # in `attrs` of a data set: how many bases of a sequence lie before the codon
CODON = 3
STOPS = ((T, A, A), (T, A, G), (T, G, A))


def find_start_codons(genes: pd.DataFrame, genome: Genome, seed: int = 0) -> pd.DataFrame:
    """Return annotated start codons and, of each codon and in each stratum, as many other ATG, GTG and TTG of the same contig.

    `genes` is a table of `grover.intervals.coding.read_coding`. A codon of stratum in-frame is one of the codons of a coding sequence;
    out-of-frame lies wholly in coding sequences of either strand and is no codon of any; intergenic shares no base with a gene. Where
    a contig has fewer in a stratum, all are taken. Since there are as many of each codon, the codon alone tells nothing of the label.

    Returns chrom, border (the coordinate between the codon and the base before it), strand, label, stratum ("" of starts), score and
    dropped. The score is the number of codons of the open frame that begins there, up to a stop codon or the end of the segment.
    """
    rng = np.random.default_rng(seed)
    found = []
    for chrom in dict.fromkeys(genome.chroms):
        rows = genes[genes["chrom"] == chrom]
        if rows["opens"].any():
            found.append(_draw(pd.concat(_of_strands(rows, genome, chrom), ignore_index=True), rng).assign(chrom=chrom))
    columns = ["chrom", "border", "strand", "label", "stratum", "score", "dropped"]
    return pd.concat(found, ignore_index=True)[columns] if found else pd.DataFrame(columns=columns)


def _of_strands(rows: pd.DataFrame, genome: Genome, chrom: str) -> Iterator[pd.DataFrame]:
    """Yield the starts and candidates of both strands of a contig: border, strand, label, stratum, codon, score, dropped."""
    segments = genome.segments
    size = int(segments.loc[segments["chrom"] == chrom, "end"].max())
    codes = genome.fetch(chrom, 0, size)
    coding = rows[rows["feature"] == "CDS"]
    genic, covered = _painted(rows, size), _painted(coding, size)
    for strand in ("+", "-"):
        if strand == "-":
            codes, genic, covered = reverse_complement(codes), genic[::-1], covered[::-1]
        pieces = coding[coding["strand"] == strand]
        start = pieces["start"] if strand == "+" else size - pieces["end"]
        first, end = (start + pieces["phase"]).to_numpy(), (start + pieces["end"] - pieces["start"]).to_numpy()
        codons = _codons(first, end, size)
        starts = np.unique(first[pieces["opens"].to_numpy() & (first + CODON <= size)])
        table = _sites(codes, starts, codons, genic, covered)
        place = table.pop("place")
        yield table.assign(strand=strand, border=place if strand == "+" else size - place)


def _sites(
    codes: np.ndarray, starts: np.ndarray, codons: np.ndarray, genic: np.ndarray, covered: np.ndarray
) -> pd.DataFrame:
    """Return the annotated starts of a strand, then all other start codons that have a stratum; places are those of the strand."""
    marked = (codes[:-2] != C) & (codes[:-2] != N) & (codes[1:-1] == T) & (codes[2:] == G)
    place = np.flatnonzero(marked)
    place = place[~np.isin(place, starts)]
    inside = covered[place] & covered[place + 1] & covered[place + 2]
    free = ~(genic[place] | genic[place + 1] | genic[place + 2])
    number = np.select([codons[place], inside, free], range(len(STRATA)), default=-1)
    place, number = place[number >= 0], number[number >= 0]
    known = np.where(marked[starts], "", "no ATG, GTG or TTG at the start")
    every = np.concatenate([starts, place])
    return pd.DataFrame(
        {
            "place": every,
            "label": np.repeat([1, 0], [len(starts), len(place)]),
            "stratum": np.append(np.full(len(starts), "", object), np.array(STRATA, object)[number]),
            "codon": codes[every],
            "score": open_frames(codes, every),
            "dropped": np.append(known.astype(object), np.full(len(place), "", object)),
        }
    )


def open_frames(codes: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Count the codons from each place to the next stop codon in its frame, or to the end of the sequence, float64.

    The stop codon is not counted. A base that is not known ends a frame as well.
    """
    stop = np.zeros(max(len(codes) - 2, 0), bool)
    for first, second, third in STOPS:
        stop |= (codes[:-2] == first) & (codes[1:-1] == second) & (codes[2:] == third)
    unknown = codes == N
    stop |= unknown[:-2] | unknown[1:-1] | unknown[2:]
    ends = np.flatnonzero(stop)
    found = np.empty(len(places))
    for frame in range(CODON):
        mine = places % CODON == frame
        last = len(codes) - (len(codes) - frame) % CODON
        behind = np.append(ends[ends % CODON == frame], last)
        found[mine] = (behind[np.searchsorted(behind[:-1], places[mine])] - places[mine]) // CODON
    return found


def _draw(sites: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Keep the starts and, of the other sites, as many of each stratum and codon as there are starts with that codon."""
    starts = sites[sites["label"] == 1]
    wanted = starts.loc[starts["dropped"] == "", "codon"].value_counts()
    shuffled = sites.iloc[rng.permutation(np.flatnonzero(sites["label"] == 0))]
    rank = shuffled.groupby(["stratum", "codon"]).cumcount()
    return pd.concat([starts, shuffled[rank < shuffled["codon"].map(wanted).fillna(0)].sort_index()])


def _painted(rows: pd.DataFrame, size: int) -> np.ndarray:
    """Return which bases of a contig the rows cover, bool [size]."""
    steps = np.zeros(size + 1, np.int32)
    np.add.at(steps, rows["start"].clip(upper=size).to_numpy(), 1)
    np.add.at(steps, rows["end"].clip(upper=size).to_numpy(), -1)
    covered: np.ndarray = np.cumsum(steps[:-1]) > 0
    return covered


def _codons(first: np.ndarray, end: np.ndarray, size: int) -> np.ndarray:
    """Return where a codon of a piece begins, bool [size]; first: of each piece its first whole codon."""
    number = np.maximum((np.minimum(end, size) - first) // CODON, 0)
    nth = np.arange(number.sum()) - np.repeat(np.cumsum(number) - number, number)
    begins = np.zeros(size, bool)
    begins[np.repeat(first, number) + CODON * nth] = True
    return begins
