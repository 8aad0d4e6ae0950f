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
        contigs=rules.encode_genome.output.contigs,
        folds=rules.make_folds.output.folds,
        intervals=source(configuration.embeddings.intervals) if configuration.embeddings.intervals else [],
    output:
        regions=f"{RUN}/embeddings/regions.parquet",
    log:
        f"{RUN}/logs/choose_regions.log",
    benchmark:
        f"{RUN}/benchmark/choose_regions.tsv"
    resources:
        **cpu("choose_regions"),
    params:
        intervals=lambda wildcards, input: repeated("--bed", input.intervals),
        rename=rename_option(configuration.embeddings.intervals) if configuration.embeddings.intervals else "",
        options=options("choose_regions"),
    shell:
        "{resources.python} {resources.scripts}/choose_regions.py {params.options}"
        " --tokens {input.tokens:q}"
        " --index {input.index:q}"
        " --vocabulary {input.vocabulary:q}"
        " --sequence {input.sequence:q}"
        " --segments {input.segments:q}"
        " --contigs {input.contigs:q}"
        " --folds {input.folds:q}"
        " {params.intervals} {params.rename}"
        " --output {output.regions:q} > {log:q} 2>&1"


rule annotate_regions:
    input:
        regions=rules.choose_regions.output.regions,
        sources=[source(key) for key in TRACK_SOURCES],
        contigs=rules.encode_genome.output.contigs,
    output:
        annotation=f"{RUN}/embeddings/annotation.parquet",
    log:
        f"{RUN}/logs/annotate_regions.log",
    benchmark:
        f"{RUN}/benchmark/annotate_regions.tsv"
    resources:
        **cpu("annotate_regions"),
    params:
        tracks=by_content(TRACK_TABLE),
        sources=source_options(TRACK_SOURCES),
        options=options("annotate_regions"),
    shell:
        "{resources.python} {resources.scripts}/annotate_regions.py {params.options}"
        " --regions {input.regions:q}"
        " --tracks {params.tracks:q}"
        " {params.sources}"
        " --contigs {input.contigs:q}"
        " --output {output.annotation:q} > {log:q} 2>&1"


rule embed:
    """One shard of the regions per job; if it fails, only that shard is recomputed."""
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
    threads: configuration.threads
    resources:
        **gpu("embed"),
    params:
        initial=initial,
        states=lambda wildcards, output: repeated("--states", output.states),
        options=options("embed"),
        code=code_or_frozen("embed", f"{RUN}/embeddings/{{model}}/shards/{{shard}}.parquet"),
    shell:
        "{resources.python} {resources.scripts}/embed.py {params.options} --threads {threads}"
        " --model {input.model:q}"
        " --initial {params.initial}"
        " --name {wildcards.model:q}"
        " --tokens {input.tokens:q}"
        " --index {input.index:q}"
        " --sequence {input.sequence:q}"
        " --segments {input.segments:q}"
        " --regions {input.regions:q}"
        " --shard {wildcards.shard}"
        " --output {output.vectors:q}"
        " --token-sums {output.sums:q}"
        " --contexts-output {output.contexts:q}"
        " {params.states} 2>&1 | tee -i {log:q}"


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
        **gpu("embed_external"),
    params:
        python=external_python,
        options=options("embed_external", adapter=of_external("adapter"), remote_code=of_external("remote_code")),
        code=code_or_frozen("embed_external", f"{RUN}/embeddings/{{external}}/shards/{{shard}}.parquet"),
    shell:
        "python={params.python:q}; ${{python:-{resources.python}}} {resources.scripts}/embed_external.py {params.options} --threads {threads}"
        " --folder {input.folder:q}"
        " --name {wildcards.external:q}"
        " --sequence {input.sequence:q}"
        " --segments {input.segments:q}"
        " --regions {input.regions:q}"
        " --shard {wildcards.shard}"
        " --output {output.vectors:q} 2>&1 | tee -i {log:q}"


rule train_word2vec:
    """Static vectors of the same dimension, learnt from the windows of pretraining. One thread: with several, each run differs."""
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
    resources:
        **cpu("train_word2vec"),
    params:
        options=options("train_word2vec"),
    shell:
        "{resources.python} {resources.scripts}/train_word2vec.py {params.options}"
        " --tokens {input.tokens:q}"
        " --windows {input.windows:q}"
        " --config {input.config:q}"
        " --threads 1"
        " --output {output.vectors:q} > {log:q} 2>&1"


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
    resources:
        **cpu("compose_regions"),
    params:
        options=options("compose_regions"),
    shell:
        "{resources.python} {resources.scripts}/compose_regions.py {params.options}"
        " --regions {input.regions:q}"
        " --word2vec {input.word2vec:q}"
        " --tokens {input.tokens:q}"
        " --index {input.index:q}"
        " --vocabulary {input.vocabulary:q}"
        " --sequence {input.sequence:q}"
        " --segments {input.segments:q}"
        " --output {output.composition:q} > {log:q} 2>&1"
