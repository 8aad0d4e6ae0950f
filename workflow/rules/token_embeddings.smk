"""Tokens as the model sees them: their averages, how much context changes them, what their meanings are, where they lie.

Needs the embeddings' shards, the vocabulary and the tracks. Makes tables in embeddings/{model}/.
"""


rule publish_accuracy:
    """Links of how well the winner predicts each token; apart from `publish_chosen`, so that fine-tuning need not wait for the evaluation."""
    input:
        chosen=rules.choose_vocabulary.output.chosen if FIXED is None else [],
        accuracies=expand(f"{RUN}/models/{{name}}/token_accuracy.parquet", name=CANDIDATES),
    output:
        accuracy=f"{RUN}/models/chosen/token_accuracy.parquet",
    log:
        f"{RUN}/logs/publish_accuracy.log",
    resources:
        **cpu("publish_accuracy"),
    params:
        options=options("publish_chosen", vocabulary=FIXED),
        chosen=lambda wildcards, input: repeated("--chosen", input.chosen),
    shell:
        "{resources.python} {resources.scripts}/publish_chosen.py {params.options} {params.chosen}"
        " --published {output.accuracy:q} > {log:q} 2>&1"


rule enrich_tokens:
    """The share of each token inside each category of annotation, judged by circular shifts of the annotation."""
    input:
        tokens=f"{RUN}/tokens/{{model}}/tokens.npy",
        index=f"{RUN}/tokens/{{model}}/index.npy",
        statistics=f"{RUN}/vocabulary/{{model}}/statistics.parquet",
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
        contigs=rules.encode_genome.output.contigs,
        sources=[source(key) for key in TRACK_SOURCES],
    output:
        enrichment=f"{RUN}/embeddings/{{model}}/enrichment.parquet",
    log:
        f"{RUN}/logs/enrich_tokens.{{model}}.log",
    benchmark:
        f"{RUN}/benchmark/enrich_tokens.{{model}}.tsv"
    wildcard_constraints:
        model=one_of(EMBEDDED),
    threads: configuration.threads
    resources:
        **cpu("enrich_tokens"),
    params:
        tracks=by_content(TRACK_TABLE),
        sources=source_options(TRACK_SOURCES),
        options=options("enrich_tokens"),
    shell:
        "{resources.python} {resources.scripts}/enrich_tokens.py {params.options} --threads {threads}"
        " --tokens {input.tokens:q}"
        " --index {input.index:q}"
        " --statistics {input.statistics:q}"
        " --sequence {input.sequence:q}"
        " --segments {input.segments:q}"
        " --contigs {input.contigs:q}"
        " --tracks {params.tracks:q}"
        " {params.sources}"
        " --output {output.enrichment:q} > {log:q} 2>&1"


rule gather_tokens:
    """Averages of the tokens, and how alike the contexts of each are, layer by layer."""
    input:
        sums=expand(f"{RUN}/embeddings/{{{{model}}}}/shards/{{shard}}.tokens.npz", shard=SHARDS),
        contexts=expand(f"{RUN}/embeddings/{{{{model}}}}/shards/{{shard}}.contexts.parquet", shard=SHARDS),
        weights=of_model("models/{name}/model.safetensors"),
        statistics=of_model("vocabulary/{name}/statistics.parquet"),
        accuracy=of_model("models/{name}/token_accuracy.parquet"),
        enrichment=of_model("embeddings/{name}/enrichment.parquet") if TRACKS else [],
    output:
        averages=f"{RUN}/embeddings/{{model}}/token_averages.npy",
        counts=f"{RUN}/embeddings/{{model}}/token_counts.npy",
        contexts=f"{RUN}/embeddings/{{model}}/contexts.parquet",
    log:
        f"{RUN}/logs/gather_tokens.{{model}}.log",
    benchmark:
        f"{RUN}/benchmark/gather_tokens.{{model}}.tsv"
    wildcard_constraints:
        model=one_of(ENCODERS),
    resources:
        **cpu("gather_tokens"),
    params:
        sums=lambda wildcards, input: repeated("--sums", input.sums),
        contexts=lambda wildcards, input: repeated("--contexts", input.contexts),
        weights=lambda wildcards: weight_options([wildcards.model]),
        enrichment=lambda wildcards, input: repeated("--enrichment", input.enrichment),
        options=options("gather_tokens"),
    shell:
        "{resources.python} {resources.scripts}/gather_tokens.py {params.options} {params.sums} {params.contexts}"
        " {params.weights}"
        " --statistics {input.statistics:q}"
        " --accuracy {input.accuracy:q}"
        " {params.enrichment}"
        " --token-averages {output.averages:q}"
        " --token-counts {output.counts:q}"
        " --output {output.contexts:q} > {log:q} 2>&1"


