"""What every stage needs: the checked configuration, paths, sources, resources, digests of code."""

import os
import re
import shlex
import sys
from inspect import signature
from pathlib import Path

from snakemake.exceptions import WorkflowError

# The package of this copy of the workflow counts, for the rules as for their jobs, whatever the environment has installed.
ROOT = Path(workflow.basedir)
sys.path.insert(0, str(ROOT))

import grover

if Path(grover.__file__).resolve().parent != (ROOT / "grover").resolve():
    raise WorkflowError(
        f"grover is imported from {Path(grover.__file__).parent.parent}, but this workflow lies in {ROOT}; run a complete copy of the "
        "project, in a process that has imported no other"
    )

from grover.config.benchmark_table import read_tasks
from grover.config.configuration import complete, file_name, local_path
from grover.config.track_table import read_track_rows
from grover.external_models.folder import code_of, weights_of
from grover.finetuning.predictors import predictors, fitting, baseline_options, reader, external_folders
from grover.runtime.digest import code_digest
from grover.runtime.errors import InputError
from grover.runtime.provenance import read as read_provenance


def checked(function, *arguments):
    """Call `function`; a mistake of the user ends the workflow with its one sentence."""
    try:
        return function(*arguments)
    except InputError as error:
        raise WorkflowError(str(error)) from None


def shown(path):
    """A path relative to the working directory or to the installation, where it lies in one of them."""
    for folder in (Path.cwd(), ROOT):
        if Path(path).is_relative_to(folder):
            return str(Path(path).relative_to(folder))
    return str(path)


# what a mistake is blamed on, and what the commands in the report name
ORIGIN = " ".join(map(shown, workflow.overwrite_configfiles)) or "config/config.yaml"
config = checked(complete, dict(config), ROOT / "config/schemas/config.schema.yaml", ORIGIN)
RUN = f"{config['results']}/{config['run']}"
DATA_OPTION = f"--config data={shlex.quote(config['data'])} " if config["data"] else ""
COMMAND = f"snakemake --configfile {ORIGIN} {DATA_OPTION}--cores 2"
CANDIDATES = config["vocabulary"]["candidates"]
# those that are pretrained, and those that are only described
VOCABULARIES = list(dict.fromkeys([*CANDIDATES, *config["vocabulary"]["studied"]]))

# Jobs run with the Python of the driver, one shared environment serving a whole cluster; in a conda environment or a container it is
# the first Python of the path. Neither this nor the place of the scripts reruns a job. The small tables that the installation ships
# are inputs by their path, so that a run continued with another installation annotates anew.
DEPLOYED = bool(workflow.deployment_settings.deployment_method)
PYTHON = "python" if DEPLOYED else sys.executable
SCRIPTS = ROOT / "workflow/scripts"
ENVIRONMENT = str(ROOT / "envs/grover.yaml")
IMAGE = os.environ.get("GROVER_IMAGE", str(ROOT / "envs/grover.sif"))


# Set in the shell of each job, since Snakemake removes PYTHONPATH from the environment of conda jobs and containers may start without one.
# The prefix is no parameter: another place of the installation reruns nothing.
shell.prefix(f"set -euo pipefail; export PYTHONPATH={shlex.quote(str(ROOT))}${{{{PYTHONPATH:+:$PYTHONPATH}}}}; ")


wildcard_constraints:
    name="[A-Za-z0-9-]+",
    task="[A-Za-z0-9._-]+",
    model="[A-Za-z0-9._-]+",


def installed(path):
    """A file that the configuration names, looked for in the working directory and then in the installation."""
    return next((place for place in (Path(path), ROOT / path) if place.is_file()), Path(path))


# tokenizers from outside may also lie in the data folder
OUTSIDE = {}
for key, path in config["vocabulary"]["outside"].items():
    kept = Path(config["data"]) / path
    OUTSIDE[key] = kept if config["data"] and kept.is_file() else installed(path)
    if not OUTSIDE[key].is_file():
        raise WorkflowError(
            f"{ORIGIN}: `vocabulary.outside.{key}`: {path} lies neither below `data`, nor in the working "
            "directory, nor in the installation; correct the path"
        )


TASK_TABLE = installed(config["benchmarks"]["table"])
TRACK_TABLE = installed(config["embeddings"]["tracks"])
ALL_TASKS = checked(read_tasks, TASK_TABLE)
ALL_TRACKS = checked(read_track_rows, TRACK_TABLE)
# a row whose source the configuration does not name is left out, so that one table serves assemblies with less annotation
TRACKS = [row for row in ALL_TRACKS if row["source"] in config["sources"]]
TASKS, said = checked(fitting, ALL_TASKS, config)
said += [
    f"track {row['track']} is left out: `sources` has no {row['source']}" for row in ALL_TRACKS if row not in TRACKS
]
if said and workflow.is_main_process:
    print("\n".join(said), file=sys.stderr)
