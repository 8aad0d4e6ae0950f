"""`grover variants`: alleles of a VCF, BCF or table scored by a pretrained model, by a fine-tuned one, or by both."""

import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pysam

from grover.commands.assemblies import Assembly, open_assembly
from grover.commands.classes import class_of
from grover.commands.files import called
from grover.commands.models import Model
from grover.commands.options import STANDARD, Computation, Result
from grover.commands.outputs import TableWriter, check_result
from grover.commands.session import Session, session
from grover.config.sections.benchmarks import DatasetBuilding
from grover.config.sections.interpretation import VariantWindow
from grover.interpretation.annotated_vcf import write_annotated
from grover.interpretation.masked_windows import Network
from grover.interpretation.null_variants import Null
from grover.interpretation.run_lengths import RunLengths
from grover.interpretation.site_logits import SiteClassifier, Sites
from grover.interpretation.variant_scoring import VariantScorer
from grover.interpretation.variant_tables import COLUMNS, cut, read_blocks
from grover.interpretation.variants import Scorer
from grover.interpretation.vcf import Variants
from grover.intervals.contigs import some_of
from grover.intervals.formats import vcf_blocks
from grover.network.inference import threads_for
from grover.runtime.errors import InputError
from grover.runtime.files import atomic, checksum
from grover.runtime.text import DAMAGED
from grover.runtime.version import version

VCF = ".vcf.gz"
ALLELES = 2_000  # of a chunk, unless one record has more
NULL, RUN_LENGTHS = "null.parquet", "run_lengths.npy"


@dataclass(frozen=True)
class Asked:
    """What variants are scored by, beside the model.

    `null`: folder of a run with scored random variants; `classifier`: fine-tuned model beside a pretrained one; `dataset`: data set of
    its task, or else `window`, the bases that it reads; `target`: class among several; `flank`: bases that a pretrained model reads on
    either side.
    """

    null: str | None = None
    classifier: Model | None = None
    dataset: str | None = None
    window: int | None = None
    target: str | None = None
    flank: int = VariantWindow().flank


def run(
    model: Model, fasta: str, variants: str, rename: str, asked: Asked, computation: Computation, result: Result
) -> None:
    """Run the subcommand."""
    check_result(result, (VCF,))
    with session(computation) as here:
        source, read, scorer = open_variants(model, fasta, variants, rename, asked, here)
        about = {"command": "variants", "model": model.name, "precision": here.precision, "flank": asked.flank}
        identity = {
            "about": about,
            "weights": [each.identity() for each in (model, asked.classifier) if each is not None],
            "fasta": here.stamp(fasta),
            "variants": here.stamp(variants),
            "rename": rename,
            "options": [asked.null, asked.dataset, asked.window, asked.target],
        }
        lines = _header_lines([model, asked.classifier])

        def join(parts: list[Path], path: Path) -> None:
            with atomic(path) as temporary:
                write_annotated(source, temporary, read_blocks(parts), lines)
                temporary.with_name(f"{temporary.name}.tbi").replace(path.with_name(f"{path.name}.tbi"))

        alleles = sum(read.counts.values())
        progress = here.progress(alleles, "variants", "alleles")
        with TableWriter(result, identity, {VCF: join}) as writer, progress as bar:
            bar.update(writer.skipped.inputs)
            for block in writer.missing(chunks(read)):
                scored = scorer.score(block)
                writer.write(shown(scored, scorer), {}, scored.assign(start=scored["pos"] - 1, end=scored["pos"]))
                bar.update(len(block))
        here.end(writer.skipped, result.max_skipped)


def open_variants(
    model: Model, fasta: str, variants: str, rename: str, asked: Asked, here: Session
) -> tuple[Path, Variants, VariantScorer]:
    """Return the file of variants as text, its alleles after a first reading that checks all of it, and what scores them."""
    source, name = _local(variants, here)
    assembly = open_assembly(fasta, here)
    scorer = variant_scorer(model, assembly, asked, here)
    return source, _checked(source, name, assembly, rename), scorer


def shown(scored: pd.DataFrame, scorer: VariantScorer) -> pd.DataFrame:
    """Return the columns of scored alleles that are written: without those that need random variants, where there are none."""
    left_out = {"effect"} if scorer.null is not None else {"effect", "llr_joint"}
    return scored[[column for column in COLUMNS if column in scored and column not in left_out]]


