"""Fine-tuning of models, of their random twins and of rivals on every benchmark, and the comparison of all scores.

Needs audited datasets, models and floors. Makes finetuning/{task}/{model}/, benchmarks/{task}/scores.parquet, benchmarks.parquet,
comparisons.parquet and the dossier beside published scores.
"""


localrules:
    fetch_rival,
    gather_benchmarks,


TUNING = {
    option: config["finetuning"][option.replace("-", "_")]
    for option in ("epochs", "warmup", "patience", "class-weights", "maximum-train", "maximum-valid")
}
TUNING_OPTIONS = " ".join(f"--{option} {value}" for option, value in TUNING.items())


rule finetune:
    """The twin is the same network from random initialisation, with the same budget."""
    input:
        dataset=rules.build_dataset.output.dataset,
        passed=rules.audit_dataset.output.passed,
        model=lambda wildcards: f"{RUN}/models/{wildcards.model.removesuffix('-twin')}/model.safetensors",
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
    container:
        IMAGE
    threads: config["threads"]
    resources:
        **gpu(),
        mem_mb=memory(16000),
        runtime=minutes(720),
    params:
        initial=lambda wildcards: "random" if wildcards.model.endswith("-twin") else "pretrained",
        seeds=repeated("--seeds", SEEDS),
        tuning=TUNING_OPTIONS,
        batch=config["finetuning"]["batch"],
        learning_rate=config["finetuning"]["learning_rate"],
        pooling=config["finetuning"]["pooling"],
        device=config["device"],
        precision=config["precision"],
        code=code_or_frozen("finetune", f"{RUN}/finetuning/{{task}}/{{model}}/model.safetensors"),
    shell:
        "{PYTHON} {SCRIPTS}/finetune.py --dataset {input.dataset} --passed {input.passed} --initial-model {input.model}"
        " --initial {params.initial} --task {wildcards.task} --name {wildcards.model} {params.seeds} {params.tuning}"
        " --batch {params.batch} --learning-rate {params.learning_rate} --pooling {params.pooling}"
        " --device {params.device} --precision {params.precision} --threads {threads} --model {output.model}"
        " --predictions {output.predictions} --metrics {output.metrics} 2>&1 | tee {log}"


rule fetch_rival:
    """Models of the hub are downloaded by the driver: compute nodes have no network."""
    output:
        config=f"{config['downloads']}/rivals/{{rival}}/config.json",
        complete=f"{config['downloads']}/rivals/{{rival}}/rival.json",
    log:
        f"{RUN}/logs/fetch_rival.{{rival}}.log",
    wildcard_constraints:
        rival=one_of(RIVALS),
    retries: 3
    conda:
        ENVIRONMENT
    container:
        IMAGE
    resources:
        mem_mb=memory(1000),
        runtime=minutes(240),
    params:
        model=lambda wildcards: RIVALS[wildcards.rival]["model"],
        revision=lambda wildcards: RIVALS[wildcards.rival]["revision"],
    shell:
        "{PYTHON} {SCRIPTS}/fetch_rival.py --model {params.model:q} --revision {params.revision:q} --folder {output.complete}"
        " 2>&1 | tee {log}"


