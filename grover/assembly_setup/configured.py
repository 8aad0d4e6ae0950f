"""The values of a configuration for an assembly: each with the reason that stands beside it."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from grover.assembly_setup.contigs import bases_of, choose_contigs, choose_folds
from grover.assembly_setup.described import Assembly, Source
from grover.benchmarks.introns import needed_sites
from grover.config.configuration import Configuration
from grover.config.files import installed
from grover.genome.aliases import Synonyms
from grover.planning.defaults import CLASSES, complete_for_genome
from grover.planning.fitted import CYCLES, fit_pretraining, fitting_cycles, fitting_k, pretraining_seconds
from grover.planning.plan import Machine, choose_machine
from grover.runtime.errors import InputError
from grover.runtime.text import open_text

ORIGIN = "the new configuration"
PRETRAINING_SHARE = 0.5  # of the hours; the other jobs have no estimate before a first run
LEAST_BASES = 20_000
FEW_BASES = 500_000
TASKS = "config/benchmarks.tsv"


@dataclass(frozen=True)
class Wish:
    """What the run is to fit: device, hours to its report, cores, and GPUs of a type (empty: that of `budget.gpu`)."""

    device: str = "cpu"
    hours: float = 2.0
    cores: int = 2
    gpus: int = 1
    gpu: str = ""


@dataclass(frozen=True)
class Configured:
    """Values by key, comments by dotted key, texts of the files beside the configuration, and lines that say what was chosen."""

    raw: dict[str, Any]
    comments: dict[str, str]
    beside: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)


def configure(assembly: Assembly, synonyms: Synonyms, wish: Wish, output: Path, installation: Path) -> Configured:
    """Choose contigs, folds, vocabulary, network and tasks for an assembly.

    output: of the configuration, whose name the run and the files beside it have. installation: the folder of the workflow.
    """
    kept = choose_contigs(assembly.contigs, synonyms.of)
    bases = min(assembly.bases, bases_of(kept.contigs))
    if bases < LEAST_BASES:
        raise InputError(
            f"{assembly.title}: {bases:,} bases are too few for a language model; expected at least {LEAST_BASES:,}"
        )
    raw: dict[str, Any] = {"run": output.stem, "device": wish.device}
    comments: dict[str, str] = {}
    beside: dict[str, str] = {}
    lines = [f"contigs: {len(kept.contigs):,}, {bases:,} bases" + (f"; {kept.reason}" if kept.reason else "")]
    if wish.device == "cpu" and bases > CLASSES["small"]:
        raw["threads"] = min(8, wish.cores)
    raw["sources"] = {key: _entry(source) for key, source in assembly.sources.items()}
    comments |= {f"sources.{key}": source.note for key, source in assembly.sources.items() if source.note}
    raw["genome"] = {"bases": bases, **kept.patterns}
    comments["genome.bases"] = "defaults follow from the size; it is that of the contigs that are read"
    for key in kept.patterns:
        comments[f"genome.{key}"] = kept.reason
        break
    if assembly.aliases:
        beside[_beside(output, "aliases.txt")] = assembly.aliases[1]
        raw["genome"]["aliases"] = _beside(output, "aliases.txt")
        comments["genome.aliases"] = (
            f"other names of the contigs, by which sources may name them ({assembly.aliases[0]})"
        )
    circular = [
        name for name in (assembly.genes.circular if assembly.genes else ()) if name in {c.name for c in kept.contigs}
    ]
    if circular:
        comments["genome"] = f"circular: {', '.join(circular)}; no window crosses the first base"
    settings, _ = complete_for_genome(raw, ORIGIN, installation)
    folds = choose_folds(
        kept.contigs, _share(settings, "valid"), _share(settings, "test"), settings.folds.block, settings.folds.gap
    )
    raw["folds"], comments["folds"] = folds.section, folds.reason
    lines.append(f"folds: {folds.reason}")
    machine = choose_machine(settings, wish.cores, wish.gpus, wish.gpu or settings.budget.gpu, installation)
    lines += _choose_training(raw, comments, wish, machine, installation)
    lines += _choose_tasks(raw, comments, beside, assembly, output, installation)
    if assembly.browser:
        raw["embeddings"] = {"assembly": assembly.browser}
        comments["embeddings.assembly"] = "links from the map of the regions to the UCSC Genome Browser"
    if wish.gpu and machine.gpu:
        raw["budget"] = {"gpu": wish.gpu}
    raw["report"] = {"title": f"GROVER: {assembly.title}"}
    if bases < FEW_BASES:
        lines.append(f"note: {bases:,} bases train little more than frequencies of short k-mers")
    complete_for_genome(raw, ORIGIN, installation)
    return Configured(raw, comments, beside, lines + [f"note: {note}" for note in assembly.notes])


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


def _share(settings: Configuration, fold: str) -> float:
    value = getattr(settings.folds, fold)
    assert isinstance(value, float)  # a default
    return value


def _beside(output: Path, ending: str) -> str:
    return str(output.with_name(f"{output.stem}.{ending}"))


def _choose_training(
    raw: dict[str, Any], comments: dict[str, str], wish: Wish, machine: Machine, installation: Path
) -> list[str]:
    """Vocabularies, network and steps: a sweep where the hours allow the default pretraining of each candidate."""
    bases = raw["genome"]["bases"]
    cycles = fitting_cycles(bases)
    fewer = CYCLES[max(0, CYCLES.index(cycles) - 1)]
    candidates = list(dict.fromkeys([f"bpe-{cycles}", f"bpe-{fewer}", f"kmer-{fitting_k(bases)}"]))
    seconds = PRETRAINING_SHARE * wish.hours * 3600
    vocabulary = {"cycles": cycles, "candidates": candidates}
    sweep = pretraining_seconds(raw | {"vocabulary": vocabulary}, machine, installation) <= seconds
    raw["vocabulary"] = vocabulary if sweep else {"cycles": cycles, "candidates": candidates[:1]}
    others = ", ".join(candidates[1:])
    comments["vocabulary"] = (
        f"tokens of {cycles} byte-pair cycles occur often enough in {bases / 1e6:,.1f} Mb; 600 is the paper's number for hg19"
    )
    comments["vocabulary.candidates"] = (
        "each is pretrained" if sweep else f"with more hours also {others}, and `selection: {{method: sweep}}`"
    )
    if sweep:
        raw["selection"] = {"method": "sweep"}
        comments["selection"] = "next-k-mer prediction chooses the candidate"
    found = fit_pretraining(raw, seconds, machine, installation)
    length = {"bases": found.bases} if sweep else {"steps": found.steps}
    raw["pretraining"] = {"size": found.size, **length, "learning_rate": found.learning_rate}
    place = f"{machine.gpus} x {machine.gpu} (speed assumed)" if machine.gpu else f"{machine.cores} cores"
    minutes = f"{found.together / 60:,.0f} min"
    comments["pretraining"] = (
        f"{minutes} of {wish.hours:g} h on {place}, as `make plan` estimates; {found.passes:,.1f} passes over the genome"
    )
    steps = f"{found.bases:,} bases each" if sweep else f"{found.steps:,} steps"
    lines = [
        f"vocabulary: {', '.join(raw['vocabulary']['candidates'])}"
        + ("; a sweep chooses" if sweep else f" (with more hours also {others})"),
        f"network: {found.size}, {steps}: {minutes} of {wish.hours:g} h on {place}",
    ]
    if found.together > 1.1 * seconds:
        lines.append(
            f"note: the smallest pretraining takes {minutes}, more than half of {wish.hours:g} h; give more --hours"
        )
    return lines


def _choose_tasks(
    raw: dict[str, Any],
    comments: dict[str, str],
    beside: dict[str, str],
    assembly: Assembly,
    output: Path,
    installation: Path,
) -> list[str]:
    """Leave tasks of splice sites out of the table where the genes have too few introns, before the workflow has their file."""
    if assembly.genes is None:
        return []
    settings, _ = complete_for_genome(raw, ORIGIN, installation)
    needed = needed_sites(settings)
    if assembly.genes.introns >= needed:
        return [f"tasks: splice sites of {assembly.genes.introns:,} introns or more"]
    table = _beside(output, "benchmarks.tsv")
    beside[table] = without_splice_sites(installed(TASKS, installation))
    raw["benchmarks"] = {"table": table}
    comments["benchmarks.table"] = (
        f"{TASKS} without the tasks of splice sites: the genes have {count(assembly.genes.introns, 'intron')}"
    )
    return [
        f"tasks: none of splice sites, since the genes have {assembly.genes.introns} introns of about {needed} needed"
    ]


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
