"""Dependency maps of a few loci.

Needs the chosen model, and the data sets of the tasks or the source that `interpretation.map_regions` names. Makes interpretation/.
"""

from grover.config.benchmark_table import BUILDERS

# tasks whose sites have coordinates
PLACED_TASKS = [name for name, task in TASKS.items() if BUILDERS[task.builder].format != "csv"]
MAP_REGIONS = configuration.interpretation.map_regions
HAS_MAPS = bool(MAP_REGIONS or PLACED_TASKS)


rule dependency_maps:
    """The pretrained model on sites of fold test or on loci that are given, beside their shuffles and a randomly initialised model."""
    input:
        model=rules.publish_chosen.output.model,
        datasets=[] if MAP_REGIONS else expand(f"{RUN}/benchmarks/{{task}}/dataset.parquet", task=PLACED_TASKS),
        regions=source(MAP_REGIONS) if MAP_REGIONS else [],
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
        contigs=rules.encode_genome.output.contigs,
    output:
        pairs=f"{RUN}/interpretation/maps.parquet",
        maps=directory(f"{RUN}/interpretation/maps"),
    log:
        f"{RUN}/logs/dependency_maps.log",
    benchmark:
        f"{RUN}/benchmark/dependency_maps.tsv"
    threads: configuration.threads
    resources:
        **gpu("dependency_maps"),
    params:
        datasets=lambda wildcards, input: repeated("--dataset", input.datasets),
        regions=lambda wildcards, input: repeated("--bed", input.regions),
        rename=rename_option(MAP_REGIONS) if MAP_REGIONS else "",
        options=options("dependency_maps"),
    shell:
        "{resources.python} {resources.scripts}/dependency_maps.py {params.options} --threads {threads}"
        " --model {input.model:q}"
        " {params.datasets} {params.regions} {params.rename}"
        " --sequence {input.sequence:q}"
        " --segments {input.segments:q}"
        " --contigs {input.contigs:q}"
        " --pairs {output.pairs:q}"
        " --maps {output.maps:q} > {log:q} 2>&1"
