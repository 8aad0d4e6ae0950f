"""What every stage needs: the checked configuration, paths, sources, resources, settings and digests of code as params."""

import atexit
import os
import re
import shlex
import sys
import time
from itertools import chain
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

# The package of this copy of the workflow counts, for the rules as for their jobs, whatever the environment has installed. Under
# `module:` the workflow of another project is the main one, so that only the place of this file says where the copy is.
ROOT = Path(str(workflow.current_basedir)).parents[1]
if not ROOT.is_dir():
    raise WorkflowError(
        f"{workflow.current_basedir} is no folder of this machine, and the rules need the package beside them; run "
        '`git clone ADDRESS grover` and name the local copy: snakefile: "grover/workflow/Snakefile"'
    )
sys.path.insert(0, str(ROOT))

import grover

if Path(grover.__file__).resolve().parent != (ROOT / "grover").resolve():
    raise WorkflowError(
        f"grover is imported from {Path(grover.__file__).parent.parent}, but this workflow lies in {ROOT}; run a complete copy of the "
        "project, in a process that has imported no other"
    )

from grover.config import annotations, files
from grover.config.benchmark_table import BUILDERS, read_tasks
from grover.config.names import NETWORK_BASELINES, PROBES, TOKEN_BASELINES, is_random, original, with_random
from grover.config.rule_params import named_params
from grover.config.rule_params import options as script_options
from grover.config.track_table import read_track_rows
from grover.external_models.folder import files_of
from grover.finetuning.predictors import baseline_settings, external_folders, fitting, models_of, predictors, reader
from grover.planning.continuation import source_folder
from grover.planning.defaults import complete_for_genome
from grover.runtime import slurm
from grover.runtime.errors import InputError
from grover.runtime.files import checksum
from grover.runtime.kept_digests import KeptDigests
from grover.runtime.outcome import JobMessages, Run, end, failures
from grover.runtime.provenance import read as read_provenance
from grover.runtime.starts import STARTS, mixed_versions, note_start
from grover.runtime.version import is_of
from grover.sources.contents import Contents, content_param, is_linked, refuse_future
from grover.transfer import arms


def checked(function, *arguments):
    """Call `function`; a mistake of the user ends the workflow with its sentences."""
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


# what a mistake is blamed on, and how the report says the run was started
if workflow.modifier.namespace:  # `is_module` is true of a workflow of its own too
    ORIGIN = f"`config` of the module {workflow.modifier.namespace}"
    STARTED = f"--snakefile {shlex.quote(shown(workflow.main_snakefile))}"
else:
    CONFIGFILES = [*map(shown, workflow.overwrite_configfiles)] or ["config/config.yaml"]
    ORIGIN, STARTED = " ".join(CONFIGFILES), f"--configfile {shlex.join(CONFIGFILES)}"
checked(files.refuse_repeated_keys, workflow.overwrite_configfiles)
configuration, DEFAULTS = checked(complete_for_genome, dict(config), ORIGIN, ROOT)
RUN = str(Path(configuration.results, configuration.run))
DATA_OPTION = f"--config data={shlex.quote(configuration.data)} " if configuration.data else ""
COMMAND = f"snakemake {STARTED} {DATA_OPTION}--cores 2"
CANDIDATES = configuration.vocabulary.candidates
# those that are pretrained, and those that are only described
VOCABULARIES = list(dict.fromkeys([*CANDIDATES, *configuration.vocabulary.studied]))

# Jobs run with the Python of the driver, one shared environment serving a whole cluster; in a conda environment or a container it is
# the first Python of the path. Neither this nor the place of the scripts reruns a job: they are resources, which Snakemake does not
# compare. Of the small tables that the installation ships the content is compared (`by_content`).
DEPLOYED = bool(workflow.deployment_settings.deployment_method)
SCRIPTS = ROOT / "workflow/scripts"
PLACE = {"python": "python" if DEPLOYED else shlex.quote(sys.executable), "scripts": shlex.quote(str(SCRIPTS))}
ENVIRONMENT = str(ROOT / "envs/grover.yaml")


