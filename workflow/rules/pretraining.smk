"""Masked-token pretraining of one model a candidate vocabulary, and its scores on held-out windows beside floors.

Needs tokens and windows. Makes models/{name}/, a Hugging Face folder.
"""


rule check_device:
    """A GPU that is asked for must be there: known in seconds, not after days in a queue."""
    output:
        device=f"{RUN}/models/device.json",
    log:
        f"{RUN}/logs/check_device.log",
    benchmark:
        f"{RUN}/benchmark/check_device.tsv"
    priority: 100
    conda:
        ENVIRONMENT
    container:
        IMAGE
    resources:
        **gpu(),
        mem_mb=memory(4000),
        runtime=minutes(10),
    params:
        device=config["device"],
        precision=config["precision"],
        code=code("check_device"),
    shell:
        "{PYTHON} {SCRIPTS}/check_device.py --device {params.device} --precision {params.precision} --output {output.device} > {log} 2>&1"


rule pretrain:
    """Started by torchrun, as several processes will be."""
    input:
        tokens=rules.tokenise_genome.output.tokens,
        windows=rules.make_windows.output.windows,
        vocabulary=rules.build_vocabulary.output.tokenizer,
    output:
        model=f"{RUN}/models/{{name}}/model.safetensors",
        config=f"{RUN}/models/{{name}}/config.json",
        tokenizer=f"{RUN}/models/{{name}}/tokenizer.json",
        tokenizer_config=f"{RUN}/models/{{name}}/tokenizer_config.json",
        training=f"{RUN}/models/{{name}}/training.parquet",
    log:
        f"{RUN}/logs/pretrain.{{name}}.log",
    benchmark:
        f"{RUN}/benchmark/pretrain.{{name}}.tsv"
    conda:
        ENVIRONMENT
    container:
        IMAGE
    threads: config["threads"]
    resources:
        **gpu(),
        mem_mb=memory(16000),
        runtime=minutes(2880),
    params:
        split=config["corpus"]["split"],
        layers=config["pretraining"]["layers"],
        hidden=config["pretraining"]["hidden"],
        heads=config["pretraining"]["heads"],
        intermediate=config["pretraining"]["intermediate"],
        positions=config["pretraining"]["positions"],
        dropout=config["pretraining"]["dropout"],
        steps=config["pretraining"]["steps"],
        batch=config["pretraining"]["batch"],
        learning_rate=config["pretraining"]["learning_rate"],
        warmup=config["pretraining"]["warmup"],
        mask_share=config["pretraining"]["mask_share"],
        gpus=config["gpus"],
        device=config["device"],
        precision=config["precision"],
        seed=config["seed"],
        code=code_or_frozen("pretrain", f"{RUN}/models/{{name}}/model.safetensors"),
    shell:
        "{PYTHON} -m torch.distributed.run --standalone --nproc-per-node={params.gpus} {SCRIPTS}/pretrain.py"
        " --tokens {input.tokens} --windows {input.windows} --vocabulary {input.vocabulary} --split {params.split}"
        " --layers {params.layers} --hidden {params.hidden} --heads {params.heads} --intermediate {params.intermediate}"
        " --positions {params.positions} --dropout {params.dropout} --steps {params.steps} --batch {params.batch}"
        " --learning-rate {params.learning_rate} --warmup {params.warmup} --mask-share {params.mask_share} --seed {params.seed}"
        " --device {params.device} --precision {params.precision} --threads {threads}"
        " --model {output.model} --training {output.training} 2>&1 | tee {log}"


rule evaluate_pretraining:
    """Loss, accuracies, perplexity and masked bits a base, beside floors on the same masked tokens."""
    input:
        model=rules.pretrain.output.model,
        tokens=rules.tokenise_genome.output.tokens,
        windows=rules.make_windows.output.windows,
    output:
        metrics=f"{RUN}/models/{{name}}/metrics.json",
        accuracy=f"{RUN}/models/{{name}}/token_accuracy.parquet",
    log:
        f"{RUN}/logs/evaluate_pretraining.{{name}}.log",
    benchmark:
        f"{RUN}/benchmark/evaluate_pretraining.{{name}}.tsv"
    conda:
        ENVIRONMENT
    container:
        IMAGE
    threads: config["threads"]
    resources:
        **gpu(),
        mem_mb=memory(16000),
        runtime=minutes(120),
    params:
        split=config["corpus"]["split"],
        windows=config["evaluation"]["windows"],
        top=config["evaluation"]["top"],
        mask_share=config["evaluation"]["mask_share"],
        floor_tokens=config["evaluation"]["floor_tokens"],
        device=config["device"],
        precision=config["precision"],
        seed=config["seed"],
        code=code("evaluate_pretraining"),
    shell:
        "{PYTHON} {SCRIPTS}/evaluate_pretraining.py --model {input.model} --tokens {input.tokens} --windows {input.windows}"
        " --split {params.split} --most-windows {params.windows} --top {params.top} --mask-share {params.mask_share}"
        " --count-tokens {params.floor_tokens} --seed {params.seed} --device {params.device} --precision {params.precision}"
        " --threads {threads} --metrics {output.metrics} --token-accuracy {output.accuracy} > {log} 2>&1"
