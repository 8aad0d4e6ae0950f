"""What Snakemake would do with a configuration: the configuration as it reads it, and its dry run.

Scripts of the workflow import this module; the rest of the package does without Snakemake.
"""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from snakemake.cli import parse_config
from snakemake.common.configfile import load_configfile
from snakemake.exceptions import WorkflowError
from snakemake.utils import update_config

from grover.config.files import refuse_repeated_keys
from grover.runtime.errors import InputError
from grover.runtime.files import key_values


def read_configuration(configfile: list[Path], config: list[str], budget: Sequence[str] = ()) -> dict[str, Any]:
    """Return the configuration as Snakemake reads it.

    config: KEY=VALUE of `--config`. budget: KEY=LIMIT that replaces a key of its section `budget`.
    """
    refuse_repeated_keys(configfile)
    raw: dict[str, Any] = {}
    try:
        for path in configfile:
            place = str(path)
            update_config(raw, load_configfile(place))
        place = "--config"
        update_config(raw, parse_config(config))
        place = "--budget"
        limits = {key: yaml.safe_load(value) for key, value in key_values(list(budget), place)}
    except (WorkflowError, ValueError, yaml.YAMLError) as error:
        raise InputError(f"{place}: {' '.join(str(error).split())}") from None
    update_config(raw, {"budget": limits} if limits else {})
    return raw


def dry_run(root: Path, configfile: list[Path], config: list[str], cores: int, further: Sequence[str] = ()) -> str:
    """Return what Snakemake says that it would do, by the workflow in the folder `root` and with `further` options."""
    options = ["--snakefile", root / "Snakefile", "--dry-run", "--nocolor", "--cores", cores, "--configfile"]
    options += [*configfile, *(["--config", *config] if config else []), *further]
    command = [sys.executable, "-m", "snakemake", *map(str, options)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        said = re.search(r"^\S*(Error|Exception).*", done.stdout, re.M | re.S)
        raise InputError(f"the workflow could not be planned; Snakemake says: {said[0] if said else done.stdout}")
    return done.stdout
