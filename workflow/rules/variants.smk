"""Variants scored by the chosen model.

Needs the chosen model and the source `variants`. Makes interpretation/.
"""


rule score_variants:
    input:
        model=rules.publish_chosen.output.model,
        variants=lambda wildcards: source("variants"),
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
        contigs=rules.encode_genome.output.contigs,
    output:
        table=f"{RUN}/interpretation/variants.tsv",
        summary=f"{RUN}/interpretation/variants.json",
    log:
        f"{RUN}/logs/score_variants.log",
    benchmark:
        f"{RUN}/benchmark/score_variants.tsv"
    threads: configuration.threads
    resources:
        **gpu(8000, 120),
    params:
        rename=lambda wildcards: rename_option("variants"),
        options=options("score_variants"),
    shell:
        "{resources.python} {resources.scripts}/score_variants.py {params.options} --threads {threads}"
        " --model {input.model:q}"
        " --variants {input.variants:q}"
        " {params.rename}"
        " --sequence {input.sequence:q}"
        " --segments {input.segments:q}"
        " --contigs {input.contigs:q}"
        " --table {output.table:q}"
        " --summary {output.summary:q} > {log:q} 2>&1"
