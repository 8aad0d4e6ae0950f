"""One self-contained HTML page, and its figures as SVG.

Needs what every stage made. Makes report.html and figures/.
"""

import json
from pathlib import Path


localrules:
    write_configuration,


# neither where the files lie, nor what the run may cost, nor who hears of it makes another report
CONFIGURATION = json.dumps(
    configuration.model_dump(mode="json", exclude_none=True, exclude={"data", "budget", "notify"}), sort_keys=True
)


rule write_configuration:
    """The configuration of the run with all defaults, and what was said at its start, for the report and for whoever finds the results."""
    output:
        config=f"{RUN}/config.json",
        notes=f"{RUN}/notes.txt",
    log:
        f"{RUN}/logs/write_configuration.log",
    resources:
        **cpu("write_configuration"),
    params:
        text=CONFIGURATION,
        notes="\n".join(NOTES),
    shell:
        "{{ printf '%s\\n' {params.text:q} > {output.config:q} &&"
        " printf '%s\\n' {params.notes:q} > {output.notes:q}; }} 2> {log:q}"


# what is read of single sites
INTERPRETATION_RESULTS = dict(
    importance=expand(
        [rules.interpret_importance.output.bases, rules.check_faithfulness.output.table], task=EXPLAINED_TASKS
    ),
    motifs=expand(
        [
            rules.discover_motifs.output.table,
            rules.discover_motifs.output.logos,
            rules.discover_motifs.output.profiles,
        ],
        task=EXPLAINED_TASKS,
    ),
    truth=f"{RUN}/simulated/truth.json" if configuration.simulate else [],
    device=rules.check_device.output,
    variants=rules.gather_variants.output if "variants" in configuration.sources else [],
    base_tracks=(
        [rules.export_hub.output.table, rules.export_hub.output.locus, rules.export_hub.output.regions]
        if BASE_TRACKS
        else []
    ),
    transfer=rules.gather_transfer.output if configuration.transfer.compare and SOURCE_MODEL else [],
    maps=rules.dependency_maps.output.pairs if HAS_MAPS else [],
    trained_on=rules.publish_card.output.trained_on,
    variant_baselines=rules.variant_baselines.output if "variants" in configuration.sources else [],
)


rule write_report:
    input:
        **INTERPRETATION_RESULTS,
        genome=[*rules.encode_genome.output, *rules.make_folds.output, *rules.check_sources.output],
        vocabularies=expand(rules.tokenise_genome.output.statistics, name=VOCABULARIES),
        merges=rules.train_bpe.output.merges if LEARNT or not SOURCE_MODEL else [],
        atlas=expand(rules.describe_tokens.output, genome=["observed", *NULLS]),
        stability=rules.measure_stability.output.table,
        null_merges=expand(rules.tokenise_null_genome.output.merges, order=configuration.atlas.orders),
        models=expand(
            [
                rules.make_windows.output.windows,
                rules.pretrain.output.training,
                rules.evaluate_pretraining.output.metrics,
                rules.evaluate_pretraining.output.accuracy,
                rules.stratify_predictions.output.strata,
            ],
            name=CANDIDATES,
        ),
        selection=[*rules.compare_vocabularies.output, *rules.choose_vocabulary.output],
        cards=expand([rules.audit_dataset.output.card, rules.score_task.output.precision_recall], task=TASKS),
        benchmarks=[*rules.gather_benchmarks.output, *rules.write_reproduction.output] if TASKS else [],
        scans=expand(
            rules.scan_track.output.track,
            task=[name for name, task in TASKS.items() if task.builder == "promscan"],
            model=FINETUNED,
        ),
        embeddings=EMBEDDING_RESULTS,
        config=rules.write_configuration.output.config,
        notes=rules.write_configuration.output.notes,
    output:
        report=report(f"{RUN}/report.html", category="Report", caption="../report/report.rst"),
        figures=report(
            directory(f"{RUN}/figures"), patterns=["{figure}.svg"], category="Figures", caption="../report/figures.rst"
        ),
    log:
        f"{RUN}/logs/write_report.log",
    benchmark:
        f"{RUN}/benchmark/write_report.tsv"
    resources:
        **cpu("write_report"),
    params:
        results=lambda wildcards, output: Path(output.report).parent,
        command=COMMAND,
        inputs=lambda wildcards, input: repeated(
            "--inputs", [path for path in input if path not in (input.config, input.notes)]
        ),
        options=options("write_report", title=configuration.report.title or f"GROVER: {configuration.run}"),
    shell:
        "{resources.python} {resources.scripts}/write_report.py {params.options} {params.inputs}"
        " --config {input.config:q}"
        " --notes {input.notes:q}"
        " --results {params.results:q}"
        " --command {params.command:q}"
        " --figures {output.figures:q}"
        " --output {output.report:q} > {log:q} 2>&1"