TRACK_SOURCES = sorted({row["source"] for row in TRACKS})
FINETUNED = config["benchmarks"]["models"]
MODELS = [model for name in FINETUNED for model in (name, f"{name}-random")]
EMBEDDED = config["embeddings"]["models"]
ENCODERS = [model for name in EMBEDDED for model in (name, f"{name}-random")]
SHARDS = range(config["embeddings"]["shards"])
READER = reader(config)
EXTERNAL_MODELS = config["benchmarks"]["external_models"]
EXTERNAL_FOLDERS = checked(external_folders, config, ROOT, ORIGIN)
SEEDS = range(config["seed"], config["seed"] + config["finetuning"]["seeds"])
# one site of it is mutated base by base
SHOWABLE = [name for name, task in TASKS.items() if task.builder in ("motif-bound", "tfbs", "prom300")]
SHOWN_TASK = config["interpretation"]["task"] or next(iter(SHOWABLE), "")
if SHOWN_TASK and SHOWN_TASK not in SHOWABLE:
    raise WorkflowError(
        f"{ORIGIN}: `interpretation.task` is {SHOWN_TASK!r}, but the tasks of single sites are {', '.join(SHOWABLE) or 'none'}"
    )


def source(key):
    """Path of a source's file as an input, be it simulated, linked from a local place or downloaded."""
    entry = config["sources"][key]
    if "simulated" in entry:
        return f"{RUN}/simulated/{entry['simulated']}"
    place = checked(local_path, key, entry, config["data"], ROOT)
    folder = f"{RUN}/sources/{key}" if place else f"{config['downloads']}/{key}"
    return f"{folder}/{file_name(entry, place)}"


# a source that nothing reads is a misspelt one
READ = {"genome", "regions", "variants", *(row["source"] for row in ALL_TRACKS)}
READ |= {
    "repeats",
    "blacklist",
    config["embeddings"]["intervals"],
    *(key for task in ALL_TASKS.values() for key in task.sources),
}
for key in config["sources"]:
    if key not in READ:
        raise WorkflowError(
            f"{ORIGIN}: nothing reads the source `{key}`; correct its name, or name it in {TASK_TABLE} or {TRACK_TABLE}"
        )

# every source is looked for now, so that a missing file is known before the first job
SOURCES = {key: source(key) for key in config["sources"]}

# format of each annotation that a track, a task or a stage reads, and how its contigs are renamed
FORMATS = {row["source"]: row["format"] for row in TRACKS}
for task in TASKS.values():
    FORMATS |= task.sources
# junctions come as a table of their own or as exons
for key in [key for key, format in FORMATS.items() if format == "splice"]:
    FORMATS[key] = "gtf" if ".gtf" in source(key) else "splice"
if "blacklist" in config["sources"]:
    FORMATS["blacklist"] = "bed"
if "variants" in config["sources"]:
    FORMATS["variants"] = "vcf"
if config["embeddings"]["intervals"]:
    FORMATS[config["embeddings"]["intervals"]] = "bed"
ANNOTATIONS = {key: (format, config["sources"][key]["rename"]) for key, format in FORMATS.items() if source(key)}


def rename_option(key):
    """`--rename` for a source whose contigs have other names than the assembly's."""
    rename = config["sources"][key]["rename"]
    return f"--rename {rename}" if rename else ""


def source_options(keys):
    """`--source KEY=FILE` for each of several sources, and `--rename KEY=HOW` for those that need it."""
    names = {key: config["sources"][key]["rename"] for key in keys}
    renamed = [f"{key}={rename}" for key, rename in names.items() if rename]
    return " ".join([repeated("--source", [f"{key}={source(key)}" for key in keys]), repeated("--rename", renamed)])


def code(script):
    """Digest of the code that a rule's script reaches, computed where a job of the rule is looked at."""
    return lambda wildcards: f"code {code_digest(SCRIPTS / f'{script}.py')}"


def code_or_frozen(script, output):
    """Like `code`; but a stage named in `freeze` keeps a finished output when only code changed.

    It then gets the digest with which the output was made, and a line says what would have rerun.
    """

    def digest(wildcards):
        now = code(script)(wildcards)
        made = read_provenance(output.format(**wildcards)) if script in config["freeze"] else None
        if made is None:
            return now
        then = f"code {made['code']}"
        if then != now:
            print(f"frozen: {script} would rerun for {output.format(**wildcards)}, its code changed", file=sys.stderr)
        return then

    return digest


# names of the parameters of a function that depends on files or resources: Snakemake does not compare its value
DERIVED = {"input", "output", "threads", "resources", "attempt"}


def compare_params_by_name():
    """Give every rule, for each of its params but the code, one more that is `NAME=VALUE`.

    Snakemake compares the values of params as a set. Without these, a change from layers 4 and heads 2 to layers 2 and heads 4, or to a
    value that another param has too, would rerun nothing. With them, a reason to rerun says which setting changed.
    """

    def named(name, value):
        return lambda wildcards: f"{name}={value(wildcards) if callable(value) else value}"

    for each in workflow.rules:
        for name, value in list(each.params._allitems()):  # no public part of Snakemake
            if name and name != "code" and not (callable(value) and DERIVED.intersection(signature(value).parameters)):
                each.set_params(**{f"named_{name}": named(name, value)})


