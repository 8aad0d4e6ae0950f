"""Embeddings of tokens and regions, annotated with the tracks; annotation never is an input of the model.

Needs the chosen model and the tracks' sources. Makes embeddings/{model}/ for the chosen model and its untrained twin.
"""


rule embed:
    input:
        model=rules.adopt.output.model,
        tokens=rules.adopt.output.tokens,
        index=rules.adopt.output.index,
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
        folds=rules.make_folds.output.folds,
    output:
        tokens=f"{RUN}/embeddings/{{model}}/tokens.npy",
        counts=f"{RUN}/embeddings/{{model}}/token_counts.npy",
        regions=f"{RUN}/embeddings/{{model}}/regions.parquet",
        cls=f"{RUN}/embeddings/{{model}}/cls.npy",
        mean=f"{RUN}/embeddings/{{model}}/mean.npy",
    log:
        f"{RUN}/logs/embed.{{model}}.log",
    benchmark:
        f"{RUN}/benchmark/embed.{{model}}.tsv"
    conda:
        ENVIRONMENT
    container:
        IMAGE
    threads: config["threads"]
    resources:
        **gpu(),
        mem_mb=memory(16000),
        runtime=minutes(240),
    params:
        initial=lambda wildcards: "--random-weights" if wildcards.model.endswith("-twin") else "",
        window=config["embeddings"]["tokens"],
        maximum=config["embeddings"]["regions"],
        device=config["device"],
        precision=config["precision"],
        seed=config["seed"],
        code=code("embed"),
    shell:
        "{PYTHON} {SCRIPTS}/embed.py --model {input.model} {params.initial} --tokens {input.tokens} --index {input.index}"
        " --sequence {input.sequence} --segments {input.segments} --folds {input.folds} --windows-tokens {params.window}"
        " --maximum {params.maximum} --seed {params.seed} --device {params.device} --precision {params.precision} --threads {threads}"
        " --token-averages {output.tokens} --token-counts {output.counts} --regions {output.regions} --cls {output.cls}"
        " --mean {output.mean} > {log} 2>&1"


rule token_components:
    input:
        tokens=f"{RUN}/embeddings/{{model}}/tokens.npy",
        counts=f"{RUN}/embeddings/{{model}}/token_counts.npy",
        statistics=rules.adopt.output.statistics,
        published=installed("resources/published_components.tsv"),
    output:
        components=f"{RUN}/embeddings/{{model}}/components.parquet",
        correlations=f"{RUN}/embeddings/{{model}}/correlations.tsv",
    log:
        f"{RUN}/logs/token_components.{{model}}.log",
    benchmark:
        f"{RUN}/benchmark/token_components.{{model}}.tsv"
    conda:
        ENVIRONMENT
    container:
        IMAGE
    resources:
        mem_mb=memory(2000),
        runtime=minutes(20),
    params:
        minimum=config["embeddings"]["minimum_occurrences"],
        code=code("token_components"),
    shell:
        "{PYTHON} {SCRIPTS}/token_components.py --token-averages {input.tokens} --token-counts {input.counts} --statistics {input.statistics}"
        " --published {input.published} --minimum {params.minimum} --components {output.components} --correlations {output.correlations} > {log} 2>&1"


rule annotate_regions:
    input:
        regions=f"{RUN}/embeddings/{{model}}/regions.parquet",
        sources=[source(key) for key in TRACK_SOURCES],
        tracks=TRACK_TABLE,
        contigs=rules.encode_genome.output.contigs,
    output:
        annotation=f"{RUN}/embeddings/{{model}}/annotation.parquet",
    log:
        f"{RUN}/logs/annotate_regions.{{model}}.log",
    benchmark:
        f"{RUN}/benchmark/annotate_regions.{{model}}.tsv"
    conda:
        ENVIRONMENT
    container:
        IMAGE
    resources:
        mem_mb=memory(8000),
        runtime=minutes(60),
    params:
        sources=source_options(TRACK_SOURCES),
        overlap=config["embeddings"]["minimum_overlap"],
        code=code("annotate_regions"),
    shell:
        "{PYTHON} {SCRIPTS}/annotate_regions.py --regions {input.regions} --tracks {input.tracks} {params.sources}"
        " --contigs {input.contigs} --threshold {params.overlap} --output {output.annotation} > {log} 2>&1"


rule project_regions:
    input:
        cls=f"{RUN}/embeddings/{{model}}/cls.npy",
        mean=f"{RUN}/embeddings/{{model}}/mean.npy",
    output:
        umap=f"{RUN}/embeddings/{{model}}/umap.parquet",
    log:
        f"{RUN}/logs/project_regions.{{model}}.log",
    benchmark:
        f"{RUN}/benchmark/project_regions.{{model}}.tsv"
    conda:
        ENVIRONMENT
    container:
        IMAGE
    resources:
        mem_mb=memory(8000),
        runtime=minutes(120),
    params:
        neighbours=config["embeddings"]["neighbours"],
        seed=config["seed"],
        code=code("project_regions"),
    shell:
        "{PYTHON} {SCRIPTS}/project_regions.py --cls {input.cls} --mean {input.mean} --neighbours {params.neighbours}"
        " --seed {params.seed} --output {output.umap} > {log} 2>&1"


rule probe_regions:
    """A linear probe a track on held-out regions, beside the same probe on GC content, on k-mers and on the untrained twin."""
    input:
        regions=f"{RUN}/embeddings/{{model}}/regions.parquet",
        annotation=rules.annotate_regions.output.annotation,
        cls=f"{RUN}/embeddings/{{model}}/cls.npy",
        mean=f"{RUN}/embeddings/{{model}}/mean.npy",
        twin=f"{RUN}/embeddings/{{model}}-twin/mean.npy",
        tracks=TRACK_TABLE,
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
    output:
        probes=f"{RUN}/embeddings/{{model}}/probes.parquet",
    log:
        f"{RUN}/logs/probe_regions.{{model}}.log",
    benchmark:
        f"{RUN}/benchmark/probe_regions.{{model}}.tsv"
    conda:
        ENVIRONMENT
    container:
        IMAGE
    resources:
        mem_mb=memory(8000),
        runtime=minutes(120),
    params:
        seed=config["seed"],
        code=code("probe_regions"),
    shell:
        "{PYTHON} {SCRIPTS}/probe_regions.py --regions {input.regions} --annotation {input.annotation} --tracks {input.tracks}"
        " --cls {input.cls} --mean {input.mean} --twin-mean {input.twin} --sequence {input.sequence} --segments {input.segments}"
        " --seed {params.seed} --output {output.probes} > {log} 2>&1"
