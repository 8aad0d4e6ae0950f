"""Variants scored by the chosen model and by a model fine-tuned on single sites.

Needs the chosen model and the source `variants`. Makes interpretation/variants.*.
"""

from grover.config import annotations

# without a task of single sites there is no `delta_logit`
VARIANT_TASK = checked(annotations.single_site_task, configuration, TASKS, ORIGIN)
VARIANT_SHARDS = range(configuration.interpretation.variant_shards)
FINETUNED_FOR_VARIANTS = f"{RUN}/finetuning/{VARIANT_TASK}/{FINETUNED[0]}/model.safetensors" if FINETUNED else ""


rule read_variants:
    """One row per alternative allele, checked against the assembly."""
    input:
        variants=lambda wildcards: source("variants"),
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
        contigs=rules.encode_genome.output.contigs,
        folds=rules.make_folds.output.folds,
    output:
        table=f"{RUN}/interpretation/variants/alleles.parquet",
        counts=f"{RUN}/interpretation/variants/alleles.json",
    log:
        f"{RUN}/logs/read_variants.log",
    benchmark:
        f"{RUN}/benchmark/read_variants.tsv"
    resources:
        **cpu("read_variants"),
    params:
        rename=lambda wildcards: rename_option("variants"),
        options=options("read_variants"),
    shell:
        "{resources.python} {resources.scripts}/read_variants.py {params.options}"
        " --variants {input.variants:q}"
        " {params.rename}"
        " --sequence {input.sequence:q}"
        " --segments {input.segments:q}"
        " --contigs {input.contigs:q}"
        " --folds {input.folds:q}"
        " --table {output.table:q}"
        " --counts {output.counts:q} > {log:q} 2>&1"


rule score_null_variants:
    """Random variants of fold train, which scores are compared with."""
    input:
        model=rules.publish_chosen.output.model,
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
        folds=rules.make_folds.output.folds,
    output:
        table=f"{RUN}/interpretation/variants/null.parquet",
        run_lengths=f"{RUN}/interpretation/variants/run_lengths.npy",
    log:
        f"{RUN}/logs/score_null_variants.log",
    benchmark:
        f"{RUN}/benchmark/score_null_variants.tsv"
    threads: configuration.threads
    resources:
        **gpu("score_null_variants"),
    params:
        options=options("score_null_variants"),
    shell:
        "{resources.python} {resources.scripts}/score_null_variants.py {params.options} --threads {threads}"
        " --model {input.model:q}"
        " --sequence {input.sequence:q}"
        " --segments {input.segments:q}"
        " --folds {input.folds:q}"
        " --table {output.table:q}"
        " --run-lengths {output.run_lengths:q} > {log:q} 2>&1"


rule score_variants:
    """One shard of the variants per job; if it fails, only that shard is recomputed."""
    input:
        model=rules.publish_chosen.output.model,
        variants=rules.read_variants.output.table,
        null=rules.score_null_variants.output.table,
        run_lengths=rules.score_null_variants.output.run_lengths,
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
        classifier=FINETUNED_FOR_VARIANTS if VARIANT_TASK else [],
        dataset=f"{RUN}/benchmarks/{VARIANT_TASK}/dataset.parquet" if VARIANT_TASK else [],
    output:
        table=f"{RUN}/interpretation/variants/shards/{{shard}}.parquet",
    log:
        f"{RUN}/logs/score_variants.{{shard}}.log",
    benchmark:
        f"{RUN}/benchmark/score_variants.{{shard}}.tsv"
    wildcard_constraints:
        shard="[0-9]+",
    priority: 20
    threads: configuration.threads
    resources:
        **gpu("score_variants"),
    params:
        classifier=lambda wildcards, input: repeated("--classifier", input.classifier),
        dataset=lambda wildcards, input: repeated("--dataset", input.dataset),
        options=options("score_variants"),
    shell:
        "{resources.python} {resources.scripts}/score_variants.py {params.options} --threads {threads}"
        " --model {input.model:q}"
        " --variants {input.variants:q}"
        " --null {input.null:q}"
        " --run-lengths {input.run_lengths:q}"
        " --sequence {input.sequence:q}"
        " --segments {input.segments:q}"
        " --shard {wildcards.shard}"
        " {params.classifier} {params.dataset}"
        " --table {output.table:q} > {log:q} 2>&1"


