"""Base probabilities along regions of the genome, as bigWigs in a hub.

Needs the chosen model, its tokens and windows, and the importance of bases by the fine-tuned models. Makes interpretation/tracks/ and interpretation/hub/.
"""

BASE_TRACKS = configuration.interpretation.tracks  # empty: nobody asks for these rules
TRACKS_OF_SOURCE = BASE_TRACKS in configuration.sources
TRACK_SHARDS = range(configuration.interpretation.track_shards)


rule base_tracks:
    """One shard of the regions per job; if it fails, only that shard is recomputed."""
    input:
        model=rules.publish_chosen.output.model,
        tokens=rules.publish_chosen.output.tokens,
        windows=rules.publish_chosen.output.windows,
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
        contigs=rules.encode_genome.output.contigs,
        folds=rules.make_folds.output.folds,
        regions=source(BASE_TRACKS) if TRACKS_OF_SOURCE else [],
    output:
        values=f"{RUN}/interpretation/tracks/{{shard}}.parquet",
        accuracy=f"{RUN}/interpretation/tracks/{{shard}}.accuracy.parquet",
    log:
        f"{RUN}/logs/base_tracks.{{shard}}.log",
    benchmark:
        f"{RUN}/benchmark/base_tracks.{{shard}}.tsv"
    wildcard_constraints:
        shard="[0-9]+",
    threads: configuration.threads
    resources:
        **gpu("base_tracks"),
    params:
        regions=lambda wildcards, input: repeated("--bed", input.regions),
        rename=rename_option(BASE_TRACKS) if TRACKS_OF_SOURCE else "",
        options=options("base_tracks"),
    shell:
        "{resources.python} {resources.scripts}/base_tracks.py {params.options} --threads {threads}"
        " --model {input.model:q}"
        " --tokens {input.tokens:q}"
        " --windows {input.windows:q}"
        " --sequence {input.sequence:q}"
        " --segments {input.segments:q}"
        " --contigs {input.contigs:q}"
        " --folds {input.folds:q}"
        " {params.regions} {params.rename}"
        " --shard {wildcards.shard}"
        " --values {output.values:q}"
        " --accuracy {output.accuracy:q} > {log:q} 2>&1"


rule export_hub:
    """The bigWigs of all shards, the assembly as 2bit, a UCSC hub and IGV sessions."""
    input:
        values=expand(rules.base_tracks.output.values, shard=TRACK_SHARDS),
        accuracy=expand(rules.base_tracks.output.accuracy, shard=TRACK_SHARDS),
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
        contigs=rules.encode_genome.output.contigs,
        importance=expand(rules.interpret_importance.output.bases, task=EXPLAINED_TASKS),
    output:
        hub=directory(f"{RUN}/interpretation/hub"),
        table=f"{RUN}/interpretation/base_tracks.tsv",
        locus=f"{RUN}/interpretation/base_tracks_locus.parquet",
        regions=f"{RUN}/interpretation/base_tracks.bed",
    log:
        f"{RUN}/logs/export_hub.log",
    benchmark:
        f"{RUN}/benchmark/export_hub.tsv"
    resources:
        **cpu("export_hub"),
    params:
        values=lambda wildcards, input: repeated("--values", input.values),
        accuracy=lambda wildcards, input: repeated("--accuracy", input.accuracy),
        importance=lambda wildcards, input: repeated(
            "--importance", [f"{task}={path}" for task, path in zip(EXPLAINED_TASKS, input.importance)]
        ),
        run=configuration.run,
        options=options("export_hub"),
    shell:
        "{resources.python} {resources.scripts}/export_hub.py {params.options} {params.values} {params.accuracy}"
        " {params.importance}"
        " --sequence {input.sequence:q}"
        " --segments {input.segments:q}"
        " --contigs {input.contigs:q}"
        " --name {params.run:q}"
        " --model chosen"
        " --hub {output.hub:q}"
        " --table {output.table:q}"
        " --locus {output.locus:q}"
        " --regions {output.regions:q} > {log:q} 2>&1"
