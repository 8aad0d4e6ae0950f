"""Baselines; fine-tuning of pretrained, randomly initialised and external models on every benchmark; comparison of all scores.

Needs audited datasets and models. Makes finetuning/{task}/{model}/, benchmarks/{task}/scores.parquet, benchmarks.parquet,
comparisons.parquet, reproduction.parquet and reproduction.md.
"""


localrules:
    fetch_external,
    gather_benchmarks,


TUNING = {
    option: getattr(configuration.finetuning, option.replace("-", "_"))
    for option in ("epochs", "warmup", "patience", "class-weights", "maximum-train", "maximum-valid")
}
TUNING_OPTIONS = " ".join(f"--{option} {value}" for option, value in TUNING.items())


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
    conda:
        ENVIRONMENT
    threads: lambda wildcards: configuration.threads if wildcards.baseline.endswith("forest") else 1
    resources:
        **cpu(16000, 720),
    params:
        # each baseline sees only the settings that it has, so that more trees do not repeat a regression
        settings=lambda wildcards: " ".join(
            f"{option} {value}" for option, value in baseline_options(wildcards.baseline, configuration)
        ),
        vocabulary=lambda wildcards, input: f"--vocabulary {input.vocabulary}" if input.vocabulary else "",
        matrix=lambda wildcards, input: (
            f"--motifs {shlex.quote(input.motifs)} --motif {shlex.quote(TASKS[wildcards.task].options['motif'])}"
            if input.motifs
            else ""
        ),
        code=code("run_baseline"),
    shell:
        "{resources.python} {resources.scripts}/run_baseline.py --dataset {input.dataset} --task {wildcards.task} --baseline {wildcards.baseline}"
        " {params.settings} {params.vocabulary} {params.matrix} --threads {threads}"
        " --predictions {output.predictions} --metrics {output.metrics} > {log} 2>&1"


rule train_cnn:
    """A small convolutional network on the bare letters: what a task yields without any pretraining or tokens."""
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
    conda:
        ENVIRONMENT
    threads: configuration.threads
    resources:
        **gpu(8000, 240),
    params:
        seeds=repeated("--seeds", SEEDS),
        epochs=configuration.benchmarks.cnn_epochs,
        patience=configuration.finetuning.patience,
        maximum_valid=configuration.finetuning.maximum_valid,
        device=configuration.device,
        precision=configuration.precision,
        code=code("train_cnn"),
    shell:
        "{resources.python} {resources.scripts}/train_cnn.py --dataset {input.dataset} --task {wildcards.task} {params.seeds} --epochs {params.epochs}"
        " --patience {params.patience} --maximum-valid {params.maximum_valid} --device {params.device}"
        " --precision {params.precision} --threads {threads}"
        " --predictions {output.predictions} --metrics {output.metrics} > {log} 2>&1"


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
    conda:
        ENVIRONMENT
    threads: configuration.threads
    resources:
        **gpu(16000, 240),
    params:
        pooling=lambda wildcards: PROBES[wildcards.probe],
        maximum_train=configuration.finetuning.maximum_train,
        device=configuration.device,
        precision=configuration.precision,
        seed=configuration.seed,
        code=code("probe_linear"),
    shell:
        "{resources.python} {resources.scripts}/probe_linear.py --dataset {input.dataset} --task {wildcards.task} --model {input.model}"
        " --pooling {params.pooling} --maximum-train {params.maximum_train} --device {params.device}"
        " --precision {params.precision} --threads {threads} --seed {params.seed}"
        " --predictions {output.predictions} --metrics {output.metrics} > {log} 2>&1"


