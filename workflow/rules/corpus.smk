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
    conda:
        ENVIRONMENT
    resources:
        **cpu(8000, 30),
    params:
        shortest=configuration.corpus.shortest,
        longest=configuration.corpus.longest,
        passes=configuration.corpus.passes,
        test_share=configuration.corpus.test_share,
        seed=configuration.seed,
        code=code("make_windows"),
    shell:
        "{resources.python} {resources.scripts}/make_windows.py --sequence {input.sequence} --segments {input.segments} --folds {input.folds}"
        " --tokenizer {input.tokenizer} --tokens {input.tokens} --index {input.index}"
        " --shortest {params.shortest} --longest {params.longest} --passes {params.passes}"
        " --test-share {params.test_share} --seed {params.seed} --windows {output.windows} > {log} 2>&1"
