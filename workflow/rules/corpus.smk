"""The pretraining corpus: windows of tokens with the splits `random` and `region`.

Needs the tokenised genome and the folds. Makes corpus/{name}/windows.parquet.
"""


rule make_windows:
    input:
        sequence=rules.encode_genome.output.sequence,
        segments=rules.encode_genome.output.segments,
        folds=rules.make_folds.output.folds,
        tokenizer=rules.build_vocabulary.output.tokenizer,
        tokens=rules.tokenise_genome.output.tokens,
        index=rules.tokenise_genome.output.index,
    output:
        windows=f"{RUN}/corpus/{{name}}/windows.parquet",
    log:
        f"{RUN}/logs/make_windows.{{name}}.log",
    benchmark:
        f"{RUN}/benchmark/make_windows.{{name}}.tsv"
    resources:
        **cpu("make_windows"),
    params:
        options=options("make_windows"),
    shell:
        "{resources.python} {resources.scripts}/make_windows.py {params.options}"
        " --sequence {input.sequence:q}"
        " --segments {input.segments:q}"
        " --folds {input.folds:q}"
        " --tokenizer {input.tokenizer:q}"
        " --tokens {input.tokens:q}"
        " --index {input.index:q}"
        " --windows {output.windows:q} > {log:q} 2>&1"