rule gather_variants:
    """The scores as tables, and in the VCF that they come from."""
    input:
        variants=lambda wildcards: source("variants"),
        shards=expand(rules.score_variants.output.table, shard=VARIANT_SHARDS),
        counts=rules.read_variants.output.counts,
        model=rules.publish_chosen.output.model,
    output:
        table=f"{RUN}/interpretation/variants.parquet",
        text=f"{RUN}/interpretation/variants.tsv",
        vcf=f"{RUN}/interpretation/variants.vcf.gz",
        index=f"{RUN}/interpretation/variants.vcf.gz.tbi",
        summary=f"{RUN}/interpretation/variants.json",
    log:
        f"{RUN}/logs/gather_variants.log",
    benchmark:
        f"{RUN}/benchmark/gather_variants.tsv"
    priority: 20
    resources:
        **cpu("gather_variants"),
    params:
        shards=lambda wildcards, input: repeated("--shards", input.shards),
        options=options("gather_variants"),
    shell:
        "{resources.python} {resources.scripts}/gather_variants.py {params.options} {params.shards}"
        " --variants {input.variants:q}"
        " --counts {input.counts:q}"
        " --model {input.model:q}"
        " --table {output.table:q}"
        " --text {output.text:q}"
        " --vcf {output.vcf:q}"
        " --index {output.index:q}"
        " --summary {output.summary:q} > {log:q} 2>&1"


# sources that variants are compared with, of those that the configuration names
VARIANT_SOURCES = annotations.variant_sources(configuration)


rule variant_baselines:
    """What counts, annotation and motifs say of the variants, and how well each score separates those with a known effect."""
    input:
        variants=f"{RUN}/interpretation/variants.parquet",
        null=rules.score_null_variants.output.table,
        tokenizer=rules.publish_chosen.output.tokenizer,
        tokens=rules.publish_chosen.output.tokens,
        index=rules.publish_chosen.output.index,
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
        contigs=rules.encode_genome.output.contigs,
        softmask=rules.encode_genome.output.softmask,
        folds=rules.make_folds.output.folds,
        sources=[source(key) for key in VARIANT_SOURCES],
    output:
        table=f"{RUN}/interpretation/variant_baselines.parquet",
        metrics=f"{RUN}/interpretation/variant_metrics.parquet",
        correlations=f"{RUN}/interpretation/variant_confounding.parquet",
        sample=f"{RUN}/interpretation/variant_sample.parquet",
        summary=f"{RUN}/interpretation/variant_effects.json",
    log:
        f"{RUN}/logs/variant_baselines.log",
    benchmark:
        f"{RUN}/benchmark/variant_baselines.tsv"
    priority: 20
    resources:
        **cpu("variant_baselines"),
    params:
        sources=source_options(VARIANT_SOURCES),
        options=options("variant_baselines"),
    shell:
        "{resources.python} {resources.scripts}/variant_baselines.py {params.options}"
        " --variants {input.variants:q}"
        " --null {input.null:q}"
        " --tokenizer {input.tokenizer:q}"
        " --tokens {input.tokens:q}"
        " --index {input.index:q}"
        " --sequence {input.sequence:q}"
        " --segments {input.segments:q}"
        " --contigs {input.contigs:q}"
        " --softmask {input.softmask:q}"
        " --folds {input.folds:q}"
        " {params.sources}"
        " --table {output.table:q}"
        " --metrics {output.metrics:q}"
        " --correlations {output.correlations:q}"
        " --sample {output.sample:q}"
        " --summary {output.summary:q} > {log:q} 2>&1"
