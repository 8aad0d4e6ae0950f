"""`grover map`: the dependency map of one locus, as arrays, as a picture and as a table of pairs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grover.commands.assemblies import Assembly, open_assembly
from grover.commands.importance import check_picture, save
from grover.commands.locus import parse_locus
from grover.commands.models import Model
from grover.commands.options import Computation
from grover.commands.outputs import PARQUET, TSV
from grover.commands.session import Session, session
from grover.genome.bases import N, decode
from grover.interpretation.dependency_pairs import describe_pairs
from grover.interpretation.locus_maps import map_locus, readers_of
from grover.intervals.contigs import some_of
from grover.runtime.errors import InputError
from grover.runtime.files import atomic, write_table

ARRAYS = ".npz"


@dataclass(frozen=True)
class Asked:
    """Which locus is mapped (None: the only sequence), with how many shuffles and passes, and the seed."""

    locus: str | None
    shuffles: int
    passes: int
    seed: int


@dataclass(frozen=True)
class Written:
    """Files to write: arrays, a picture and a table of pairs, and whether they may be replaced."""

    output: Path
    picture: str | None
    pairs: Path | None
    force: bool

    def check(self) -> None:
        """Raise InputError where a suffix is wrong or a file exists."""
        check_picture(self.picture)
        if self.output.suffix != ARRAYS:
            raise InputError(f"{self.output}: the suffix decides the format; expected {ARRAYS}")
        if self.pairs is not None and self.pairs.suffix not in (PARQUET, TSV):
            raise InputError(f"--pairs {self.pairs}: the suffix decides the format; expected {PARQUET} or {TSV}")
        picture = Path(self.picture) if self.picture is not None else None
        for path in [each for each in (self.output, self.pairs, picture) if each is not None]:
            if path.exists() and not self.force:
                raise InputError(f"{path} exists; add --force to replace it, or give another name")


@dataclass(frozen=True)
class Mapped:
    """The map of a locus: its `place` as browsers write it; `arrays` model, random, null, sequence, chrom, start and end
    (docs/how-to/dependency-maps.md); and a table of the `pairs` of bases.
    """

    place: str
    arrays: dict[str, Any]
    pairs: pd.DataFrame


def run(model: Model, fasta: str, asked: Asked, computation: Computation, written: Written) -> None:
    """Run the subcommand."""
    written.check()
    with session(computation) as here:
        found = map_of(model, fasta, asked, here)
        with atomic(written.output) as temporary, open(temporary, "wb") as stream:
            np.savez_compressed(stream, **found.arrays)
        if written.pairs is not None:
            write_table(written.pairs, found.pairs)
        if written.picture is not None:
            from grover.report.figures.maps import dependency

            save(Path(written.picture), dependency({found.place: found.pairs}))


def map_of(model: Model, fasta: str, asked: Asked, here: Session) -> Mapped:
    """Compute the map of the locus that is asked for."""
    model.language_model()  # of another kind of model, the error comes before the genome is read
    assembly = open_assembly(fasta, here)
    chrom, start, end = _locus(asked, assembly)
    place = f"{chrom}:{start + 1:,}-{end:,}"
    codes = assembly.genome.fetch(chrom, start, end)
    if (codes == N).any():
        raise InputError(f"{place} has other letters than A, C, G and T; give a place without them")
    pretrained, random = readers_of(model.folder, asked.passes, asked.seed, here.device, here.precision)
    with here.progress(1, "map", "loci") as bar:
        found = map_locus(codes, pretrained, random, asked.shuffles, asked.seed)
        bar.update(1)
    where = {"chrom": chrom, "start": start, "end": end}
    pairs = describe_pairs(found["model"], found["null"], found["random"]).assign(**where)
    return Mapped(place, {"sequence": np.array(decode(codes)), **found, **where}, pairs)


def _locus(asked: Asked, assembly: Assembly) -> tuple[str, int, int]:
    lengths = assembly.contigs.lengths
    if asked.locus is not None:
        return parse_locus(asked.locus, lengths)
    if len(lengths) != 1:
        raise InputError(
            f"{assembly.name} has {len(lengths):,} sequences ({some_of(lengths)}); name a place in one of them as --locus"
        )
    ((name, length),) = lengths.items()
    return name, 0, length
