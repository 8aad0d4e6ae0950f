"""The values of a configuration for an assembly: each with the reason that stands beside it."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from grover.assembly_setup.contigs import Kept, bases_of, choose_contigs, choose_folds
from grover.assembly_setup.described import Assembly, Genes, Source
from grover.benchmarks.introns import needed_sites
from grover.config.configuration import Configuration
from grover.config.files import installed
from grover.config.tables import numbered_lines
from grover.genome.aliases import Synonyms
from grover.planning.defaults import CLASSES, complete_for_genome
from grover.planning.fitted import CYCLES, Fitted, fit_pretraining, fitting_cycles, fitting_k, pretraining_seconds
from grover.planning.plan import Machine, choose_machine
from grover.runtime.errors import InputError
from grover.runtime.text import open_text

ORIGIN = "the new configuration"
PRETRAINING_SHARE = 0.5  # of the hours; the other jobs have no estimate before a first run
LEAST_BASES = 20_000
FEW_BASES = 500_000
TASKS, CODING_TASKS = "config/benchmarks.tsv", "config/ecoli.benchmarks.tsv"
COPIES = 50  # bases, as in config/ecoli.yaml
ENOUGH_CODING = 1_000  # rows CDS for the task of start codons


@dataclass(frozen=True)
class Wish:
    """What the run is to fit: device, hours to its report, cores, and GPUs of a type (empty: that of `budget.gpu`)."""

    device: str = "cpu"
    hours: float = 2.0
    cores: int = 2
    gpus: int = 1
    gpu: str = ""


@dataclass
class Configured:
    """Values by key, comments by dotted key, texts of the files beside the configuration, and lines that say what was chosen."""

    raw: dict[str, Any]
    comments: dict[str, str] = field(default_factory=dict)
    beside: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)


def configure(assembly: Assembly, synonyms: Synonyms, wish: Wish, output: Path, installation: Path) -> Configured:
    """Choose contigs, folds, vocabulary, network and tasks for an assembly.

    output: of the configuration, whose name the run and the files beside it have. installation: the folder of the workflow.
    """
    chosen = Configured({"run": output.stem, "device": wish.device})
    kept = choose_contigs(assembly.contigs, synonyms.of)
    bases = min(assembly.bases, bases_of(kept.contigs))
    if bases < LEAST_BASES:
        raise InputError(
            f"{assembly.title}: {bases:,} bases are too few for a language model; expected at least {LEAST_BASES:,}"
        )
    if wish.device == "cpu" and bases > CLASSES["small"]:
        chosen.raw["threads"] = min(8, wish.cores)
    chosen.raw["sources"] = {key: _entry(source) for key, source in assembly.sources.items()}
    chosen.comments |= {f"sources.{key}": source.note for key, source in assembly.sources.items() if source.note}
    _add_genome(chosen, kept, bases, assembly, output)
    settings, _ = complete_for_genome(chosen.raw, ORIGIN, installation)
    _add_folds(chosen, kept, settings, assembly.genes)
    machine = choose_machine(settings, wish.cores, wish.gpus, wish.gpu or settings.budget.gpu, installation)
    _add_training(chosen, wish, machine, installation)
    if assembly.genes is not None:
        _add_tasks(chosen, assembly.genes, output, installation)
    if assembly.browser:
        chosen.raw["embeddings"] = {"assembly": assembly.browser}
        chosen.comments["embeddings.assembly"] = "links from the map of the regions to the UCSC Genome Browser"
    if wish.gpu and machine.gpu:
        chosen.raw["budget"] = {"gpu": wish.gpu}
    chosen.raw["report"] = {"title": f"GROVER: {assembly.title}"}
    chosen.lines += [f"note: {note}" for note in assembly.notes]
    return chosen


def _entry(source: Source) -> dict[str, str | bool]:
    """A source as the configuration has it; `file` names it for sites without network."""
    url = source.url if "://" in source.url else source.url.replace("$", "$$")
    entry: dict[str, str | bool] = {"url": url}
    if "://" in source.url:
        entry["file"] = source.url.rpartition("/")[2]
    if source.checksum:
        entry[source.checksum[0]] = source.checksum[1]
    else:
        entry["confirmed"] = False
    return entry | ({"rename": source.rename} if source.rename else {})


def _add_genome(chosen: Configured, kept: Kept, bases: int, assembly: Assembly, output: Path) -> None:
    section: dict[str, Any] = {"bases": bases, **kept.patterns}
    chosen.comments["genome.bases"] = "defaults follow from the size; it is that of the contigs that are read"
    for key in list(kept.patterns)[:1]:
        chosen.comments[f"genome.{key}"] = kept.reason
    if assembly.aliases:
        name, text = assembly.aliases
        section["aliases"] = _beside(output, "aliases.txt")
        chosen.beside[section["aliases"]] = text
        chosen.comments["genome.aliases"] = f"other names of the contigs, by which sources may name them ({name})"
    chosen.raw["genome"] = section
    chosen.lines.append(
        f"contigs: {len(kept.contigs):,}, {bases:,} bases" + (f"; {kept.reason}" if kept.reason else "")
    )
    if bases < FEW_BASES:
        chosen.lines.append(f"note: {bases:,} bases train little more than frequencies of short k-mers")


def _add_folds(chosen: Configured, kept: Kept, settings: Configuration, genes: Genes | None) -> None:
    """settings: with the defaults that suit the size of the genome."""
    asked = settings.folds
    assert isinstance(asked.valid, float) and isinstance(asked.test, float)  # defaults
    found = choose_folds(kept.contigs, asked.valid, asked.test, asked.block, asked.gap)
    section, comments = dict(found.section), chosen.comments
    if chosen.raw["genome"]["bases"] <= CLASSES["small"]:
        section["copies"] = COPIES
        comments["folds.copies"] = (
            "repeats, such as rRNA and mobile elements, that fold train has too leave valid and test"
        )
    read = {contig.name for contig in kept.contigs}
    if circular := [name for name in (genes.circular if genes else ()) if name in read]:
        section["circular"] = circular
        comments["folds.circular"] = "as the genes' file says; the first and the last block are neighbours"
    chosen.raw["folds"], comments["folds"] = section, found.reason
    chosen.lines.append(f"folds: {found.reason}")


def _beside(output: Path, ending: str) -> str:
    return str(output.with_name(f"{output.stem}.{ending}"))


def _add_training(chosen: Configured, wish: Wish, machine: Machine, installation: Path) -> None:
    """Vocabularies, network and steps: a sweep where the hours allow the default pretraining of each candidate."""
    raw, comments = chosen.raw, chosen.comments
    bases = raw["genome"]["bases"]
    cycles = fitting_cycles(bases)
    fewer = CYCLES[max(0, CYCLES.index(cycles) - 1)]
    candidates = list(dict.fromkeys([f"bpe-{cycles}", f"bpe-{fewer}", f"kmer-{fitting_k(bases)}"]))
    others = ", ".join(candidates[1:])
    comments["vocabulary"] = (
        f"tokens of {cycles} byte-pair cycles occur often enough in {bases / 1e6:,.1f} Mb; 600 is the paper's number for hg19"
    )
    seconds = PRETRAINING_SHARE * wish.hours * 3600
    raw["vocabulary"] = {"cycles": cycles, "candidates": candidates}
    sweep = pretraining_seconds(raw, machine, installation) <= seconds
    if sweep:
        raw["selection"] = {"method": "sweep"}
        comments["vocabulary.candidates"] = "each is pretrained on equally many bases"
        comments["selection"] = "next-k-mer prediction chooses the candidate"
    else:
        raw["vocabulary"]["candidates"] = candidates[:1]
        comments["vocabulary.candidates"] = f"with more hours also {others}, and `selection: {{method: sweep}}`"
    said = f"{', '.join(candidates)}; a sweep chooses" if sweep else f"{candidates[0]}, with more hours also {others}"
    chosen.lines.append(f"vocabulary: {said}")
    _add_pretraining(chosen, wish, machine, fit_pretraining(raw, seconds, machine, installation))


def _add_pretraining(chosen: Configured, wish: Wish, machine: Machine, found: Fitted) -> None:
    """Steps for one candidate; as many bases for each of several, since with equal steps long tokens would see more sequence."""
    several = len(chosen.raw["vocabulary"]["candidates"]) > 1
    length = {"bases": found.bases} if several else {"steps": found.steps}
    chosen.raw["pretraining"] = {"size": found.size, **length, "learning_rate": found.learning_rate}
    place = f"{machine.gpus} {machine.gpu} (speed assumed)" if machine.gpu else count(machine.cores, "core")
    took = f"{found.together / 60:,.0f} min of {wish.hours:g} h on {place}"
    chosen.comments["pretraining"] = f"{took}, as `make plan` estimates; {found.passes:,.1f} passes over the genome"
    amount = f"{found.bases:,} bases each" if several else f"{found.steps:,} steps"
    chosen.lines.append(f"network: {found.size}, {amount}: {took}")
    if found.together > 1.1 * PRETRAINING_SHARE * wish.hours * 3600:
        chosen.lines.append("note: the smallest pretraining takes more than half of the time; give more --hours")


def _add_tasks(chosen: Configured, genes: Genes, output: Path, installation: Path) -> None:
    """Where the genes have too few introns, take start codons in place of splice sites, before the workflow has their file."""
    settings, _ = complete_for_genome(chosen.raw, ORIGIN, installation)
    needed = needed_sites(settings)
    if genes.introns >= needed:
        chosen.lines.append(f"tasks: splice sites of {genes.introns:,} introns or more")
        return
    table, found = _beside(output, "benchmarks.tsv"), count(genes.introns, "intron")
    rows = without_splice_sites(installed(TASKS, installation))
    starts = genes.coding >= ENOUGH_CODING
    if starts:
        rows += "".join(f"{line}\n" for _, line in numbered_lines(installed(CODING_TASKS, installation))[1:])
    chosen.beside[table] = rows
    chosen.raw["benchmarks"] = {"table": table}
    reason = f"{TASKS} without the tasks of splice sites: the genes have {found}"
    chosen.comments["benchmarks.table"] = reason + (
        f"; with start codons of {genes.coding:,} coding sequences" if starts else ""
    )
    said = f"start codons of {genes.coding:,} coding sequences; " if starts else ""
    chosen.lines.append(f"tasks: {said}none of splice sites, since the genes have {found} of about {needed} needed")


def without_splice_sites(table: Path) -> str:
    """Return the text of a table of tasks without those of splice sites."""
    with open_text(table) as stream:
        return "".join(line for line in stream if line.startswith("#") or line.split("\t")[1:2] != ["splice"])


def count(number: int, thing: str) -> str:
    """Return a number with what it counts."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def head_of(assembly: Assembly, words: list[str], output: Path, wish: Wish) -> list[str]:
    """Return the comment at the top: what it is, how it was made, and what to type next."""
    file = shlex.quote(str(output))
    return [
        f"{assembly.title}: {count(len(assembly.contigs), 'contig')}. Written by",
        f"  {shlex.join(words)}",
        "Type at the root of the project, with its environment active:",
        f"  snakemake --configfile {file} --cores {wish.cores} -n    # checks the configuration and shows what would run",
        f"  make plan CONFIG={file}",
        f"  snakemake --configfile {file} --cores {wish.cores}       # results/{output.stem}/report.html",
        "Without network: a folder with the files that `file` names, and --config data=FOLDER.",
        "docs/configuration.md lists every key; the defaults of all others follow from genome and device (docs/own-assembly.md).",
    ]


def tail_of(raw: Mapping[str, Any]) -> list[str]:
    """Return lines that may be uncommented."""
    genes = raw["sources"].get("genes")
    if not genes:
        return ["Annotation is added under `sources`, such as genes: {url: genes.gff3.gz} (docs/own-assembly.md)."]
    return [
        "Starts of genes as promoters add the tasks prom300 and promscan; under `sources`:",
        *(f"  {line}" for line in yaml.safe_dump({"promoters": genes}, sort_keys=False, width=200).splitlines()),
    ]
