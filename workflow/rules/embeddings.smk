"""Regions of the genome, what the tracks say of them, and their embeddings by the models, by word2vec and by composition.

Needs models, tokens and the tracks' sources. Makes embeddings/regions.parquet, annotation.parquet, composition.parquet and
embeddings/{model}/shards/ for each model and its randomly initialised model. Annotation never is an input of a model.
"""


rule choose_regions:
    """The same intervals for every model: windows of the first one's tokens, or those of a BED file."""
    input:
        tokens=f"{RUN}/tokens/{EMBEDDED[0]}/tokens.npy",
        index=f"{RUN}/tokens/{EMBEDDED[0]}/index.npy",
        vocabulary=f"{RUN}/models/{EMBEDDED[0]}/tokenizer.json",
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
        folds=rules.make_folds.output.folds,
        intervals=source(configuration.embeddings.intervals) if configuration.embeddings.intervals else [],
    output:
        regions=f"{RUN}/embeddings/regions.parquet",
    log:
        f"{RUN}/logs/choose_regions.log",
    benchmark:
        f"{RUN}/benchmark/choose_regions.tsv"
    conda:
        ENVIRONMENT
    resources:
        **cpu(8000, 60),
    params:
        intervals=lambda wildcards, input: (
            f"--bed {input.intervals} {rename_option(configuration.embeddings.intervals)}" if input.intervals else ""
        ),
        window=configuration.embeddings.window_tokens,
        context=configuration.embeddings.context,
        maximum=configuration.embeddings.maximum_regions,
        seed=configuration.seed,
        code=code("choose_regions"),
    shell:
        "{resources.python} {resources.scripts}/choose_regions.py --tokens {input.tokens} --index {input.index} --vocabulary {input.vocabulary}"
        " --sequence {input.sequence} --segments {input.segments} --folds {input.folds} {params.intervals}"
        " --windows-tokens {params.window} --context {params.context} --maximum {params.maximum} --seed {params.seed}"
        " --output {output.regions} > {log} 2>&1"


rule annotate_regions:
    input:
        regions=rules.choose_regions.output.regions,
        sources=[source(key) for key in TRACK_SOURCES],
        tracks=TRACK_TABLE,
        contigs=rules.encode_genome.output.contigs,
    output:
        annotation=f"{RUN}/embeddings/annotation.parquet",
    log:
        f"{RUN}/logs/annotate_regions.log",
    benchmark:
        f"{RUN}/benchmark/annotate_regions.tsv"
    conda:
        ENVIRONMENT
    resources:
        **cpu(8000, 60),
    params:
        sources=source_options(TRACK_SOURCES),
        overlap=configuration.embeddings.minimum_overlap,
        code=code("annotate_regions"),
    shell:
        "{resources.python} {resources.scripts}/annotate_regions.py --regions {input.regions} --tracks {input.tracks} {params.sources}"
        " --contigs {input.contigs} --threshold {params.overlap} --output {output.annotation} > {log} 2>&1"


rule embed:
    """One part of the regions, so that a lost job costs a part."""
    input:
        model=of_model("models/{name}/model.safetensors"),
        tokens=of_model("tokens/{name}/tokens.npy"),
        index=of_model("tokens/{name}/index.npy"),
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
        regions=rules.choose_regions.output.regions,
    output:
        vectors=f"{RUN}/embeddings/{{model}}/shards/{{shard}}.parquet",
        sums=f"{RUN}/embeddings/{{model}}/shards/{{shard}}.tokens.npz",
        contexts=f"{RUN}/embeddings/{{model}}/shards/{{shard}}.contexts.parquet",
        states=(
            [f"{RUN}/embeddings/{{model}}/shards/{{shard}}.states.parquet"] if configuration.embeddings.states else []
        ),
    log:
        f"{RUN}/logs/embed.{{model}}.{{shard}}.log",
    benchmark:
        f"{RUN}/benchmark/embed.{{model}}.{{shard}}.tsv"
    wildcard_constraints:
        model=one_of(ENCODERS),
        shard="[0-9]+",
    conda:
        ENVIRONMENT
    threads: configuration.threads
    resources:
        **gpu(16000, 240),
        cost="embedding",
    params:
        initial=lambda wildcards: "random" if is_random(wildcards.model) else "pretrained",
        shards=len(SHARDS),
        window=configuration.embeddings.window_tokens,
        context=configuration.embeddings.context,
        layers=repeated("--layers", configuration.embeddings.layers),
        contexts=configuration.embeddings.contexts,
        stored=configuration.embeddings.stored_contexts,
        states=lambda wildcards, output: f"--states {output.states}" if output.states else "",
        device=configuration.device,
        precision=configuration.precision,
        seed=configuration.seed,
        code=code_or_frozen("embed", f"{RUN}/embeddings/{{model}}/shards/{{shard}}.parquet"),
    shell:
        "{resources.python} {resources.scripts}/embed.py --model {input.model} --initial {params.initial} --name {wildcards.model}"
        " --tokens {input.tokens} --index {input.index} --sequence {input.sequence} --segments {input.segments}"
        " --regions {input.regions} --shard {wildcards.shard} --shards {params.shards} --windows-tokens {params.window}"
        " --context {params.context} {params.layers} --contexts {params.contexts} --stored {params.stored} --seed {params.seed}"
        " --device {params.device} --precision {params.precision} --threads {threads} --output {output.vectors}"
        " --token-sums {output.sums} --contexts-output {output.contexts} {params.states} 2>&1 | tee {log}"


