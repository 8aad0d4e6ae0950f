"""From an assembly to a trained, evaluated and explained DNA language model: configuration, stages, targets."""

from snakemake.utils import min_version

min_version("9.0")

# without --configfile the production configuration counts: hg19 with the settings of the paper
if not workflow.overwrite_configfiles:

    configfile: workflow.source_path("config/config.yaml")


include: "workflow/rules/common.smk"
include: "workflow/rules/genome.smk"
include: "workflow/rules/tokenization.smk"
include: "workflow/rules/atlas.smk"
include: "workflow/rules/corpus.smk"
include: "workflow/rules/pretraining.smk"
include: "workflow/rules/selection.smk"
include: "workflow/rules/benchmarks.smk"
include: "workflow/rules/finetuning.smk"
include: "workflow/rules/embeddings.smk"
include: "workflow/rules/token_embeddings.smk"
include: "workflow/rules/region_embeddings.smk"
include: "workflow/rules/importance.smk"
include: "workflow/rules/motifs.smk"
include: "workflow/rules/variants.smk"
include: "workflow/rules/tracks.smk"
include: "workflow/rules/maps.smk"
include: "workflow/rules/transfer.smk"
include: "workflow/rules/report.smk"


complete_rules()


localrules:
    all,
    genome,
    vocabularies,
    atlas,
    models,
    selection,
    benchmarks,
    embeddings,
    importance,
    motifs,
    transfer,


rule all:
    default_target: True
    input:
        f"{RUN}/report.html",
        expand(
            [f"{RUN}/models/{{name}}/README.md", f"{RUN}/models/{{name}}/trained_on.bed"], name=[*CANDIDATES, "chosen"]
        ),
        expand(rules.write_classifier_cards.output.cards, task=TASKS),
        expand(rules.discover_motifs.output, task=EXPLAINED_TASKS),


rule genome:
    input:
        rules.encode_genome.output,
        rules.make_folds.output,
        rules.check_sources.output,


rule vocabularies:
    input:
        expand(f"{RUN}/vocabulary/{{name}}/statistics.parquet", name=VOCABULARIES),


rule atlas:
    input:
        expand(f"{RUN}/atlas/{{genome}}/summary.json", genome=["observed", *NULLS]),
        f"{RUN}/atlas/stability.parquet",


rule models:
    input:
        expand([f"{RUN}/models/{{name}}/README.md", f"{RUN}/models/{{name}}/trained_on.bed"], name=CANDIDATES),
        expand(f"{RUN}/models/{{name}}/strata.parquet", name=CANDIDATES),


rule selection:
    input:
        rules.compare_vocabularies.output,
        rules.choose_vocabulary.output,
        rules.plot_selection.output,


rule benchmarks:
    input:
        rules.gather_benchmarks.output,
        expand(rules.write_classifier_cards.output.cards, task=TASKS),


rule embeddings:
    input:
        EMBEDDING_RESULTS,


rule importance:
    input:
        expand([*rules.interpret_importance.output, *rules.check_faithfulness.output], task=EXPLAINED_TASKS),
        expand(rules.mutate_train_sites.output, task=EXPLAINED_TASKS),


rule motifs:
    input:
        expand(rules.discover_motifs.output, task=EXPLAINED_TASKS),


rule transfer:
    input:
        lambda wildcards: transfer_results(),