IMAGE = os.environ.get("GROVER_IMAGE", str(ROOT / "envs/grover.sif")) if DEPLOYED else ""
if re.search(r"\s", IMAGE):
    raise WorkflowError(
        f"{IMAGE}: Snakemake takes no blanks in the path of an image; set GROVER_IMAGE to a link without any"
    )


container: IMAGE


# Set in the shell of each job, since Snakemake removes PYTHONPATH from the environment of conda jobs and containers may start without one.
# The prefix is no parameter: another place of the installation reruns nothing.
shell.prefix(f"set -euo pipefail; export PYTHONPATH={shlex.quote(str(ROOT))}${{{{PYTHONPATH:+:$PYTHONPATH}}}}; ")


wildcard_constraints:
    name="[A-Za-z0-9-]+",
    task="[A-Za-z0-9._-]+",
    model="[A-Za-z0-9._-]+",
    key="[^/]+",
    file="[^/]+",


# tokenizers from outside may also lie in the data folder
OUTSIDE = checked(files.outside_vocabularies, configuration, ROOT, ORIGIN)
# the folder of the model that pretraining starts from, whose byte pairs are taken over; its k-mers are the same everywhere
SOURCE_MODEL = checked(source_folder, configuration, ROOT, ORIGIN)
if SOURCE_MODEL:
    OUTSIDE |= {name: SOURCE_MODEL / "tokenizer.json" for name in CANDIDATES if name.startswith("bpe-")}
# whether the run learns byte pairs of its own
LEARNT = [name for name in VOCABULARIES if name.startswith("bpe-") and name not in OUTSIDE]
TASK_TABLE = files.installed(configuration.benchmarks.table, ROOT)
TRACK_TABLE = files.installed(configuration.embeddings.tracks, ROOT)
ALL_TASKS = checked(read_tasks, TASK_TABLE)
ALL_TRACKS = checked(read_track_rows, TRACK_TABLE)
# a row whose source the configuration does not name is left out, so that one table serves assemblies with less annotation
TRACKS = [row for row in ALL_TRACKS if row["source"] in configuration.sources]
TASKS, left_out = checked(fitting, ALL_TASKS, configuration, ROOT)
left_out += [
    f"track {row['track']} is left out: `sources` has no {row['source']}" for row in ALL_TRACKS if row not in TRACKS
]
# said at the start and in the report: the defaults that were chosen, and what is left out
NOTES = DEFAULTS + left_out
if NOTES and workflow.is_main_process:
    print("\n".join(NOTES), file=sys.stderr)
TRACK_SOURCES = sorted({row["source"] for row in TRACKS})
FINETUNED = configuration.benchmarks.models
MODELS = with_random(FINETUNED)
EMBEDDED = configuration.embeddings.models
ENCODERS = with_random(EMBEDDED)
SHARDS = range(configuration.embeddings.shards)
READER = reader(configuration)
EXTERNAL_MODELS = configuration.benchmarks.external_models
EXTERNAL_FOLDERS = checked(external_folders, configuration, ROOT, ORIGIN)
EXPLAINED_TASKS = checked(annotations.explained_tasks, configuration, TASKS, ALL_TASKS, ORIGIN)
checked(annotations.refuse_unread, configuration, ALL_TASKS, ALL_TRACKS, (TASK_TABLE, TRACK_TABLE), ORIGIN)


# every source is looked for now, so that a missing file is known before the first job
SOURCES = {key: checked(files.source_file, configuration, key, ROOT) for key in configuration.sources}
# where those lie that are linked, and the links that were made for their present content
PLACES = {
    key: checked(files.local_path, key, each, configuration.data, ROOT)
    for key, each in configuration.sources.items()
    if SOURCES[key].startswith(f"{RUN}/sources/")
}
CONTENTS = Contents(Path(".snakemake/grover/checksums.json"), writes=workflow.is_main_process)
LINKED = [
    key
    for key, place in PLACES.items()
    if checked(
        is_linked,
        Path(SOURCES[key]),
        Path(place),
        files.checksums(configuration.sources[key], configuration.data),
        CONTENTS,
    )
]
# inputs that are compared by content, by the params that `complete_rules` adds, and where the content is
LOCAL = {SOURCES[key]: place for key, place in PLACES.items()}


