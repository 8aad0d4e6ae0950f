"""Baselines; fine-tuning of pretrained, randomly initialised and external models on every benchmark; comparison of all scores.

Needs audited datasets and models. Makes finetuning/{task}/{model}/ (of a model a Hugging Face folder), benchmarks/{task}/scores.parquet,
benchmarks.parquet, comparisons.parquet, reproduction.parquet and reproduction.md.
"""

from grover.config.names import NETWORK_BASELINES, PROBES, TOKEN_BASELINES
from grover.finetuning.predictors import predictors


localrules:
    fetch_external,
    gather_benchmarks,


# the code with which transformers opens a classifier that reads the mean
MODELLING = (
    {"modelling": f"{RUN}/finetuning/{{task}}/{{model}}/modeling_grover.py"}
    if configuration.finetuning.pooling == "mean"
    else {}
)


rule run_baseline:
    """A score that needs no neural network, under the same folds."""
    input:
        dataset=rules.build_dataset.output.dataset,
        passed=rules.audit_dataset.output.passed,
        vocabulary=lambda wildcards: TOKENIZER if wildcards.baseline in TOKEN_BASELINES else [],
        motifs=lambda wildcards: source(TASKS[wildcards.task].options["motifs"]) if wildcards.baseline == "pwm" else [],
    output:
        predictions=f"{RUN}/finetuning/{{task}}/{{baseline}}/predictions.parquet",
        metrics=f"{RUN}/finetuning/{{task}}/{{baseline}}/metrics.json",
    log:
        f"{RUN}/logs/run_baseline.{{task}}.{{baseline}}.log",
    benchmark:
        f"{RUN}/benchmark/run_baseline.{{task}}.{{baseline}}.tsv"
    wildcard_constraints:
        baseline=one_of(
            baseline for baseline in configuration.benchmarks.baselines if baseline not in NETWORK_BASELINES
        ),
    threads: lambda wildcards: configuration.threads if wildcards.baseline.endswith("forest") else 1
    resources:
        **cpu("run_baseline"),
    params:
        vocabulary=lambda wildcards, input: repeated("--vocabulary", input.vocabulary),
        motifs=lambda wildcards, input: repeated("--motifs", input.motifs),
        motif=lambda wildcards: (
            repeated("--motif", [TASKS[wildcards.task].options["motif"]]) if wildcards.baseline == "pwm" else ""
        ),
        options=options(
            "run_baseline", **{name: of_baseline(name) for name in ("seeds", "trees", "kmers", "maximum_train")}
        ),
    shell:
        "{resources.python} {resources.scripts}/run_baseline.py {params.options} --threads {threads}"
        " --dataset {input.dataset:q}"
        " --task {wildcards.task:q}"
        " --baseline {wildcards.baseline:q}"
        " {params.vocabulary} {params.motifs} {params.motif}"
        " --predictions {output.predictions:q}"
        " --metrics {output.metrics:q} > {log:q} 2>&1"


rule train_cnn:
    """A small convolutional network on the bases alone: the score of a task without pretraining or tokens."""
    input:
        dataset=rules.build_dataset.output.dataset,
        passed=rules.audit_dataset.output.passed,
    output:
        predictions=f"{RUN}/finetuning/{{task}}/cnn/predictions.parquet",
        metrics=f"{RUN}/finetuning/{{task}}/cnn/metrics.json",
    log:
        f"{RUN}/logs/train_cnn.{{task}}.log",
    benchmark:
        f"{RUN}/benchmark/train_cnn.{{task}}.tsv"
    threads: training_threads(configuration, "cnn", len(TASKS))
    resources:
        **gpu("train_cnn"),
    params:
        options=options("train_cnn"),
    shell:
        "{resources.python} {resources.scripts}/train_cnn.py {params.options} --threads {threads}"
        " --dataset {input.dataset:q}"
        " --task {wildcards.task:q}"
        " --predictions {output.predictions:q}"
        " --metrics {output.metrics:q} > {log:q} 2>&1"


