"""The assembly: simulated, linked or downloaded, encoded, dealt into folds; and the check of everything that comes from outside.

Makes genome/ (sequence.npy, segments.bed, softmask.bed, contigs.tsv, folds.bed, inputs.tsv).
"""

from grover.config import files
from grover.finetuning.predictors import models_of


localrules:
    download_source,
    link_source,
    check_sources,


SIMULATED = f"{RUN}/simulated"


rule simulate_genome:
    """A small genome with known truth, and its annotation in the formats of the public sources."""
    output:
        genome=f"{SIMULATED}/genome.fa.gz",
        repeats=f"{SIMULATED}/rmsk.txt.gz",
        peaks=f"{SIMULATED}/ctcf.narrowPeak.gz",
        motifs=f"{SIMULATED}/motifs.meme",
        genes=f"{SIMULATED}/genes.gtf.gz",
        tss=f"{SIMULATED}/tss.bed.gz",
        islands=f"{SIMULATED}/cpg_islands.bed.gz",
        states=f"{SIMULATED}/chromatin_states.bed.gz",
        replication=f"{SIMULATED}/replication_timing.bedgraph.gz",
        variants=f"{SIMULATED}/variants.vcf.gz",
        noise=f"{SIMULATED}/noise.bed.gz",
        truth=f"{SIMULATED}/truth.json",
    log:
        f"{RUN}/logs/simulate_genome.log",
    benchmark:
        f"{RUN}/benchmark/simulate_genome.tsv"
    resources:
        **cpu("simulate_genome"),
    params:
        options=options("simulate_genome"),
    shell:
        "{resources.python} {resources.scripts}/simulate_genome.py {params.options}"
        " --genome {output.genome:q}"
        " --repeats {output.repeats:q}"
        " --peaks {output.peaks:q}"
        " --motifs {output.motifs:q}"
        " --genes {output.genes:q}"
        " --tss {output.tss:q}"
        " --islands {output.islands:q}"
        " --states {output.states:q}"
        " --replication {output.replication:q}"
        " --variants {output.variants:q}"
        " --noise {output.noise:q}"
        " --truth {output.truth:q} > {log:q} 2>&1"


rule download_source:
    """Download with resume; a local rule, since compute nodes have no network."""
    output:
        file=f"{configuration.downloads}/{{key}}/{{file}}",
    log:
        f"{RUN}/logs/download_source.{{key}}.{{file}}.log",
    retries: 3
    resources:
        **cpu("download_source"),
    params:
        address=lambda wildcards: configuration.sources[wildcards.key].url,
        checksum=lambda wildcards: files.checksum_options(configuration.sources[wildcards.key], configuration.data),
    shell:
        "{resources.python} {resources.scripts}/fetch_source.py"
        " --url {params.address:q}"
        " {params.checksum}"
        " --output {output.file:q} 2>&1 | tee -i {log:q}"


rule link_source:
    """A local file is checked against its checksum and linked, not copied.

    It is no input, since its content decides. A link that was made for the present content is an input of the other rules that no rule makes.
    """
    output:
        file=f"{RUN}/sources/{{key}}/{{file}}",
    log:
        f"{RUN}/logs/link_source.{{key}}.{{file}}.log",
    wildcard_constraints:
        key=one_of(key for key in PLACES if key not in LINKED),
    priority: 100  # so that the check of the sources need not wait for them
    resources:
        **cpu("link_source"),
    params:
        file=lambda wildcards, input: PLACES[wildcards.key],
        content=lambda wildcards: CONTENTS.digest(PLACES[wildcards.key]),
        checksum=lambda wildcards: files.checksum_options(configuration.sources[wildcards.key], configuration.data),
    shell:
        "{resources.python} {resources.scripts}/fetch_source.py"
        " --url {params.file:q}"
        " {params.checksum}"
        " --output {output.file:q} > {log:q} 2>&1"


