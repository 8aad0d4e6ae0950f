"""Short pretrainings of a run's vocabulary, to choose the recipe of a small model: which settings learn most in equal seconds.

Reads the tokens, vocabulary and folds of a run. Trains each row of a table of recipes on fold train for the same processor
seconds on one thread. Prints the loss per masked token on fold valid. Fold test is not looked at. `--jobs` trainings run side by
side. Processor seconds count, not those of the clock, so that other work on the machine matters little; the learning rate falls to zero
within them, so the number of steps is set from the time of the first ones.

  python bench/recipes.py --run results/hg19-mini --vocabulary bpe-600 --table recipes.tsv --seconds 240 --jobs 2 --record hg19-mini/trials
"""

import argparse
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import support
import torch

from grover.config.sections.pretraining import Architecture
from grover.genome.assembly import Genome
from grover.genome.folds import fold_of, read_folds
from grover.genome.token_windows import places_of
from grover.network.batching import SPECIALS
from grover.network.bert import bert_config, new_language_model
from grover.network.training import Execution, Optimisation
from grover.pretraining import corpus, evaluation
from grover.pretraining.masking import Masking
from grover.pretraining.pretrain import Settings, pretrain
from grover.tokenization.genome_tokens import TokenisedGenome
from grover.tokenization.vocabulary import Vocabulary

SEED = 1
SHORTEST = 20
TIMED_STEPS = 40  # of which the time of a step is taken
SCORED_MASKS = 0.2  # share of the tokens of fold valid that is masked, the same for all recipes
SCORED_WINDOWS = 2_500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="folder of a run that has tokenised its genome")
    parser.add_argument("--vocabulary", required=True)
    parser.add_argument("--table", type=Path, required=True, help="tab-separated: name and the settings of `Recipe`")
    parser.add_argument("--seconds", type=float, default=240, help="processor seconds of a training")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="bf16")
    parser.add_argument("--jobs", type=int, default=2, help="trainings side by side, one thread each")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = support.arguments(parser)
    recipes = pd.read_csv(options.table, sep="\t", comment="#").set_index("name")
    if options.worker:
        return print(json.dumps(trial(options, recipes.loc[options.worker])))

    def measured(name: str) -> dict:
        given = ["--run", options.run, "--vocabulary", options.vocabulary, "--table", options.table]
        given += ["--seconds", options.seconds, "--precision", options.precision]
        found = support.measure(__file__, *given, "--worker", name, OMP_NUM_THREADS="1")
        found = {"name": name} | recipes.loc[name].to_dict() | found
        print(json.dumps(found), file=sys.stderr, flush=True)
        return found

    with ThreadPoolExecutor(options.jobs) as pool:
        trials = list(pool.map(measured, recipes.index))
    trials.sort(key=lambda found: found["loss"])
    settings = {"seconds": options.seconds, "precision": options.precision, "jobs": options.jobs}
    result = settings | {"masked_share": SCORED_MASKS, "trials": trials}
    support.finish(result, ["torch", "transformers", "numpy"], options.record)


def trial(options: argparse.Namespace, recipe: pd.Series) -> dict:
    """Train by `recipe` for the processor seconds of `options`; returns the loss on fold valid and what was trained."""
    torch.set_num_threads(1)
    vocabulary = Vocabulary.load(options.run / "vocabulary" / options.vocabulary)
    windows, tokens = lay_windows(options, vocabulary, int(recipe["longest"]))
    training = windows[windows["region"] == "train"]
    architecture = Architecture(
        positions=int(recipe["longest"]) + SPECIALS,
        layers=int(recipe["layers"]),
        hidden=int(recipe["hidden"]),
        heads=int(recipe["heads"]),
        intermediate=int(recipe["intermediate"]),
        dropout=float(recipe["dropout"]),
        start=recipe["start"],
    )
    config = bert_config(architecture, vocabulary.size)
    execution = Execution(torch.device("cpu"), options.precision, SEED)

    def run(steps: int) -> tuple[torch.nn.Module, float]:
        model = new_language_model(config, SEED)
        optimisation = Optimisation(steps, float(recipe["learning_rate"]), 0.05)
        settings = Settings(int(recipe["batch"]), optimisation, Masking(float(recipe["mask_ratio"])))
        begun = time.process_time()
        pretrain(model, tokens, training, settings, execution)
        return model, time.process_time() - begun

    run(2)  # compilation and the check before the first step
    few, many = run(2)[1], run(2 + TIMED_STEPS)[1]
    steps = max(TIMED_STEPS, round(options.seconds * TIMED_STEPS / (many - few)))
    model, seconds = run(steps)
    valid = windows[windows["region"] == "valid"]
    held_out = valid.sample(min(len(valid), SCORED_WINDOWS), random_state=SEED)
    masked = evaluation.mask_tokens(tokens, held_out, vocabulary.size, Masking(SCORED_MASKS, mask=1.0), SEED)
    nats = evaluation.predict(model, masked, execution.device, "fp32").nats
    return {
        "loss": round(float(nats.mean()), 4),
        "standard_error": round(float(nats.std() / len(nats) ** 0.5), 4),
        "scored_tokens": len(nats),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "steps": steps,
        "tokens": int(steps * recipe["batch"] * training["length"].mean()),
        "processor_seconds": round(seconds),
    }


def lay_windows(options: argparse.Namespace, vocabulary: Vocabulary, longest: int) -> tuple[pd.DataFrame, object]:
    """Windows of up to `longest` tokens over the run's genome with the fold of each, and the tokens."""
    genome = Genome(options.run / "genome/sequence.npy", options.run / "genome/segments.bed")
    folder = options.run / "tokens" / options.vocabulary
    tokenised = TokenisedGenome(folder / "tokens.npy", folder / "index.npy", vocabulary)
    table = corpus.lay_windows(tokenised.tokens_at(genome.bounds), SHORTEST, longest, 2, SEED)
    places, folds = places_of(table, genome, tokenised), read_folds(options.run / "genome/folds.bed")
    table["region"] = fold_of(folds, places["chrom"], *(places[name].to_numpy() for name in ("start", "end")))
    return table, tokenised.tokens


if __name__ == "__main__":
    main()