def by_checksum(path):
    """A local file as an input, compared by its content: its modification time has no effect."""
    LOCAL.setdefault(str(path), str(path))
    return ancient(str(path))


def source(key):
    """Path of a source's file as an input, be it simulated, linked from a local place or downloaded."""
    return by_checksum(SOURCES[key]) if key in LINKED else SOURCES[key]


# keys of the sources that a track, a task or a stage of this run reads
ANNOTATION = annotations.sources_read(configuration, TASKS, TRACKS)


def rename_option(key):
    """`--rename` for a source whose contigs have other names than the assembly's."""
    rename = configuration.sources[key].rename
    return f"--rename {rename}" if rename else ""


def source_options(keys):
    """`--source KEY=FILE` for each of several sources, and `--rename KEY=HOW` for those that need it."""
    names = {key: configuration.sources[key].rename for key in keys}
    renamed = [f"{key}={rename}" for key, rename in names.items() if rename]
    return " ".join([repeated("--source", [f"{key}={source(key)}" for key in keys]), repeated("--rename", renamed)])


DIGESTS = KeptDigests(Path(".snakemake/grover/digests.json").absolute())  # Snakemake leaves the folder before it ends
if workflow.is_main_process:
    atexit.register(DIGESTS.keep)


def code(script):
    """Digest of the code that a rule's script reaches, looked up where a job of the rule is looked at."""
    return lambda wildcards: f"code {DIGESTS.digest(SCRIPTS / f'{script}.py')}"


def code_or_frozen(script, output):
    """Like `code`; but a stage named in `freeze`, or of `freeze_release`, keeps a finished output when only code changed.

    It then gets the digest with which the output was made, and a line says what would have rerun.
    """

    def digest(wildcards):
        now = code(script)(wildcards)
        release = configuration.freeze_release
        made = read_provenance(output.format(**wildcards)) if release or script in configuration.freeze else None
        if made is None or not (script in configuration.freeze or is_of(made["versions"].get("grover", ""), release)):
            return now
        then = f"code {made['code']}"
        if then != now:
            print(f"frozen: {script} would rerun for {output.format(**wildcards)}, its code changed", file=sys.stderr)
        return then

    return digest


def options(script, **given):
    """All settings that a script declares, as options of its command, for `params`; see `grover.config.rule_params.options`."""
    return script_options(SCRIPTS / f"{script}.py", configuration, **given)


def complete_rules():
    """Give the rules of this workflow what they have in common.

    That is one environment, the place of programs, the digest of the script that the command runs, and the params by which a changed
    setting reruns the rule and is named (`named_params`). What is downloaded does not depend on code of this project.
    """
    for each in workflow.modifier.rules:  # under `module:` those of this module, not of another one with the same files
        if each.shellcmd:
            each.conda_env = each.conda_env or ENVIRONMENT
            # another workflow may have changed the resources of a rule
            for name in PLACE.keys() - each.resources.keys():
                each.resources[name] = PLACE[name]
            scripts = re.findall(r"\{resources\.scripts\}/(\w+)\.py", each.shellcmd)
            if scripts and not scripts[-1].startswith("fetch_") and "code" not in each.params.keys():
                each.set_params(code=code(scripts[-1]))
            each.set_params(**named_params(each.params._allitems()))  # no public part of Snakemake
            content = content_param(each.input._allitems(), LOCAL, CONTENTS)
            if content:
                each.set_params(content=content)


LONGEST = checked(slurm.minutes, os.environ.get("GROVER_MAX_MINUTES", "7-0"), "GROVER_MAX_MINUTES")


def executor():
    """The name of the executor plugin, empty where there is none."""
    return getattr(workflow.executor_plugin, "name", "")


