"""The vocabulary atlas: what the tokens of one vocabulary are like and where they lie, beside the same in null genomes.

Needs the encoded genome, one vocabulary with its tokens, and the tracks' sources; for the stability of the tokens all
vocabularies. Makes atlas/observed/, atlas/markov-{order}/ and atlas/stability.parquet.
"""

# the vocabulary that is described: byte pairs if there are any, never one whose k-mers overlap
ATLAS = configuration.atlas.vocabulary or min(
    (name for name in VOCABULARIES if not name.startswith("overlap-")), key=lambda name: not name.startswith("bpe-")
)
# number of its byte pairs, 0 for a vocabulary whose tokens are not learnt from the genome
BYTE_PAIRS = int(ATLAS.removeprefix("bpe-")) if ATLAS in LEARNT else 0
NULLS = [f"markov-{order}" for order in configuration.atlas.orders]
# tokens of each genome, and how often each occurs
TOKENS = {"observed": f"{RUN}/tokens/{ATLAS}/tokens.npy"} | {name: f"{RUN}/atlas/{name}/tokens.npy" for name in NULLS}
STATISTICS = {"observed": f"{RUN}/vocabulary/{ATLAS}/statistics.parquet"}
STATISTICS |= {name: f"{RUN}/atlas/{name}/statistics.parquet" for name in NULLS}
PLACED_SOURCES = sorted({row["source"] for row in TRACKS if row["kind"] != "quantity"})


wildcard_constraints:
    order="[0-9]",
    genome="observed|markov-[0-9]",


rule tokenise_null_genome:
    """The same numbers of byte pairs, learnt from a Markov chain that keeps only the short k-mers of the genome."""
    input:
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
        tokenizer=f"{RUN}/vocabulary/{ATLAS}/tokenizer.json",
    output:
        sequence=f"{RUN}/atlas/markov-{{order}}/sequence.npy",
        merges=f"{RUN}/atlas/markov-{{order}}/merges.tsv",
        tokenizer=f"{RUN}/atlas/markov-{{order}}/tokenizer.json",
        tokenizer_config=f"{RUN}/atlas/markov-{{order}}/tokenizer_config.json",
        tokens=f"{RUN}/atlas/markov-{{order}}/tokens.npy",
        index=f"{RUN}/atlas/markov-{{order}}/index.npy",
        statistics=f"{RUN}/atlas/markov-{{order}}/statistics.parquet",
    log:
        f"{RUN}/logs/tokenise_null_genome.{{order}}.log",
    benchmark:
        f"{RUN}/benchmark/tokenise_null_genome.{{order}}.tsv"
    threads: configuration.threads
    resources:
        **cpu("tokenise_null_genome"),
    params:
        # how byte pairs are learnt counts where the vocabulary has any
        options=options("tokenise_null_genome", **({} if BYTE_PAIRS else {"cycles": None, "strands": None})),
        described=BYTE_PAIRS,
    shell:
        "{resources.python} {resources.scripts}/tokenise_null_genome.py {params.options} --threads {threads}"
        " --sequence {input.sequence:q}"
        " --segments {input.segments:q}"
        " --tokenizer {input.tokenizer:q}"
        " --order {wildcards.order:q}"
        " --described {params.described:q}"
        " --null-sequence {output.sequence:q}"
        " --merges {output.merges:q}"
        " --null-tokenizer {output.tokenizer:q}"
        " --tokens {output.tokens:q}"
        " --index {output.index:q}"
        " --statistics {output.statistics:q} > {log:q} 2>&1"


rule describe_tokens:
    """Properties of each token and where it lies, with the annotation of the genome over null genomes too."""
    input:
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
        contigs=rules.encode_genome.output.contigs,
        null=lambda wildcards: [] if wildcards.genome == "observed" else f"{RUN}/atlas/{wildcards.genome}/sequence.npy",
        tokens=lambda wildcards: TOKENS[wildcards.genome],
        statistics=lambda wildcards: STATISTICS[wildcards.genome],
        sources=[source(key) for key in PLACED_SOURCES],
    output:
        tokens=f"{RUN}/atlas/{{genome}}/tokens.parquet",
        kmers=f"{RUN}/atlas/{{genome}}/kmers.parquet",
        enrichment=f"{RUN}/atlas/{{genome}}/enrichment.parquet",
        summary=f"{RUN}/atlas/{{genome}}/summary.json",
    log:
        f"{RUN}/logs/describe_tokens.{{genome}}.log",
    benchmark:
        f"{RUN}/benchmark/describe_tokens.{{genome}}.tsv"
    resources:
        **cpu("describe_tokens"),
    params:
        published=by_content("resources/published_vocabulary.tsv"),
        tracks=by_content(TRACK_TABLE),
        options=options("describe_tokens"),
        null=lambda wildcards, input: repeated("--null-sequence", input.null),
        sources=source_options(PLACED_SOURCES),
        vocabulary=ATLAS,
    shell:
        "{resources.python} {resources.scripts}/describe_tokens.py {params.options}"
        " --sequence {input.sequence:q}"
        " --segments {input.segments:q}"
        " --contigs {input.contigs:q}"
        " {params.null}"
        " --tokens {input.tokens:q}"
        " --statistics {input.statistics:q}"
        " --tracks {params.tracks:q}"
        " {params.sources}"
        " --vocabulary {params.vocabulary:q}"
        " --published {params.published:q}"
        " --descriptions {output.tokens:q}"
        " --kmers {output.kmers:q}"
        " --enrichment {output.enrichment:q}"
        " --summary {output.summary:q} > {log:q} 2>&1"


rule measure_stability:
    """All vocabularies are measured on the same windows."""
    input:
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
        tokenizers=expand(rules.build_vocabulary.output.tokenizer, name=VOCABULARIES),
    output:
        table=f"{RUN}/atlas/stability.parquet",
    log:
        f"{RUN}/logs/measure_stability.log",
    benchmark:
        f"{RUN}/benchmark/measure_stability.tsv"
    threads: configuration.threads
    resources:
        **cpu("measure_stability"),
    params:
        options=options("measure_stability"),
        tokenizers=lambda wildcards, input: repeated("--tokenizer", input.tokenizers),
    shell:
        "{resources.python} {resources.scripts}/measure_stability.py {params.options} --threads {threads}"
        " --sequence {input.sequence:q}"
        " --segments {input.segments:q}"
        " {params.tokenizers}"
        " --table {output.table:q} > {log:q} 2>&1"
