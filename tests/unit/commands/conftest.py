"""Tiny models with random weights, and a FASTA of two contigs, of which one has a stretch of N."""

from types import SimpleNamespace

import numpy as np
import pytest

from grover.commands.options import Computation, Regions, Result
from grover.genome.bases import decode
from grover.network.bert import bert_config, new_language_model, save
from grover.network.classifier import new_classifier
from grover.network.classifier_folder import save_classifier
from grover.tokenization.vocabulary import Vocabulary
from tests.fakes.networks import architecture

VOCABULARIES = {
    "bpe-3": Vocabulary.from_merges("bpe-3", np.array([[0, 0], [2, 3], [4, 1]], np.int32)),
    "kmer-3": Vocabulary.from_kmers("kmer-3", 3),
    "overlap-3": Vocabulary.from_overlapping_kmers("overlap-3", 3),
}
QUIET = Computation(device="cpu", precision="fp32", quiet=True)


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """`folder`, `fasta`, `sequences` by contig, `models` by vocabulary, and `classifier`, a fine-tuned one of byte pairs."""
    folder = tmp_path_factory.mktemp("command")
    rng = np.random.default_rng(5)
    sequences = {name: decode(rng.integers(0, 4, size, np.uint8)) for name, size in (("chr1", 400), ("chr2", 150))}
    sequences["chr1"] = sequences["chr1"][:200] + "N" * 7 + sequences["chr1"][200:]
    fasta = folder / "genome.fa"
    fasta.write_text("".join(f">{name} text\n{text[:90]}\n{text[90:].lower()}\n" for name, text in sequences.items()))
    models = {}
    for name, vocabulary in VOCABULARIES.items():
        vocabulary.save(folder / name / "vocabulary")
        config = bert_config(architecture(2, 16, 2, 24, 34), vocabulary.size)
        config.initializer_range = 0.5  # so that the states of inputs differ
        models[name] = folder / name / "model"
        save(new_language_model(config, 0), config, models[name], folder / name / "vocabulary")
    classifier = folder / "classifier"
    save_classifier(
        new_classifier(models["bpe-3"], 2, "mean", True, 1), classifier, models["bpe-3"], "ctcf", ["unbound", "bound"]
    )
    return SimpleNamespace(folder=folder, fasta=fasta, sequences=sequences, models=models, classifier=classifier)


@pytest.fixture
def bed(tmp_path):
    """Write a BED of rows, and return the options that read it."""

    def write(fasta, *rows: tuple, **options) -> Regions:
        path = tmp_path / "rows.bed"
        path.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
        return Regions(str(fasta), str(path), **options)

    return write


@pytest.fixture
def result(tmp_path):
    """Options of a file to write in the folder of the test."""

    def named(name: str, **options) -> Result:
        return Result(str(tmp_path / name), **options)

    return named
