"""Benchmarks, one a row of the table: sites, labelled sequences with folds, floors.

Needs the genome, its folds and the sources that a row names. Makes benchmarks/{task}/ and finetuning/{task}/{floor}/.
"""


rule scan_motif:
    """Matches of the matrix on both strands."""
    input:
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
        motifs=lambda wildcards: source(TASKS[wildcards.task]["motifs"]),
    output:
        hits=f"{RUN}/benchmarks/{{task}}/hits.parquet",
    log:
        f"{RUN}/logs/scan_motif.{{task}}.log",
    benchmark:
        f"{RUN}/benchmark/scan_motif.{{task}}.tsv"
    conda:
        ENVIRONMENT
    container:
        IMAGE
    resources:
        mem_mb=memory(8000),
        runtime=minutes(120),
    params:
        motif=lambda wildcards: TASKS[wildcards.task]["motif"],
        threshold=lambda wildcards: TASKS[wildcards.task]["threshold"],
        code=code("scan_motif"),
    shell:
        "{PYTHON} {SCRIPTS}/scan_motif.py --sequence {input.sequence} --segments {input.segments} --motifs {input.motifs}"
        " --motif {params.motif:q} --threshold {params.threshold} --output {output.hits} > {log} 2>&1"


rule build_dataset:
    """Sequences with label and fold, and a card of what they are."""
    input:
        hits=rules.scan_motif.output.hits,
        peaks=lambda wildcards: source(TASKS[wildcards.task]["peaks"]),
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
        contigs=rules.encode_genome.output.contigs,
        folds=rules.make_folds.output.folds,
    output:
        dataset=f"{RUN}/benchmarks/{{task}}/dataset.parquet",
        card=f"{RUN}/benchmarks/{{task}}/card.json",
    log:
        f"{RUN}/logs/build_dataset.{{task}}.log",
    benchmark:
        f"{RUN}/benchmark/build_dataset.{{task}}.tsv"
    conda:
        ENVIRONMENT
    container:
        IMAGE
    resources:
        mem_mb=memory(8000),
        runtime=minutes(60),
    params:
        builder=lambda wildcards: TASKS[wildcards.task]["builder"],
        length=lambda wildcards: TASKS[wildcards.task]["length"],
        maximum=lambda wildcards: TASKS[wildcards.task]["maximum"],
        rename=lambda wildcards: rename_option(TASKS[wildcards.task]["peaks"]),
        seed=config["seed"],
        code=code("build_dataset"),
    shell:
        "{PYTHON} {SCRIPTS}/build_dataset.py --builder {params.builder} --hits {input.hits} --peaks {input.peaks}"
        " {params.rename} --sequence {input.sequence} --segments {input.segments} --contigs {input.contigs} --folds {input.folds}"
        " --length {params.length} --maximum {params.maximum} --seed {params.seed}"
        " --dataset {output.dataset} --card {output.card} > {log} 2>&1"


rule run_floor:
    """A score that needs no neural network, under the same folds."""
    input:
        dataset=rules.build_dataset.output.dataset,
    output:
        predictions=f"{RUN}/finetuning/{{task}}/{{floor}}/predictions.parquet",
        metrics=f"{RUN}/finetuning/{{task}}/{{floor}}/metrics.json",
    log:
        f"{RUN}/logs/run_floor.{{task}}.{{floor}}.log",
    benchmark:
        f"{RUN}/benchmark/run_floor.{{task}}.{{floor}}.tsv"
    wildcard_constraints:
        floor="|".join(config["benchmarks"]["floors"]),
    conda:
        ENVIRONMENT
    container:
        IMAGE
    threads: 2
    resources:
        mem_mb=memory(16000),
        runtime=minutes(120),
    params:
        seeds=repeated("--seeds", SEEDS),
        trees=config["benchmarks"]["trees"],
        resamples=config["benchmarks"]["bootstrap"],
        code=code("run_floor"),
    shell:
        "{PYTHON} {SCRIPTS}/run_floor.py --dataset {input.dataset} --task {wildcards.task} --floor {wildcards.floor} {params.seeds}"
        " --trees {params.trees} --resamples {params.resamples} --threads {threads}"
        " --predictions {output.predictions} --metrics {output.metrics} > {log} 2>&1"
