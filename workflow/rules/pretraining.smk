"""Masked-token pretraining of one model per candidate vocabulary, and its scores on held-out windows beside baselines.

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
    resources:
        **gpu("check_device"),
    params:
        options=options("check_device"),
    shell:
        "{resources.python} {resources.scripts}/check_device.py {params.options}"
        " --output {output.device:q} > {log:q} 2>&1"


rule pretrain:
    """One process per GPU, or per core. Checkpoints are kept in a folder that is no output, since Snakemake removes outputs before a rerun."""
    input:
        tokens=rules.tokenise_genome.output.tokens,
        windows=rules.make_windows.output.windows,
        vocabulary=rules.build_vocabulary.output.tokenizer,
        source=(
            [by_checksum(SOURCE_MODEL / file) for file in ("model.safetensors", "config.json")] if SOURCE_MODEL else []
        ),
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
    threads: configuration.threads
    resources:
        # memory is not doubled: most retries follow a lost node or a stalled GPU, and two of them would ask for 64 GB per GPU
        **gpu("pretrain", configuration.gpus, configuration.nodes, more=4000 * configuration.gpus),
        # beside a GPU the plugin would take `tasks` as tasks per GPU
        **({"tasks": configuration.nodes * configuration.gpus} if configuration.device != "cuda" else {}),
        # an empty `mpi` leaves Snakemake itself in the batch script, so that the training alone is a step and gets signals
        mpi="",
        nodes=configuration.nodes,
        # the signal comes two minutes before the time limit, in time for a checkpoint
        slurm_extra=f"--ntasks-per-node={configuration.gpus} --signal=TERM@120",
    params:
        options=options("pretrain"),
        source=lambda wildcards, input: repeated("--initial-model", input.source[:1]),
        checkpoints=f"{RUN}/checkpoints",
        nodes=configuration.nodes,
        gpus=configuration.gpus,
        code=code_or_frozen("pretrain", f"{RUN}/models/{{name}}/model.safetensors"),
    shell:
        "{resources.python} {resources.scripts}/launch.py"
        " --nodes {params.nodes:q}"
        " --processes {params.gpus:q}"
        " --threads {threads}"
        " {resources.scripts}/pretrain.py {params.options} {params.source}"
        " --tokens {input.tokens:q}"
        " --windows {input.windows:q}"
        " --vocabulary {input.vocabulary:q}"
        " --checkpoints {params.checkpoints:q}"
        " --threads {threads}"
        " --model {output.model:q}"
        " --training {output.training:q} 2>&1 | tee -i {log:q}"


rule evaluate_pretraining:
    """Scores on held-out windows of both splits and on common spans, beside baselines on the same masked tokens."""
    input:
        model=rules.pretrain.output.model,
        tokens=rules.tokenise_genome.output.tokens,
        index=rules.tokenise_genome.output.index,
        windows=rules.make_windows.output.windows,
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
        folds=rules.make_folds.output.folds,
    output:
        metrics=f"{RUN}/models/{{name}}/metrics.json",
        accuracy=f"{RUN}/models/{{name}}/token_accuracy.parquet",
        masked=f"{RUN}/models/{{name}}/masked_tokens.parquet",
    log:
        f"{RUN}/logs/evaluate_pretraining.{{name}}.log",
    benchmark:
        f"{RUN}/benchmark/evaluate_pretraining.{{name}}.tsv"
    threads: configuration.threads
    resources:
        **gpu("evaluate_pretraining"),
    params:
        options=options("evaluate_pretraining"),
    shell:
        "{resources.python} {resources.scripts}/evaluate_pretraining.py {params.options} --threads {threads}"
        " --model {input.model:q}"
        " --tokens {input.tokens:q}"
        " --index {input.index:q}"
        " --windows {input.windows:q}"
        " --sequence {input.sequence:q}"
        " --segments {input.segments:q}"
        " --folds {input.folds:q}"
        " --metrics {output.metrics:q}"
        " --token-accuracy {output.accuracy:q}"
        " --masked-tokens {output.masked:q} > {log:q} 2>&1"


rule stratify_predictions:
    """The same predictions by repeat class, gene, soft mask and the other tracks; another annotation needs no new ones."""
    input:
        masked=rules.evaluate_pretraining.output.masked,
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
        softmask=rules.encode_genome.output.softmask,
        contigs=rules.encode_genome.output.contigs,
        sources=[source(key) for key in PLACED_SOURCES],
    output:
        strata=f"{RUN}/models/{{name}}/strata.parquet",
    log:
        f"{RUN}/logs/stratify_predictions.{{name}}.log",
    benchmark:
        f"{RUN}/benchmark/stratify_predictions.{{name}}.tsv"
    resources:
        **cpu("stratify_predictions"),
    params:
        tracks=by_content(TRACK_TABLE),
        options=options("stratify_predictions"),
        sources=source_options(PLACED_SOURCES),
    shell:
        "{resources.python} {resources.scripts}/stratify_predictions.py {params.options}"
        " --masked-tokens {input.masked:q}"
        " --sequence {input.sequence:q}"
        " --segments {input.segments:q}"
        " --softmask {input.softmask:q}"
        " --contigs {input.contigs:q}"
        " --tracks {params.tracks:q}"
        " {params.sources}"
        " --output {output.strata:q} > {log:q} 2>&1"


rule list_trained_on:
    """The sequence that the model was trained on, so that results on it can be told from held-out ones."""
    input:
        windows=rules.make_windows.output.windows,
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
        tokenizer=rules.build_vocabulary.output.tokenizer,
        tokens=rules.tokenise_genome.output.tokens,
        index=rules.tokenise_genome.output.index,
    output:
        intervals=f"{RUN}/models/{{name}}/trained_on.bed",
    log:
        f"{RUN}/logs/list_trained_on.{{name}}.log",
    benchmark:
        f"{RUN}/benchmark/list_trained_on.{{name}}.tsv"
    resources:
        **cpu("list_trained_on"),
    params:
        options=options("list_trained_on"),
    shell:
        "{resources.python} {resources.scripts}/list_trained_on.py {params.options}"
        " --windows {input.windows:q}"
        " --sequence {input.sequence:q}"
        " --segments {input.segments:q}"
        " --tokenizer {input.tokenizer:q}"
        " --tokens {input.tokens:q}"
        " --index {input.index:q}"
        " --output {output.intervals:q} > {log:q} 2>&1"


rule write_model_card:
    """README.md of the Hugging Face folder, from the provenance and the scores."""
    input:
        model=rules.pretrain.output.model,
        training=rules.pretrain.output.training,
        metrics=rules.evaluate_pretraining.output.metrics,
        windows=rules.make_windows.output.windows,
        folds=rules.make_folds.output.folds,
        merges=[] if SOURCE_MODEL else rules.train_bpe.output.merges,
        sequence=rules.encode_genome.output.sequence,
        contigs=rules.encode_genome.output.contigs,
    output:
        card=f"{RUN}/models/{{name}}/README.md",
    log:
        f"{RUN}/logs/write_model_card.{{name}}.log",
    benchmark:
        f"{RUN}/benchmark/write_model_card.{{name}}.tsv"
    resources:
        **cpu("write_model_card"),
    params:
        citation=by_content("CITATION.cff"),
        merges=lambda wildcards, input: repeated("--merges", input.merges),
    shell:
        "{resources.python} {resources.scripts}/write_model_card.py"
        " --model {input.model:q}"
        " --training {input.training:q}"
        " --metrics {input.metrics:q}"
        " --windows {input.windows:q}"
        " --folds {input.folds:q}"
        " {params.merges}"
        " --sequence {input.sequence:q}"
        " --contigs {input.contigs:q}"
        " --citation {params.citation:q}"
        " --name {wildcards.name:q}"
        " --output {output.card:q} > {log:q} 2>&1"
