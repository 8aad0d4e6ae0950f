"""How vocabularies are named; light enough for the Snakefile to read."""

OVERLAP = "overlap-"  # and k
# what `vocabulary.candidates` and `vocabulary.studied` may name besides the vocabularies from outside
VOCABULARY = r"bpe-[1-9][0-9]*|kmer-[1-7]|overlap-[3-6]|char"