rule token_components:
    input:
        averages=rules.gather_tokens.output.averages,
        counts=rules.gather_tokens.output.counts,
        word2vec=of_model("embeddings/{name}/word2vec.npy"),
        statistics=of_model("vocabulary/{name}/statistics.parquet"),
        enrichment=of_model("embeddings/{name}/enrichment.parquet") if TRACKS else [],
    output:
        components=f"{RUN}/embeddings/{{model}}/components.parquet",
        explained=f"{RUN}/embeddings/{{model}}/explained.parquet",
        correlations=f"{RUN}/embeddings/{{model}}/correlations.tsv",
        effects=f"{RUN}/embeddings/{{model}}/effects.tsv",
        clusters=f"{RUN}/embeddings/{{model}}/clusters.tsv",
        similarity=f"{RUN}/embeddings/{{model}}/similarity.tsv",
        steps=f"{RUN}/embeddings/{{model}}/steps.tsv",
    log:
        f"{RUN}/logs/token_components.{{model}}.log",
    benchmark:
        f"{RUN}/benchmark/token_components.{{model}}.tsv"
    wildcard_constraints:
        model=one_of(ENCODERS),
    resources:
        **cpu("token_components"),
    params:
        published=by_content("resources/published_components.tsv"),
        enrichment=lambda wildcards, input: repeated("--enrichment", input.enrichment),
        options=options("token_components"),
    shell:
        "{resources.python} {resources.scripts}/token_components.py {params.options}"
        " --token-averages {input.averages:q}"
        " --token-counts {input.counts:q}"
        " --word2vec {input.word2vec:q}"
        " --statistics {input.statistics:q}"
        " --published {params.published:q}"
        " {params.enrichment}"
        " --components {output.components:q}"
        " --explained {output.explained:q}"
        " --correlations {output.correlations:q}"
        " --effects {output.effects:q}"
        " --clusters {output.clusters:q}"
        " --similarity {output.similarity:q}"
        " --steps {output.steps:q} > {log:q} 2>&1"


rule compare_contexts:
    """Two groups of the contexts of each token, and the annotation that tells them apart."""
    input:
        contexts=expand(f"{RUN}/embeddings/{{{{model}}}}/shards/{{shard}}.contexts.parquet", shard=SHARDS),
        weights=of_model("models/{name}/model.safetensors"),
        statistics=of_model("vocabulary/{name}/statistics.parquet"),
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
        contigs=rules.encode_genome.output.contigs,
        sources=[source(key) for key in TRACK_SOURCES],
    output:
        ambiguity=f"{RUN}/embeddings/{{model}}/ambiguity.parquet",
    log:
        f"{RUN}/logs/compare_contexts.{{model}}.log",
    benchmark:
        f"{RUN}/benchmark/compare_contexts.{{model}}.tsv"
    wildcard_constraints:
        model=one_of(ENCODERS),
    resources:
        **cpu("compare_contexts"),
    params:
        tracks=by_content(TRACK_TABLE),
        contexts=lambda wildcards, input: repeated("--contexts", input.contexts),
        weights=lambda wildcards: weight_options([wildcards.model]),
        sources=source_options(TRACK_SOURCES),
        options=options("compare_contexts"),
    shell:
        "{resources.python} {resources.scripts}/compare_contexts.py {params.options} {params.contexts}"
        " {params.weights}"
        " --statistics {input.statistics:q}"
        " --sequence {input.sequence:q}"
        " --segments {input.segments:q}"
        " --contigs {input.contigs:q}"
        " --tracks {params.tracks:q}"
        " {params.sources}"
        " --output {output.ambiguity:q} > {log:q} 2>&1"
