"""Models that were pretrained on another species, compared in the species of this run; only where `pretraining.from` names a model.

Needs the source model, the chosen model, the data sets and, where they are there, the genome and the fine-tuned models of the source's run.
Makes transfer/: models, bases.tsv and scores.parquet.
"""

from grover.transfer import arms

TRANSFER = f"{RUN}/transfer"
SOURCE_RUN = arms.source_run(SOURCE_MODEL) if SOURCE_MODEL else None
SOURCE_GENOME = checked(arms.source_genome, configuration, SOURCE_RUN, ORIGIN) if SOURCE_MODEL else None
TRANSFER_TASKS = checked(arms.tasks_of_transfer, configuration, TASKS, ORIGIN)
SOURCE_TASKS = {
    task: found
    for task in TRANSFER_TASKS
    if SOURCE_MODEL and (found := checked(arms.source_task, configuration, task, SOURCE_RUN))
}
# what is searched in the sequence that the source saw, where that is known
COMPARED = ["loci", *TRANSFER_TASKS] if SOURCE_GENOME else []
# weights of each model; what other runs made is compared by content
ARM_WEIGHTS = {
    arms.SOURCE: str(SOURCE_MODEL / "model.safetensors") if SOURCE_MODEL else [],
    arms.CONTINUED: f"{RUN}/models/chosen/model.safetensors",
    arms.SCRATCH: f"{TRANSFER}/models/scratch/model.safetensors",
    arms.RANDOM: f"{TRANSFER}/models/random/model.safetensors",
}
FURTHER = checked(arms.further_models, configuration, ROOT, ORIGIN)
ARM_WEIGHTS |= {name: str(folder / "model.safetensors") for name, folder in FURTHER.items()}


wildcard_constraints:
    arm=one_of(ARM_WEIGHTS),
    compared=one_of(["loci", *TRANSFER_TASKS]),


# from random weights, with the source's vocabulary and size, on as many windows: what the weights of the source are worth
use rule pretrain as pretrain_scratch with:
    input:
        tokens=rules.publish_chosen.output.tokens,
        windows=rules.publish_chosen.output.windows,
        vocabulary=rules.publish_chosen.output.tokenizer,
        source=[],
    output:
        model=ARM_WEIGHTS[arms.SCRATCH],
        config=f"{TRANSFER}/models/scratch/config.json",
        tokenizer=f"{TRANSFER}/models/scratch/tokenizer.json",
        tokenizer_config=f"{TRANSFER}/models/scratch/tokenizer_config.json",
        training=f"{TRANSFER}/models/scratch/training.parquet",
    log:
        f"{RUN}/logs/pretrain_scratch.{CANDIDATES[0]}.log",
    benchmark:
        f"{RUN}/benchmark/pretrain_scratch.{CANDIDATES[0]}.tsv"
    params:
        checkpoints=f"{TRANSFER}/checkpoints",
        code=code_or_frozen("pretrain", ARM_WEIGHTS[arms.SCRATCH]),


rule initialise_model:
    """The randomly initialised model as a folder, so that it is read like the others."""
    input:
        like=rules.publish_chosen.output.model,
    output:
        model=ARM_WEIGHTS[arms.RANDOM],
    log:
        f"{RUN}/logs/initialise_model.log",
    resources:
        **cpu("initialise_model"),
    params:
        options=options("initialise_model"),
    shell:
        "{resources.python} {resources.scripts}/initialise_model.py {params.options}"
        " --like {input.like:q}"
        " --model {output.model:q} > {log:q} 2>&1"


rule transfer_bases:
    input:
        model=weights_of_arm,
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
        folds=rules.make_folds.output.folds,
    output:
        bases=f"{TRANSFER}/{{arm}}.bases.parquet",
    log:
        f"{RUN}/logs/transfer_bases.{{arm}}.log",
    benchmark:
        f"{RUN}/benchmark/transfer_bases.{{arm}}.tsv"
    threads: configuration.threads
    resources:
        **gpu("transfer_bases"),
    params:
        options=options("transfer_bases"),
    shell:
        "{resources.python} {resources.scripts}/transfer_bases.py {params.options} --threads {threads}"
        " --model {input.model:q}"
        " --sequence {input.sequence:q}"
        " --segments {input.segments:q}"
        " --folds {input.folds:q}"
        " --name {wildcards.arm:q}"
        " --bases {output.bases:q} > {log:q} 2>&1"


rule transfer_labels:
    """Linear probes and fine-tuned classifiers from few labels of a task, all numbers of labels and seeds of one model."""
    input:
        model=weights_of_arm,
        dataset=rules.build_dataset.output.dataset,
        passed=rules.audit_dataset.output.passed,
    output:
        predictions=f"{TRANSFER}/{{task}}.{{arm}}.predictions.parquet",
    log:
        f"{RUN}/logs/transfer_labels.{{task}}.{{arm}}.log",
    benchmark:
        f"{RUN}/benchmark/transfer_labels.{{task}}.{{arm}}.tsv"
    threads: training_threads(configuration, "transfer-labels", len(TRANSFER_TASKS) * len(ARM_WEIGHTS))
    resources:
        **gpu("transfer_labels"),
    params:
        options=options("transfer_labels"),
    shell:
        "{resources.python} {resources.scripts}/transfer_labels.py {params.options} --threads {threads}"
        " --dataset {input.dataset:q}"
        " --passed {input.passed:q}"
        " --model {input.model:q}"
        " --name {wildcards.arm:q}"
        " --predictions {output.predictions:q} 2>&1 | tee -i {log:q}"


