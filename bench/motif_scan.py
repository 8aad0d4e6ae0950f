"""The scan for motifs on the 26 Mb of hg19: checked against all words, counted beside the paper's 85,000 sites, and timed beside memelite.

Three things are done with MA0139.1 (CTCF). Hits on 1 Mb are compared with those of a brute-force scanner. It scores every place base
by base and takes p-values from all 4 ** 19 k-mers. Hits on all of the sequence are counted at several thresholds, with the share under
a ChIP-seq peak, beside random sequence of the same length. And the scan is timed: `ours` and `peer` are in Mb per second. `peer` is
memelite's FIMO with our score bins and bases encoded beforehand (`ratio`), or at its defaults with the encoding that it
needs (`ratio_default`). Each timed run is a process of its own. `identical` is whether the hits on 1 Mb equal those of brute force.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import support

from grover.annotation.meme import read_matrix
from grover.annotation.motifs import best_of_neighbours, scan
from grover.genome.assembly import Genome
from grover.intervals.formats import read_narrowpeak
from grover.intervals.overlaps import overlaps

MOTIF = "MA0139.1"
THRESHOLDS = (1e-4, 1e-5, 1e-6)
CELLS = ("GM12878", "K562")
# GROVER (2024): about 85,000 CTCF sites of the human genome, 32,000 of them under a peak of HepG2
PAPER_SITES, PAPER_BOUND, PAPER_BASES = 85_000, 32_000, 2.9e9
GENOME_GC = 0.409  # of hg19; these 26 Mb have more
BLOCK = 50_000
SMALL = 1_000_000
REPEATS = 5


def encode(data: Path, folder: Path) -> None:
    from grover.config.sections.genome import Extraction
    from grover.genome.encoding import GenomeFiles, encode_genome
    from grover.genome.fasta import read_contigs

    paths = [folder / name for name in ("sequence.npy", "segments.bed", "softmask.bed", "contigs.tsv")]
    encode_genome(read_contigs(data / "hg19/genome/hg19.partial.fa.gz"), GenomeFiles(*paths), Extraction())


def genome_of(codes: np.ndarray, folder: Path) -> Genome:
    """One contig of the given letters."""
    np.save(folder / "codes.npy", codes)
    (folder / "codes.bed").write_text(f"letters\t0\t{len(codes)}\ts0\n")
    return Genome(folder / "codes.npy", folder / "codes.bed")


def matrix_of(data: Path) -> np.ndarray:
    return read_matrix(data / "hg19/motifs/jaspar_vertebrates.meme.gz", MOTIF)


class BruteForce:
    """Every place on both strands, and p-values from all words, as scores of first halves beside those of second halves."""

    def __init__(self, matrix: np.ndarray):
        self.odds = np.log2((matrix + 1e-4) / 0.25)
        middle = matrix.shape[1] // 2
        self.first, self.second = (self._words(odds) for odds in (self.odds[:, :middle], self.odds[:, middle:]))

    @staticmethod
    def _words(odds: np.ndarray) -> np.ndarray:
        scores = np.zeros(1)
        for column in odds.T:
            scores = (scores[:, None] + column).ravel()
        return np.sort(scores)

    def pvalue(self, score: float) -> float:
        reach = self.second.size - np.searchsorted(self.second, score - 1e-9 - self.first)
        return float(reach.sum() / (self.first.size * self.second.size))

    def scores(self, codes: np.ndarray) -> np.ndarray:
        """Bits of each place on strand + and on strand -, float64 [2, places]."""
        width = self.odds.shape[1]
        places = len(codes) - width + 1
        opposite = 3 - codes[::-1]
        plus = sum(self.odds[codes[i : places + i], i] for i in range(width))
        return np.stack([plus, sum(self.odds[opposite[i : places + i], i] for i in range(width))[::-1]])

    def hits(self, codes: np.ndarray, threshold: float) -> dict[tuple[int, str], float]:
        """Score of each place and strand whose p-value is below the threshold."""
        scores = self.scores(codes)
        reached = np.unique(scores)
        left, right = 0, len(reached) - 1
        while left < right:  # the lowest score that suffices, by bisection over those that occur
            middle = (left + right) // 2
            left, right = (left, middle) if self.pvalue(reached[middle]) < threshold else (middle + 1, right)
        places = np.argwhere(scores >= reached[left] - 1e-9).tolist()
        return {(place, "+-"[strand]): scores[strand, place] for strand, place in places}


def check(genome: Genome, matrix: np.ndarray, folder: Path) -> dict:
    """Our hits on 1 Mb beside those of brute force at each threshold."""
    codes = genome.fetch("chr1", 1_000_000, 1_000_000 + SMALL)
    small, brute = genome_of(codes, folder), BruteForce(matrix)
    rows = []
    for threshold in THRESHOLDS:
        hits = scan(small, matrix, threshold, resolve=False)
        found = {(row.start, row.strand): row.score for row in hits.itertuples()}
        expected = brute.hits(codes, threshold)
        errors = [abs(row.pvalue / brute.pvalue(row.score) - 1) for row in hits[:100].itertuples()]
        rows.append(
            {
                "threshold": threshold,
                "hits": len(found),
                "hits_of_brute_force": len(expected),
                "equal": found.keys() == expected.keys(),
                "largest_difference_of_scores": max(
                    (abs(found[key] - expected.get(key, np.inf)) for key in found), default=0
                ),
                "largest_error_of_pvalues": round(max(errors, default=0), 5),
            }
        )
    return {"bases": SMALL, "thresholds": rows}


def beside_fimo(genome: Genome, hits: pd.DataFrame, matrix: np.ndarray) -> dict:
    """Our hits on all of the sequence beside those of memelite's FIMO with bins as fine."""
    from grover.annotation.motifs import BIN

    theirs = fimo_hits(one_hot(genome.codes), matrix, bin_size=BIN)
    (chrom, start), (other, last) = (
        genome.locate(theirs["start"].to_numpy() + add) for add in (0, matrix.shape[1] - 1)
    )
    theirs = theirs.assign(chrom=np.array(genome.chroms)[chrom], start=start)
    theirs = theirs[(chrom == other) & (last - start == matrix.shape[1] - 1)]
    both = hits.merge(theirs, on=["chrom", "start", "strand"], suffixes=("", "_theirs"))
    return {
        "hits": len(hits),
        "hits_of_fimo": len(theirs),
        "common": len(both),
        "largest_difference_of_scores": float((both["score"] - both["score_theirs"]).abs().max()),
        "largest_difference_of_pvalues": round(float((both["pvalue"] / both["p-value"] - 1).abs().max()), 4),
    }


