"""`grover motifs`: motifs of the bases that matter to a fine-tuned model, tested on examples that had no part in finding them."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pysam

from grover.annotation.meme import read_meme
from grover.commands.importance import save
from grover.commands.models import Model
from grover.commands.options import Computation, Regions
from grover.commands.session import Session, session
from grover.commands.sites import batches, open_sites
from grover.config.sections.benchmarks import BlockBootstrap
from grover.config.sections.interpretation import ImportanceMethods, Motifs
from grover.genome.bases import decode
from grover.interpretation.answers import FineTuned
from grover.interpretation.contributions import read_contributions
from grover.interpretation.interpret import interpret
from grover.interpretation.motif_files import bed_text, instances, logo_table, meme_text
from grover.interpretation.motif_search import Found, find_motifs
from grover.interpretation.sites import Site, choose_examples, sites_of
from grover.intervals.contigs import some_of
from grover.runtime.errors import InputError
from grover.runtime.failures import PARTIAL
from grover.runtime.files import write_table, write_text
from grover.statistics.bootstrap import blocks

TRAIN, TEST = "train", "test"
AT_ONCE = 16  # examples that are mutated at a time
SETTINGS = ImportanceMethods(methods=["ism"], null_examples=0)


@dataclass(frozen=True)
class Asked:
    """Examples and what is made of them.

    Files are FASTA without `fasta`, else BED: `positive` and `negative`, or `labelled`, a BED whose names are the labels. `context`: bases
    that intervals are cut with; `examples`: how many are mutated; `known`: a MEME file.
    """

    fasta: str | None
    positive: str | None
    negative: str | None
    labelled: str | None
    rename: Literal["", "add-chr", "strip-chr"]
    strands: Literal["both", "plus", "feature"]
    context: int
    examples: int
    known: str | None
    seed: int
    motifs: Motifs
    resampling: BlockBootstrap


def run(model: Model, asked: Asked, computation: Computation, output: Path, force: bool) -> None:
    """Run the subcommand."""
    if output.exists() and not force:
        raise InputError(f"{output} exists; add --force to replace it, or give another name")
    with session(computation) as here:
        found, bed = search(model, asked, here)
        folder = output.with_name(f"{PARTIAL}{output.name}")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        write(folder, found, bed)
        shutil.rmtree(output, ignore_errors=True)
        folder.replace(output)


def search(model: Model, asked: Asked, here: Session) -> tuple[Found, str]:
    """Return the motifs with their tests, and their places as the text of a BED file."""
    classifier = model.classifier()
    check(asked, model)
    known = read_meme(asked.known) if asked.known else []
    exact = "fp32" if here.precision == "auto" else here.precision
    both = asked.strands == "both"
    explained = FineTuned(classifier.to(here.device), model.vocabulary, here.device, exact, both=both)
    data = dataset(asked, model, explained, here)
    chosen = sites_of(data, choose_examples(data, TRAIN, asked.examples, asked.seed))
    tables = []
    with here.progress(len(chosen), "mutate", "examples") as bar:
        for begin in range(0, len(chosen), AT_ONCE):
            some = chosen[begin : begin + AT_ONCE]
            tables.append(interpret(some, explained, SETTINGS, task="", stranded=not both, seed=asked.seed)[0])
            bar.update(len(some))
    contributions = read_contributions(pd.concat(tables, ignore_index=True), data)
    here.say("discover motifs, and test them")
    found = find_motifs(contributions, data, explained, known, asked.motifs, asked.resampling, asked.seed)
    if not found.motifs:
        here.say(
            f"no motif: no group of {asked.motifs.motif_sites} similar windows; give more examples, or lower --motif-sites"
        )
    return found, bed_text(instances(contributions, found.motifs, data))


def check(asked: Asked, model: Model) -> None:
    """Raise InputError where the options name no two sets of examples, or ones that do not fit the classes of the model."""
    pair = asked.positive is not None and asked.negative is not None
    if pair == (asked.labelled is not None) or (asked.positive is None) != (asked.negative is None):
        raise InputError("give --positive and --negative, or --bed with a label in the column of names")
    if asked.labelled is not None and asked.fasta is None:
        raise InputError("--bed gives intervals; give their sequences as --fasta")
    if pair and len(model.labels) > 2:
        raise InputError(
            f"{model.name} has {len(model.labels)} classes ({some_of(model.labels)}); give --bed with a label in the column of names"
        )


def dataset(asked: Asked, model: Model, explained: FineTuned, here: Session) -> pd.DataFrame:
    """Return the examples as a data set.

    Half of the blocks of the genome, or of the sequences, are fold train, half fold test.
    """
    rows = [*_read(asked, model, explained, here)]
    data = pd.DataFrame(rows)
    data.attrs["labels"] = model.labels
    found = sorted(set(data["label"])) if len(data) else []
    if len(found) < 2:
        has = f"only of {model.labels[found[0]]}" if found else "none"
        raise InputError(f"motifs need examples of two classes that the model can read; there are {has}")
    data["fold"] = folds_of(blocks(data, asked.resampling.block), asked.seed)
    for fold in (TRAIN, TEST):
        if set(data.loc[data["fold"] == fold, "label"]) != set(found):
            raise InputError(f"too few examples: the half of them that is fold {fold} lacks a class; give more")
    return data


def folds_of(block: np.ndarray, seed: int) -> np.ndarray:
    """Return the fold of each example, text: that of its block, so that about half of the examples are in fold test."""
    sizes = np.bincount(block)
    order = np.random.default_rng(seed).permutation(len(sizes))
    middles = np.cumsum(sizes[order]) - sizes[order] / 2
    return np.where(np.isin(block, order[middles < len(block) / 2]), TEST, TRAIN)


def _read(asked: Asked, model: Model, explained: FineTuned, here: Session) -> Iterator[dict]:
    """Yield the examples that the model can read, and say how many it cannot."""
    files = {asked.labelled: None} if asked.labelled is not None else {asked.negative: 0, asked.positive: 1}
    strands: Literal["plus", "feature"] = "feature" if asked.strands == "feature" else "plus"
    for path, label in files.items():
        regions = (
            Regions(str(path), strands=strands)
            if asked.fasta is None
            else Regions(asked.fasta, path, asked.rename, strands)
        )
        inputs = open_sites(regions, here, asked.context)
        read = total = 0
        for batch in batches(inputs.chunks, explained, label or 0, asked.strands != "both"):
            names = dict(zip(batch.rows["input"], batch.rows["name"], strict=True))
            for site in batch.sites:
                own = _label(names[site.example], model, str(path)) if label is None else label
                yield _row(site, own, asked.fasta is not None)
            read, total = read + len(batch.sites), total + len(batch.rows)
        if read < total:
            here.say(
                f"{path}: {total - read:,} of {total:,} examples cannot be read (contig, letters or length) and are left out"
            )


def _label(name: str, model: Model, path: str) -> int:
    if name not in model.labels:
        raise InputError(
            f"{path}: the name {name!r} is no class of {model.name}; expected one of {', '.join(model.labels)}"
        )
    return model.labels.index(name)


def _row(site: Site, label: int, placed: bool) -> dict:
    where = (site.chrom, site.start, site.end) if placed else ("", 0, 0)
    texts = {"sequence": decode(site.codes), "before": decode(site.before), "after": decode(site.after), "pieces": ""}
    return texts | {"label": label, "strand": site.strand} | dict(zip(("chrom", "start", "end"), where, strict=True))


def write(folder: Path, found: Found, bed: str) -> None:
    """Write the files of docs/how-to/motifs.md, and a picture where there is a motif."""
    write_table(folder / "motifs.tsv", found.table)
    write_text(folder / "motifs.meme", meme_text(found.motifs))
    with pysam.BGZFile(str(folder / "instances.bed.gz"), "wb", None) as stream:
        stream.write(bed.encode())
    logos = logo_table(found.motifs)
    write_table(folder / "motif_logos.parquet", logos)
    write_table(folder / "motif_profiles.parquet", found.profiles)
    if found.motifs:
        from grover.report.figures.motifs import motif_rows

        save(folder / "motifs.svg", motif_rows(found.table, logos, found.profiles))
