"""Benchmarks, one per row of the table: labelled sequences with folds, and the audit of what they leak.

Needs the genome, its folds, the sources that a row names and, for shuffled tokens, the vocabulary. Makes benchmarks/{task}/.
"""

TOKENIZER = f"{RUN}/vocabulary/{READER}/tokenizer.json"
# windows of pretraining are those of a candidate, all of which hold out the same blocks
WINDOWED = READER if READER in CANDIDATES else CANDIDATES[0]


rule scan_motif:
    """Matches of the matrix on both strands."""
    input:
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
        motifs=lambda wildcards: source(TASKS[wildcards.task].options["motifs"]),
    output:
        hits=f"{RUN}/benchmarks/{{task}}/hits.parquet",
    log:
        f"{RUN}/logs/scan_motif.{{task}}.log",
    benchmark:
        f"{RUN}/benchmark/scan_motif.{{task}}.tsv"
    resources:
        **cpu("scan_motif"),
    params:
        motif=lambda wildcards: TASKS[wildcards.task].options["motif"],
        threshold=lambda wildcards: TASKS[wildcards.task].options.get("threshold", "1e-5"),
    shell:
        "{resources.python} {resources.scripts}/scan_motif.py"
        " --sequence {input.sequence:q}"
        " --segments {input.segments:q}"
        " --motifs {input.motifs:q}"
        " --motif {params.motif:q}"
        " --threshold {params.threshold:q}"
        " --output {output.hits:q} > {log:q} 2>&1"


rule build_dataset:
    """Sequences with label and fold, and what became of the sites."""
    input:
        sources=lambda wildcards: [source(key) for key in dataset_sources(wildcards.task)],
        hits=lambda wildcards: (
            f"{RUN}/benchmarks/{wildcards.task}/hits.parquet" if TASKS[wildcards.task].builder == "motif-bound" else []
        ),
        vocabulary=lambda wildcards: TOKENIZER if TASKS[wildcards.task].needs_vocabulary else [],
        transfer=lambda wildcards: transferred(wildcards.task),
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
        contigs=rules.encode_genome.output.contigs,
        softmask=rules.encode_genome.output.softmask,
        folds=rules.make_folds.output.folds,
    output:
        dataset=f"{RUN}/benchmarks/{{task}}/dataset.parquet",
        built=f"{RUN}/benchmarks/{{task}}/built.json",
    log:
        f"{RUN}/logs/build_dataset.{{task}}.log",
    benchmark:
        f"{RUN}/benchmark/build_dataset.{{task}}.tsv"
    resources:
        **cpu("build_dataset"),
    params:
        builder=lambda wildcards: TASKS[wildcards.task].builder,
        sites=lambda wildcards: repeated("--sites", TASKS[wildcards.task].sites),
        negatives=lambda wildcards: TASKS[wildcards.task].negatives,
        length=lambda wildcards: TASKS[wildcards.task].length,
        maximum=lambda wildcards: TASKS[wildcards.task].maximum,
        of_builder=lambda wildcards: repeated("--option", map("=".join, TASKS[wildcards.task].options.items())),
        sources=lambda wildcards: source_options(dataset_sources(wildcards.task)),
        given=lambda wildcards, input: " ".join(
            repeated(f"--{name}", input[name]) for name in ("hits", "vocabulary", "transfer")
        ),
        options=options("build_dataset"),
    shell:
        "{resources.python} {resources.scripts}/build_dataset.py {params.options}"
        " --task {wildcards.task:q}"
        " --builder {params.builder:q}"
        " {params.sites}"
        " --negatives {params.negatives:q}"
        " --length {params.length}"
        " --maximum {params.maximum}"
        " {params.of_builder} {params.sources} {params.given}"
        " --sequence {input.sequence:q}"
        " --segments {input.segments:q}"
        " --contigs {input.contigs:q}"
        " --softmask {input.softmask:q}"
        " --folds {input.folds:q}"
        " --dataset {output.dataset:q}"
        " --built {output.built:q} > {log:q} 2>&1"


rule audit_dataset:
    """What the folds of a benchmark share with each other and with pretraining; nothing is trained on one that leaks too much.

    Training waits for `passed`, a small file that stays the same as long as the data set does, and not for the card.
    """
    input:
        dataset=rules.build_dataset.output.dataset,
        built=rules.build_dataset.output.built,
        windows=f"{RUN}/corpus/{WINDOWED}/windows.parquet",
        tokens=f"{RUN}/tokens/{WINDOWED}/tokens.npy",
        index=f"{RUN}/tokens/{WINDOWED}/index.npy",
        tokenizer=f"{RUN}/vocabulary/{WINDOWED}/tokenizer.json",
        repeats=source("repeats") if "repeats" in SOURCES else [],
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
        contigs=rules.encode_genome.output.contigs,
        softmask=rules.encode_genome.output.softmask,
    output:
        audit=f"{RUN}/benchmarks/{{task}}/audit.parquet",
        card=f"{RUN}/benchmarks/{{task}}/card.json",
        passed=f"{RUN}/benchmarks/{{task}}/passed.txt",
    log:
        f"{RUN}/logs/audit_dataset.{{task}}.log",
    benchmark:
        f"{RUN}/benchmark/audit_dataset.{{task}}.tsv"
    resources:
        **cpu("audit_dataset"),
    params:
        repeats=lambda wildcards, input: repeated("--repeats", input.repeats),
        rename=rename_option("repeats").replace("--rename", "--repeats-rename") if "repeats" in SOURCES else "",
        options=options("audit_dataset"),
    shell:
        "{resources.python} {resources.scripts}/audit_dataset.py {params.options}"
        " --dataset {input.dataset:q}"
        " --built {input.built:q}"
        " --windows {input.windows:q}"
        " --tokens {input.tokens:q}"
        " --index {input.index:q}"
        " --vocabulary {input.tokenizer:q}"
        " {params.repeats} {params.rename}"
        " --sequence {input.sequence:q}"
        " --segments {input.segments:q}"
        " --contigs {input.contigs:q}"
        " --softmask {input.softmask:q}"
        " --audit {output.audit:q}"
        " --card {output.card:q}"
        " --passed {output.passed:q} > {log:q} 2>&1"
