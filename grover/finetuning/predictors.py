"""Which tasks a run has, who competes on each, and with which settings: pure functions of the complete configuration.

Read when the workflow is put together, so nothing heavy is imported.
"""

import re
from pathlib import Path

from grover.config.benchmark_table import DERIVED, Task
from grover.config.names import OVERLAP
from grover.external_models.folder import check_folder, code_of
from grover.runtime.errors import InputError

MATCHING = ("repeats", "blacklist")  # sources that matched negatives look at
HUB = r"[\w.-]+(/[\w.-]+)?"


def reader(config: dict) -> str:
    """The vocabulary whose words shuffles and baselines on tokens are made of, whichever candidate is chosen later: byte pairs, or else
    the first whose words do not overlap (`complete` sees to it that there is one).
    """
    names = [config["selection"]["vocabulary"], *config["vocabulary"]["candidates"], *config["vocabulary"]["studied"]]
    pairs = [name for name in names if name.startswith("bpe-")]
    return (pairs or [name for name in names if not name.startswith(OVERLAP)])[0]


def fitting(tasks: dict[str, Task], config: dict) -> tuple[dict[str, Task], list[str]]:
    """The tasks that this configuration can run, and lines that say what is left out or thinner than it could be.

    One table serves assemblies with less annotation, so that a task whose sources are not there is left out, as is one that a model
    cannot read.
    """
    lacking = {name: sorted(set(task.sources) - set(config["sources"])) for name, task in tasks.items()}
    kept = {name: task for name, task in tasks.items() if not lacking[name]}
    lines = [f"task {name} is left out: `sources` has no {', '.join(keys)}" for name, keys in lacking.items() if keys]
    for name, task in list(kept.items()):
        reason = _unreadable(task, config)
        if reason:
            lines.append(f"task {name} is left out: {reason}")
            del kept[name]
        elif task.options.get("transfer", "").partition("/")[0] == config["run"]:
            raise InputError(f"task {name}: the option transfer names this run itself; name another one")
        elif task.negatives == "genomic-matched" and (
            unknown := [key for key in MATCHING if key not in config["sources"]]
        ):
            lines.append(f"task {name}: its matched negatives know no {' and no '.join(unknown)}: `sources` has none")
    return kept, lines


def _unreadable(task: Task, config: dict) -> str:
    """Why a model cannot read a task; words of k letters are counted before anything is made."""
    chosen = config["vocabulary"]["candidates"]
    if config["selection"]["method"] == "fixed":
        chosen = [config["selection"]["vocabulary"]]
    for model in config["benchmarks"]["models"]:
        for name in chosen if model == "chosen" else [model]:
            tokens = _words(name, task.length)
            if tokens + 2 > config["pretraining"]["positions"]:
                return f"its {tokens:,} tokens of {name} do not fit into `pretraining.positions`"
    return ""


def _words(vocabulary: str, length: int) -> int:
    """Words of k letters in so many bases; 0 for byte pairs, whose number only the sequence tells."""
    kind, _, k = vocabulary.partition("-")
    if kind == "overlap":
        return max(0, length - int(k) + 1)
    return length if kind == "char" else -(-length // int(k)) if kind == "kmer" else 0


def baselines_of(task: Task, config: dict) -> list[str]:
    """The baselines that a task has: a matrix is scored where one is named, adjacency judged where negatives are derived from positives."""
    fits = {"pwm": "motif" in task.options, "adjacency": task.negatives in DERIVED}
    return [baseline for baseline in config["benchmarks"]["baselines"] if fits.get(baseline, True)]


def predictors(task: Task, config: dict) -> list[str]:
    """All that predict a task: models, each beside its random initialisation, external models that read such a length, baselines."""
    asked = config["benchmarks"]
    models = [model for name in asked["models"] for model in (name, f"{name}-random")]
    external_models = [
        name for name, external in asked["external_models"].items() if not 0 < external["longest"] < task.length
    ]
    return [*models, *external_models, *baselines_of(task, config)]


def baseline_options(baseline: str, config: dict) -> list[tuple[str, object]]:
    """The settings that a baseline reads and no others, so that more trees do not repeat a regression; one seed where nothing is random."""
    asked, seed, forest = config["benchmarks"], config["seed"], baseline.endswith("forest")
    options = [("--seeds", seed + number) for number in range(config["finetuning"]["seeds"] if forest else 1)]
    if forest:
        options.append(("--trees", asked["trees"]))
    if baseline.startswith("tfidf"):
        options += zip(("--shortest", "--longest"), asked["kmers"], strict=True)
    if baseline.startswith(("tfidf", "token")):
        options.append(("--maximum-train", asked["maximum_train"]))
    return options


def external_folders(config: dict, installation: Path, origin: str) -> dict[str, Path]:
    """Folders of the external models that lie on this machine, looked at; the others are ids of the hub.

    Raises InputError for a folder that is not whole, for code that nobody has consented to, and for a name that can be no id.
    """
    folders = {}
    for name, external in config["benchmarks"]["external_models"].items():
        key = f"{origin}: `benchmarks.external_models.{name}"
        places = (Path(external["model"]), installation / external["model"])
        folder = next((path for path in places if path.is_dir()), None)
        if folder:
            folders[name] = folder
            check_folder(folder)
            files = [] if external["adapter"] == "dnabert" or external["remote_code"] else code_of(folder)
            if files:
                raise InputError(
                    f"{key}.model` brings code that would be executed ({', '.join(files)}); read it and consent with remote_code: true"
                )
        elif not re.fullmatch(HUB, external["model"]):
            raise InputError(f"{key}.model`: {external['model']} is no folder here and no id of the hub; correct it")
        if external["python"] and not Path(external["python"]).is_file():
            raise InputError(
                f"{key}.python`: {external['python']} does not exist; `make external` builds .venv-external/bin/python"
            )
    return folders