rule embed_external:
    input:
        folder=lambda wildcards: external_configuration(wildcards.external),
        files=lambda wildcards: external_files(wildcards.external),
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
        regions=rules.choose_regions.output.regions,
    output:
        vectors=f"{RUN}/embeddings/{{external}}/shards/{{shard}}.parquet",
    log:
        f"{RUN}/logs/embed_external.{{external}}.{{shard}}.log",
    benchmark:
        f"{RUN}/benchmark/embed_external.{{external}}.{{shard}}.tsv"
    wildcard_constraints:
        external=one_of(configuration.embeddings.external_models),
        shard="[0-9]+",
    conda:
        f"{ROOT}/envs/external.yaml"
    threads: configuration.threads
    resources:
        **gpu(32000, 720),
    params:
        # a shell default, so that the place of the main environment is no parameter
        python=lambda wildcards: "" if DEPLOYED else EXTERNAL_MODELS[wildcards.external].python,
        adapter=lambda wildcards: EXTERNAL_MODELS[wildcards.external].adapter,
        consent=lambda wildcards: (
            "--remote-code" if EXTERNAL_MODELS[wildcards.external].remote_code else "--no-remote-code"
        ),
        shards=len(SHARDS),
        seed=configuration.seed,
        device=configuration.device,
        precision=configuration.precision,
        code=code_or_frozen("embed_external", f"{RUN}/embeddings/{{external}}/shards/{{shard}}.parquet"),
    shell:
        "python={params.python}; ${{python:-{resources.python}}} {resources.scripts}/embed_external.py --folder {input.folder:q} --adapter {params.adapter}"
        " {params.consent} --name {wildcards.external} --sequence {input.sequence} --segments {input.segments}"
        " --regions {input.regions} --shard {wildcards.shard} --shards {params.shards} --seed {params.seed} --device {params.device}"
        " --precision {params.precision} --threads {threads} --output {output.vectors} 2>&1 | tee {log}"


rule train_word2vec:
    """Vectors of the same dimension that know no place, learnt from the windows that pretraining reads; by one thread, since several
    give other vectors each time."""
    input:
        tokens=f"{RUN}/tokens/{{model}}/tokens.npy",
        windows=f"{RUN}/corpus/{{model}}/windows.parquet",
        config=f"{RUN}/models/{{model}}/config.json",
    output:
        vectors=f"{RUN}/embeddings/{{model}}/word2vec.npy",
    log:
        f"{RUN}/logs/train_word2vec.{{model}}.log",
    benchmark:
        f"{RUN}/benchmark/train_word2vec.{{model}}.tsv"
    wildcard_constraints:
        model=one_of(EMBEDDED),
    conda:
        ENVIRONMENT
    resources:
        **cpu(4000, 240),
    params:
        split=configuration.corpus.split,
        window=configuration.embeddings.word2vec_window,
        epochs=configuration.embeddings.word2vec_epochs,
        most=configuration.embeddings.word2vec_tokens,
        seed=configuration.seed,
        code=code("train_word2vec"),
    shell:
        "{resources.python} {resources.scripts}/train_word2vec.py --tokens {input.tokens} --windows {input.windows} --config {input.config}"
        " --split {params.split} --window {params.window} --epochs {params.epochs} --most-tokens {params.most} --seed {params.seed}"
        " --threads 1 --output {output.vectors} > {log} 2>&1"


rule compose_regions:
    """What the embeddings have to be better than: the mean of word2vec and the k-mers of each region."""
    input:
        regions=rules.choose_regions.output.regions,
        word2vec=f"{RUN}/embeddings/{EMBEDDED[0]}/word2vec.npy",
        tokens=f"{RUN}/tokens/{EMBEDDED[0]}/tokens.npy",
        index=f"{RUN}/tokens/{EMBEDDED[0]}/index.npy",
        vocabulary=f"{RUN}/models/{EMBEDDED[0]}/tokenizer.json",
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
    output:
        composition=f"{RUN}/embeddings/composition.parquet",
    log:
        f"{RUN}/logs/compose_regions.log",
    benchmark:
        f"{RUN}/benchmark/compose_regions.tsv"
    conda:
        ENVIRONMENT
    resources:
        **cpu(4000, 60),
        cost="composition",
    params:
        kmers=configuration.embeddings.kmers,
        code=code("compose_regions"),
    shell:
        "{resources.python} {resources.scripts}/compose_regions.py --regions {input.regions} --word2vec {input.word2vec} --tokens {input.tokens}"
        " --index {input.index} --vocabulary {input.vocabulary} --sequence {input.sequence} --segments {input.segments}"
        " --kmers {params.kmers} --output {output.composition} > {log} 2>&1"
