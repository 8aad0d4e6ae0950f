"""A small assembly as FASTA and as the stages have it, with models to interpret on it."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from typer.testing import CliRunner

from grover.commands.application import application
from grover.config.sections.genome import Extraction
from grover.genome.encoding import GenomeFiles, encode_genome
from grover.genome.fasta import read_contigs
from grover.network.bert import bert_config, new_language_model, save
from grover.network.classifier import new_classifier
from grover.network.classifier_folder import save_classifier
from grover.tokenization.vocabulary import Vocabulary
from tests.fakes.assembly import random_bases
from tests.fakes.networks import architecture

BPE = Vocabulary.from_merges("bpe", np.array([[0, 0], [3, 3], [4, 1], [5, 2], [1, 2]], np.int32))  # AA TT AAC TTG CG
CONTIGS = {"chr1": random_bases(0, 1400) + "N" * 20 + random_bases(1, 400), "chr2": random_bases(2, 500)}
LENGTH = 40  # of the examples that the classifiers read


def world(folder: Path) -> Path:
    """Write genome.fa, the encoded `genome`, the models `pretrained`, `bound` and `three` (classes), and `dataset.parquet`."""
    folder.mkdir(exist_ok=True)
    (folder / "genome.fa").write_text("".join(f">{name}\n{text}\n" for name, text in CONTIGS.items()))
    files = GenomeFiles(
        *(folder / "genome" / name for name in ("sequence.npy", "segments.bed", "softmask.bed", "contigs.tsv"))
    )
    encode_genome(read_contigs(folder / "genome.fa"), files, Extraction(include=["*"], exclude=[], minimum_segment=1))
    BPE.save(folder / "vocabulary")
    config = bert_config(architecture(1, 16, 2, 32, 128, 0.0), BPE.size)
    network = new_language_model(config, 0)
    torch.nn.init.normal_(network.cls.predictions.bias, std=1.0)
    save(network, config, folder / "pretrained", folder / "vocabulary")
    for name, labels in (("bound", ["unbound", "bound"]), ("three", ["none", "one", "two"])):
        classifier = new_classifier(folder / "pretrained", len(labels), "mean", True, 1).eval()
        with torch.no_grad():
            classifier.classifier.weight.mul_(20)
        save_classifier(classifier, folder / name, folder / "pretrained", name, labels)
    dataset().to_parquet(folder / "dataset.parquet")
    return folder


def dataset() -> pd.DataFrame:
    """Examples of both strands and of two folds, each with 10 bases of context."""
    rows = []
    for number, start in enumerate(range(40, 640, 30)):
        text, strand = CONTIGS["chr1"], "+-"[number % 2]
        parts = [text[start - 10 : start], text[start : start + LENGTH], text[start + LENGTH : start + LENGTH + 10]]
        if strand == "-":
            parts = [part[::-1].translate(str.maketrans("ACGT", "TGCA")) for part in parts[::-1]]
        fold = "train" if number < 12 else "test"
        rows.append((parts[1], number // 2 % 2, "chr1", start, start + LENGTH, strand, fold, parts[0], parts[2], ""))
    columns = ["sequence", "label", "chrom", "start", "end", "strand", "fold", "before", "after", "pieces"]
    return pd.DataFrame(rows, columns=columns)


def grover(*arguments, code: int = 0, **options):
    """Run the command; return its result, whose exit code is `code`."""
    done = CliRunner().invoke(application, list(map(str, arguments)), **options)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, done.output + done.stderr
    return done
