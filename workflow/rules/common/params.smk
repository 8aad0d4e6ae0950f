"""Parameters of rules: the digest of the code, settings as options, and what all rules have in common."""

import atexit
import re
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

from grover.config import files
from grover.config.rule_params import named_params
from grover.config.rule_params import options as script_options
from grover.runtime.files import checksum
from grover.runtime.kept_digests import KeptDigests
from grover.runtime.provenance import read as read_provenance
from grover.runtime.version import is_of
from grover.sources.contents import content_param

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
