"""`grover importance`: how much each base of an input matters to a fine-tuned model."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grover.commands.classes import class_of
from grover.commands.models import Model
from grover.commands.options import Computation, Regions, Result
from grover.commands.outputs import TableWriter
from grover.commands.session import Session, session
from grover.commands.sites import Batch, batches, open_sites, skipped_rows
from grover.config.sections.interpretation import ImportanceMethods
from grover.interpretation.answers import FineTuned
from grover.interpretation.interpret import CUTS, ISM, Null, interpret, null_of, null_rows
from grover.interpretation.sites import Site
from grover.runtime.errors import InputError
from grover.runtime.failures import PARTIAL

KEYS = ["input", "name", "chrom", "pos", "strand"]
PER_BASE = [
    *KEYS,
    "offset",
    "status",
    "method",
    "class",
    "answer",
    "ref",
    "importance",
    "signed",
    "p",
    "q",
    "resolution",
    "error",
]
PER_SUBSTITUTION = [*KEYS, "status", "method", "class", "ref", "base", "delta", *CUTS]
PICTURED = 4  # inputs of a picture
PICTURES = (".svg", ".png", ".pdf")


@dataclass(frozen=True)
class Asked:
    """What is explained and how.

    The `target` class; the `context` that intervals are cut with; the method with its settings; whether a row is a base or a substitution;
    the file of a picture of the first inputs.
    """

    target: str | None
    context: int
    methods: ImportanceMethods
    substitutions: bool
    picture: str | None
    seed: int


@dataclass(frozen=True)
class Opened:
    """Inputs that are explained: how many there are (`number`), their `batches` from the first on, what explains them, and what the result
    depends on (`identity`).
    """

    number: int
    batches: Callable[[], Iterator[Batch]]
    explainer: "Explainer"
    identity: dict[str, Any]


def run(model: Model, asked: Asked, regions: Regions, computation: Computation, result: Result) -> None:
    """Run the subcommand."""
    check_picture(asked.picture)
    with session(computation, result) as here:
        opened = open_importance(model, asked, regions, here)
        explainer, drawn = opened.explainer, []
        with (
            TableWriter(result, opened.identity) as writer,
            here.progress(opened.number, "importance", "inputs") as bar,
        ):
            bar.update(writer.skipped.inputs)
            for batch in writer.missing(opened.batches()):
                bases, substitutions = explainer.explain(batch)
                drawn += [bases] if asked.picture and batch.rows["input"].iloc[0] < PICTURED else []
                writer.write(substitutions if asked.substitutions else bases, {}, batch.rows)
                bar.update(len(batch.rows))
        if asked.picture:
            draw(Path(asked.picture), pd.concat(drawn or [explainer.explain(next(opened.batches()))[0]]))
        here.end(writer.skipped, result.max_skipped)


def open_importance(model: Model, asked: Asked, regions: Regions, here: Session) -> Opened:
    """Load the model, open the inputs, and read them once for the null of the significance."""
    (method,) = asked.methods.methods
    if asked.substitutions and method != ISM:
        raise InputError(f"--rows substitution: {method} replaces no single bases; use --method {ISM}, or --rows base")
    classifier = model.classifier()
    label = class_of(model, asked.target)
    exact = "fp32" if here.precision == "auto" else here.precision
    stranded = regions.strands != "both"
    explained = FineTuned(classifier.to(here.device), model.vocabulary, here.device, exact, both=not stranded)
    inputs = open_sites(regions, here, asked.context)

    def read() -> Iterator[Batch]:
        return batches(open_sites(regions, here, asked.context).chunks, explained, label, stranded)

    about = {
        "command": "importance",
        "model": model.name,
        "precision": exact,
        "class": model.labels[label],
        "strands": regions.strands,
        "methods": asked.methods.model_dump(),
        "substitutions": asked.substitutions,
        "context": asked.context,
        "seed": asked.seed,
    }
    identity = {"about": about, "weights": model.identity(), **inputs.identity, "rename": regions.rename}
    explainer = Explainer(explained, asked, stranded, model.labels[label], _null(read, explained, asked))
    return Opened(inputs.number, read, explainer, identity)


class Explainer:
    """A fine-tuned model that explains sites, with the null of all of them."""

    def __init__(self, model: FineTuned, asked: Asked, stranded: bool, name: str, null: Null):
        """name: of the class that is explained."""
        self.model, self.asked, self.stranded, self.name, self.null = model, asked, stranded, name, null

    def explain(self, batch: Batch) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return a row per base, `PER_BASE`, and a row per substitution, `PER_SUBSTITUTION`.

        An input without a site has one row in both, whose status says why.
        """
        substituted = bases = pd.DataFrame()
        if batch.sites:
            substituted, bases = interpret(
                batch.sites,
                self.model,
                self.asked.methods,
                task="",
                stranded=self.stranded,
                seed=self.asked.seed,
                null=self.null,
            )
            cuts = substituted[CUTS].astype("Float64").to_numpy(np.float32, na_value=np.nan)  # missing but with ism
            substituted = substituted.assign(**dict(zip(CUTS, cuts.T, strict=True)))
        return self._rows(batch, bases, PER_BASE), self._rows(batch, substituted, PER_SUBSTITUTION)

    def _rows(self, batch: Batch, found: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
        left_out = skipped_rows(batch).rename(columns={"start": "pos"})
        strand = left_out["read_strand"] if self.stranded else "."
        left_out = left_out.assign(
            offset=0, strand=strand, method=self.asked.methods.methods[0], **{"class": self.name}
        )
        tables = [left_out.reindex(columns=columns)] if len(left_out) else []
        if len(found):
            names = batch.rows.set_index("input")["name"]
            known = found.rename(columns={"example": "input"})
            known = known.assign(status="ok", name=known["input"].map(names), **{"class": self.name})
            tables.append(known[columns])
        rows = pd.concat(tables, ignore_index=True) if len(tables) > 1 else tables[0]
        return _plain(rows.sort_values("input", kind="stable", ignore_index=True))


def _plain(rows: pd.DataFrame) -> pd.DataFrame:
    """Columns that any format keeps: texts, floats and whole numbers, so that parts of a file have the same types."""
    kinds = {name: "float32" for name in ("delta", "resolution", *CUTS) if name in rows}
    texts = {name: "str" for name in ("name", "chrom", "strand", "status", "method", "class")}
    filled = rows.assign(**{name: rows[name].fillna("") for name in ("ref", "base") if name in rows})
    floats = {name: "float64" for name in ("answer", "importance", "signed", "p", "q", "error") if name in rows}
    return filled.astype(kinds | texts | floats | {"input": "int64", "pos": "int64"})


def _null(read: Callable[[], Iterator[Batch]], model: FineTuned, asked: Asked) -> Null:
    """Return the null of all sites, which are read twice for it: they are counted, and then those that give it are taken."""
    nothing = np.zeros(0), np.zeros(0, np.int64)
    if ISM not in asked.methods.methods or not asked.methods.null_examples:
        return nothing
    number = sum(len(batch.sites) for batch in read())
    wanted = null_rows(number, asked.methods, asked.seed)
    chosen: dict[int, Site] = {}
    place = 0
    for batch in read():
        for site in batch.sites:
            if place in wanted:
                chosen[place] = site
            place += 1
    return null_of([chosen[row] for row in wanted.tolist()], model, asked.methods, asked.seed)


def check_picture(path: str | None) -> None:
    """Raise InputError where the suffix of a picture names no format."""
    if path is not None and Path(path).suffix not in PICTURES:
        raise InputError(f"--picture {path}: the suffix decides the format; expected {', '.join(PICTURES)}")


def draw(path: Path, rows: pd.DataFrame) -> None:
    """Draw the first inputs as logos."""
    from grover.report.figures.importance import logos
    from grover.report.sections.importance import heights, place

    examples = {}
    for number, own in list(rows[rows["status"] == "ok"].groupby("input", sort=True))[:PICTURED]:
        own = own.assign(example=number)
        examples[f"{place(own)}, answer {own['answer'].iloc[0]:+.2f}"] = own.assign(height=heights(own))
    if not examples:
        raise InputError(f"--picture {path}: none of the first inputs could be explained; leave it out")
    save(path, logos(examples, {"q": "q < 0.05"}, 3))


def save(path: Path, figure: object) -> None:
    """Save a figure in the format of the suffix; the file appears when it is whole."""
    temporary = path.with_name(f"{PARTIAL}{path.name}")
    figure.savefig(temporary, format=path.suffix[1:])  # type: ignore[attr-defined]
    temporary.replace(path)
