"""The values of a configuration for an assembly: each with the reason that stands beside it."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from grover.assembly_setup.contigs import Kept, bases_of, choose_contigs, choose_folds
from grover.assembly_setup.described import Assembly, Genes, Source
from grover.assembly_setup.tables import FEW_INTRONS, add_tasks, add_tracks
from grover.assembly_setup.values import ORIGIN, Configured, Wish, beside, count
from grover.config.configuration import Configuration
from grover.genome.aliases import Synonyms
from grover.planning.costs import tokens_of
from grover.planning.defaults import CLASSES, complete_for_genome
from grover.planning.fitted import (
    CYCLES,
    PASSES,
    Fitted,
    fit_pretraining,
    fitting_cycles,
    fitting_k,
    pretraining_seconds,
)
from grover.planning.plan import Machine, bf16_gain, choose_machine
from grover.runtime.errors import InputError
from grover.runtime.machine import computes_bf16

PRETRAINING_SHARE = 0.5  # of the hours; the other jobs have no estimate before a first run
LEAST_BASES = 100_000  # forty blocks, each of which has room for windows
FEW_BASES = 500_000
SHORT = 0.1  # share of the bases on contigs shorter than a window from which a note says so
LOCALLY = "Without network: a folder with the files that `file` names, and --config data=FOLDER."
MAPPED = "Without introns a gene often begins at its start codon, inside an operon: a BED of mapped transcription starts is better."
COPIES = 50  # bases, as in config/ecoli.yaml
NEEDED = "AMX or AVX512-BF16"


def configure(assembly: Assembly, synonyms: Synonyms, wish: Wish, output: Path, installation: Path) -> Configured:
    """Choose contigs, folds, vocabulary, network and tasks for an assembly.

    output: of the configuration, whose name the run and the files beside it have. installation: the folder of the workflow.
    """
    chosen = Configured({"run": output.stem, "device": wish.device})
    kept = choose_contigs(assembly.contigs, synonyms.of)
    bases = min(assembly.bases, bases_of(kept.contigs))
    if bases < LEAST_BASES:
        raise InputError(
            f"{assembly.title}: {bases:,} bases are too few for a language model and its folds; expected at least {LEAST_BASES:,}, such as "
            "related genomes in one FASTA"
        )
    if wish.precision != "auto":
        chosen.raw["precision"] = wish.precision
    if wish.device == "cpu" and bases > CLASSES["small"]:
        chosen.raw["threads"] = min(8, wish.cores)
    chosen.raw["sources"] = {key: _entry(source) for key, source in assembly.sources.items()}
    chosen.comments |= {f"sources.{key}": source.note for key, source in assembly.sources.items() if source.note}
    _add_genome(chosen, kept, bases, assembly, output)
    settings, _ = complete_for_genome(chosen.raw, ORIGIN, installation)
    window = int(settings.corpus.longest * tokens_of(f"bpe-{fitting_cycles(bases)}")[1])
    _add_folds(chosen, kept, settings, window, assembly.genes)
    machine = choose_machine(settings, wish.cores, wish.gpus, wish.gpu or settings.budget.gpu, installation)
    _add_training(chosen, wish, machine, installation)
    if assembly.genes is not None:
        add_tasks(chosen, assembly.genes, output, installation)
        add_tracks(chosen, assembly.genes, output, installation)
    if assembly.browser:
        chosen.raw["embeddings"] = chosen.raw.get("embeddings", {}) | {"assembly": assembly.browser}
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
        section["aliases"] = beside(output, "aliases.txt")
        chosen.beside[section["aliases"]] = text
        chosen.comments["genome.aliases"] = f"other names of the contigs, by which sources may name them ({name})"
    chosen.raw["genome"] = section
    chosen.lines.append(
        f"contigs: {len(kept.contigs):,}, {bases:,} bases" + (f"; {kept.reason}" if kept.reason else "")
    )
    if bases < FEW_BASES:
        chosen.lines.append(f"note: {bases:,} bases train little more than frequencies of short k-mers")


def _add_folds(chosen: Configured, kept: Kept, settings: Configuration, window: int, genes: Genes | None) -> None:
    """settings: with the defaults that suit the size of the genome. window: bases of the longest window."""
    asked = settings.folds
    assert isinstance(asked.valid, float) and isinstance(asked.test, float)  # defaults
    found = choose_folds(kept.contigs, asked.valid, asked.test, asked.block, asked.gap, window)
    section, comments = dict(found.section), chosen.comments
    if chosen.raw["genome"]["bases"] <= CLASSES["small"]:
        section["copies"] = COPIES
        comments["folds.copies"] = (
            "repeats, such as rRNA and mobile elements, that fold train has too leave valid and test"
        )
    read = {contig.name for contig in kept.contigs}
    if circular := [name for name in (genes.circular if genes else ()) if name in read]:
        section["circular"] = circular
        comments["folds.circular"] = "as in the file of the genes; the first and the last block are neighbours"
    chosen.raw["folds"], comments["folds"] = section, found.reason
    chosen.lines.append(f"folds: {found.reason}")
    short = bases_of(contig for contig in kept.contigs if contig.length < window) / bases_of(kept.contigs)
    if short >= SHORT:
        chosen.lines.append(
            f"note: {short:.0%} of the bases are on contigs shorter than a window of {window:,} bases; "
            "a more contiguous assembly trains better"
        )


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
    place = f"{machine.gpus} {machine.gpu} (speed assumed)" if machine.gpu else _cpu(machine, wish.precision)
    took = f"{found.together / 60:,.0f} min of {wish.hours:g} h on {place}"
    chosen.comments["pretraining"] = f"{took}, as `make plan` estimates; {found.passes:,.1f} passes over the genome"
    amount = f"{found.bases:,} bases each" if several else f"{found.steps:,} steps"
    chosen.lines.append(f"network: {found.size}, {amount}: {took}")
    if found.together > 1.1 * PRETRAINING_SHARE * wish.hours * 3600:
        chosen.lines.append("note: the smallest pretraining takes more than half of the time; give more --hours")
    if found.capped:
        chosen.lines.append(
            f"note: pretraining ends after {PASSES} passes over the genome, beyond which it is learnt by heart"
        )
    if not machine.gpu:
        _add_precision(chosen, wish, found)


def _cpu(machine: Machine, precision: str) -> str:
    return f"{count(machine.cores, 'core')} at the speed of {'bf16' if precision == 'bf16' else 'fp32'}"


def _add_precision(chosen: Configured, wish: Wish, found: Fitted) -> None:
    """bf16 is written where it is asked for alone: the run may be on another processor, where it is several times as slow as fp32."""
    if wish.precision == "bf16":
        chosen.comments["precision"] = (
            f"fast on processors with {NEEDED} alone; without this line it is fp32, which all compute"
        )
        if not computes_bf16():
            chosen.lines.append(
                f"note: this processor lacks {NEEDED}; run it on one that has these, or leave --precision out"
            )
    elif wish.precision == "auto" and computes_bf16():
        chosen.lines.append(
            f"note: this processor computes bf16, in which such a network is about {bf16_gain(found.weights):.1f} times as fast; "
            "if the run is on it, give --precision bf16"
        )


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
        *([LOCALLY] if any("://" in source.url for source in assembly.sources.values()) else []),
        "docs/reference/configuration.md lists every key. The defaults of all others follow from genome and device",
        "(docs/how-to/own-assembly.md).",
    ]


def tail_of(raw: Mapping[str, Any], found: Genes | None) -> list[str]:
    """Return lines that may be uncommented. found: in the file of the genes."""
    genes = raw["sources"].get("genes")
    if not genes:
        return [
            "Annotation is added under `sources`, such as genes: {url: genes.gff3.gz} (docs/how-to/own-assembly.md)."
        ]
    few = found is not None and found.introns < FEW_INTRONS
    return [
        *([MAPPED] if few else []),
        "Starts of genes as promoters add the tasks prom300 and promscan; under `sources`:",
        *(f"  {line}" for line in yaml.safe_dump({"promoters": genes}, sort_keys=False, width=200).splitlines()),
    ]