rule finetune_rival:
    input:
        dataset=rules.build_dataset.output.dataset,
        passed=rules.audit_dataset.output.passed,
        folder=lambda wildcards: rival_configuration(wildcards.rival),
        files=lambda wildcards: rival_files(wildcards.rival),
    output:
        predictions=f"{RUN}/finetuning/{{task}}/{{rival}}/predictions.parquet",
        metrics=f"{RUN}/finetuning/{{task}}/{{rival}}/metrics.json",
    log:
        f"{RUN}/logs/finetune_rival.{{task}}.{{rival}}.log",
    benchmark:
        f"{RUN}/benchmark/finetune_rival.{{task}}.{{rival}}.tsv"
    wildcard_constraints:
        rival=one_of(RIVALS),
    conda:
        f"{ROOT}/envs/rivals.yaml"
    container:
        IMAGE
    threads: config["threads"]
    resources:
        **gpu(),
        mem_mb=memory(32000),
        runtime=minutes(1440),
    params:
        # a shell default, so that the place of the main environment is no parameter
        python=lambda wildcards: "" if DEPLOYED else RIVALS[wildcards.rival]["python"],
        adapter=lambda wildcards: RIVALS[wildcards.rival]["adapter"],
        consent=lambda wildcards: "--remote-code" if RIVALS[wildcards.rival]["remote_code"] else "--no-remote-code",
        seeds=repeated("--seeds", SEEDS),
        tuning=TUNING_OPTIONS,
        batch=lambda wildcards: RIVALS[wildcards.rival]["batch"],
        learning_rate=lambda wildcards: RIVALS[wildcards.rival]["learning_rate"],
        device=config["device"],
        precision=config["precision"],
        code=code_or_frozen("finetune_rival", f"{RUN}/finetuning/{{task}}/{{rival}}/predictions.parquet"),
    shell:
        "python={params.python}; ${{python:-{PYTHON}}} {SCRIPTS}/finetune_rival.py --dataset {input.dataset} --passed {input.passed} --folder {input.folder:q}"
        " --adapter {params.adapter} {params.consent} --task {wildcards.task} --name {wildcards.rival} {params.seeds}"
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
            name=competitors(TASKS[wildcards.task], config),
        ),
        metrics=lambda wildcards: expand(
            f"{RUN}/finetuning/{wildcards.task}/{{name}}/metrics.json", name=competitors(TASKS[wildcards.task], config)
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
    container:
        IMAGE
    resources:
        mem_mb=memory(4000),
        runtime=minutes(60),
    params:
        predictions=lambda wildcards, input: repeated("--predictions", input.predictions),
        metrics=lambda wildcards, input: repeated("--metrics", input.metrics),
        block=config["benchmarks"]["block"],
        resamples=config["benchmarks"]["bootstrap"],
        seed=config["seed"],
        code=code("score_task"),
    shell:
        "{PYTHON} {SCRIPTS}/score_task.py --dataset {input.dataset} --audit {input.audit} {params.predictions} {params.metrics}"
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
    container:
        IMAGE
    resources:
        mem_mb=memory(1000),
        runtime=minutes(10),
    params:
        step=lambda wildcards: TASKS[wildcards.task].options.get("step", 300),
        code=code("scan_track"),
    shell:
        "{PYTHON} {SCRIPTS}/scan_track.py --dataset {input.dataset} --predictions {input.predictions} --step {params.step}"
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
    container:
        IMAGE
    resources:
        mem_mb=memory(1000),
        runtime=minutes(10),
    params:
        scores=lambda wildcards, input: repeated("--scores", input.scores),
        differences=lambda wildcards, input: repeated("--differences", input.differences),
        code=code("gather_benchmarks"),
    shell:
        "{PYTHON} {SCRIPTS}/gather_benchmarks.py {params.scores} {params.differences}"
        " --benchmarks {output.benchmarks} --comparisons {output.comparisons} > {log} 2>&1"


rule write_dossier:
    """Published scores beside ours, and why they differ."""
    input:
        benchmarks=rules.gather_benchmarks.output.benchmarks,
        cards=expand(rules.audit_dataset.output.card, task=TASKS),
        published=installed("resources/published.tsv"),
        config=f"{RUN}/config.json",
        next_kmer=f"{RUN}/selection/next_kmer.parquet",
        chosen=f"{RUN}/selection/chosen.txt" if config["selection"]["method"] == "sweep" else [],
        metrics=expand(f"{RUN}/models/{{name}}/metrics.json", name=CANDIDATES),
        model=rules.adopt.output.config,
    output:
        table=f"{RUN}/reproduction.parquet",
        page=f"{RUN}/reproduction.md",
    log:
        f"{RUN}/logs/write_dossier.log",
    benchmark:
        f"{RUN}/benchmark/write_dossier.tsv"
    conda:
        ENVIRONMENT
    container:
        IMAGE
    resources:
        mem_mb=memory(1000),
        runtime=minutes(10),
    params:
        cards=lambda wildcards, input: repeated("--cards", input.cards),
        metrics=lambda wildcards, input: repeated(
            "--model-metrics", [f"{name}={path}" for name, path in zip(CANDIDATES, input.metrics)]
        ),
        chosen=lambda wildcards, input: f"--chosen {input.chosen}" if input.chosen else "",
        command=shlex.quote(COMMAND),
        code=code("write_dossier"),
    shell:
        "{PYTHON} {SCRIPTS}/write_dossier.py --benchmarks {input.benchmarks} {params.cards} --published {input.published}"
        " --config {input.config} --next-kmer {input.next_kmer} {params.metrics} --model-config {input.model}"
        " {params.chosen} --command {params.command} --table {output.table} --page {output.page} > {log} 2>&1"
