"""The checked configuration, and what it says of vocabularies, tasks, tracks and models."""

import shlex
import sys
from pathlib import Path

from grover.config import annotations, files
from grover.config.benchmark_table import read_tasks
from grover.config.names import with_random
from grover.config.track_table import read_track_rows
from grover.finetuning.predictors import external_folders, fitting, reader
from grover.planning.continuation import source_folder
from grover.planning.defaults import complete_for_genome

# what a mistake is blamed on, and the words of the report for how the run was started
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

# keys of the sources that a track, a task or a stage of this run reads
ANNOTATION = annotations.sources_read(configuration, TASKS, TRACKS)