def cpu(megabytes, minutes, more=0):
    """Resources of a job: memory and time limit, doubled with each new attempt; of memory only `more` is added where that is given."""
    return {
        "mem_mb": lambda wildcards, attempt: slurm.grown(megabytes, attempt, more),
        "runtime": lambda wildcards, attempt: min(minutes * 2 ** (attempt - 1), LONGEST),
    }


GPU_REQUEST = checked(slurm.gpu_request, os.environ)


def gpu(megabytes, minutes, number=1, nodes=1, more=0):
    """Resources of a job with so many GPUs on each node; without any where the configuration asks for none."""
    if configuration.device != "cuda":
        return cpu(megabytes, minutes, more)
    on_slurm = lambda: executor() in ("slurm", "slurm-jobstep", "dryrun")
    asked = lambda name: (lambda wildcards: GPU_REQUEST.resources(on_slurm(), number, nodes)[name])
    return {
        **{name: asked(name) for name in GPU_REQUEST.resources(True, number, nodes)},
        "slurm_partition": os.environ.get("GROVER_GPU_PARTITION", "gpu"),
        **cpu(megabytes, minutes, more),
    }


def repeated(option, values):
    """`--option a --option b` for a list of values, or one text; nothing for an empty list, such as an input that is left out."""
    values = [values] if isinstance(values, str) else values
    return " ".join(f"{option} {shlex.quote(str(value))}" for value in values)


def by_content(name, option=""):
    """A small file for `params`, after its option: another content reruns the rule, another place of the installation does not."""
    path = files.installed(name, ROOT)
    if not path.is_file():
        raise WorkflowError(f"{ORIGIN}: {path} does not exist; correct its path")
    text = lambda wildcards, input: repeated(option, str(path)) if option else str(path)
    text.compared = checksum(path)
    return text


def one_of(names):
    """A wildcard that is one of these names."""
    return "|".join(map(re.escape, names)) or "(?!)"


def dataset_sources(task):
    """Keys of the sources that a data set is made of; matched negatives also avoid repeats' imbalance and the blacklist."""
    matched = [key for key in ("repeats", "blacklist") if key in configuration.sources]
    others = [key for key, format in TASKS[task].sources.items() if format != "meme"]
    return list(dict.fromkeys([*others, *(matched if TASKS[task].negatives == "genomic-matched" else [])]))


def known_motifs(task):
    """The MEME file of a task, or else of the run; nothing where it has none."""
    key = TASKS[task].options.get("motifs", configuration.interpretation.motifs)
    return source(key) if key in configuration.sources else []


def transferred(task):
    """The data set of another run that a task is tested on."""
    if "transfer" not in TASKS[task].options:
        return []
    run, other = TASKS[task].options["transfer"].split("/")
    path = f"{configuration.results}/{run}/benchmarks/{other}/dataset.parquet"
    if not Path(path).is_file():
        raise WorkflowError(
            f"{TASK_TABLE}, task {task}: {path} is not there; make it first, with the configuration of the run {run}"
        )
    return by_checksum(path)


def of_model(file):
    """An artefact of the model that a wildcard names, which a randomly initialised model shares with its model."""
    return lambda wildcards: f"{RUN}/{file}".format(name=original(wildcards.model))


def initial(wildcards):
    """What the model of a job starts from."""
    return "random" if is_random(wildcards.model) else "pretrained"


def of_baseline(name):
    """A setting for a baseline that reads it."""
    return lambda wildcards: baseline_settings(wildcards.baseline, configuration)[name]


def of_external(key):
    """A setting of the external model that a wildcard names."""
    return lambda wildcards: getattr(EXTERNAL_MODELS[wildcards.external], key)


def external_python(wildcards):
    """Interpreter of an external model, for a default of the shell: empty for that of the other jobs, whose place is no parameter."""
    return "" if DEPLOYED else EXTERNAL_MODELS[wildcards.external].python


def weight_options(models):
    """`--weights NAME=FILE` for each of these models, whose embeddings must come from there.

    A randomly initialised model has the file of its original. External models have weights of many forms and are not checked.
    """
    return repeated("--weights", [f"{model}={RUN}/models/{original(model)}/model.safetensors" for model in models])


