"""What a fine-tuned model and the convolutional baseline look at in the sites of one task: in-silico mutagenesis and motifs of both.

Reads a run that has fine-tuned the chosen model. The convolutional network is trained here, with more epochs than in the workflow, since
small data sets need them. Both are explained by the same functions. Sites of fold test show where the importance lies: in the best match of
the known motif, or beside it. Motifs come from sites of fold train and are tested on fold test.

  python bench/importance_beside_cnn.py --run results/hg19-mini --task ctcf-GM12878 --motifs CTCF.meme \\
    --figure docs/images/hg19-mini-ctcf.png --record hg19-mini/importance-ctcf
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import support
import torch

from grover.annotation.meme import read_meme
from grover.annotation.motifs import log_odds
from grover.config.sections.interpretation import Motifs
from grover.finetuning.cnn import ConvolutionalNetwork
from grover.finetuning.finetune import Settings, fine_tune
from grover.genome.bases import encode
from grover.interpretation.answers import Answer, FineTuned, both_strands, margin
from grover.interpretation.contributions import Contributions
from grover.interpretation.motif_association import Examples, Resampling
from grover.interpretation.motif_evidence import discover_by_class, evidence
from grover.interpretation.motif_matches import best_matches
from grover.interpretation.mutagenesis import Substitutions, mutate
from grover.interpretation.sites import Site, choose_examples, is_stranded, sites_of
from grover.network.classifier import logits
from grover.statistics.bootstrap import blocks, mean_over_blocks
from grover.statistics.metrics import scores as binary_scores

CPU = torch.device("cpu")
SEED, BLOCK, RESAMPLES = 1, 50_000, 1000
NAMES = {"model": "fine-tuned model", "cnn": "convolutional network"}
AROUND = 60  # bases on either side of the motif in the figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--task", required=True)
    parser.add_argument(
        "--motifs", type=Path, required=True, help="known motifs in MEME format; the first is looked for"
    )
    parser.add_argument("--test", type=int, default=60, help="sites of fold test")
    parser.add_argument("--train", type=int, default=150, help="sites of fold train that motifs come from")
    parser.add_argument(
        "--epochs", type=int, default=20, help="epochs of the convolutional network; the best on fold valid counts"
    )
    parser.add_argument("--figure", type=Path, help="PNG to draw")
    options = support.arguments(parser)
    torch.set_num_threads(1)
    data = pd.read_parquet(options.run / "benchmarks" / options.task / "dataset.parquet")
    data.attrs["task"] = options.task
    both = not is_stranded(data)
    answers = {
        "model": FineTuned.load(options.run / "finetuning" / options.task / "chosen", CPU, "fp32", label="model"),
        "cnn": Convolutional(train_cnn(data, options.epochs)),
    }
    answers = {name: both_strands(answer) if both else answer for name, answer in answers.items()}
    known = [motif for motif in read_meme(options.motifs) if motif.matrix is not None]
    tested = sites_of(data, choose_examples(data, "test", options.test, SEED))
    explained = {name: mutate(tested, answer)[0] for name, answer in answers.items()}
    places = [best_place(site.codes, known[0].matrix) for site in tested]
    width = known[0].matrix.shape[1]
    result = {"task": options.task, "sites": len(tested), "motif": f"{known[0].identifier} {known[0].name}".strip()}
    importance = {
        name: [s.importance(len(t.codes)) for s, t in zip(found, tested, strict=True)]
        for name, found in explained.items()
    }
    block = blocks(data.iloc[[site.example for site in tested]], BLOCK)
    for name, answer in answers.items():
        result[name] = where(importance[name], places, width, block)
        result[name]["auroc"] = held_out_auroc(data, answer)
        result[name]["motifs"] = motifs_of(data, answer, known, options.train)
    agreement = [np.corrcoef(a, b)[0, 1] for a, b in zip(*importance.values(), strict=True)]
    result["agreement"] = interval(np.array(agreement), block)
    if options.figure:
        draw(importance, places, width, options.figure)
    support.finish(result, ["torch", "transformers", "numpy"], options.record)


@dataclass(frozen=True)
class Convolutional:
    """The convolutional network as an `Answer`."""

    network: ConvolutionalNetwork

    def __call__(self, sites: list[Site], codes: list[np.ndarray]) -> list[np.ndarray]:
        """The margin of each version of each site."""
        rows = [row for each in codes for row in np.atleast_2d(each)]
        numbers = [len(np.atleast_2d(each)) for each in codes]
        labels = np.repeat([site.label for site in sites], numbers)
        return np.split(margin(logits(self.network, rows, CPU, "fp32"), labels), np.cumsum(numbers)[:-1])


def train_cnn(data: pd.DataFrame, epochs: int) -> ConvolutionalNetwork:
    settings = Settings(
        epochs=epochs,
        batch=64,
        learning_rate=2e-3,
        warmup=0.1,
        patience=epochs,
        class_weights="none",
        maximum_train=0,
        precision="fp32",
    )
    network, _ = fine_tune(data, [encode(text) for text in data["sequence"]], ConvolutionalNetwork, settings, CPU, SEED)
    return network.eval()


def best_place(codes: np.ndarray, matrix: np.ndarray) -> int:
    """First base of the best match of a motif on either strand."""
    width, scores = matrix.shape[1], []
    for odds in (log_odds(matrix), log_odds(matrix)[::-1, ::-1]):
        windows = np.lib.stride_tricks.sliding_window_view(codes, width)
        scores.append(np.append(odds, np.zeros((1, width)), axis=0)[windows, np.arange(width)].sum(1))
    return int(np.max(scores, axis=0).argmax())


def where(importance: list[np.ndarray], places: list[int], width: int, block: np.ndarray) -> dict:
    """Mean AUROC of the motif's bases within a site, and their share of the importance beside their share of the bases."""
    aurocs, shares = [], []
    for values, first in zip(importance, places, strict=True):
        inside = np.isin(np.arange(len(values)), np.arange(first, first + width))
        aurocs.append(binary_scores(inside.astype(np.int64), values, np.inf)["auroc"])
        shares.append(values[inside].sum() / values.sum())
    return {
        "auroc_of_motif_bases": interval(np.array(aurocs), block),
        "share_in_motif": interval(np.array(shares), block),
        "share_of_bases": round(width / float(np.mean([len(values) for values in importance])), 4),
    }