def memory(megabytes):
    """Memory of a job, doubled with each new attempt."""
    return lambda wildcards, attempt: megabytes * 2 ** (attempt - 1)


def minutes(number):
    """Time limit of a job, doubled with each new attempt up to what the site allows."""
    most = int(os.environ.get("GROVER_MAX_MINUTES", 7 * 24 * 60))
    return lambda wildcards, attempt: min(number * 2 ** (attempt - 1), most)


def gpu(number=1):
    """Resources that make a job a GPU job, with so many on each node: only when the configuration asks for a GPU."""
    if config["device"] != "cuda":
        return {}
    return {"gres": f"gpu:{number}", "slurm_partition": os.environ.get("GROVER_GPU_PARTITION", "gpu")}


def repeated(option, values):
    """`--option a --option b` for a list of values."""
    return " ".join(f"{option} {shlex.quote(str(value))}" for value in values)


def as_list(value):
    return value if isinstance(value, list) else [value]


def one_of(names):
    """A wildcard that is one of these names."""
    return "|".join(map(re.escape, names)) or "(?!)"


def dataset_sources(task):
    """Keys of the sources that a data set is made of; matched negatives also avoid repeats' imbalance and the blacklist."""
    matched = [key for key in ("repeats", "blacklist") if key in config["sources"]]
    others = [key for key, format in TASKS[task].sources.items() if format != "meme"]
    return list(dict.fromkeys([*others, *(matched if TASKS[task].negatives == "genomic-matched" else [])]))


def transferred(task):
    """The data set of another run that a task is tested on."""
    if "transfer" not in TASKS[task].options:
        return []
    run, other = TASKS[task].options["transfer"].split("/")
    path = f"{config['results']}/{run}/benchmarks/{other}/dataset.parquet"
    if not Path(path).is_file():
        raise WorkflowError(
            f"{TASK_TABLE}, task {task}: {path} is not there; make it first, with the configuration of the run {run}"
        )
    return path


def of_model(file):
    """An artefact of the model that a wildcard names, which a randomly initialised model shares with its model."""
    return lambda wildcards: f"{RUN}/{file}".format(name=wildcards.model.removesuffix("-random"))


def weight_options(models):
    """`--weights NAME=FILE` for each of these models, whose embeddings must come from there; a randomly initialised model has the file of its original. External models have
    weights of many forms and are not checked."""
    files = {model: f"{RUN}/models/{model.removesuffix('-random')}/model.safetensors" for model in models}
    return repeated("--weights", [f"{model}={path}" for model, path in files.items()])


def shards_of(models):
    """All parts of the embeddings of these models."""
    return expand(f"{RUN}/embeddings/{{model}}/shards/{{shard}}.parquet", model=models, shard=SHARDS)


def external_configuration(name):
    """The config.json of an external model, in a folder of one's own or in that of the downloads."""
    return f"{EXTERNAL_FOLDERS.get(name, Path(config['downloads'], 'external', name))}/config.json"


def external_files(name):
    """Weights and code of an external model: its own folder's files, or for one of the hub the list of what was downloaded."""
    if name not in EXTERNAL_FOLDERS:
        return f"{config['downloads']}/external/{name}/external.json"
    folder = EXTERNAL_FOLDERS[name]
    return [*weights_of(folder), *(folder / file for file in code_of(folder))]


def checksum_options(key):
    """What `fetch_source.py` verifies a source by."""
    entry = config["sources"][key]
    return " ".join(
        f"--{name.replace('_', '-')} '{entry[name]}'" for name in ("md5", "sha256", "checksum_url") if name in entry
    )


def hold_to_budget():
    """Before the first job: end the workflow where the jobs to run are estimated at more than `budget` allows."""
    from grover.planning import plan, throughput

    run, _ = plan.read_run(config, ROOT)
    known = throughput.read_gpus(ROOT / "resources/gpus.tsv")
    device = throughput.choose_gpu(known, config["budget"]["gpu"])
    rates, _ = plan.known_rates(config, device if config["device"] == "cuda" else None, ROOT)
    jobs = [
        plan.new_job(job.rule.name, job.benchmark, job.threads, dict(job.resources.items()), job.input, job.output)
        for job in workflow.dag.needrun_jobs()
    ]
    plan.hold_to_budget(plan.estimate(jobs, run, rates, workflow.cores or 1, device), config["budget"], ORIGIN)


onstart:
    # jobs parse this file too, but only the driver starts any
    if workflow.is_main_process and any(config["budget"][key] for key in ("gpu_hours", "cpu_hours", "disk_gb")):
        checked(hold_to_budget)
