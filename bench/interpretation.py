"""Interpretation beside its peers: the same network, the same outputs, on the CPU.

| row | ours | peer |
|---|---|---|
| ism | `mutate` of a site of 161 bases | tangermeme's `saturation_mutagenesis`, its model a wrapper that tokenises and pads |
| ig | `integrated_gradients`, 32 steps | captum's `LayerIntegratedGradients`, Gauss-Legendre, 32 steps |
| map | `Reader.dependency_map` of 120 bases | the loop of dependencies_DNALM (padded batches, all logits) over the same masked passes |
| llr | `Scorer.score` of 48 variants, flanks of 100 bases | the same passes in padded batches, all logits |
| tracks | `BaseReader.read` of 3,000 bases, one strand | one masked token per forward pass, in windows of the same size around it |

Peers are measured at the fastest of several batch sizes (`ratio`) and at their default (`ratio_default`). Defaults are 32 for tangermeme,
no internal batches for captum, 64 for the loops, 1 for the tracks. Runs are interleaved after a warm-up, in one process per row; memory
is that of a process per side. `difference` is the largest absolute one, `correlation` Pearson's. The network is that of the demo with
random weights; `--model` names a pretrained folder instead, whose encoder the classifier of the first two rows shares.

It needs captum and tangermeme, which have an environment of their own:

  make peers
  .venv-peers/bin/python bench/interpretation.py
"""

import argparse
import functools
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import support
import torch
from torch.nn.utils.rnn import pad_sequence

from grover.genome.assembly import Genome
from grover.genome.bases import decode, encode
from grover.interpretation.alleles import windows
from grover.interpretation.answers import FineTuned
from grover.interpretation.base_tracks import BaseReader, Reading
from grover.interpretation.bases import TokenBases, log_frequencies, run_marginals
from grover.interpretation.changes import change
from grover.interpretation.cutting import cut
from grover.interpretation.dependency import LEAST, OTHERS, Plan, Reader
from grover.interpretation.gradients import integrated_gradients, spread
from grover.interpretation.masked_windows import Network
from grover.interpretation.mutagenesis import mutate, substitutions
from grover.interpretation.sites import Site
from grover.interpretation.variants import Scorer
from grover.interpretation.vcf import OK
from grover.network.bert import bert_config, load_language_model, new_language_model
from grover.network.classifier import Classifier
from grover.tokenization.bpe import train
from grover.tokenization.vocabulary import CLS, MASK, PAD, SEP, Vocabulary
from tests.fakes.assembly import assembly
from tests.fakes.networks import architecture

REPEATS = 3
SITE, LOCUS, STRETCH = 161, 120, 3_000  # bases
VARIANTS, FLANK = 48, 100
PASSES, STEPS = 5, 32
BATCHES = (32, 64, 128, 256)
DEFAULT = {"ism": 32, "ig": None, "map": 64, "llr": 64, "tracks": 1}
UNIT = {
    "ism": "substitutions/s",
    "ig": "steps/s",
    "map": "masked passes/s",
    "llr": "variants/s",
    "tracks": "bases/s",
}
CPU = torch.device("cpu")
NOTHING = np.zeros(0, np.uint8)


@dataclass(frozen=True)
class Setting:
    """What all rows share: networks, vocabulary, sequence."""

    model: Any
    classifier: Classifier
    vocabulary: Vocabulary
    codes: np.ndarray
    genome: Genome
    variants: int = VARIANTS  # that are scored

    @property
    def site(self) -> Site:
        return Site(0, 1, self.codes[:SITE], NOTHING, NOTHING)


