"""Stability of the tokens: what becomes of them when a window is cut out, shifted, mutated or read on the other strand.

Needs the encoded genome and the vocabularies. Makes atlas/stability.parquet.
"""


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
    conda:
        ENVIRONMENT
    container:
        IMAGE
    threads: config["threads"]
    resources:
        mem_mb=memory(4000),
        runtime=minutes(60),
    params:
        tokenizers=lambda wildcards, input: repeated("--tokenizer", input.tokenizers),
        windows=config["atlas"]["stability_windows"],
        length=config["atlas"]["stability_length"],
        flank=config["atlas"]["flank"],
        seed=config["seed"],
        code=code("measure_stability"),
    shell:
        "{PYTHON} {SCRIPTS}/measure_stability.py --sequence {input.sequence} --segments {input.segments}"
        " {params.tokenizers} --windows {params.windows} --length {params.length} --flank {params.flank}"
        " --seed {params.seed} --threads {threads} --table {output.table} > {log} 2>&1"