def count(hits: pd.DataFrame, threshold: float, bases: int, peaks: dict[str, pd.DataFrame]) -> dict:
    hits = hits[hits["pvalue"] < threshold]
    return {
        "threshold": float(f"{threshold:.3g}"),
        "sites": len(hits),
        "a_megabase": round(len(hits) / bases * 1e6, 1),
        "projected": round(len(hits) / bases * PAPER_BASES),
        "lowest_score": round(float(hits["score"].min()), 2),
        "bound": {cell: round(float(overlaps(hits, rows).mean()), 4) for cell, rows in peaks.items()},
        "bound_in_either": round(float(overlaps(hits, pd.concat(peaks.values())).mean()), 4),
    }


def counts(genome: Genome, hits: pd.DataFrame, peaks: dict[str, pd.DataFrame], width: int) -> dict:
    """Sites at each threshold and at that which gives the paper's density, every match and one a place."""
    bases = len(genome.codes)
    wanted = round(PAPER_SITES * bases / PAPER_BASES)
    result = {}
    for name, sites in (("every_match", hits), ("best_of_neighbours", best_of_neighbours(hits, width / 2))):
        of_paper = float(np.sort(sites["pvalue"])[wanted])
        result[name] = [count(sites, threshold, bases, peaks) for threshold in THRESHOLDS]
        result[name].append(count(sites, of_paper, bases, peaks) | {"density_of_paper": True})
    return result