rule transfer_baselines:
    input:
        dataset=rules.build_dataset.output.dataset,
        passed=rules.audit_dataset.output.passed,
    output:
        predictions=f"{TRANSFER}/{{task}}.baseline.parquet",
    log:
        f"{RUN}/logs/transfer_baselines.{{task}}.log",
    benchmark:
        f"{RUN}/benchmark/transfer_baselines.{{task}}.tsv"
    resources:
        **cpu("transfer_baselines"),
    params:
        options=options("transfer_baselines"),
    shell:
        "{resources.python} {resources.scripts}/transfer_baselines.py {params.options}"
        " --dataset {input.dataset:q}"
        " --predictions {output.predictions:q} > {log:q} 2>&1"


rule transfer_source_task:
    """The classifier that was fine-tuned in the species of the source, tested here, with baselines that learnt there."""
    input:
        dataset=rules.build_dataset.output.dataset,
        passed=rules.audit_dataset.output.passed,
        theirs=lambda wildcards: [by_checksum(path) for path in SOURCE_TASKS[wildcards.task]],
    output:
        predictions=f"{TRANSFER}/{{task}}.elsewhere.parquet",
    log:
        f"{RUN}/logs/transfer_source_task.{{task}}.log",
    benchmark:
        f"{RUN}/benchmark/transfer_source_task.{{task}}.tsv"
    wildcard_constraints:
        task=one_of(SOURCE_TASKS),
    threads: configuration.threads
    resources:
        **gpu("transfer_source_task"),
    params:
        options=options("transfer_source_task"),
    shell:
        "{resources.python} {resources.scripts}/transfer_source_task.py {params.options} --threads {threads}"
        " --dataset {input.dataset:q}"
        " --source-dataset {input.theirs[0]:q}"
        " --classifier {input.theirs[1]:q}"
        " --predictions {output.predictions:q} > {log:q} 2>&1"


rule compare_with_source:
    """Near-duplicates of sequence that the source saw are set apart: what is remembered is no transfer."""
    input:
        theirs=[by_checksum(SOURCE_GENOME / name) for name in ("sequence.npy", "segments.bed")] if SOURCE_GENOME else [],
        examples=lambda wildcards: (
            f"{TRANSFER}/{arms.CONTINUED}.bases.parquet"
            if wildcards.compared == "loci"
            else f"{RUN}/benchmarks/{wildcards.compared}/dataset.parquet"
        ),
    output:
        similar=f"{TRANSFER}/{{compared}}.similar.parquet",
    log:
        f"{RUN}/logs/compare_with_source.{{compared}}.log",
    benchmark:
        f"{RUN}/benchmark/compare_with_source.{{compared}}.tsv"
    resources:
        **cpu("compare_with_source"),
    params:
        options=options("compare_with_source"),
    shell:
        "{resources.python} {resources.scripts}/compare_with_source.py {params.options}"
        " --examples {input.examples:q}"
        " --source-sequence {input.theirs[0]:q}"
        " --source-segments {input.theirs[1]:q}"
        " --similar {output.similar:q} > {log:q} 2>&1"


rule gather_transfer:
    input:
        bases=expand(rules.transfer_bases.output.bases, arm=ARM_WEIGHTS),
        datasets=expand(rules.build_dataset.output.dataset, task=TRANSFER_TASKS),
        predictions=[path for task in TRANSFER_TASKS for path in predictions_of_transfer(task)],
        similar=expand(rules.compare_with_source.output.similar, compared=COMPARED),
    output:
        scores=f"{TRANSFER}/scores.parquet",
        base_scores=f"{TRANSFER}/bases.tsv",
    log:
        f"{RUN}/logs/gather_transfer.log",
    benchmark:
        f"{RUN}/benchmark/gather_transfer.tsv"
    resources:
        **cpu("gather_transfer"),
    params:
        options=options("gather_transfer"),
        bases=lambda wildcards, input: repeated("--bases", input.bases),
        datasets=lambda wildcards, input: repeated("--dataset", map("=".join, zip(TRANSFER_TASKS, input.datasets))),
        predictions=lambda wildcards, input: repeated(
            "--predictions", [f"{task}={path}" for task in TRANSFER_TASKS for path in predictions_of_transfer(task)]
        ),
        similar=lambda wildcards, input: repeated("--similar", map("=".join, zip(COMPARED, input.similar))),
    shell:
        "{resources.python} {resources.scripts}/gather_transfer.py {params.options}"
        " {params.bases} {params.datasets} {params.predictions} {params.similar}"
        " --scores {output.scores:q}"
        " --base-scores {output.base_scores:q} > {log:q} 2>&1"