def shards_of(models):
    """All shards of the embeddings of these models."""
    return expand(f"{RUN}/embeddings/{{model}}/shards/{{shard}}.parquet", model=models, shard=SHARDS)


def external_configuration(name):
    """The config.json of an external model, in a folder of one's own or in that of the downloads."""
    if name in EXTERNAL_FOLDERS:
        return by_checksum(EXTERNAL_FOLDERS[name] / "config.json")
    return f"{configuration.downloads}/external/{name}/config.json"


def external_files(name):
    """Weights and code of an external model: its own folder's files, or for one of the hub the list of what was downloaded."""
    if name not in EXTERNAL_FOLDERS:
        return f"{configuration.downloads}/external/{name}/external.json"
    return [by_checksum(path) for path in files_of(EXTERNAL_FOLDERS[name])]


def estimated():
    """The jobs to run, with what they are expected to take, and the bases of the genome."""
    from grover.planning import plan
    from grover.planning.runs import read_run

    machine = plan.choose_machine(configuration, workflow.cores or 1, 0, configuration.budget.gpu, ROOT)
    run, _ = read_run(configuration, ROOT)
    jobs = [
        plan.new_job(
            job.rule.name, job.benchmark, {**dict(job.resources.items()), "threads": job.threads}, local=job.is_local
        )
        for job in workflow.dag.needrun_jobs()
    ]
    return plan.estimate(jobs, run, machine, ROOT), run.bases


def check_jobs():
    """Before the first job: end the workflow where the jobs would take more than `budget` allows, or where SLURM or a disk refuses them."""
    from grover.planning import doctor, plan

    jobs, bases = estimated()
    plan.hold_to_budget(jobs, configuration, ORIGIN)
    # a site whose SLURM answers otherwise than the check expects can leave it out
    if executor() == "slurm" and os.environ.get("GROVER_SITE_CHECK") != "0":
        doctor.refuse(configuration, jobs, bases)


STARTED_AT = time.time()
MESSAGES = JobMessages()
if workflow.is_main_process:
    logger.addHandler(MESSAGES)


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


def announce_versions():
    """Say which versions made the finished files, and which rules this one runs again for them."""
    remade = [job.rule.name for job in workflow.dag.needrun_jobs() if any(Path(path).exists() for path in job.output)]
    if said := mixed_versions(Path(RUN), remade):
        print(said, file=sys.stderr)


@atexit.register
def announce_in_dry_run():
    """A dry run, which has no `onstart`, says it last."""
    if workflow.is_main_process and executor() == "dryrun" and workflow.dag:
        announce_versions()


def submission_name():
    """The name that SLURM's accounting keeps of all jobs of this start, empty where nothing is submitted there."""
    return getattr(getattr(workflow.scheduler, "_executor", None), "run_uuid", "")  # no public part of Snakemake


def ended(failed):
    """Tell the command `notify` how the run ended; say it last on the screen, below what Snakemake says."""
    lines = end(Run(configuration.run, Path(RUN, "report.html"), STARTED_AT), failed, configuration.notify)
    atexit.register(print, *lines, sep="\n", file=sys.stderr, flush=True)


onstart:
    # jobs parse this file too, but only the driver starts any
    if workflow.is_main_process:
        if executor() == "slurm":
            checked(slurm.check_slurm)
        jobs = list(workflow.dag.needrun_jobs())
        checked(refuse_future, {*chain(*(job.input for job in jobs))} - {*chain(*(job.output for job in jobs))})
        limits = configuration.budget.gpu_hours, configuration.budget.cpu_hours, configuration.budget.disk_gb
        if any(limits) or executor() == "slurm":
            checked(check_jobs)
        announce_versions()
        checked(note_start, Path(RUN, STARTS), executor() or "local", submission_name())


onsuccess:
    if workflow.is_main_process:
        ended([])


onerror:
    if workflow.is_main_process:
        ended(failures(workflow.scheduler.failed, MESSAGES, STARTED_AT))
