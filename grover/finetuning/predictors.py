"""Which tasks a run has, what predicts each, and with which settings: pure functions of the configuration.

Read when the workflow is put together, so nothing heavy is imported.
"""

import re
from pathlib import Path
from typing import Any

from grover.benchmarks.introns import lacking_introns
from grover.config.benchmark_table import DERIVED, START_CODON, Task
from grover.config.configuration import Configuration
from grover.config.names import BASELINES, CHOSEN, OVERLAP, tokens_of, with_random
from grover.external_models.folder import check_folder, code_of
from grover.runtime.errors import InputError

MATCHING = ("repeats", "blacklist")  # sources that matched negatives look at
HUB = r"[\w.-]+(/[\w.-]+)?"


def reader(configuration: Configuration) -> str:
    """Return the vocabulary of shuffles and of baselines on tokens, whichever candidate is chosen later.

    It is BPE, or else the first without overlap (`complete` ensures that there is one).
    """
    fixed = filter(None, [configuration.selection.vocabulary])
    names = [*fixed, *configuration.vocabulary.candidates, *configuration.vocabulary.studied]
    pairs = [name for name in names if name.startswith("bpe-")]
    return (pairs or [name for name in names if not name.startswith(OVERLAP)])[0]


def fitting(
    tasks: dict[str, Task], configuration: Configuration, installation: Path
) -> tuple[dict[str, Task], list[str]]:
    """Return the tasks that this configuration can run, and lines that name what is left out and why.

    One table serves assemblies with less annotation. A task whose sources are absent is left out, as is one that does not fit into a
    model. So is one of splice sites whose genes have too few introns, as those of bacteria.
    """
    lacking = {name: sorted(set(task.sources) - set(configuration.sources)) for name, task in tasks.items()}
    kept = {name: task for name, task in tasks.items() if not lacking[name]}
    lines = [f"task {name} is left out: `sources` has no {', '.join(keys)}" for name, keys in lacking.items() if keys]
    for name, task in list(kept.items()):
        reason = _unreadable(task, configuration) or lacking_introns(task, configuration, installation)
        if reason:
            lines.append(f"task {name} is left out: {reason}")
            del kept[name]
        elif task.options.get("transfer", "").partition("/")[0] == configuration.run:
            raise InputError(f"task {name}: the option transfer names this run itself; name another one")
        elif task.negatives == "genomic-matched" and (
            unknown := [key for key in MATCHING if key not in configuration.sources]
        ):
            lines.append(
                f"task {name}: its matched negatives ignore {' and '.join(unknown)}, which `sources` does not have"
            )
    return kept, lines


def models_of(configuration: Configuration) -> list[str]:
    """Return the vocabularies whose models may be fine-tuned; which one is chosen is not known under method `sweep`."""
    chosen = configuration.vocabulary.candidates
    if configuration.selection.method == "fixed":
        chosen = [configuration.selection.vocabulary]
    found = [name for model in configuration.benchmarks.models for name in (chosen if model == CHOSEN else [model])]
    return list(dict.fromkeys(found))


def _unreadable(task: Task, configuration: Configuration) -> str:
    """Why a task does not fit into a model, empty where it does; the number of k-mers is known beforehand."""
    for name in models_of(configuration):
        tokens = tokens_of(name, task.length)
        if tokens + 2 > configuration.pretraining.positions:
            return f"its {tokens:,} tokens of {name} do not fit into `pretraining.positions`"
    return ""


def baselines_of(task: Task, configuration: Configuration) -> list[str]:
    """Return the baselines of a task.

    It has pwm where a matrix is named, adjacency where negatives are derived from positives, and those of start codons where the
    builder makes these.
    """
    applies = {
        "motif": "motif" in task.options,
        "derived": task.negatives in DERIVED,
        "starts": task.builder == START_CODON,
    }
    return [
        name
        for name in configuration.benchmarks.baselines
        if all(fits or not getattr(BASELINES[name], flag) for flag, fits in applies.items())
    ]


def predictors(task: Task, configuration: Configuration) -> list[str]:
    """Return all that predict a task: models, each with its randomly initialised one, external models for such a length, baselines."""
    asked = configuration.benchmarks
    external_models = [
        name for name, external in asked.external_models.items() if not 0 < external.longest < task.length
    ]
    return [*with_random(asked.models), *external_models, *baselines_of(task, configuration)]


def baseline_settings(baseline: str, configuration: Configuration) -> dict[str, Any]:
    """Return the settings of `run_baseline.py` by option, None for those that a baseline does not read.

    More trees then rerun no regression.
    """
    asked, takes = configuration.benchmarks, BASELINES[baseline]
    return {
        "seeds": configuration.finetuning.seeds if takes.seeded else None,
        "trees": asked.trees if takes.seeded else None,
        "kmers": asked.kmers if takes.kmers else None,
        "maximum_train": asked.maximum_train if takes.limited else None,
    }


def external_folders(configuration: Configuration, installation: Path, origin: str) -> dict[str, Path]:
    """Check the external models; return the folders of those on this machine. The others are ids of the Hub.

    Raises InputError for an incomplete folder, for code without consent, and for a name that is no id.
    """
    folders = {}
    for name, external in configuration.benchmarks.external_models.items():
        key = f"{origin}: `benchmarks.external_models.{name}"
        places = (Path(external.model), installation / external.model)
        folder = next((path for path in places if path.is_dir()), None)
        if folder:
            folders[name] = folder
            check_folder(folder)
            files = [] if external.adapter == "dnabert" or external.remote_code else code_of(folder)
            if files:
                raise InputError(
                    f"{key}.model` brings code that would be executed ({', '.join(files)}); read it and consent with remote_code: true"
                )
        elif not re.fullmatch(HUB, external.model):
            raise InputError(f"{key}.model`: {external.model} is no folder here and no id of the hub; correct it")
        if external.python and not Path(external.python).is_file():
            raise InputError(
                f"{key}.python`: {external.python} does not exist; `make external` builds .venv-external/bin/python"
            )
    return folders