rule probe_linear:
    """A logistic regression on what the pretrained model makes of a sequence, the model itself left as it is."""
    input:
        dataset=rules.build_dataset.output.dataset,
        passed=rules.audit_dataset.output.passed,
        model=f"{RUN}/models/{FINETUNED[0]}/model.safetensors",
    output:
        predictions=f"{RUN}/finetuning/{{task}}/{{probe}}/predictions.parquet",
        metrics=f"{RUN}/finetuning/{{task}}/{{probe}}/metrics.json",
    log:
        f"{RUN}/logs/probe_linear.{{task}}.{{probe}}.log",
    benchmark:
        f"{RUN}/benchmark/probe_linear.{{task}}.{{probe}}.tsv"
    wildcard_constraints:
        probe=one_of(PROBES),
    threads: configuration.threads
    resources:
        **gpu("probe_linear"),
    params:
        pooling=lambda wildcards: PROBES[wildcards.probe],
        options=options("probe_linear"),
    shell:
        "{resources.python} {resources.scripts}/probe_linear.py {params.options} --threads {threads}"
        " --dataset {input.dataset:q}"
        " --task {wildcards.task:q}"
        " --model {input.model:q}"
        " --pooling {params.pooling}"
        " --predictions {output.predictions:q}"
        " --metrics {output.metrics:q} > {log:q} 2>&1"


rule finetune:
    """The randomly initialised model is the same network from random initialisation, with the same budget."""
    input:
        dataset=rules.build_dataset.output.dataset,
        passed=rules.audit_dataset.output.passed,
        model=of_model("models/{name}/model.safetensors"),
    output:
        **MODELLING,
        model=f"{RUN}/finetuning/{{task}}/{{model}}/model.safetensors",
        config=f"{RUN}/finetuning/{{task}}/{{model}}/config.json",
        tokenizer=f"{RUN}/finetuning/{{task}}/{{model}}/tokenizer.json",
        tokenizer_config=f"{RUN}/finetuning/{{task}}/{{model}}/tokenizer_config.json",
        predictions=f"{RUN}/finetuning/{{task}}/{{model}}/predictions.parquet",
        metrics=f"{RUN}/finetuning/{{task}}/{{model}}/metrics.json",
    log:
        f"{RUN}/logs/finetune.{{task}}.{{model}}.log",
    benchmark:
        f"{RUN}/benchmark/finetune.{{task}}.{{model}}.tsv"
    wildcard_constraints:
        model=one_of(MODELS),
    # long, and `score_variants` waits for it: a run shall not end with one job on one of several cores
    priority: 10
    threads: training_threads(configuration, "finetuning", len(TASKS) * len(MODELS))
    resources:
        **gpu("finetune"),
    params:
        initial=initial,
        options=options("finetune"),
        code=code_or_frozen("finetune", f"{RUN}/finetuning/{{task}}/{{model}}/model.safetensors"),
    shell:
        "{resources.python} {resources.scripts}/finetune.py {params.options} --threads {threads}"
        " --dataset {input.dataset:q}"
        " --passed {input.passed:q}"
        " --initial-model {input.model:q}"
        " --initial {params.initial}"
        " --task {wildcards.task:q}"
        " --name {wildcards.model:q}"
        " --model {output.model:q}"
        " --predictions {output.predictions:q}"
        " --metrics {output.metrics:q} 2>&1 | tee -i {log:q}"


rule fetch_external:
    """Models of the hub are downloaded by the driver: compute nodes have no network."""
    output:
        config=f"{configuration.downloads}/external/{{external}}/config.json",
        complete=f"{configuration.downloads}/external/{{external}}/external.json",
    log:
        f"{RUN}/logs/fetch_external.{{external}}.log",
    wildcard_constraints:
        external=one_of(EXTERNAL_MODELS),
    retries: 3
    resources:
        **cpu("fetch_external"),
    params:
        model=of_external("model"),
        revision=of_external("revision"),
    shell:
        "{resources.python} {resources.scripts}/fetch_external.py"
        " --model {params.model:q}"
        " --revision {params.revision:q}"
        " --folder {output.complete:q} 2>&1 | tee -i {log:q}"


