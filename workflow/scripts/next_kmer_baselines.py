"""Score the baselines of next-k-mer prediction on the contexts that the models see."""

from typing import Annotated

from typer import Option

from grover.genome.assembly import Genome
from grover.genome.folds import read_folds
from grover.runtime.cli import Input, Inputs, Output, main
from grover.runtime.files import folder, write_table
from grover.runtime.options import Seed, Threads
from grover.selection.next_kmer import cut_contexts
from grover.selection.next_kmer_baselines import baselines
from grover.tokenization.vocabulary import Vocabulary


def next_kmer_baselines(
    sequence: Input,
    segments: Input,
    folds: Input,
    vocabulary: Inputs,
    output: Output,
    k: Annotated[list[int], Option(help="bases to predict; repeat the option for several")] = (2, 3, 4, 5, 6),
    context: Annotated[int, Option(help="bases of context")] = 50,
    examples: Annotated[int, Option(help="contexts, dealt to train, valid and test by fold")] = 500_000,
    trees: Annotated[int, Option(help="trees of the random forest; 0 leaves it out")] = 100,
    forest_examples: Annotated[int, Option(help="contexts that the forest learns from at most")] = 50_000,
    seed: Seed = 0,
    threads: Threads = 1,
):
    """Write chance, majority, Markov orders 0 to 5, the last token alone for each VOCABULARY, and TF-IDF with a random
    forest.
    """
    words = [Vocabulary.load(folder(path)) for path in vocabulary]
    contexts = cut_contexts(Genome(sequence, segments), read_folds(folds), context, max(k), examples, seed)
    write_table(output, baselines(contexts, words, list(k), trees, forest_examples, max(1, threads)))


if __name__ == "__main__":
    main(next_kmer_baselines)
