"""The package beside the rules, and how its mistakes of the user end the workflow."""

import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

# The package of this copy of the workflow counts, for the rules as for their jobs, whatever the environment has installed. Under
# `module:` the workflow of another project is the main one, so that the copy is found by the place of this file.
ROOT = Path(str(workflow.current_basedir)).parents[2]
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


from grover.runtime.errors import InputError


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
