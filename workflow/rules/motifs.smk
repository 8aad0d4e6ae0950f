"""Motifs of the fine-tuned models, discovered on fold train and tested on fold test.

Needs the importance of bases in sites of fold train. Makes interpretation/{task}/motifs.tsv, motifs.meme, instances.bed.gz.
"""


rule discover_motifs:
    """Motifs with their tests; the known motifs that they are compared with are those of the task, or else of the run."""
    input:
        importance=rules.mutate_train_sites.output.table,
        dataset=rules.build_dataset.output.dataset,
        model=f"{RUN}/finetuning/{{task}}/{FINETUNED[0]}/model.safetensors",
        known=lambda wildcards: known_motifs(wildcards.task),
    output:
        table=f"{RUN}/interpretation/{{task}}/motifs.tsv",
        meme=f"{RUN}/interpretation/{{task}}/motifs.meme",
        instances=f"{RUN}/interpretation/{{task}}/instances.bed.gz",
        logos=f"{RUN}/interpretation/{{task}}/motif_logos.parquet",
        profiles=f"{RUN}/interpretation/{{task}}/motif_profiles.parquet",
    log:
        f"{RUN}/logs/discover_motifs.{{task}}.log",
    benchmark:
        f"{RUN}/benchmark/discover_motifs.{{task}}.tsv"
    threads: configuration.threads
    resources:
        **gpu("discover_motifs"),
    params:
        known=lambda wildcards, input: repeated("--known", input.known),
        options=options("discover_motifs"),
    shell:
        "{resources.python} {resources.scripts}/discover_motifs.py {params.options} --threads {threads}"
        " --task {wildcards.task:q}"
        " --importance {input.importance:q}"
        " --dataset {input.dataset:q}"
        " --model {input.model:q}"
        " {params.known}"
        " --table {output.table:q}"
        " --meme {output.meme:q}"
        " --bed {output.instances:q}"
        " --logos {output.logos:q}"
        " --profiles {output.profiles:q} > {log:q} 2>&1"
