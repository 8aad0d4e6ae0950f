"""Comparison of the vocabularies by next-k-mer prediction, the choice, and its publication under the fixed name `chosen`.

Needs a pretrained model per candidate and its held-out metrics. Makes selection/ and the name `chosen` in vocabulary/, tokens/, corpus/ and
models/, on which all later stages depend: without Snakemake checkpoints, so that a dry run sees the whole workflow.
"""

# the vocabulary that is taken whatever the scores say; under method `sweep` there is none
FIXED = configuration.selection.vocabulary if configuration.selection.method == "fixed" else None
COMPARED = [FIXED] if FIXED and not configuration.selection.compare else CANDIDATES
METRICS = expand(rules.evaluate_pretraining.output.metrics, name=COMPARED)
METRICS_OPTIONS = repeated("--metrics", [f"{name}={path}" for name, path in zip(COMPARED, METRICS)])


rule next_kmer:
    """Contexts are cut out of the genome first and tokenised alone, so that no token boundary tells what follows.

    One job per vocabulary; the fine-tunings that it has finished survive a kill in an undeclared folder beside its table.
    """
    input:
        model=rules.pretrain.output.model,
        tokens=rules.tokenise_genome.output.tokens,
        index=rules.tokenise_genome.output.index,
        windows=rules.make_windows.output.windows,
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
        folds=rules.make_folds.output.folds,
    output:
        scores=f"{RUN}/selection/{{name}}.next_kmer.parquet",
    log:
        f"{RUN}/logs/next_kmer.{{name}}.log",
    benchmark:
        f"{RUN}/benchmark/next_kmer.{{name}}.tsv"
    threads: training_threads(configuration, "next-kmer", len(COMPARED))
    resources:
        **gpu("next_kmer"),
    params:
        options=options("next_kmer"),
        seeds=repeated("--seeds", range(configuration.seed, configuration.seed + configuration.selection.seeds)),
        code=code_or_frozen("next_kmer", f"{RUN}/selection/{{name}}.next_kmer.parquet"),
    shell:
        "{resources.python} {resources.scripts}/next_kmer.py {params.options} --threads {threads}"
        " --model {input.model:q}"
        " --sequence {input.sequence:q}"
        " --segments {input.segments:q}"
        " --folds {input.folds:q}"
        " --tokens {input.tokens:q}"
        " --index {input.index:q}"
        " --windows {input.windows:q}"
        " {params.seeds}"
        " --name {wildcards.name:q}"
        " --output {output.scores:q} 2>&1 | tee -i {log:q}"


rule next_kmer_baselines:
    """Chance, majority, Markov models, the last token alone and TF-IDF with a random forest on the same contexts."""
    input:
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
        folds=rules.make_folds.output.folds,
        vocabularies=expand(rules.build_vocabulary.output.tokenizer, name=COMPARED),
    output:
        scores=f"{RUN}/selection/baselines.parquet",
    log:
        f"{RUN}/logs/next_kmer_baselines.log",
    benchmark:
        f"{RUN}/benchmark/next_kmer_baselines.tsv"
    threads: 4
    resources:
        **cpu("next_kmer_baselines"),
    params:
        options=options("next_kmer_baselines"),
        vocabularies=lambda wildcards, input: repeated("--vocabulary", input.vocabularies),
    shell:
        "{resources.python} {resources.scripts}/next_kmer_baselines.py {params.options} --threads {threads}"
        " --sequence {input.sequence:q}"
        " --segments {input.segments:q}"
        " --folds {input.folds:q}"
        " {params.vocabularies}"
        " --output {output.scores:q} 2>&1 | tee -i {log:q}"


rule compare_vocabularies:
    """What is only shown stands in a table of its own, so that new baselines or metrics change no choice."""
    input:
        models=expand(rules.next_kmer.output.scores, name=COMPARED),
        baselines=rules.next_kmer_baselines.output.scores,
        metrics=METRICS,
    output:
        table=f"{RUN}/selection/next_kmer.parquet",
    log:
        f"{RUN}/logs/compare_vocabularies.log",
    resources:
        **cpu("compare_vocabularies"),
    params:
        models=lambda wildcards, input: repeated("--models", input.models),
        metrics=METRICS_OPTIONS,
    shell:
        "{resources.python} {resources.scripts}/compare_vocabularies.py {params.models}"
        " --baselines {input.baselines:q}"
        " {params.metrics}"
        " --table {output.table:q} > {log:q} 2>&1"