def like_genome(genome: Genome, hits: pd.DataFrame, width: int) -> dict:
    """One match a place in the blocks poorest in GC, as many as together have the GC of the whole genome."""
    codes = np.asarray(genome.codes)
    number = len(codes) // BLOCK
    gc = np.isin(codes[: number * BLOCK], [1, 2]).reshape(number, BLOCK).mean(axis=1)
    order = np.argsort(gc)
    poorest = order[: int((np.cumsum(gc[order]) / np.arange(1, number + 1) <= GENOME_GC).sum())]
    sites = best_of_neighbours(hits, width / 2)
    place = np.concatenate([genome.position(name, rows["start"]) for name, rows in sites.groupby("chrom", sort=False)])
    pvalue = np.sort(sites["pvalue"].to_numpy()[np.isin(place // BLOCK, poorest)])
    bases = len(poorest) * BLOCK
    found = {threshold: int((pvalue < threshold).sum()) for threshold in THRESHOLDS}
    return {
        "bases": bases,
        "gc": round(float(gc[poorest].mean()), 4),
        "gc_of_all": round(float(gc.mean()), 4),
        "sites": [
            {"threshold": threshold, "sites": sites, "projected": round(sites / bases * PAPER_BASES)}
            for threshold, sites in found.items()
        ],
        "threshold_of_paper": float(f"{pvalue[round(PAPER_SITES * bases / PAPER_BASES)]:.3g}"),
    }


def on_random_sequence(bases: int, matrix: np.ndarray, folder: Path) -> list[dict]:
    """Hits where all letters are alike likely: the threshold times the places on both strands, within three standard deviations."""
    genome = genome_of(np.random.default_rng(1).integers(0, 4, bases, np.uint8), folder)
    hits = scan(genome, matrix, THRESHOLDS[0], resolve=False)
    rows = []
    for threshold in THRESHOLDS:
        found = int((hits["pvalue"] < threshold).sum())
        expected = 2 * (bases - matrix.shape[1] + 1) * threshold
        sigmas = (found - expected) / expected**0.5
        rows.append({"threshold": threshold, "hits": found, "expected": round(expected, 1), "sigmas": round(sigmas, 2)})
    return rows


def one_hot(codes: np.ndarray) -> np.ndarray:
    return (np.asarray(codes) == np.arange(4)[:, None]).astype(np.int8)[None]


def fimo_hits(encoded: np.ndarray, matrix: np.ndarray, **settings) -> pd.DataFrame:
    from memelite import fimo

    return fimo({MOTIF: matrix}, encoded, threshold=THRESHOLDS[0], **settings)[0]


def work(name: str, data: Path, folder: Path) -> None:
    from grover.annotation.motifs import BIN

    genome, matrix = Genome(folder / "sequence.npy", folder / "segments.bed"), matrix_of(data)
    tiny = genome_of(np.asarray(genome.codes[:10_000]), Path(tempfile.mkdtemp(dir=folder)))
    if name == "ours":
        support.report(*(lambda on=on: len(scan(on, matrix, THRESHOLDS[0], resolve=False)) for on in (genome, tiny)))
    elif name == "peer":
        encoded = [one_hot(on.codes) for on in (genome, tiny)]
        support.report(*(lambda on=on: len(fimo_hits(on, matrix, bin_size=BIN)) for on in encoded))
    else:
        support.report(*(lambda on=on: len(fimo_hits(one_hot(on.codes), matrix)) for on in (genome, tiny)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("GROVER_DATA"), help="folder of the data kit")
    parser.add_argument("--worker", choices=["ours", "peer", "default"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = support.arguments(parser)
    if options.data is None:
        sys.exit("give the folder of the data kit by --data or GROVER_DATA")
    if options.worker:
        return work(options.worker, Path(options.data), options.folder)
    data = Path(options.data)
    with tempfile.TemporaryDirectory(prefix="grover-bench-") as name:
        folder = Path(name)
        encode(data, folder)
        genome, matrix = Genome(folder / "sequence.npy", folder / "segments.bed"), matrix_of(data)
        hits = scan(genome, matrix, THRESHOLDS[0], resolve=False)
        peaks = {cell: read_narrowpeak(data / f"hg19/ctcf/{cell}.CTCF.narrowPeak.gz") for cell in CELLS}
        brute_force = check(genome, matrix, folder)
        measured = {
            "motif": MOTIF,
            "bases": len(genome.codes),
            "paper": {"sites": PAPER_SITES, "bases": PAPER_BASES, "bound": round(PAPER_BOUND / PAPER_SITES, 4)},
            "counts": counts(genome, hits, peaks, matrix.shape[1]),
            "like_genome": like_genome(genome, hits, matrix.shape[1]),
            "random_sequence": on_random_sequence(len(genome.codes), matrix, folder),
            "brute_force": brute_force,
            "fimo": beside_fimo(genome, hits, matrix),
        }
        runs = {worker: [] for worker in ("ours", "peer", "default")}
        for _ in range(REPEATS):
            for worker, done in runs.items():
                done.append(support.measure(__file__, "--worker", worker, "--data", data, "--folder", folder))
        speed = {worker: len(genome.codes) / 1e6 / support.median(done) for worker, done in runs.items()}
    for name, rows in measured["counts"].items():
        print(name)
        print(pd.json_normalize(rows).to_string(index=False))
    result = {
        "ours": round(speed["ours"], 1),
        "peer": round(speed["peer"], 1),
        "peer_default": round(speed["default"], 1),
        "unit": "Mb/s of sequence, both strands",
        "ratio": round(speed["ours"] / speed["peer"], 2),
        "ratio_default": round(speed["ours"] / speed["default"], 2),
        "peak_mb": round(support.median(runs["ours"], "peak_mb")),
        "peer_peak_mb": round(support.median(runs["peer"], "peak_mb")),
        "identical": all(row["equal"] for row in brute_force["thresholds"]),
    }
    support.finish(measured | result, {"numpy", "numba", "memelite"}, options.record)


if __name__ == "__main__":
    main()
