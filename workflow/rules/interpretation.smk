"""A first look inside: one site mutated base by base, and variants scored by the model.

Needs the fine-tuned and the chosen model. Makes interpretation/.
"""

# without a task of single sites the rule is asked for by nobody; its paths still need a name
SHOWN = SHOWN_TASK or "no-task"


rule mutate_in_silico:
    input:
        model=f"{RUN}/finetuning/{SHOWN}/{FINETUNED[0]}/model.safetensors",
        predictions=f"{RUN}/finetuning/{SHOWN}/{FINETUNED[0]}/predictions.parquet",
        dataset=f"{RUN}/benchmarks/{SHOWN}/dataset.parquet",
    output:
        table=f"{RUN}/interpretation/mutagenesis.parquet",
    log:
        f"{RUN}/logs/mutate_in_silico.log",
    benchmark:
        f"{RUN}/benchmark/mutate_in_silico.tsv"
    threads: configuration.threads
    resources:
        **gpu(8000, 30),
    params:
        options=options("mutate_in_silico"),
    shell:
        "{resources.python} {resources.scripts}/mutate_in_silico.py {params.options} --threads {threads}"
        " --model {input.model:q}"
        " --predictions {input.predictions:q}"
        " --dataset {input.dataset:q}"
        " --output {output.table:q} > {log:q} 2>&1"


rule score_variants:
    input:
        model=rules.publish_chosen.output.model,
        variants=lambda wildcards: source("variants"),
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
        contigs=rules.encode_genome.output.contigs,
    output:
        table=f"{RUN}/interpretation/variants.tsv",
        summary=f"{RUN}/interpretation/variants.json",
    log:
        f"{RUN}/logs/score_variants.log",
    benchmark:
        f"{RUN}/benchmark/score_variants.tsv"
    threads: configuration.threads
    resources:
        **gpu(8000, 120),
    params:
        rename=lambda wildcards: rename_option("variants"),
        options=options("score_variants"),
    shell:
        "{resources.python} {resources.scripts}/score_variants.py {params.options} --threads {threads}"
        " --model {input.model:q}"
        " --variants {input.variants:q}"
        " {params.rename}"
        " --sequence {input.sequence:q}"
        " --segments {input.segments:q}"
        " --contigs {input.contigs:q}"
        " --table {output.table:q}"
        " --summary {output.summary:q} > {log:q} 2>&1"