def interval(values: np.ndarray, block: np.ndarray) -> list[float]:
    """Mean with its 95 % interval over blocks of the genome."""
    return [round(float(value), 4) for value in mean_over_blocks(values, block, RESAMPLES, SEED)]


def held_out_auroc(data: pd.DataFrame, answer: Answer) -> float:
    """AUROC of the margin on fold test."""
    rows = np.flatnonzero(data["fold"] == "test")
    sites = sites_of(data, rows)
    margins = np.concatenate(answer(sites, [site.codes[None] for site in sites]))
    return round(binary_scores(data["label"].to_numpy(np.int64)[rows], margins, np.inf)["auroc"], 4)


def motifs_of(data: pd.DataFrame, answer: Answer, known: list, number: int) -> list[dict]:
    """Motifs from sites of fold train, with their support on fold test and their most similar known motif."""
    sites = sites_of(data, choose_examples(data, "train", number, SEED))
    found, settings = contributions(sites, mutate(sites, answer)[0]), Motifs()
    labels = data["label"].to_numpy(np.int64)
    motifs = discover_by_class(found, labels, settings)
    test = np.flatnonzero(data["fold"] == "test")
    held_out = data.iloc[test]
    examples = Examples([encode(text) for text in held_out["sequence"]], labels[test], blocks(held_out, BLOCK))

    def predict(label: int):
        return lambda rows, versions: answer(sites_of(data, test[rows]), versions)

    table, _ = evidence(found, motifs, examples, predict, settings, Resampling(RESAMPLES, SEED))
    matrices = [motif.probabilities for motif, _ in motifs]
    names = [f"{each.identifier} {each.name}".strip() for each in known]
    matches = best_matches(matrices, names, [each.matrix for each in known], settings.motif_decoys, SEED)
    columns = ["consensus", "sites", "sign", "q", "insertion", "supported", "match", "match_p"]
    both = pd.concat([table, matches], axis=1)
    return (
        both.reindex(columns=columns).round(4).astype(object).where(lambda rows: rows.notna(), None).to_dict("records")
    )


def contributions(sites: list[Site], found: list[Substitutions]) -> Contributions:
    """Minus the mean change of the answer over the substitutions of each base."""
    values = [-each.sums(len(site.codes)) / 3 for each, site in zip(found, sites, strict=True)]
    return Contributions(np.array([site.example for site in sites]), [site.codes for site in sites], values)


def draw(importance: dict[str, list[np.ndarray]], places: list[int], width: int, path: Path) -> None:
    """Mean importance of the bases around the motif, as a share of that of the site."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 2.6), layout="constrained")
    axes.axvspan(-width / 2, width / 2, color="0.9")
    for name, values in importance.items():
        profile = np.full((len(values), 2 * AROUND + 1), np.nan)
        for row, (each, first) in enumerate(zip(values, places, strict=True)):
            middle = first + width // 2
            left, right = max(0, middle - AROUND), min(len(each), middle + AROUND + 1)
            profile[row, left - middle + AROUND : right - middle + AROUND] = (each / each.mean())[left:right]
        axes.plot(np.arange(-AROUND, AROUND + 1), np.nanmean(profile, axis=0), label=NAMES[name])
    axes.axhline(1, color="0.6", linewidth=0.8)
    axes.set_xlabel("bases from the middle of the best match of the motif (grey)")
    axes.set_ylabel("importance / mean\nof the site")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
