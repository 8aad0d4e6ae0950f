"""Probes of a model's embeddings beside the best that counts of k-mers give: linear models and forests on 4-, 5- and 6-mers.

Reads the regions, annotation and embeddings of a run. For each track, probes learn from fold train and are scored on fold test. The
comparator of a track is the probe of k-mers with the best score **on fold test**, so that the choice favours the k-mers. The model has its
mean of the last layer, read linearly and by a forest. Differences have 95 % intervals over blocks of the genome.

  python bench/kmer_probes.py --run results/hg19-mini --model bpe-600 --tracks config/hg19-local.tracks.tsv --track repeat_class \\
    --track line_strand --record hg19-mini/kmer-probes
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import support

from grover.annotation.tracks import read_tracks
from grover.config.sections.embeddings import Probes
from grover.embeddings.composition import kmer_frequencies
from grover.embeddings.region_table import places_of_table
from grover.embeddings.regions import probe_fits, probe_scores
from grover.embeddings.regions.probes import FEWEST_BLOCKS, Target, make_target
from grover.embeddings.regions.tables import read_annotation
from grover.embeddings.vectors import open_embeddings
from grover.genome.assembly import Genome
from grover.statistics import bootstrap
from grover.statistics.blocks import LARGEST

LENGTHS = (4, 5, 6)
SETTINGS = Probes()
SEED = 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="folder of a run with embeddings")
    parser.add_argument("--model", required=True, help="name of the embedded model")
    parser.add_argument("--tracks", type=Path, required=True, help="table of tracks of the run")
    parser.add_argument("--track", action="append", required=True, help="a track; repeat for several")
    parser.add_argument("--train", type=int, default=SETTINGS.maximum_train, help="most regions of fold train")
    options = support.arguments(parser)
    folder = options.run / "embeddings"
    regions = pd.read_parquet(folder / "regions.parquet")
    labels = read_annotation(folder / "annotation.parquet", folder / "regions.parquet", len(regions))
    rows = read_tracks(options.tracks).set_index("track")
    genome = Genome(options.run / "genome/sequence.npy", options.run / "genome/segments.bed")
    left, right = places_of_table(regions, genome, folder / "regions.parquet")
    shards = sorted((folder / options.model / "shards").glob("*[0-9].parquet"))
    features = {"model": open_embeddings(shards, folder / "regions.parquet")[options.model].vectors("mean")}
    features |= {f"{k}-mers": kmer_frequencies(genome.codes, left, right, k) for k in LENGTHS}
    block = bootstrap.blocks(regions.assign(sequence=""), LARGEST)
    found = []
    for track in options.track:
        row = rows.loc[track]
        target = make_target(labels[track], row["kind"], regions["fold"].to_numpy(), block, options.train, row["where"])
        found.append({"track": track, "metric": target.metric} | compare(target, regions, features))
        print(json.dumps(found[-1]), flush=True)
    ahead = [row["track"] for row in found if row["best_low"] > 0]
    support.finish({"model": options.model, "ahead": ahead, "tracks": found}, ["numpy", "scikit-learn"], options.record)


def compare(target: Target, regions: pd.DataFrame, features: dict[str, np.ndarray]) -> dict:
    """Scores on fold test of all probes of one track, and how far those of the model are beyond the best of k-mers."""
    test = target.fold == "test"
    truth = target.values[test]
    columns = probe_scores.columns_of_truth(truth, target.classes or 0)
    block, _ = bootstrap.blocks_unlike(regions[test], columns, FEWEST_BLOCKS)
    drawn = bootstrap.draw(int(block.max()) + 1, SETTINGS.bootstrap, SEED)
    scores, draws = {}, {}
    for name, predicted in predictions(target, features):
        scores[name] = probe_scores.score(truth, predicted)[0]
        draws[name] = probe_scores.resampled(drawn, block, truth, predicted)
    ours, theirs = ([name for name in scores if name.startswith("model") is own] for own in (True, False))
    best = max(theirs, key=scores.__getitem__)
    result = {"n_train": int((target.fold == "train").sum()), "n_test": int(test.sum())}
    result |= {"scores": {name: round(score, 4) for name, score in scores.items()}, "best_of_kmers": best}
    for key, other in ((name.partition(" ")[2], best) for name in ours):
        low, high = bootstrap.interval(probe_scores.beyond(draws[f"model {key}"], draws[other], target.metric))
        gain = float(probe_scores.beyond(scores[f"model {key}"], scores[other], target.metric))
        result[key] = {"gain": round(gain, 4), "low": round(low, 4), "high": round(high, 4)}
    result["best_low"] = max(result[key]["low"] for key in ("linear", "forest"))
    return result


def predictions(target: Target, features: dict[str, np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
    """Name and predictions for fold test of each probe."""
    train, valid, test = (target.fold == name for name in ("train", "valid", "test"))
    for name, table in features.items():
        known = probe_fits.Known(
            table[train], target.values[train], table[valid], target.values[valid], target.classes or 0
        )
        yield f"{name} linear", probe_fits.linear(known, table[test])
        yield f"{name} forest", probe_fits.forest(known, table[test], SETTINGS.trees, SEED)


if __name__ == "__main__":
    main()
