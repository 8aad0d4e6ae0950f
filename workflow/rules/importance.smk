"""Importance of single bases to the fine-tuned models.

Needs the fine-tuned models and their test sites. Makes interpretation/.
"""

# without a task of single sites the rule is asked for by nobody; its paths still need a name
SHOWN = SHOWN_TASK or "no-task"


rule mutate_in_silico:
    input:
        model=f"{RUN}/finetuning/{SHOWN}/{FINETUNED[0]}/model.safetensors",
        predictions=f"{RUN}/finetuning/{SHOWN}/{FINETUNED[0]}/predictions.parquet",
        dataset=f"{RUN}/benchmarks/{SHOWN}/dataset.parquet",
    output:
        table=f"{RUN}/interpretation/mutagenesis.parquet",
    log:
        f"{RUN}/logs/mutate_in_silico.log",
    benchmark:
        f"{RUN}/benchmark/mutate_in_silico.tsv"
    threads: configuration.threads
    resources:
        **gpu(8000, 30),
    params:
        options=options("mutate_in_silico"),
    shell:
        "{resources.python} {resources.scripts}/mutate_in_silico.py {params.options} --threads {threads}"
        " --model {input.model:q}"
        " --predictions {input.predictions:q}"
        " --dataset {input.dataset:q}"
        " --output {output.table:q} > {log:q} 2>&1"