rule choose_vocabulary:
    """The rule of choice is fixed beforehand and written with its reason."""
    input:
        models=expand(rules.next_kmer.output.scores, name=COMPARED),
        metrics=METRICS if configuration.selection.rule == "bits-per-base" else [],
    output:
        chosen=f"{RUN}/selection/chosen.txt",
    log:
        f"{RUN}/logs/choose_vocabulary.log",
    benchmark:
        f"{RUN}/benchmark/choose_vocabulary.tsv"
    resources:
        **cpu("choose_vocabulary"),
    params:
        options=options("choose_vocabulary", vocabulary=FIXED),
        models=lambda wildcards, input: repeated("--models", input.models),
        metrics=METRICS_OPTIONS if configuration.selection.rule == "bits-per-base" else "",
    shell:
        "{resources.python} {resources.scripts}/choose_vocabulary.py {params.options} {params.models}"
        " {params.metrics}"
        " --chosen {output.chosen:q} > {log:q} 2>&1"


rule plot_selection:
    """The figure alone, for the target `selection`; the report draws its own."""
    input:
        table=rules.compare_vocabularies.output.table,
        chosen=rules.choose_vocabulary.output.chosen,
    output:
        figure=f"{RUN}/selection/next_kmer.svg",
    log:
        f"{RUN}/logs/plot_selection.log",
    benchmark:
        f"{RUN}/benchmark/plot_selection.tsv"
    resources:
        **cpu("plot_selection"),
    params:
        options=options("plot_selection"),
    shell:
        "{resources.python} {resources.scripts}/plot_selection.py {params.options}"
        " --table {input.table:q}"
        " --chosen {input.chosen:q}"
        " --figure {output.figure:q} > {log:q} 2>&1"


rule publish_chosen:
    """Links of the winner's files under the fixed name `chosen`."""
    input:
        # a vocabulary that the configuration names need not wait for the scores
        chosen=rules.choose_vocabulary.output.chosen if FIXED is None else [],
        vocabularies=expand(rules.tokenise_genome.output.statistics, name=CANDIDATES),
        windows=expand(rules.make_windows.output.windows, name=CANDIDATES),
        models=expand(rules.pretrain.output.model, name=CANDIDATES),
    output:
        tokenizer=f"{RUN}/vocabulary/chosen/tokenizer.json",
        tokenizer_config=f"{RUN}/vocabulary/chosen/tokenizer_config.json",
        ranks=f"{RUN}/vocabulary/chosen/merges.tsv",
        statistics=f"{RUN}/vocabulary/chosen/statistics.parquet",
        tokens=f"{RUN}/tokens/chosen/tokens.npy",
        index=f"{RUN}/tokens/chosen/index.npy",
        windows=f"{RUN}/corpus/chosen/windows.parquet",
        model=f"{RUN}/models/chosen/model.safetensors",
        config=f"{RUN}/models/chosen/config.json",
        model_tokenizer=f"{RUN}/models/chosen/tokenizer.json",
        model_tokenizer_config=f"{RUN}/models/chosen/tokenizer_config.json",
        training=f"{RUN}/models/chosen/training.parquet",
    log:
        f"{RUN}/logs/publish_chosen.log",
    resources:
        **cpu("publish_chosen"),
    params:
        options=options("publish_chosen", vocabulary=FIXED),
        chosen=lambda wildcards, input: repeated("--chosen", input.chosen),
        published=lambda wildcards, output: repeated("--published", output),
    shell:
        "{resources.python} {resources.scripts}/publish_chosen.py {params.options} {params.chosen}"
        " {params.published} > {log:q} 2>&1"


rule publish_card:
    """Links of the winner's card and of the sequence it was trained on; apart from `publish_chosen`, so that later stages need not wait
    for the evaluation.
    """
    input:
        chosen=rules.choose_vocabulary.output.chosen if FIXED is None else [],
        cards=expand(rules.write_model_card.output.card, name=CANDIDATES),
        trained_on=expand(rules.list_trained_on.output.intervals, name=CANDIDATES),
    output:
        card=f"{RUN}/models/chosen/README.md",
        trained_on=f"{RUN}/models/chosen/trained_on.bed",
    log:
        f"{RUN}/logs/publish_card.log",
    resources:
        **cpu("publish_card"),
    params:
        options=options("publish_chosen", vocabulary=FIXED),
        chosen=lambda wildcards, input: repeated("--chosen", input.chosen),
        published=lambda wildcards, output: repeated("--published", output),
    shell:
        "{resources.python} {resources.scripts}/publish_chosen.py {params.options} {params.chosen}"
        " {params.published} > {log:q} 2>&1"
