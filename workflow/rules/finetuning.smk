"""Fine-tuning of the chosen model and of its random twin on every benchmark, and the comparison of all scores.

Needs datasets and the chosen model. Makes finetuning/{task}/{model}/, benchmarks.parquet and comparisons.parquet.
"""


rule finetune:
    """The twin is the same network from random initialisation, with the same budget."""
    input:
        dataset=rules.build_dataset.output.dataset,
        model=rules.adopt.output.model,
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
        model="|".join(MODELS),
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
        epochs=config["finetuning"]["epochs"],
        batch=config["finetuning"]["batch"],
        learning_rate=config["finetuning"]["learning_rate"],
        warmup=config["finetuning"]["warmup"],
        patience=config["finetuning"]["patience"],
        pooling=config["finetuning"]["pooling"],
        maximum_train=config["finetuning"]["maximum_train"],
        resamples=config["benchmarks"]["bootstrap"],
        device=config["device"],
        precision=config["precision"],
        code=code_or_frozen("finetune", f"{RUN}/finetuning/{{task}}/{{model}}/model.safetensors"),
    shell:
        "{PYTHON} {SCRIPTS}/finetune.py --dataset {input.dataset} --initial-model {input.model} --initial {params.initial}"
        " --task {wildcards.task} --name {wildcards.model} {params.seeds} --epochs {params.epochs} --batch {params.batch}"
        " --learning-rate {params.learning_rate} --warmup {params.warmup} --patience {params.patience}"
        " --pooling {params.pooling} --maximum-train {params.maximum_train} --resamples {params.resamples}"
        " --device {params.device} --precision {params.precision} --threads {threads} --model {output.model}"
        " --predictions {output.predictions} --metrics {output.metrics} 2>&1 | tee {log}"


rule compare_models:
    input:
        metrics=expand(f"{RUN}/finetuning/{{task}}/{{model}}/metrics.json", task=TASKS, model=COMPETITORS),
        predictions=expand(f"{RUN}/finetuning/{{task}}/{{model}}/predictions.parquet", task=TASKS, model=COMPETITORS),
    output:
        benchmarks=f"{RUN}/benchmarks.parquet",
        comparisons=f"{RUN}/comparisons.parquet",
    log:
        f"{RUN}/logs/compare_models.log",
    benchmark:
        f"{RUN}/benchmark/compare_models.tsv"
    conda:
        ENVIRONMENT
    container:
        IMAGE
    resources:
        mem_mb=memory(4000),
        runtime=minutes(30),
    params:
        metrics=lambda wildcards, input: repeated("--metrics", input.metrics),
        predictions=lambda wildcards, input: repeated("--predictions", input.predictions),
        resamples=config["benchmarks"]["bootstrap"],
        code=code("compare_models"),
    shell:
        "{PYTHON} {SCRIPTS}/compare_models.py {params.metrics} {params.predictions} --resamples {params.resamples}"
        " --benchmarks {output.benchmarks} --comparisons {output.comparisons} > {log} 2>&1"
