"""The table of benchmarks: one row makes a task, and each builder says what it reads.

Read when the workflow is put together, so that a mistake in a row is known before the first job.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from grover.config.tables import read_rows
from grover.runtime.errors import InputError

SOURCE = "[a-z][a-z0-9_]*"
NONE = "."
COLUMNS = {
    "task": r"[A-Za-z0-9._-]+",
    "builder": r"\S+",
    "sites": rf"{SOURCE}(,{SOURCE})*",
    "negatives": r"\S+",
    "length": r"[1-9][0-9]*|\.",
    "maximum": "[0-9]+",
    "options": r"\S+",
}

WHOLE, NUMBER, TEXT = "[0-9]+", r"[0-9.]+([eE][-+]?[0-9]+)?", r"[^;=\s]+"
START_CODON = "start-codon"
DERIVED = ("token-shuffle", "token-shuffle-retokenised", "dinucleotide-shuffle", "genomic-matched")
# which score of published work a task is set beside, and the task of another run that it is tested on
COMMON = {"published": TEXT, "transfer": r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+"}
MOTIF = {"motifs": SOURCE, "motif": TEXT}


@dataclass(frozen=True)
class Builder:
    """What a kind of task reads and takes.

    format: of its sites; negatives: where its negatives may come from ("." where the sites hold them); options, required: its own
    settings; numbers: how many sources the sites may be; call: how a probability becomes a call. That is from `half`
    on, or from what is best on fold `valid`, where one label is rare.
    """

    format: str
    negatives: tuple[str, ...]
    options: dict[str, str] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    numbers: range = range(1, 2)
    length: bool = True
    call: str = "half"


BUILDERS = {
    "prom300": Builder("tss", DERIVED, {"upstream": WHOLE}),
    "promscan": Builder("tss", (NONE,), {"reach": WHOLE, "step": "[1-9][0-9]*"}, call="valid"),
    "motif-bound": Builder(
        "narrowPeak",
        ("unbound", "accessible"),
        {**MOTIF, "threshold": NUMBER, "summit": WHOLE, "accessible": SOURCE, "states": TEXT},
        ("motifs", "motif"),
        call="valid",
    ),
    "tfbs": Builder("narrowPeak", DERIVED, {**MOTIF}),
    "splice": Builder("splice", ("unused",), {"kind": "donor|acceptor|both"}),
    START_CODON: Builder("coding", ("strata",), {"upstream": WHOLE}),
    "regions": Builder("bed", (NONE, *DERIVED), {"labels": TEXT}),
    "csv": Builder("csv", (NONE,), {"sequence": TEXT, "label": TEXT}, numbers=range(1, 4), length=False),
}


@dataclass(frozen=True)
class Task:
    """A row of the table; `length` is 0 where sequences are taken as they are, `maximum` 0 where all are."""

    name: str
    builder: str
    sites: tuple[str, ...]
    negatives: str
    length: int
    maximum: int
    options: dict[str, str]

    @property
    def call(self) -> str:
        return BUILDERS[self.builder].call

    @property
    def needs_vocabulary(self) -> bool:
        """Whether its negatives are made of the tokens of the chosen vocabulary."""
        return self.negatives.startswith("token-shuffle")

    @property
    def sources(self) -> dict[str, str]:
        """Keys of the sources that the task reads and the format of each."""
        formats = dict.fromkeys(self.sites, BUILDERS[self.builder].format)
        for option, kind in (("motifs", "meme"), ("accessible", "bed")):
            if option in self.options:
                formats[self.options[option]] = kind
        return formats


def read_tasks(path: Path | str) -> dict[str, Task]:
    """The tasks of a table by name. Raises InputError, naming file, task and column, for what no builder understands."""
    tasks = {}
    for row in read_rows(path, COLUMNS):
        task = _task(row, f"{path}, task {row['task']}")
        if task.name in tasks:
            raise InputError(f"{path}: task {task.name} stands there twice; give each row a name of its own")
        tasks[task.name] = task
    return tasks


def _task(row: dict[str, str], place: str) -> Task:
    parts = [] if row["options"] == NONE else row["options"].split(";")
    options = {key: value for key, _, value in (part.partition("=") for part in parts)}
    check_task(row["builder"], row["negatives"], options, place)
    builder = BUILDERS[row["builder"]]
    sites = tuple(row["sites"].split(","))
    if len(sites) not in builder.numbers:
        most = "one source" if len(builder.numbers) == 1 else f"one to {builder.numbers[-1]} sources"
        raise InputError(f"{place}: sites name {len(sites)} sources, but {row['builder']} reads {most}")
    if builder.length and row["length"] == NONE:
        raise InputError(f"{place}: length is missing; give the bases of a sequence")
    for key in builder.required:
        if key not in options:
            raise InputError(f"{place}: {row['builder']} needs the option {key}=...")
    if ("motifs" in options) != ("motif" in options):
        raise InputError(f"{place}: the options motifs=SOURCE and motif=NAME go together")
    if "transfer" in options and row["negatives"] == "token-shuffle":
        raise InputError(
            f"{place}: transfer does not go with token-shuffle, whose tokens are those of one run; take another kind of negatives"
        )
    length = 0 if row["length"] == NONE else int(row["length"])
    return Task(row["task"], row["builder"], sites, row["negatives"], length, int(row["maximum"]), options)


def check_task(name: str, negatives: str, options: dict[str, str], place: str) -> None:
    """Raise InputError, beginning with `place`, for a builder, negatives or options that are unknown."""
    if name not in BUILDERS:
        raise InputError(f"{place}: builder {name!r} is unknown; choose one of {', '.join(BUILDERS)}")
    builder = BUILDERS[name]
    if negatives not in builder.negatives:
        known = ", ".join(builder.negatives)
        raise InputError(f"{place}: negatives {negatives!r} do not go with {name}; choose one of {known}")
    patterns = {**COMMON, **builder.options}
    for key, value in options.items():
        if key not in patterns:
            known = ", ".join(patterns)
            raise InputError(
                f"{place}: option '{key}={value}' is unknown to {name}; known are {known}, as key=value;key=value"
            )
        if not re.fullmatch(patterns[key], value):
            raise InputError(f"{place}: option {key} is {value!r}, but something like {patterns[key]} was expected")
    if negatives == "accessible" and "accessible" not in options:
        raise InputError(f"{place}: negatives `accessible` need the option accessible=SOURCE, a BED of open chromatin")
