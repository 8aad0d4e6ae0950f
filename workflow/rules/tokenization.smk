"""Byte-pair merges, vocabularies, the tokenised genome.

Needs the encoded genome. Makes vocabulary/{name}/ and tokens/{name}/ for each vocabulary that the configuration names.
"""


rule train_bpe:
    """One run learns all merges: every smaller byte-pair vocabulary is a prefix of it."""
    input:
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
        without=rules.encode_genome.output.softmask if configuration.vocabulary.mask == "exclude" else [],
    output:
        merges=f"{RUN}/vocabulary/merges.tsv",
    log:
        f"{RUN}/logs/train_bpe.log",
    benchmark:
        f"{RUN}/benchmark/train_bpe.tsv"
    threads: configuration.threads
    resources:
        **cpu("train_bpe"),
    params:
        # the seed draws the sample, and counts for nothing without one
        options=options("train_bpe", seed=configuration.seed if configuration.vocabulary.sample < 1 else None),
        without=lambda wildcards, input: repeated("--without", input.without),
    shell:
        "{resources.python} {resources.scripts}/train_bpe.py {params.options} --threads {threads}"
        " --sequence {input.sequence:q}"
        " --segments {input.segments:q}"
        " {params.without}"
        " --merges {output.merges:q} > {log:q} 2>&1"


rule build_vocabulary:
    input:
        # only byte pairs learnt here depend on how they are learnt, so that more cycles train no other model anew
        merges=lambda wildcards: (
            rules.train_bpe.output.merges
            if wildcards.name.startswith("bpe-") and wildcards.name not in OUTSIDE
            else []
        ),
        outside=lambda wildcards: by_checksum(OUTSIDE[wildcards.name]) if wildcards.name in OUTSIDE else [],
    output:
        tokenizer=f"{RUN}/vocabulary/{{name}}/tokenizer.json",
        tokenizer_config=f"{RUN}/vocabulary/{{name}}/tokenizer_config.json",
        ranks=f"{RUN}/vocabulary/{{name}}/merges.tsv",
    log:
        f"{RUN}/logs/build_vocabulary.{{name}}.log",
    benchmark:
        f"{RUN}/benchmark/build_vocabulary.{{name}}.tsv"
    resources:
        **cpu("build_vocabulary"),
    params:
        options=options("build_vocabulary"),
        merges=lambda wildcards, input: repeated("--merges", input.merges),
        outside=lambda wildcards, input: repeated("--outside", input.outside),
    shell:
        "{resources.python} {resources.scripts}/build_vocabulary.py {params.options} {params.merges}"
        " --name {wildcards.name:q}"
        " {params.outside}"
        " --tokenizer {output.tokenizer:q}"
        " --ranks {output.ranks:q} > {log:q} 2>&1"


rule tokenise_genome:
    """Tokens of the whole genome and the map between bases and tokens."""
    input:
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
        tokenizer=rules.build_vocabulary.output.tokenizer,
    output:
        tokens=f"{RUN}/tokens/{{name}}/tokens.npy",
        index=f"{RUN}/tokens/{{name}}/index.npy",
        statistics=f"{RUN}/vocabulary/{{name}}/statistics.parquet",
    log:
        f"{RUN}/logs/tokenise_genome.{{name}}.log",
    benchmark:
        f"{RUN}/benchmark/tokenise_genome.{{name}}.tsv"
    threads: configuration.threads
    resources:
        **cpu("tokenise_genome"),
    shell:
        "{resources.python} {resources.scripts}/tokenise_genome.py"
        " --sequence {input.sequence:q}"
        " --segments {input.segments:q}"
        " --tokenizer {input.tokenizer:q}"
        " --tokens {output.tokens:q}"
        " --index {output.index:q}"
        " --threads {threads}"
        " --statistics {output.statistics:q} > {log:q} 2>&1"
