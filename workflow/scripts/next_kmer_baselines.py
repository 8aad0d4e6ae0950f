"""Score the baselines of next-k-mer prediction on the contexts that the models see."""

from grover.config.options import Seed
from grover.config.sections import pretraining as config
from grover.genome.assembly import Genome
from grover.genome.folds import read_folds
from grover.runtime.cli import Input, Inputs, Output, main
from grover.runtime.files import folder, write_table
from grover.runtime.options import Threads
from grover.selection.next_kmer import cut_contexts
from grover.selection.next_kmer_baselines import baselines
from grover.tokenization.vocabulary import Vocabulary


def next_kmer_baselines(
    sequence: Input,
    segments: Input,
    folds: Input,
    vocabulary: Inputs,
    output: Output,
    task: config.NextKmer,
    forest: config.NextKmerForest,
    seed: Seed,
    threads: Threads = 1,
) -> None:
    """Write chance, majority, Markov orders 0 to 5, the last token alone for each VOCABULARY, and TF-IDF with a random
    forest.
    """
    vocabularies = [Vocabulary.load(folder(path)) for path in vocabulary]
    contexts = cut_contexts(
        Genome(sequence, segments), read_folds(folds), task.context, max(task.k), task.examples, seed
    )
    write_table(
        output, baselines(contexts, vocabularies, task.k, forest.trees, forest.forest_examples, max(1, threads))
    )


if __name__ == "__main__":
    main(next_kmer_baselines)
