"""Score variants without a model, and compare the model's scores of labelled variants with these."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from grover.config.options import Seed
from grover.config.sections.benchmarks import BlockBootstrap
from grover.config.sections.interpretation import VariantLabels, VariantSources
from grover.genome.assembly import Genome
from grover.genome.contig_table import read_contig_table
from grover.genome.folds import fold_of, read_folds
from grover.interpretation.confounding import confounding
from grover.interpretation.variant_annotation import read_exons, read_matrices
from grover.interpretation.variant_baselines import Annotation, baselines, strata
from grover.interpretation.variant_counts import TrainCounts, count_train
from grover.interpretation.variant_metrics import (
    BASELINES,
    Resampling,
    blocks_with_positives,
    difference,
    given,
    separation,
)
from grover.interpretation.variant_regression import cross_validated
from grover.interpretation.variant_summary import Collected, shown
from grover.interpretation.variant_tables import read_blocks, write_blocks
from grover.intervals.contigs import Contigs
from grover.intervals.formats import read_bed
from grover.intervals.sites import read_tss
from grover.runtime.cli import Input, Output, Renames, Sources, main
from grover.runtime.files import folder, key_values, source_files, write_json, write_table
from grover.tokenization.genome_tokens import TokenisedGenome
from grover.tokenization.vocabulary import Vocabulary

CONFOUNDED = ["llr", "llr_centred", "llr_joint", "delta_logit", "unigram"]
COMPARATORS = ("markov_5", "unigram", "logistic")


def variant_baselines(
    variants: Input,
    null: Input,
    tokenizer: Input,
    tokens: Input,
    index: Input,
    sequence: Input,
    segments: Input,
    contigs: Input,
    folds: Input,
    softmask: Input,
    table: Output,
    metrics: Output,
    correlations: Output,
    sample: Output,
    summary: Output,
    labels: VariantLabels,
    sources: VariantSources,
    resamples: BlockBootstrap,
    seed: Seed,
    source: Sources = [],  # noqa: B006
    rename: Renames = [],  # noqa: B006
) -> None:
    """Write TABLE, the baselines and strata of each row of VARIANTS; METRICS, how well each score separates the labels in fold test;
    CORRELATIONS of scores with the change in token number, over these variants and over the random ones of NULL; SAMPLE, the variants
    that figures show; and SUMMARY (JSON).

    Variants are read and written a block at a time. At most 20,000 of each label are judged, those of fold test first.
    """
    genome, known, dealt = Genome(sequence, segments), read_contig_table(contigs), read_folds(folds)
    vocabulary = Vocabulary.load(folder(tokenizer))
    counts = count_train(genome, TokenisedGenome(tokens, index, vocabulary), dealt)
    annotation = _read_annotation(sources, source_files(source), known, dict(key_values(rename, "--rename")), softmask)
    collected = Collected(seed)

    def blocks() -> Iterator[pd.DataFrame]:
        for block in read_blocks([variants]):
            scores = baselines(block, genome, vocabulary, counts, annotation)
            groups = strata(block, scores, genome)
            start = block["pos"].to_numpy(np.int64) - 1
            groups.insert(0, "fold", fold_of(dealt, block["chrom"], start, start + block["ref"].str.len().to_numpy()))
            collected.add(pd.concat([block.drop(columns=[*scores], errors="ignore"), scores, groups], axis=1))
            yield pd.concat([scores, groups], axis=1)

    write_blocks(table, blocks())
    judged, substitutions = collected.judged(), collected.substitutions.table()
    judged["logistic"] = cross_validated(judged, [name for name in BASELINES if name in judged], resamples.block)
    test = judged[judged["fold"] == "test"].reset_index(drop=True)
    resampling = Resampling(resamples.block, resamples.bootstrap, seed)
    found = separation(test, resampling)
    write_table(metrics, found)
    random = _substitutions(pd.read_parquet(null), genome, vocabulary, counts)
    parts = [
        confounding(each, [name for name in CONFOUNDED if name in each], resampling).assign(variants=kind)
        for kind, each in (("random", random), ("scored", substitutions))
    ]
    write_table(correlations, pd.concat(parts, ignore_index=True))
    write_table(sample, shown(judged, substitutions, seed))
    models = [name for name in given(test) if name in ("llr", "delta_logit")]
    pairs = [(model, other) for model in models for other in COMPARATORS if other in given(test)]
    positives = test[test["label"] == 1]
    one_contig = positives["chrom"].nunique() == 1
    write_json(
        summary,
        {
            **collected.counts(),
            **labels.model_dump(),
            "judged": {"positive": len(positives), "negative": len(test) - len(positives)},
            "positives_from": int(positives["pos"].min()) if one_contig else None,
            "positives_to": int(positives["pos"].max()) if one_contig else None,
            "blocks": blocks_with_positives(test, resamples.block),
            "block": resamples.block,
            "differences": [
                {"score": model, "comparator": other, **difference(test, model, other, resampling)}
                for model, other in pairs
            ],
        },
    )


def _substitutions(variants: pd.DataFrame, genome: Genome, vocabulary: Vocabulary, counts: TrainCounts) -> pd.DataFrame:
    """The substitutions of single bases among variants, with their baselines."""
    single = variants[(variants["ref"].str.len() == 1) & (variants["alt"].str.len() == 1)]
    return single.join(baselines(single, genome, vocabulary, counts, Annotation()))


def _read_annotation(
    sources: VariantSources, files: dict[str, Path], known: Contigs, renamed: dict[str, str], softmask: Path
) -> Annotation:
    names = known.names_of(files, renamed)
    masked = read_bed(softmask) if softmask.stat().st_size else None
    starts = read_tss(files[sources.starts], names[sources.starts]) if sources.starts in files else None
    exons = None
    if sources.exons in files:
        exons = read_exons(files[sources.exons], names[sources.exons], sources.exons)
        if exons is None:
            print(
                f"{files[sources.exons]}: no GTF or GFF3, so distances to exons are left out; name a source of exons as "
                "`interpretation.exons`"
            )
    conservation = files.get(sources.conservation)
    return Annotation(
        starts=starts,
        exons=exons,
        masked=masked,
        motifs=read_matrices(files[sources.motifs]) if sources.motifs in files else [],
        conservation=conservation,
        lengths=known.lengths,
        **({"names": names[sources.conservation]} if conservation else {}),
    )


if __name__ == "__main__":
    main(variant_baselines)
