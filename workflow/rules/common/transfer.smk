"""Inputs of the rules that compare models of another species."""

from snakemake.exceptions import WorkflowError

from grover.transfer import arms


def weights_of_arm(wildcards):
    """The weights of a model that is compared."""
    path = ARM_WEIGHTS[wildcards.arm]
    return by_checksum(path) if wildcards.arm in (arms.SOURCE, *FURTHER) else path


def predictions_of_transfer(task):
    """All predictions of a task."""
    found = [f"{TRANSFER}/{task}.{arm}.predictions.parquet" for arm in ARM_WEIGHTS]
    found += [f"{TRANSFER}/{task}.baseline.parquet"] if configuration.transfer.baselines else []
    return found + ([f"{TRANSFER}/{task}.elsewhere.parquet"] if task in SOURCE_TASKS else [])


def transfer_results():
    """The tables of the comparison; a run without a source has none."""
    if not SOURCE_MODEL:
        raise WorkflowError(
            f"{ORIGIN}: the target `transfer` compares with the model of `pretraining.from`; name one there"
        )
    return rules.gather_transfer.output