rule finetune_external:
    input:
        dataset=rules.build_dataset.output.dataset,
        passed=rules.audit_dataset.output.passed,
        folder=lambda wildcards: external_configuration(wildcards.external),
        files=lambda wildcards: external_files(wildcards.external),
    output:
        predictions=f"{RUN}/finetuning/{{task}}/{{external}}/predictions.parquet",
        metrics=f"{RUN}/finetuning/{{task}}/{{external}}/metrics.json",
    log:
        f"{RUN}/logs/finetune_external.{{task}}.{{external}}.log",
    benchmark:
        f"{RUN}/benchmark/finetune_external.{{task}}.{{external}}.tsv"
    wildcard_constraints:
        external=one_of(EXTERNAL_MODELS),
    conda:
        f"{ROOT}/envs/external.yaml"
    threads: configuration.threads
    resources:
        **gpu("finetune_external"),
    params:
        python=external_python,
        options=options(
            "finetune_external",
            **{name: of_external(name) for name in ("adapter", "remote_code", "batch", "learning_rate")},
        ),
        code=code_or_frozen("finetune_external", f"{RUN}/finetuning/{{task}}/{{external}}/predictions.parquet"),
    shell:
        "python={params.python:q}; ${{python:-{resources.python}}} {resources.scripts}/finetune_external.py {params.options} --threads {threads}"
        " --dataset {input.dataset:q}"
        " --passed {input.passed:q}"
        " --folder {input.folder:q}"
        " --task {wildcards.task:q}"
        " --name {wildcards.external:q}"
        " --predictions {output.predictions:q}"
        " --metrics {output.metrics:q} 2>&1 | tee -i {log:q}"


rule score_task:
    """All who predict a task on the same resamples, on the whole test set and on its clean part."""
    input:
        dataset=rules.build_dataset.output.dataset,
        audit=rules.audit_dataset.output.audit,
        predictions=lambda wildcards: expand(
            f"{RUN}/finetuning/{wildcards.task}/{{name}}/predictions.parquet",
            name=predictors(TASKS[wildcards.task], configuration),
        ),
        metrics=lambda wildcards: expand(
            f"{RUN}/finetuning/{wildcards.task}/{{name}}/metrics.json",
            name=predictors(TASKS[wildcards.task], configuration),
        ),
    output:
        scores=f"{RUN}/benchmarks/{{task}}/scores.parquet",
        differences=f"{RUN}/benchmarks/{{task}}/differences.parquet",
        precision_recall=f"{RUN}/benchmarks/{{task}}/precision_recall.parquet",
    log:
        f"{RUN}/logs/score_task.{{task}}.log",
    benchmark:
        f"{RUN}/benchmark/score_task.{{task}}.tsv"
    resources:
        **cpu("score_task"),
    params:
        predictions=lambda wildcards, input: repeated("--predictions", input.predictions),
        metrics=lambda wildcards, input: repeated("--metrics", input.metrics),
        options=options("score_task"),
    shell:
        "{resources.python} {resources.scripts}/score_task.py {params.options}"
        " --dataset {input.dataset:q}"
        " --audit {input.audit:q}"
        " {params.predictions} {params.metrics}"
        " --scores {output.scores:q}"
        " --differences {output.differences:q}"
        " --precision-recall {output.precision_recall:q} > {log:q} 2>&1"


rule write_classifier_cards:
    """README.md of the Hugging Face folders of a task; apart from `finetune`, so that other words train nothing again."""
    input:
        dataset_card=rules.audit_dataset.output.card,
        scores=rules.score_task.output.scores,
        models=expand(f"{RUN}/finetuning/{{task}}/{{model}}/model.safetensors", model=MODELS, allow_missing=True),
        metrics=expand(f"{RUN}/finetuning/{{task}}/{{model}}/metrics.json", model=MODELS, allow_missing=True),
    output:
        cards=expand(f"{RUN}/finetuning/{{task}}/{{model}}/README.md", model=MODELS, allow_missing=True),
    log:
        f"{RUN}/logs/write_classifier_cards.{{task}}.log",
    benchmark:
        f"{RUN}/benchmark/write_classifier_cards.{{task}}.tsv"
    resources:
        **cpu("write_classifier_cards"),
    params:
        models=lambda wildcards, input: repeated("--models", input.models),
        cards=lambda wildcards, output: repeated("--cards", output.cards),
    shell:
        "{resources.python} {resources.scripts}/write_classifier_cards.py {params.models} {params.cards}"
        " --dataset-card {input.dataset_card:q}"
        " --scores {input.scores:q} > {log:q} 2>&1"


