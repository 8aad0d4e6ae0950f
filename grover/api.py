"""The functions of the command `grover` for Python.

    from grover.api import load

    model = load("results/demo/models/chosen")
    vectors = model.embed("peaks.bed", "genome.fa")
    scores = model.score(["ACGTTAGCCATTGACCAGT", "TTGACC"])

A method computes what the subcommand of its name writes, and returns it as a table with one row per input.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

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

Inputs: TypeAlias = str | Path | pd.DataFrame | Sequence[str]
Strands = Literal["plus", "both", "feature"]
Long = Literal["tile", "centre", "refuse"]


def load(
    model: str | Path, *, device: str = "auto", precision: str = "auto", remote_code: bool = False
) -> "LoadedModel":
    """Open a model by its folder, or by the name of one that comes with the package.

    device: auto, cpu or cuda. precision: auto, fp32 or bf16. remote_code: consent to run the Python files of a model from elsewhere.
    """
    return LoadedModel(open_model(str(model), remote_code), Computation(device, precision, quiet=True))  # type: ignore[arg-type]


class LoadedModel:
    """A model that is asked about intervals or sequences.

    The methods take as `inputs` the path of a BED file or a table with chrom, start, end (and name, strand), both of them with `fasta`, or
    sequences as texts without it. With `fasta` alone each of its sequences is an input. They return a table: chrom, start, end, name,
    strand, read_strand, status (`ok`, or why an input was skipped), `seen` where it is known, and their own columns.
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
    if isinstance(inputs, pd.DataFrame):
        table = inputs.assign(**{name: "." for name in KEYS if name not in inputs}, score=0)
        bed = folder / "inputs.bed"
        table[[*KEYS[:4], "score", "strand"]].to_csv(bed, sep="\t", header=False, index=False)
        inputs = bed
    if isinstance(inputs, str | Path):
        if fasta is None:
            raise ValueError("intervals need the sequences that they refer to; give them as `fasta`")
        return Regions(str(fasta), str(inputs))
    if inputs is None or fasta is not None:
        raise ValueError("give intervals and `fasta`, or `fasta` alone, or sequences alone")
    sequences = folder / "inputs.fa"
    sequences.write_text("".join(f">{number}\n{text}\n" for number, text in enumerate(inputs)))
    return Regions(str(sequences))