def prepare(folder: Path | None) -> Setting:
    codes, bounds = support.simulate(400_000)
    if folder:
        model, vocabulary = load_language_model(folder), Vocabulary.load(folder)
    else:
        vocabulary = Vocabulary.from_merges("bpe-600", train(codes, bounds[:-1], bounds[1:], 600).merges)
        size = architecture(2, 128, 4, 256, 162, 0.0, "neighbours")
        model = new_language_model(bert_config(size, vocabulary.size), seed=1)
    torch.manual_seed(1)
    classifier = Classifier(model.config, 2, "mean")
    classifier.bert.load_state_dict(model.bert.state_dict())
    with tempfile.TemporaryDirectory() as place:
        genome = assembly(Path(place), [("chr1", 0, decode(codes[:20_000]))])
    return Setting(model.eval(), classifier.eval(), vocabulary, codes, genome)


Run = Callable[[int | None], np.ndarray]


def rows(given: Setting) -> dict[str, tuple[Callable[[], np.ndarray], Run, int]]:
    """Our function, the peer's with a batch size, and how many units both do."""
    plan = Plan.of(given.codes[:LOCUS], given.vocabulary, PASSES)
    return {
        "ism": (lambda: our_ism(given), lambda batch: peer_ism(given, batch), OTHERS * SITE),
        "ig": (lambda: our_ig(given), lambda batch: peer_ig(given, batch), STEPS),
        "map": (lambda: our_map(given), lambda batch: peer_map(given, batch), len(plan.changed) + len(plan.unchanged)),
        "llr": (lambda: our_llr(given), lambda batch: peer_llr(given, batch), VARIANTS),
        "tracks": (lambda: our_tracks(given), lambda batch: peer_tracks(given, batch), STRETCH),
    }


# In-silico mutagenesis


def our_ism(given: Setting) -> np.ndarray:
    (found,), _ = mutate([given.site], FineTuned(given.classifier, given.vocabulary, CPU))
    return found.delta


class Tokenising(torch.nn.Module):
    """A model of one-hot sequences: it tokenises, pads, and gives the margin."""

    def __init__(self, given: Setting):
        super().__init__()
        self.bert, self.head, self.vocabulary = given.classifier.bert, given.classifier.classifier, given.vocabulary

    def forward(self, one_hot: torch.Tensor) -> torch.Tensor:
        ids, mask = padded([self.vocabulary.encode(row) for row in one_hot.argmax(1).to(torch.uint8).numpy()])
        states = self.bert(ids, attention_mask=mask).last_hidden_state
        weights = mask[:, :, None].float()
        logits = self.head((states * weights).sum(1) / weights.sum(1))
        return logits[:, 1:] - logits[:, :1]