rule scan_track:
    """The scan of the surroundings of promoters as a track for a genome browser."""
    input:
        dataset=rules.build_dataset.output.dataset,
        predictions=f"{RUN}/finetuning/{{task}}/{{model}}/predictions.parquet",
    output:
        track=f"{RUN}/finetuning/{{task}}/{{model}}/scan.bedgraph",
    log:
        f"{RUN}/logs/scan_track.{{task}}.{{model}}.log",
    benchmark:
        f"{RUN}/benchmark/scan_track.{{task}}.{{model}}.tsv"
    resources:
        **cpu("scan_track"),
    params:
        step=lambda wildcards: TASKS[wildcards.task].options.get("step", 300),
    shell:
        "{resources.python} {resources.scripts}/scan_track.py"
        " --dataset {input.dataset:q}"
        " --predictions {input.predictions:q}"
        " --step {params.step}"
        " --output {output.track:q} > {log:q} 2>&1"


rule gather_benchmarks:
    input:
        scores=expand(rules.score_task.output.scores, task=TASKS),
        differences=expand(rules.score_task.output.differences, task=TASKS),
    output:
        benchmarks=f"{RUN}/benchmarks.parquet",
        comparisons=f"{RUN}/comparisons.parquet",
    log:
        f"{RUN}/logs/gather_benchmarks.log",
    resources:
        **cpu("gather_benchmarks"),
    params:
        scores=lambda wildcards, input: repeated("--scores", input.scores),
        differences=lambda wildcards, input: repeated("--differences", input.differences),
    shell:
        "{resources.python} {resources.scripts}/gather_benchmarks.py {params.scores} {params.differences}"
        " --benchmarks {output.benchmarks:q}"
        " --comparisons {output.comparisons:q} > {log:q} 2>&1"


rule write_reproduction:
    """Published scores beside ours, and why they differ."""
    input:
        benchmarks=rules.gather_benchmarks.output.benchmarks,
        cards=expand(rules.audit_dataset.output.card, task=TASKS),
        config=f"{RUN}/config.json",
        next_kmer=f"{RUN}/selection/next_kmer.parquet",
        chosen=f"{RUN}/selection/chosen.txt" if configuration.selection.method == "sweep" else [],
        metrics=expand(f"{RUN}/models/{{name}}/metrics.json", name=CANDIDATES),
        model=rules.publish_chosen.output.config,
        contigs=rules.encode_genome.output.contigs,
    output:
        table=f"{RUN}/reproduction.parquet",
        page=f"{RUN}/reproduction.md",
    log:
        f"{RUN}/logs/write_reproduction.log",
    benchmark:
        f"{RUN}/benchmark/write_reproduction.tsv"
    resources:
        **cpu("write_reproduction"),
    params:
        published=by_content("resources/published.tsv"),
        cards=lambda wildcards, input: repeated("--cards", input.cards),
        metrics=lambda wildcards, input: repeated("--model-metrics", map("=".join, zip(CANDIDATES, input.metrics))),
        chosen=lambda wildcards, input: repeated("--chosen", input.chosen),
        command=COMMAND,
    shell:
        "{resources.python} {resources.scripts}/write_reproduction.py"
        " --benchmarks {input.benchmarks:q}"
        " {params.cards}"
        " --published {params.published:q}"
        " --config {input.config:q}"
        " --next-kmer {input.next_kmer:q}"
        " {params.metrics}"
        " --model-config {input.model:q}"
        " --contigs {input.contigs:q}"
        " {params.chosen}"
        " --command {params.command:q}"
        " --table {output.table:q}"
        " --page {output.page:q} > {log:q} 2>&1"
