"""Replace every base of one site and see how the fine-tuned classifier's answer changes."""

import numpy as np
import pandas as pd

from grover.benchmarks.tokenise import read_tokens
from grover.config.options import Device, Precision
from grover.genome.bases import decode, encode
from grover.interpretation.mutagenesis import mutate, surest
from grover.network.classifier import logits
from grover.network.classifier_folder import load_classifier
from grover.network.device import choose_device
from grover.runtime.cli import Input, Output, main
from grover.runtime.errors import InputError
from grover.runtime.files import folder, write_table
from grover.runtime.options import Threads
from grover.tokenization.vocabulary import Vocabulary


def mutate_in_silico(
    model: Input,
    predictions: Input,
    dataset: Input,
    output: Output,
    device: Device,
    precision: Precision,
    threads: Threads = 0,
) -> None:
    """Take the site of label 1 on fold test of which the classifier is surest, and write for each position and other
    base the change of the logit (label 1 against label 0). Positions count along the site's strand; chrom, start, end,
    strand say where it lies.
    """
    place = choose_device(device, threads)
    classifier, vocabulary = load_classifier(folder(model)).to(place), Vocabulary.load(folder(model))
    if classifier.classifier.out_features != 2:
        raise InputError(
            f"{model}: the classifier has {classifier.classifier.out_features} classes, but two were expected"
        )

    site = pd.read_parquet(dataset).iloc[surest(pd.read_parquet(predictions))]
    beside = {name: site[name] for name in ("before", "after") if name in site}

    def predict(sequences: list[np.ndarray]) -> np.ndarray:
        """Each changed sequence is read between the same neighbours as the site in training."""
        changed = pd.DataFrame({"sequence": list(map(decode, sequences))}).assign(**beside)
        found = logits(classifier, read_tokens(changed, vocabulary, max(1, threads)), place, precision)
        return found[:, 1] - found[:, 0]

    table = mutate(encode(site["sequence"]), predict)
    write_table(output, table.assign(**{name: site[name] for name in ("chrom", "start", "end", "strand")}))


if __name__ == "__main__":
    main(mutate_in_silico)