def padded(tokens: list[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids with [CLS] and [SEP], padded to the longest, and their mask."""
    with_ends = [torch.from_numpy(np.concatenate([[CLS], row, [SEP]]).astype(np.int64)) for row in tokens]
    ids = pad_sequence(with_ends, batch_first=True, padding_value=PAD)
    return ids, (torch.arange(ids.shape[1]) < torch.tensor(list(map(len, with_ends)))[:, None]).long()


def peer_ism(given: Setting, batch: int | None) -> np.ndarray:
    from tangermeme.saturation_mutagenesis import saturation_mutagenesis

    codes = given.site.codes
    one_hot = torch.nn.functional.one_hot(torch.from_numpy(codes.astype(np.int64)), 4).T[None]
    found = saturation_mutagenesis(
        Tokenising(given), one_hot, batch_size=batch, raw_outputs=True, device="cpu", dtype=torch.float32
    )
    change = (found.y_hat - found.y0[:, None, None])[0, :, :, 0].numpy()
    _, position, base = substitutions(codes)
    return change[base, position]


# Integrated gradients


def our_ig(given: Setting) -> np.ndarray:
    model = FineTuned(given.classifier, given.vocabulary, CPU)
    return integrated_gradients([given.site], model, STEPS)[0].values


def peer_ig(given: Setting, batch: int | None) -> np.ndarray:
    from captum.attr import LayerIntegratedGradients

    tokens, starts = cut(given.site, given.site.codes, given.vocabulary).of(0)
    ids, _ = padded([tokens])
    baseline = ids.clone()
    baseline[:, 1:-1] = MASK

    def margin(ids: torch.Tensor) -> torch.Tensor:
        logits = given.classifier.classifier(given.classifier.bert(ids).last_hidden_state.mean(1))
        return logits[:, 1] - logits[:, 0]

    method = LayerIntegratedGradients(margin, given.classifier.bert.embeddings.word_embeddings)
    found = method.attribute(ids, baseline, n_steps=STEPS, method="gausslegendre", internal_batch_size=batch)
    values = found.sum(-1)[0, 1:-1].detach().double().numpy()
    return spread(values, starts, given.vocabulary.spans[tokens], SITE)[0]


# Dependency maps


def our_map(given: Setting) -> np.ndarray:
    return Reader(given.model, given.vocabulary, PASSES, CPU, "fp32").dependency_map(given.codes[:LOCUS])


def peer_map(given: Setting, batch: int | None) -> np.ndarray:
    plan = Plan.of(given.codes[:LOCUS], given.vocabulary, PASSES)
    tables = by_length(given.vocabulary)
    found = []
    for passes, number in ((plan.changed, OTHERS * LOCUS), (plan.unchanged, len(plan.unchanged))):
        odds = np.full((number, LOCUS, 4), np.nan, np.float32)
        for first in range(0, len(passes), batch or 1):
            some = passes[first : first + (batch or 1)]
            ids, mask = padded([each.tokens for each in some])
            for row, each in zip(ids, some, strict=True):
                row[1 + torch.from_numpy(each.units.first)] = MASK
            with torch.no_grad():
                probabilities = given.model(ids, attention_mask=mask).logits.softmax(-1).numpy()
            for row, each in zip(probabilities, some, strict=True):
                for token, start, end in zip(each.units.first, each.units.start, each.units.end, strict=True):
                    bases = np.tensordot(row[1 + token], tables[end - start], 1).astype(np.float64)
                    bases = (bases / bases.sum(1, keepdims=True)).clip(LEAST, 1 - LEAST)
                    odds[each.row, start:end] = np.log2(bases) - np.log2(1 - bases)
        found.append(odds)
    change = np.abs(found[0] - found[1][plan.partner, np.arange(LOCUS)]).max(2)
    matrix: np.ndarray = np.fmax.reduce(change.reshape(LOCUS, OTHERS, LOCUS), axis=1)
    np.fill_diagonal(matrix, 0)
    return matrix


@functools.cache
def by_length(vocabulary: Vocabulary) -> dict[int, np.ndarray]:
    """Which base each token of a length has at each offset, float32 [tokens, length, 4], by length."""
    tables = {}
    for length in set(vocabulary.spans.tolist()) - {0}:
        table = np.zeros((vocabulary.size, length, 4), np.float32)
        for token in np.flatnonzero(vocabulary.spans == length):
            if set(vocabulary.tokens[token]) <= set("ACGT"):
                table[token, np.arange(length), encode(vocabulary.tokens[token])] = 1
        tables[length] = table
    return tables


# Variants


def variants(given: Setting) -> pd.DataFrame:
    """Substitutions, of which every sixth is an insertion of three bases."""
    rng, rows = np.random.default_rng(1), []
    for number, place in enumerate(rng.choice(np.arange(500, 19_500), given.variants, replace=False).tolist()):
        ref = int(given.codes[place])
        alt = decode(np.array([(ref + rng.integers(1, 4)) % 4], np.uint8))
        if number % 6 == 0:
            alt = decode(np.concatenate([[ref], rng.integers(0, 4, 3)]).astype(np.uint8))
        rows.append(("chr1", place + 1, decode(np.array([ref], np.uint8)), alt, OK))
    return pd.DataFrame(rows, columns=["chrom", "pos", "ref", "alt", "status"])


def our_llr(given: Setting) -> np.ndarray:
    scorer = Scorer(Network(given.model, CPU, "fp32"), given.vocabulary, given.genome, FLANK, embed=False)
    return scorer.score(variants(given))["llr"].to_numpy()


def peer_llr(given: Setting, batch: int | None) -> np.ndarray:
    vocabulary, table = given.vocabulary, variants(given)
    changes = [change(given.genome, *row) for row in table[["chrom", "pos", "ref", "alt"]].itertuples(index=False)]
    most = given.model.config.max_position_embeddings - 2
    passes: dict[tuple[bytes, int], int] = {}  # one each, as ours: a window and its masked token
    inputs: list[tuple[np.ndarray, int]] = []
    terms: list[tuple[int, int, float]] = []  # variant, pass, weight
    for row, strands in enumerate(windows(given.genome.codes, changes, vocabulary, FLANK, most)):
        for pair in strands or ():
            for weight, allele in ((-0.5, pair.reference), (0.5, pair.alternative)):
                for place in range(allele.first, allele.last):
                    number = passes.setdefault((allele.tokens.tobytes(), place), len(inputs))
                    if number == len(inputs):
                        inputs.append((allele.tokens, place))
                    terms.append((row, number, weight))
    logs = np.zeros(len(inputs))
    spans = torch.from_numpy(vocabulary.spans.astype(np.int64))
    for first in range(0, len(inputs), batch or 1):
        tokens, places = zip(*inputs[first : first + (batch or 1)], strict=True)
        ids, mask = padded(list(tokens))
        at = torch.arange(len(ids)), 1 + torch.tensor(places)
        hidden = ids[at].clone()
        ids[at] = MASK
        with torch.no_grad():
            logits = given.model(ids, attention_mask=mask).logits[at].double()
        alike = spans[None, :] == spans[hidden][:, None]
        found = logits[torch.arange(len(ids)), hidden] - logits.masked_fill(~alike, -torch.inf).logsumexp(1)
        logs[first : first + len(ids)] = found.numpy()
    llr = np.zeros(len(table))
    for row, number, weight in terms:
        llr[row] += weight * logs[number]
    return llr


def peer_distances(given: Setting, batch: int) -> np.ndarray:
    """Cosine and Euclidean distance of the mean embeddings of both alleles, means of both strands, [variants, 2]."""
    table = variants(given)
    changes = [change(given.genome, *row) for row in table[["chrom", "pos", "ref", "alt"]].itertuples(index=False)]
    most = given.model.config.max_position_embeddings - 2
    found = windows(given.genome.codes, changes, given.vocabulary, FLANK, most)
    inputs = [allele.tokens for strands in found for pair in strands or () for allele in pair]
    vectors = []
    for first in range(0, len(inputs), batch):
        ids, mask = padded(inputs[first : first + batch])
        with torch.no_grad():
            states = given.model.bert(ids, attention_mask=mask).last_hidden_state
        weights = mask[:, :, None].float()
        vectors.append(((states * weights).sum(1) / weights.sum(1)).double())
    reference, alternative = torch.cat(vectors).unflatten(0, (-1, 2)).unbind(1)
    cosine = 1 - torch.nn.functional.cosine_similarity(reference, alternative)
    l2 = torch.linalg.vector_norm(reference - alternative, dim=1)
    return torch.stack([cosine, l2], 1).unflatten(0, (-1, 2)).mean(1).numpy()


# Tracks of base probabilities


def track_reading(given: Setting) -> Reading:
    window = min(126, given.model.config.max_position_embeddings - 2)
    return Reading(window=window, context=8, share=1 / PASSES, both=False)


def our_tracks(given: Setting) -> np.ndarray:
    counts = np.bincount(given.vocabulary.encode(given.codes[:100_000]), minlength=given.vocabulary.size)
    reader = BaseReader(given.model, given.vocabulary, log_frequencies(counts), CPU, "fp32")
    with torch.inference_mode():
        return reader.read(given.codes[:STRETCH], 0, STRETCH, track_reading(given))[0][0]


def peer_tracks(given: Setting, batch: int | None) -> np.ndarray:
    tokens, window = given.vocabulary.encode(given.codes[:STRETCH]), track_reading(given).window
    spans, bases = given.vocabulary.spans[tokens].astype(np.int64), TokenBases.of(given.vocabulary)
    found = []
    for first in range(0, len(tokens), batch or 1):
        some = np.arange(first, min(first + (batch or 1), len(tokens)))
        lefts = np.clip(some - window // 2, 0, max(0, len(tokens) - window))
        ids, mask = padded([tokens[left : left + window] for left in lefts])
        place = 1 + torch.from_numpy(some - lefts)
        ids[torch.arange(len(some)), place] = MASK
        with torch.no_grad():
            logits = given.model(ids, attention_mask=mask).logits[torch.arange(len(some)), place]
        found.append(run_marginals(logits.numpy(), bases, np.arange(len(some) + 1), spans[some]))
    return np.concatenate(found)


def timed(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def compare(name: str, given: Setting) -> dict:
    """Both sides of a row, interleaved."""
    ours, peer, units = rows(given)[name]
    default = DEFAULT[name]
    mine, theirs = ours(), peer(default or None)
    both = ~(np.isnan(mine) | np.isnan(theirs))
    tuned = {batch: timed(lambda batch=batch: peer(batch)) for batch in BATCHES}
    best = min(tuned, key=tuned.__getitem__)
    seconds: dict[str, list[float]] = {"ours": [], "peer": [], "default": []}
    for _ in range(REPEATS):
        seconds["ours"].append(timed(ours))
        seconds["peer"].append(timed(lambda: peer(best)))
        seconds["default"].append(timed(lambda: peer(default)))
    median = {side: statistics.median(values) for side, values in seconds.items()}
    return {
        "ours": round(units / median["ours"], 1),
        "peer": round(units / median["peer"], 1),
        "unit": UNIT[name],
        "ratio": round(median["peer"] / median["ours"], 3),
        "ratio_default": round(median["default"] / median["ours"], 3),
        "batch": best,
        "difference": float(np.abs(mine - theirs)[both].max()),
        "correlation": round(float(np.corrcoef(mine[both], theirs[both])[0, 1]), 6),
        "same_places": bool((np.isnan(mine) == np.isnan(theirs)).all()),
        "spread": float(np.std(theirs[both])),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--row", choices=DEFAULT, action="append", help="one row alone; repeat for several")
    parser.add_argument("--model", type=Path, help="folder of a pretrained model; its tokens are no overlapping k-mers")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--worker", choices=("compare", "ours", "peer"), help=argparse.SUPPRESS)
    options = support.arguments(parser)
    chosen = options.row or list(DEFAULT)
    if options.worker:
        torch.set_num_threads(options.threads)
        given = prepare(options.model)
        (name,) = chosen
        if options.worker == "compare":
            print(json.dumps(compare(name, given)))
            return None
        ours, peer, _ = rows(given)[name]
        return support.report(lambda: None, ours if options.worker == "ours" else lambda: peer(DEFAULT[name]))
    given = [f"--threads={options.threads}", *([f"--model={options.model}"] if options.model else [])]
    found = {}
    for name in chosen:
        command = [sys.executable, __file__, "--row", name, "--worker", "compare", *given]
        row = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[-1])
        memory = {side: support.measure(__file__, "--row", name, "--worker", side, *given) for side in ("ours", "peer")}
        row |= {"peak_mb": round(memory["ours"]["peak_mb"]), "peer_peak_mb": round(memory["peer"]["peak_mb"])}
        print(name, json.dumps(row), flush=True)
        found[name] = row
    ratios = {key: round(math.exp(statistics.mean(math.log(row[key]) for row in found.values())), 3) for key in RATIOS}
    peaks = {key: max(row[key] for row in found.values()) for key in ("peak_mb", "peer_peak_mb")}
    first = next(iter(found.values()))
    whole = {"ours": first["ours"], "peer": first["peer"], "unit": first["unit"]} | ratios | peaks
    whole |= {"difference": max(row["difference"] for row in found.values()), "rows": found}
    support.finish(whole, ("torch", "transformers", "captum", "tangermeme"), options.record)


RATIOS = ("ratio", "ratio_default")

if __name__ == "__main__":
    main()
