"""Importance of single bases to the fine-tuned models, and whether it follows what they compute.

Needs the fine-tuned models and their datasets. Makes interpretation/{task}/.
"""

from grover.config.sections.interpretation import ImportanceMethods

# settings of other methods stay at their defaults, so that changing them discovers no motif anew
MUTAGENESIS_ALONE = ImportanceMethods(methods=["ism"], null_examples=0).model_dump()


rule interpret_importance:
    """Sites of fold test."""
    input:
        model=f"{RUN}/finetuning/{{task}}/{FINETUNED[0]}/model.safetensors",
        dataset=f"{RUN}/benchmarks/{{task}}/dataset.parquet",
    output:
        table=f"{RUN}/interpretation/{{task}}/importance.parquet",
        bases=f"{RUN}/interpretation/{{task}}/base_importance.parquet",
    log:
        f"{RUN}/logs/interpret_importance.{{task}}.log",
    benchmark:
        f"{RUN}/benchmark/interpret_importance.{{task}}.tsv"
    threads: configuration.threads
    resources:
        **gpu("interpret_importance"),
    params:
        options=options("interpret_importance"),
    shell:
        "{resources.python} {resources.scripts}/interpret_importance.py {params.options} --threads {threads}"
        " --fold test"
        " --task {wildcards.task:q}"
        " --model {input.model:q}"
        " --dataset {input.dataset:q}"
        " --table {output.table:q}"
        " --bases {output.bases:q} 2>&1 | tee -i {log:q}"


rule mutate_train_sites:
    """In-silico mutagenesis of sites of fold train, from which motifs are discovered; they are tested on fold test."""
    input:
        model=rules.interpret_importance.input.model,
        dataset=rules.interpret_importance.input.dataset,
    output:
        table=f"{RUN}/interpretation/{{task}}/importance.train.parquet",
        bases=f"{RUN}/interpretation/{{task}}/base_importance.train.parquet",
    log:
        f"{RUN}/logs/mutate_train_sites.{{task}}.log",
    benchmark:
        f"{RUN}/benchmark/mutate_train_sites.{{task}}.tsv"
    threads: configuration.threads
    resources:
        **gpu("mutate_train_sites"),
    params:
        options=options(
            "interpret_importance",
            examples=configuration.interpretation.train_examples,
            **MUTAGENESIS_ALONE,
        ),
    shell:
        "{resources.python} {resources.scripts}/interpret_importance.py {params.options} --threads {threads}"
        " --fold train"
        " --task {wildcards.task:q}"
        " --model {input.model:q}"
        " --dataset {input.dataset:q}"
        " --table {output.table:q}"
        " --bases {output.bases:q} 2>&1 | tee -i {log:q}"


rule check_faithfulness:
    """The weights of a second seed are beside the model where `finetuning.seeds` is 2 or more."""
    input:
        model=rules.interpret_importance.input.model,
        dataset=rules.interpret_importance.input.dataset,
        bases=rules.interpret_importance.output.bases,
    output:
        table=f"{RUN}/interpretation/{{task}}/faithfulness.tsv",
    log:
        f"{RUN}/logs/check_faithfulness.{{task}}.log",
    benchmark:
        f"{RUN}/benchmark/check_faithfulness.{{task}}.tsv"
    threads: configuration.threads
    resources:
        **gpu("check_faithfulness"),
    params:
        options=options("check_faithfulness"),
    shell:
        "{resources.python} {resources.scripts}/check_faithfulness.py {params.options} --threads {threads}"
        " --task {wildcards.task:q}"
        " --model {input.model:q}"
        " --dataset {input.dataset:q}"
        " --bases {input.bases:q}"
        " --output {output.table:q} > {log:q} 2>&1"
