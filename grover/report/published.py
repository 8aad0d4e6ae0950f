"""Whether published values apply to a run. They are of the whole human genome hg19, most of them in tokens of 600 byte-pair cycles."""

import pandas as pd

from grover.report.parts import CONTIGS, Results

# of chr1, chr17, chr20 and chr22 of hg19, unlike other assemblies'
LENGTHS = {249_250_621, 81_195_210, 63_025_520, 51_304_566}
# A, C, G and T of hg19 (resources/assemblies.tsv), and the share that counts as the whole
BASES, WHOLE = 2_864_785_220, 0.95
VOCABULARY = "bpe-600"
INAPPLICABLE = (
    "Published values are of the whole of hg19 (about 2.9 Gb) and do not apply to this run of {bases:,} bases"
)


def inapplicable(contigs: pd.DataFrame) -> str:
    """Return a sentence where the genome is not the whole of hg19, under any names of its contigs; empty where it is.

    contigs: `genome/contigs.tsv`, with length and kept bases.
    """
    bases = int(contigs["kept"].sum())
    lengths = set(contigs.loc[contigs["kept"] > 0, "length"])
    if lengths >= LENGTHS and bases >= WHOLE * BASES:
        return ""
    return INAPPLICABLE.format(bases=bases) + "; none is compared."


def beside_published(results: Results, vocabulary: str) -> bool:
    """Whether values of a vocabulary of this run may stand beside the published ones."""
    return vocabulary == VOCABULARY and CONTIGS in results.names and not inapplicable(results.table(CONTIGS))
