"""Score all models and baselines of the transfer matrix side by side."""

import numpy as np
import pandas as pd

from grover.config.options import Seed
from grover.config.sections.benchmarks import BlockBootstrap
from grover.config.sections.transfer import NearSource
from grover.finetuning.baselines import gc_share
from grover.runtime.cli import Inputs, Output, Sources, main
from grover.runtime.files import key_values, write_table
from grover.transfer.scores import COLUMNS, Resampling, score_bases, score_labels
from grover.transfer.source_task import fold_test


def gather_transfer(
    bases: Inputs,
    scores: Output,
    base_scores: Output,
    near: NearSource,
    resampling: BlockBootstrap,
    seed: Seed,
    dataset: Sources = [],  # noqa: B006
    predictions: Sources = [],  # noqa: B006
    similar: Sources = [],  # noqa: B006
) -> None:
    """Write SCORES (task, model, method, labels, part, MCC and AUROC with intervals) and BASE_SCORES (masked bits per base).

    The keys of DATASET, PREDICTIONS and SIMILAR are tasks. PREDICTIONS, several of each, are those of transfer_labels.py,
    transfer_baselines.py and transfer_source_task.py. SIMILAR is that of compare_with_source.py, of `loci` too.
    """
    how = Resampling(resampling.block, resampling.bootstrap, seed)
    similarity = {
        name: pd.read_parquet(file).set_index("example")["similar"] for name, file in key_values(similar, "--similar")
    }
    unknown = pd.Series(dtype=np.float64)
    predicted = key_values(predictions, "--predictions")
    rows = []
    for task, path in key_values(dataset, "--dataset"):
        examples = fold_test(pd.read_parquet(path))[["sequence", "label", "chrom", "start", "end"]]
        examples = examples.assign(gc=gc_share(examples)[:, 0], similar=similarity.get(task, unknown))
        found = pd.concat([pd.read_parquet(file) for name, file in predicted if name == task], ignore_index=True)
        rows.append(score_labels(found, examples, how, near.similarity).assign(task=task))
    write_table(scores, pd.concat(rows, ignore_index=True)[COLUMNS] if rows else pd.DataFrame(columns=COLUMNS))
    loci = {table["model"].iloc[0]: table for table in map(pd.read_parquet, bases)}
    of_loci = similarity.get("loci", unknown).reindex(next(iter(loci.values())).index)
    write_table(base_scores, score_bases(loci, of_loci.to_numpy(np.float64), near.similarity, how))


if __name__ == "__main__":
    main(gather_transfer)