rule encode_genome:
    """Split at every run of non-ACGT; memory holds one contig at a time."""
    input:
        fasta=source("genome"),
        regions=source("regions") if "regions" in configuration.sources else [],
    output:
        sequence=f"{RUN}/genome/sequence.npy",
        segments=f"{RUN}/genome/segments.bed",
        softmask=f"{RUN}/genome/softmask.bed",
        contigs=f"{RUN}/genome/contigs.tsv",
    log:
        f"{RUN}/logs/encode_genome.log",
    benchmark:
        f"{RUN}/benchmark/encode_genome.tsv"
    resources:
        **cpu("encode_genome"),
    params:
        options=options("encode_genome"),
        regions=lambda wildcards, input: repeated("--regions", input.regions),
        rename=rename_option("regions").replace("--rename", "--regions-rename") if "regions" in SOURCES else "",
        sizes=by_content(configuration.genome.sizes, "--sizes") if configuration.genome.sizes else "",
        aliases=by_content(configuration.genome.aliases, "--aliases") if configuration.genome.aliases else "",
    shell:
        "{resources.python} {resources.scripts}/encode_genome.py {params.options}"
        " --fasta {input.fasta:q}"
        " {params.regions} {params.rename} {params.sizes} {params.aliases}"
        " --sequence {output.sequence:q}"
        " --segments {output.segments:q}"
        " --softmask {output.softmask:q}"
        " --contigs {output.contigs:q} > {log:q} 2>&1"


rule make_folds:
    """Blocks with fold and gap, made once: corpus, selection, benchmarks and probes read them and none makes its own."""
    input:
        segments=rules.encode_genome.output.segments,
        contigs=rules.encode_genome.output.contigs,
        sequence=rules.encode_genome.output.sequence if configuration.folds.copies else [],
    output:
        folds=f"{RUN}/genome/folds.bed",
    log:
        f"{RUN}/logs/make_folds.log",
    benchmark:
        f"{RUN}/benchmark/make_folds.tsv"
    resources:
        **cpu("make_folds"),
    params:
        sequence=lambda wildcards, input: repeated("--sequence", input.sequence),
        options=options("make_folds"),
    shell:
        "{resources.python} {resources.scripts}/make_folds.py {params.options} {params.sequence}"
        " --segments {input.segments:q}"
        " --contigs {input.contigs:q}"
        " --output {output.folds:q} > {log:q} 2>&1"


rule check_sources:
    """Every annotation is read against the assembly, as the later stages read it, before any long work.

    It runs before all other jobs that are ready, by priority. An edge to the long work would rerun that with each annotation; an
    `ancient` one makes Snakemake 9 overlook what else changed behind it.
    """
    input:
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
        contigs=rules.encode_genome.output.contigs,
        sources=[source(key) for key in ANNOTATION],
        outside=[by_checksum(path) for path in OUTSIDE.values()],
    output:
        table=f"{RUN}/genome/inputs.tsv",
    log:
        f"{RUN}/logs/check_sources.log",
    benchmark:
        f"{RUN}/benchmark/check_sources.tsv"
    priority: 100
    resources:
        **cpu("check_sources"),
    params:
        tracks=by_content(TRACK_TABLE),
        tasks=by_content(TASK_TABLE),
        task=repeated("--task", TASKS),
        models=repeated("--model", models_of(configuration)),
        options=options("check_sources"),
        sources=source_options(ANNOTATION),
        outside=repeated("--outside", [f"{name}={path}" for name, path in OUTSIDE.items()]),
        rows=repeated("--rows", [f"{key}={configuration.sources[key].minimum}" for key in ANNOTATION]),
    shell:
        "{resources.python} {resources.scripts}/check_sources.py {params.options}"
        " --sequence {input.sequence:q}"
        " --segments {input.segments:q}"
        " --contigs {input.contigs:q}"
        " --tracks {params.tracks:q}"
        " --tasks {params.tasks:q}"
        " {params.task} {params.models} {params.sources} {params.outside} {params.rows}"
        " --output {output.table:q} > {log:q} 2>&1"