rule finetune:
    """The randomly initialised model is the same network from random initialisation, with the same budget."""
    input:
        dataset=rules.build_dataset.output.dataset,
        passed=rules.audit_dataset.output.passed,
        model=lambda wildcards: f"{RUN}/models/{original(wildcards.model)}/model.safetensors",
    output:
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
    conda:
        ENVIRONMENT
    threads: configuration.threads
    resources:
        **gpu(16000, 720),
        cost="finetuning",
    params:
        initial=lambda wildcards: "random" if is_random(wildcards.model) else "pretrained",
        seeds=repeated("--seeds", SEEDS),
        tuning=TUNING_OPTIONS,
        batch=configuration.finetuning.batch,
        learning_rate=configuration.finetuning.learning_rate,
        pooling=configuration.finetuning.pooling,
        device=configuration.device,
        precision=configuration.precision,
        code=code_or_frozen("finetune", f"{RUN}/finetuning/{{task}}/{{model}}/model.safetensors"),
    shell:
        "{resources.python} {resources.scripts}/finetune.py --dataset {input.dataset} --passed {input.passed} --initial-model {input.model}"
        " --initial {params.initial} --task {wildcards.task} --name {wildcards.model} {params.seeds} {params.tuning}"
        " --batch {params.batch} --learning-rate {params.learning_rate} --pooling {params.pooling}"
        " --device {params.device} --precision {params.precision} --threads {threads} --model {output.model}"
        " --predictions {output.predictions} --metrics {output.metrics} 2>&1 | tee {log}"


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
    conda:
        ENVIRONMENT
    resources:
        **cpu(1000, 240),
    params:
        model=lambda wildcards: EXTERNAL_MODELS[wildcards.external].model,
        revision=lambda wildcards: EXTERNAL_MODELS[wildcards.external].revision,
    shell:
        "{resources.python} {resources.scripts}/fetch_external.py --model {params.model:q} --revision {params.revision:q} --folder {output.complete}"
        " 2>&1 | tee {log}"


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
        **gpu(32000, 1440),
    params:
        # a shell default, so that the place of the main environment is no parameter
        python=lambda wildcards: "" if DEPLOYED else EXTERNAL_MODELS[wildcards.external].python,
        adapter=lambda wildcards: EXTERNAL_MODELS[wildcards.external].adapter,
        consent=lambda wildcards: (
            "--remote-code" if EXTERNAL_MODELS[wildcards.external].remote_code else "--no-remote-code"
        ),
        seeds=repeated("--seeds", SEEDS),
        tuning=TUNING_OPTIONS,
        batch=lambda wildcards: EXTERNAL_MODELS[wildcards.external].batch,
        learning_rate=lambda wildcards: EXTERNAL_MODELS[wildcards.external].learning_rate,
        device=configuration.device,
        precision=configuration.precision,
        code=code_or_frozen("finetune_external", f"{RUN}/finetuning/{{task}}/{{external}}/predictions.parquet"),
    shell:
        "python={params.python}; ${{python:-{resources.python}}} {resources.scripts}/finetune_external.py --dataset {input.dataset} --passed {input.passed} --folder {input.folder:q}"
        " --adapter {params.adapter} {params.consent} --task {wildcards.task} --name {wildcards.external} {params.seeds}"
        " {params.tuning} --batch {params.batch} --learning-rate {params.learning_rate} --device {params.device}"
        " --precision {params.precision} --threads {threads}"
        " --predictions {output.predictions} --metrics {output.metrics} 2>&1 | tee {log}"


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
    conda:
        ENVIRONMENT
    resources:
        **cpu(4000, 60),
    params:
        predictions=lambda wildcards, input: repeated("--predictions", input.predictions),
        metrics=lambda wildcards, input: repeated("--metrics", input.metrics),
        block=configuration.benchmarks.block,
        resamples=configuration.benchmarks.bootstrap,
        seed=configuration.seed,
        code=code("score_task"),
    shell:
        "{resources.python} {resources.scripts}/score_task.py --dataset {input.dataset} --audit {input.audit} {params.predictions} {params.metrics}"
        " --block {params.block} --resamples {params.resamples} --seed {params.seed} --scores {output.scores}"
        " --differences {output.differences} --precision-recall {output.precision_recall} > {log} 2>&1"


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
    conda:
        ENVIRONMENT
    resources:
        **cpu(1000, 10),
    params:
        step=lambda wildcards: TASKS[wildcards.task].options.get("step", 300),
        code=code("scan_track"),
    shell:
        "{resources.python} {resources.scripts}/scan_track.py --dataset {input.dataset} --predictions {input.predictions} --step {params.step}"
        " --output {output.track} > {log} 2>&1"


rule gather_benchmarks:
    input:
        scores=expand(rules.score_task.output.scores, task=TASKS),
        differences=expand(rules.score_task.output.differences, task=TASKS),
    output:
        benchmarks=f"{RUN}/benchmarks.parquet",
        comparisons=f"{RUN}/comparisons.parquet",
    log:
        f"{RUN}/logs/gather_benchmarks.log",
    benchmark:
        f"{RUN}/benchmark/gather_benchmarks.tsv"
    conda:
        ENVIRONMENT
    resources:
        **cpu(1000, 10),
    params:
        scores=lambda wildcards, input: repeated("--scores", input.scores),
        differences=lambda wildcards, input: repeated("--differences", input.differences),
        code=code("gather_benchmarks"),
    shell:
        "{resources.python} {resources.scripts}/gather_benchmarks.py {params.scores} {params.differences}"
        " --benchmarks {output.benchmarks} --comparisons {output.comparisons} > {log} 2>&1"


rule write_reproduction:
    """Published scores beside ours, and why they differ."""
    input:
        benchmarks=rules.gather_benchmarks.output.benchmarks,
        cards=expand(rules.audit_dataset.output.card, task=TASKS),
        published=files.installed("resources/published.tsv", ROOT),
        config=f"{RUN}/config.json",
        next_kmer=f"{RUN}/selection/next_kmer.parquet",
        chosen=f"{RUN}/selection/chosen.txt" if configuration.selection.method == "sweep" else [],
        metrics=expand(f"{RUN}/models/{{name}}/metrics.json", name=CANDIDATES),
        model=rules.publish_chosen.output.config,
    output:
        table=f"{RUN}/reproduction.parquet",
        page=f"{RUN}/reproduction.md",
    log:
        f"{RUN}/logs/write_reproduction.log",
    benchmark:
        f"{RUN}/benchmark/write_reproduction.tsv"
    conda:
        ENVIRONMENT
    resources:
        **cpu(1000, 10),
    params:
        cards=lambda wildcards, input: repeated("--cards", input.cards),
        metrics=lambda wildcards, input: repeated(
            "--model-metrics", [f"{name}={path}" for name, path in zip(CANDIDATES, input.metrics)]
        ),
        chosen=lambda wildcards, input: f"--chosen {input.chosen}" if input.chosen else "",
        command=shlex.quote(COMMAND),
        code=code("write_reproduction"),
    shell:
        "{resources.python} {resources.scripts}/write_reproduction.py --benchmarks {input.benchmarks} {params.cards} --published {input.published}"
        " --config {input.config} --next-kmer {input.next_kmer} {params.metrics} --model-config {input.model}"
        " {params.chosen} --command {params.command} --table {output.table} --page {output.page} > {log} 2>&1"