def chunks(variants: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Cut blocks of alleles into chunks that end with a record."""
    for block in variants:
        bounds = cut(block["record"].to_numpy(), max(1, -(-len(block) // ALLELES)))
        for start, end in zip(bounds[:-1], bounds[1:], strict=True):
            if end > start:
                yield block.iloc[start:end].reset_index(drop=True)


def variant_scorer(model: Model, assembly: Assembly, asked: Asked, here: Session) -> VariantScorer:
    """Return what scores the alleles: a pretrained model alone, a fine-tuned one alone, or a pretrained with a fine-tuned one beside it."""
    classifier = model if model.fine_tuned else asked.classifier
    if model.fine_tuned and asked.classifier is not None:
        raise InputError(
            f"{model.name}: this model is fine-tuned; give a pretrained one as --model beside --classifier, or leave one out"
        )
    if model.fine_tuned and asked.null is not None:
        raise InputError(
            f"--null belongs to the scores of a pretrained model, but {model.name} is fine-tuned; leave it out"
        )
    scorer = null = finetuned = None
    if not model.fine_tuned:
        runs = None
        if asked.null is not None:
            null, runs = _null(Path(asked.null), assembly)
        network, threads = Network(model.language_model(), here.device, here.precision), threads_for(here.device)
        scorer = Scorer(network, model.vocabulary, assembly.genome, asked.flank, runs, threads=threads, silent=True)
    if classifier is not None:
        loaded = classifier.classifier()
        label = class_of(classifier, asked.target)
        finetuned = SiteClassifier(
            loaded, classifier.vocabulary, _sites(classifier, asked, assembly), label, silent=True
        )
    elif asked.target is not None:
        raise InputError(
            f"--class {asked.target}: {model.name} is pretrained and has no classes; give a fine-tuned model"
        )
    return VariantScorer(assembly.genome, here.device, here.precision, scorer, null, finetuned)


def _null(folder: Path, assembly: Assembly) -> tuple[Null, RunLengths]:
    """Read the random variants of a run, and how many tokens stretches of its sequence have."""
    if missing := [name for name in (NULL, RUN_LENGTHS) if not (folder / name).is_file()]:
        raise InputError(f"{folder}: no {missing[0]} there; expected results/RUN/interpretation/variants of a run")
    table = pd.read_parquet(folder / NULL)
    if unknown := sorted({*table["chrom"].unique()} - {*assembly.genome.chroms}):
        raise InputError(
            f"{folder / NULL} has variants on {unknown[0]}, which {assembly.name} does not have; give the genome of that run as --fasta"
        )
    return Null.of(table, assembly.genome), RunLengths(np.load(folder / RUN_LENGTHS))


def _sites(model: Model, asked: Asked, assembly: Assembly) -> Sites:
    """Return the windows of a fine-tuned model: those of its data set, or ones of --window bases around each variant.

    Raises InputError where the data set is of another assembly, since no variant would then lie in a site.
    """
    if asked.window is not None:
        return Sites.anywhere(asked.window, DatasetBuilding().context)
    run, task = model.folder.absolute().parents[2:3], model.folder.absolute().parent.name
    beside = run[0] / "benchmarks" / task / "dataset.parquet" if run else Path()
    path = Path(asked.dataset) if asked.dataset is not None else beside
    if not path.is_file():
        missing = (
            f"{path} does not exist"
            if asked.dataset is not None
            else f"{model.name} does not say which window it reads"
        )
        raise InputError(
            f"{missing}; name the data set of its task as --dataset, or the length of its examples as --window"
        )
    dataset = pd.read_parquet(path)
    sites, contigs, lengths = Sites(dataset), dataset["chrom"].unique().tolist(), assembly.contigs.lengths
    if not any(name in lengths for name in contigs):
        raise InputError(
            f"{path}: its sites are on {some_of(contigs)}, none of which {assembly.name} has ({some_of(lengths)}); give the sequences that "
            "they refer to, or --window to read every variant in the middle of a window"
        )
    return sites


def _local(path: str, here: Session) -> tuple[Path, str]:
    """Return the variants as a file of text, a BCF as a VCF, and what they are called in messages."""
    place = here.local(path, "the variants")
    if not place.is_file():
        raise InputError(
            f"{path} does not exist; give a VCF, a BCF, or a table with the columns chrom, pos, ref and alt"
        )
    name = "standard input" if path == STANDARD else path
    if not _is_bcf(place):
        return place, name
    copy = here.folder / "variants.vcf"
    pysam.set_verbosity(0)  # its own lines about an index that nothing here needs
    try:
        with (
            pysam.VariantFile(str(place)) as source,
            pysam.VariantFile(str(copy), "w", header=source.header) as target,
        ):
            for record in source:
                target.write(record)
    except (OSError, ValueError) as error:
        raise InputError(f"{name}: not a whole BCF ({error}); give it again, or as a VCF") from None
    return copy, name


def _is_bcf(path: Path) -> bool:
    try:
        with gzip.open(path) as stream:
            return stream.read(3) == b"BCF"
    except (OSError, *DAMAGED):
        return False


def _checked(source: Path, name: str, assembly: Assembly, rename: str) -> Variants:
    """Return the variants, after reading all of them once: a wrong assembly is found before the first is scored."""
    with called(source, name):
        first = next(vcf_blocks(source), None)
        if first is not None:
            assembly.check_names(first["chrom"].unique().tolist(), rename, name)
        read = Variants(source, assembly.genome, assembly.contigs.lengths, assembly.names(rename))
        for _ in read:
            pass
    return read


def _header_lines(models: list[Model | None]) -> dict[str, str]:
    """Return the lines of the header of a VCF that say what scored it."""
    used = [model for model in models if model is not None]
    weights = [f"{model.folder.name}, sha256 {checksum(model.folder / 'model.safetensors')}" for model in used]
    return {"GROVER_VERSION": version(), "GROVER_MODEL": "; ".join(weights)}
