"""The functions of the command `grover` for Python.

    from grover.api import load

    model = load("results/demo/models/chosen")
    vectors = model.embed("peaks.bed", "genome.fa")
    scores = model.score(["ACGTTAGCCATTGACCAGT", "TTGACC"])
    alleles = model.variants("variants.vcf", "genome.fa")

A method computes what the subcommand of its name writes, with the options of that subcommand, and returns tables and arrays.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from grover.commands import importance, locus_map, motifs, tracks
from grover.commands.assemblies import open_assembly
from grover.commands.embed import embedder
from grover.commands.frequencies import counts_in_fasta, counts_in_genome
from grover.commands.models import Model, open_model
from grover.commands.options import Computation, Regions
from grover.commands.predict import predictor
from grover.commands.regions import KEYS, fasta_of, open_inputs
from grover.commands.score import scorer
from grover.commands.session import Session, session
from grover.commands.streaming import Reader
from grover.commands.variants import Asked, chunks, open_variants, shown
from grover.config.sections.benchmarks import BlockBootstrap, DatasetBuilding
from grover.config.sections.interpretation import DependencyMaps, ImportanceMethods, ImportanceSites, Motifs
from grover.interpretation.motif_search import Found
from grover.network.inference import evaluating

Inputs: TypeAlias = str | Path | pd.DataFrame | Sequence[str]
Strands = Literal["plus", "both", "feature"]
Long = Literal["tile", "centre", "refuse"]
CONTEXT = DatasetBuilding().context


def load(
    model: str | Path, *, device: str = "auto", precision: str = "auto", remote_code: bool = False
) -> "LoadedModel":
    """Open a model by its folder, or by the name of one that comes with the package.

    device: auto, cpu or cuda. precision: auto, fp32 or bf16. remote_code: consent to run the Python files of a model from elsewhere.
    """
    return LoadedModel(open_model(str(model), remote_code), Computation(device, precision, quiet=True))  # type: ignore[arg-type]


class LoadedModel:
    """A model that is asked about intervals or sequences.

    The methods take as `inputs`, with `fasta`, the path of a BED file or a table with chrom, start, end (and name, strand).
    Without `fasta` they take sequences as texts. With `fasta` alone each of its sequences is an input. They return a table: chrom, start,
    end, name, strand, read_strand; status (`ok`, or why an input was skipped); `seen` where it is known; and their own columns.
    """

    def __init__(self, model: Model, computation: Computation):
        self.model, self.computation = model, computation
        self._readers: dict[tuple, Reader] = {}

    @cached_property
    def info(self) -> dict[str, Any]:
        """What `grover info` prints, as plain values."""
        from grover.commands.info import describe

        return describe(self.model.folder)

    def embed(
        self,
        inputs: Inputs | None = None,
        fasta: str | Path | None = None,
        *,
        layers: str = "-1",
        context: int | None = None,
        long: Long = "tile",
        strands: Strands = "plus",
    ) -> pd.DataFrame:
        """Return the mean over the tokens and the [CLS] of each input, columns such as `mean_12`, each cell float32 [hidden]."""

        def reader(here: Session, asked: Regions) -> Reader:
            return embedder(self.model, layers, context, long, here.device, here.precision)

        return self._table(("embed", layers, context, long), reader, inputs, fasta, strands)

    def predict(
        self,
        inputs: Inputs | None = None,
        fasta: str | Path | None = None,
        *,
        context: int | None = None,
        long: Long = "refuse",
        strands: Strands = "plus",
    ) -> pd.DataFrame:
        """Return label, probability, and probability and logit of each label, by a fine-tuned model."""

        def reader(here: Session, asked: Regions) -> Reader:
            return predictor(self.model, context, long, here.device, here.precision)

        return self._table(("predict", context, long), reader, inputs, fasta, strands)

    def score(
        self,
        inputs: Inputs | None = None,
        fasta: str | Path | None = None,
        *,
        mask_ratio: float | None = None,
        strands: Strands = "plus",
    ) -> pd.DataFrame:
        """Return bits per base of each input, by the model (`bits`), by token frequencies of these sequences, and their difference."""

        def reader(here: Session, asked: Regions) -> Reader:
            vocabulary = self.model.vocabulary
            if asked.bed is None:
                counts = counts_in_fasta(fasta_of(asked, here), vocabulary)
            else:
                counts = counts_in_genome(open_assembly(asked.fasta, here).genome, vocabulary)
            return scorer(self.model, counts, mask_ratio, here.device, here.precision)

        return self._table(None, reader, inputs, fasta, strands)

    def variants(
        self,
        variants: str | Path,
        fasta: str | Path,
        *,
        classifier: str | Path | None = None,
        dataset: str | Path | None = None,
        window: int | None = None,
        null: str | Path | None = None,
        target: str | None = None,
    ) -> pd.DataFrame:
        """Return the scores of each alternative allele of a VCF, a BCF or a table with chrom, pos, ref and alt.

        The options are those of `grover variants`; target: its `--class`.
        """
        beside = open_model(str(classifier)) if classifier is not None else None
        texts = (str(path) if path is not None else None for path in (null, dataset))
        asked = Asked(next(texts), beside, next(texts), window, target)
        with session(self.computation) as here:
            _, read, scorer = open_variants(self.model, str(fasta), str(variants), "", asked, here)
            return pd.concat([shown(scorer.score(block), scorer) for block in chunks(read)], ignore_index=True)

    def importance(
        self,
        inputs: Inputs | None = None,
        fasta: str | Path | None = None,
        *,
        method: Literal["ism", "block", "ig", "attention"] = "ism",
        target: str | None = None,
        rows: Literal["base", "substitution"] = "base",
        null_examples: int = ImportanceMethods().null_examples,
        strands: Strands = "plus",
    ) -> pd.DataFrame:
        """Return a row per base of each input, or per substitution, by a fine-tuned model. target: `--class` of the subcommand."""
        methods = ImportanceMethods(methods=[method], null_examples=null_examples)
        asked = importance.Asked(target, CONTEXT, methods, rows == "substitution", None, 0)
        with session(self.computation) as here:
            regions = replace(_files(inputs, fasta, here.folder), strands=strands)
            opened = importance.open_importance(self.model, asked, regions, here)
            which = int(asked.substitutions)
            tables = [opened.explainer.explain(batch)[which] for batch in opened.batches()]
        return pd.concat(tables, ignore_index=True)

    def motifs(
        self,
        positive: Inputs,
        negative: Inputs | None = None,
        fasta: str | Path | None = None,
        *,
        examples: int = ImportanceSites().train_examples,
        motif_sites: int = Motifs().motif_sites,
        known: str | Path | None = None,
        strands: Literal["both", "plus", "feature"] = "both",
    ) -> Found:
        """Return the `motifs` of a fine-tuned model, a `table` of their tests, and `profiles` of their insertion.

        positive, negative: sequences, or intervals with `fasta`; without `negative` the names of the intervals are the classes.
        """
        with session(self.computation) as here:
            sets = [_file(each, here.folder, name) for each, name in ((positive, "positive"), (negative, "negative"))]
            first, second, labelled = (*sets, None) if negative is not None else (None, None, sets[0])
            assembly, meme = (str(path) if path is not None else None for path in (fasta, known))
            asked = motifs.Asked(
                assembly,
                first,
                second,
                labelled,
                "",
                strands,
                CONTEXT,
                examples,
                meme,
                0,
                Motifs(motif_sites=motif_sites),
                BlockBootstrap(),
            )
            return motifs.search(self.model, asked, here)[0]

    def map(
        self,
        fasta: str | Path,
        locus: str | None = None,
        *,
        shuffles: int = DependencyMaps().map_shuffles,
        passes: int = DependencyMaps().map_passes,
        seed: int = 0,
    ) -> locus_map.Mapped:
        """Return the dependency map of a place such as chr1:1001-1120, or of the only sequence: `arrays` and a table of `pairs`."""
        with session(self.computation) as here:
            return locus_map.map_of(self.model, str(fasta), locus_map.Asked(locus, shuffles, passes, seed), here)

    def tracks(
        self,
        fasta: str | Path,
        bed: str | Path | pd.DataFrame | None = None,
        *,
        contigs: str = "*",
        strands: Literal["plus", "both"] = "both",
        absolute: bool = False,
        mask_ratio: float | None = None,
        context: int | None = None,
    ) -> pd.DataFrame:
        """Return a row per base of intervals or of whole contigs: logo heights, entropy and log-probability of the reference base."""
        with session(self.computation) as here:
            both = strands == "both"
            asked = tracks.Asked(
                _file(bed, here.folder, "bed"), contigs, "", None, None, mask_ratio, context, both, absolute
            )
            opened = tracks.open_tracks(self.model, str(fasta), asked, here)
            with evaluating(opened.reader.model, here.device):
                read = [opened.read(chunk) for chunk in tracks.chunks(opened.regions)]
        return pd.concat([rows.assign(**values) for rows, values in read], ignore_index=True)

    def _table(
        self,
        key: tuple | None,
        make: Callable[[Session, Regions], Reader],
        inputs: Inputs | None,
        fasta: str | Path | None,
        strands: Strands,
    ) -> pd.DataFrame:
        """Read all inputs. key: of a reader that later calls use again."""
        with session(self.computation) as here:
            asked = replace(_files(inputs, fasta, here.folder), strands=strands)
            reader = self._readers.get(key) if key else None
            if reader is None:
                reader = make(here, asked)
                if key:
                    self._readers[key] = reader
            tables = []
            for chunk in open_inputs(asked, here, reader.surroundings, self.model.trained_on()).chunks:
                read, columns = reader.read(chunk)
                cells = {name: list(values) if np.ndim(values) == 2 else values for name, values in columns.items()}
                tables.append(pd.concat([read.rows, pd.DataFrame(cells, index=read.rows.index)], axis=1))
        return pd.concat(tables, ignore_index=True)


def _files(inputs: Inputs | None, fasta: str | Path | None, folder: Path) -> Regions:
    """Return what the options of a subcommand would name; tables and texts become files in `folder`."""
    if inputs is None and fasta is not None:
        return Regions(str(fasta))
    intervals = isinstance(inputs, str | Path | pd.DataFrame)
    if intervals and fasta is None:
        raise ValueError("intervals need the sequences that they refer to; give them as `fasta`")
    if inputs is None or (fasta is not None and not intervals):
        raise ValueError("give intervals and `fasta`, or `fasta` alone, or sequences alone")
    path = str(_file(inputs, folder, "inputs"))
    return Regions(str(fasta), path) if intervals else Regions(path)


def _file(inputs: Inputs | None, folder: Path, name: str) -> str | None:
    """Return the path of a file; a table becomes a BED file in `folder`, texts a FASTA."""
    if inputs is None or isinstance(inputs, str | Path):
        return None if inputs is None else str(inputs)
    if isinstance(inputs, pd.DataFrame):
        table = inputs.assign(**{key: "." for key in KEYS if key not in inputs}, score=0)
        path = folder / f"{name}.bed"
        table[[*KEYS[:4], "score", "strand"]].to_csv(path, sep="\t", header=False, index=False)
    else:
        path = folder / f"{name}.fa"
        path.write_text("".join(f">{number}\n{text}\n" for number, text in enumerate(inputs)))
    return str(path)
