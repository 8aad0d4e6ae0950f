"""Regions as the models see them: a map, what of each track can be read from them beyond composition, and the two strands.

Needs the embeddings' shards, the composition and the annotation of the regions. Makes embeddings/probes.parquet, clusters.parquet and
tables in embeddings/{model}/.
"""


rule project_regions:
    input:
        regions=rules.choose_regions.output.regions,
        vectors=lambda wildcards: shards_of(wildcards.model),
        weights=of_model("models/{name}/model.safetensors"),
    output:
        umap=f"{RUN}/embeddings/{{model}}/umap.parquet",
    log:
        f"{RUN}/logs/project_regions.{{model}}.log",
    benchmark:
        f"{RUN}/benchmark/project_regions.{{model}}.tsv"
    wildcard_constraints:
        model=one_of(EMBEDDED),
    resources:
        **cpu("project_regions"),
    params:
        vectors=lambda wildcards, input: repeated("--vectors", input.vectors),
        weights=lambda wildcards: weight_options([wildcards.model]),
        options=options("project_regions"),
    shell:
        "{resources.python} {resources.scripts}/project_regions.py {params.options}"
        " --regions {input.regions:q}"
        " {params.vectors} {params.weights}"
        " --model {wildcards.model:q}"
        " --output {output.umap:q} > {log:q} 2>&1"


rule probe_track:
    """Probes of one track on held-out regions: from every model and layer, beside word2vec, k-mers and GC content."""
    input:
        regions=rules.choose_regions.output.regions,
        annotation=rules.annotate_regions.output.annotation,
        vectors=shards_of([*ENCODERS, *configuration.embeddings.external_models]),
        weights=expand(f"{RUN}/models/{{model}}/model.safetensors", model=EMBEDDED),
        composition=rules.compose_regions.output.composition,
    output:
        probes=f"{RUN}/embeddings/probes/{{track}}.parquet",
    log:
        f"{RUN}/logs/probe_track.{{track}}.log",
    benchmark:
        f"{RUN}/benchmark/probe_track.{{track}}.tsv"
    wildcard_constraints:
        track="[A-Za-z0-9_]+",
    resources:
        **cpu("probe_track"),
    params:
        tracks=by_content(TRACK_TABLE),
        vectors=lambda wildcards, input: repeated("--vectors", input.vectors),
        weights=weight_options(ENCODERS),
        options=options("probe_track"),
    shell:
        "{resources.python} {resources.scripts}/probe_track.py {params.options}"
        " --track {wildcards.track:q}"
        " --regions {input.regions:q}"
        " --annotation {input.annotation:q}"
        " --tracks {params.tracks:q}"
        " {params.vectors} {params.weights}"
        " --composition {input.composition:q}"
        " --output {output.probes:q} > {log:q} 2>&1"


rule gather_probes:
    input:
        probes=expand(rules.probe_track.output.probes, track=[row["track"] for row in TRACKS]),
    output:
        probes=f"{RUN}/embeddings/probes.parquet",
    log:
        f"{RUN}/logs/gather_probes.log",
    resources:
        **cpu("gather_probes"),
    params:
        probes=lambda wildcards, input: repeated("--probes", input.probes),
    shell:
        "{resources.python} {resources.scripts}/gather_probes.py {params.probes}"
        " --output {output.probes:q} > {log:q} 2>&1"


rule measure_clusters:
    """How far regions of one category lie together, with and without repeats."""
    input:
        regions=rules.choose_regions.output.regions,
        annotation=rules.annotate_regions.output.annotation,
        vectors=shards_of([*ENCODERS, *configuration.embeddings.external_models]),
        weights=expand(f"{RUN}/models/{{model}}/model.safetensors", model=EMBEDDED),
        composition=rules.compose_regions.output.composition,
    output:
        clusters=f"{RUN}/embeddings/clusters.parquet",
    log:
        f"{RUN}/logs/measure_clusters.log",
    benchmark:
        f"{RUN}/benchmark/measure_clusters.tsv"
    resources:
        **cpu("measure_clusters"),
    params:
        tracks=by_content(TRACK_TABLE),
        vectors=lambda wildcards, input: repeated("--vectors", input.vectors),
        weights=weight_options(ENCODERS),
        options=options("measure_clusters"),
    shell:
        "{resources.python} {resources.scripts}/measure_clusters.py {params.options}"
        " --regions {input.regions:q}"
        " --annotation {input.annotation:q}"
        " --tracks {params.tracks:q}"
        " {params.vectors} {params.weights}"
        " --composition {input.composition:q}"
        " --output {output.clusters:q} > {log:q} 2>&1"


rule compare_strands:
    """How alike the model finds a region and its reverse complement."""
    input:
        model=of_model("models/{name}/model.safetensors"),
        regions=rules.choose_regions.output.regions,
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
    output:
        strands=f"{RUN}/embeddings/{{model}}/strands.parquet",
    log:
        f"{RUN}/logs/compare_strands.{{model}}.log",
    benchmark:
        f"{RUN}/benchmark/compare_strands.{{model}}.tsv"
    wildcard_constraints:
        model=one_of(ENCODERS),
    threads: configuration.threads
    resources:
        **gpu("compare_strands"),
    params:
        initial=initial,
        options=options("compare_strands"),
    shell:
        "{resources.python} {resources.scripts}/compare_strands.py {params.options} --threads {threads}"
        " --model {input.model:q}"
        " --initial {params.initial}"
        " --regions {input.regions:q}"
        " --sequence {input.sequence:q}"
        " --segments {input.segments:q}"
        " --output {output.strands:q} > {log:q} 2>&1"


# for the report and the target `embeddings`; without tracks there is nothing to be read from the regions
EMBEDDING_RESULTS = [
    rules.choose_regions.output.regions,
    rules.annotate_regions.output.annotation,
    *expand(
        [rules.project_regions.output.umap, rules.train_word2vec.output.vectors],
        model=EMBEDDED,
    ),
    *expand(
        [*rules.gather_tokens.output, *rules.token_components.output, rules.compare_strands.output.strands],
        model=ENCODERS,
    ),
]
if TRACKS:
    EMBEDDING_RESULTS += [
        *expand(rules.enrich_tokens.output.enrichment, model=EMBEDDED),
        *expand(rules.compare_contexts.output.ambiguity, model=ENCODERS),
        rules.gather_probes.output.probes,
        rules.measure_clusters.output.clusters,
    ]
