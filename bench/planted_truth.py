"""What the explanations of a simulated run find of what its simulator planted, the numbers of the demo for other seeds of the simulator.

  .venv/bin/snakemake --configfile config/demo.yaml --config run=seed-11 seed=11 --cores 2 \\
    results/seed-11/interpretation/{ctcf,splice,promoters-shuffled,promoters-matched}/motifs.tsv \\
    results/seed-11/interpretation/ctcf/importance.parquet results/seed-11/interpretation/variant_baselines.parquet
  .venv/bin/python bench/planted_truth.py --run results/seed-11 --record planted-truth/seed-11
"""

import argparse
import json
from pathlib import Path

import pandas as pd
import support
import torch

from grover.genome.assembly import Genome
from grover.genome.folds import fold_of, read_folds
from grover.interpretation.dependency import Reader
from grover.interpretation.dependency_pairs import recover_elements
from grover.interpretation.planted import judge, mark, planted_elements
from grover.interpretation.planted_motifs import recovered, windows_on_partner
from grover.interpretation.planted_variants import judge as judge_variants
from grover.interpretation.planted_variants import with_truth
from grover.interpretation.variant_metrics import Resampling
from grover.network.bert import load_config, load_language_model, new_language_model
from grover.pretraining.scores import known
from grover.tokenization.vocabulary import Vocabulary

TASK, SPLICE, MODEL = "ctcf", "splice", "bpe-600"
RESAMPLING = Resampling(block=50_000, resamples=1000, seed=0)
NEUTRAL = ("decoy", "motif")
LOCI, REACH, PASSES = 12, 60, 5  # dependency maps of 12 sites with 60 bases on either side


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="folder of a run of config/demo.yaml")
    options = support.arguments(parser)
    truth = json.loads((options.run / "simulated/truth.json").read_text())
    folder = options.run / "interpretation"
    result = {
        "seed": truth["seed"],
        "importance": importance(folder / TASK / "base_importance.parquet", truth),
        "motifs": motifs(folder, truth),
        "variants": variants(folder, truth),
        "maps": maps(options.run, truth),
    }
    support.finish(result, ["torch", "transformers", "numpy"], options.record)


def importance(path: Path, truth: dict) -> dict:
    """By method: AUROC of partner bases within sites, and importance of other bases as a share of that of the partner."""
    bases = mark(pd.read_parquet(path), planted_elements(truth))
    return {
        method: {name: known(round(value, 4)) for name, value in judge(rows).items()}
        for method, rows in bases.groupby("method")
    } | {"best_window_on_partner": round(windows_on_partner(bases[bases["method"] == "ism"]), 4)}


def motifs(folder: Path, truth: dict) -> dict:
    """Number of supported motifs that are the partner and the donor, and of supported motifs of the tasks that have none."""
    found = {task.parent.name: pd.read_csv(task, sep="\t") for task in sorted(folder.glob("*/motifs.tsv"))}
    planted = {TASK: truth["partner"]["consensus"], SPLICE: truth["elements"]["DONOR"]["consensus"]}
    return {
        "recovered": {task: len(recovered(found[task], element)) for task, element in planted.items()},
        "supported": {task: int(table["supported"].sum()) for task, table in found.items()},
    }


def variants(folder: Path, truth: dict) -> dict:
    """AUROC of delta_logit between planted variants with an effect and each kind of neutral ones, fold test, matched in token change."""
    beside = pd.read_parquet(folder / "variant_baselines.parquet").drop(columns="token_change")
    table = with_truth(pd.concat([pd.read_parquet(folder / "variants.parquet"), beside], axis=1), truth)
    table = table[table["fold"] == "test"].reset_index(drop=True)
    judged = {kind: judge_variants(table, "delta_logit", kind, RESAMPLING) for kind in NEUTRAL}
    return {
        kind: {name: round(float(getattr(each, name)), 4) for name in ("pairs", "auroc", "low", "high")}
        for kind, each in judged.items()
    }


def maps(run: Path, truth: dict) -> dict:
    """AUROC of pairs of bases within a motif or a partner against pairs as far apart, of the trained model and of a new one."""
    sites = pd.DataFrame(truth["sites"])
    genome = Genome(run / "genome/sequence.npy", run / "genome/segments.bed")
    middles = (sites["start"] + sites["end"]) // 2
    around = pd.DataFrame({"chrom": sites["chrom"], "start": middles - REACH, "end": middles + REACH})
    fold = fold_of(read_folds(run / "genome/folds.bed"), around["chrom"], around["start"], around["end"])
    chosen = around[(sites["partner"] == "right") & (fold == "test")].sample(LOCI, random_state=0)
    folder = run / "models" / MODEL
    networks = {"model": load_language_model(folder), "untrained": new_language_model(load_config(folder), seed=1)}
    rows = [
        (locus, sites.loc[number, f"{side}start"] - start, sites.loc[number, f"{side}end"] - start, side or "motif")
        for locus, (number, start) in enumerate(chosen["start"].items())
        for side in ("", "partner_")
    ]
    elements = pd.DataFrame(rows, columns=["locus", "start", "end", "element"])
    found = {}
    for name, network in networks.items():
        reader = Reader(network, Vocabulary.load(folder), PASSES, torch.device("cpu"), "fp32")
        drawn = [reader.dependency_map(genome.fetch(*row)) for row in chosen.itertuples(index=False)]
        scored = recover_elements(drawn, elements)
        found[name] = {side: round(float(getattr(scored, side)), 4) for side in ("auroc", "low", "high")}
    return found


if __name__ == "__main__":
    main()
