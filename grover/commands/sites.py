"""Inputs of a fine-tuned model as the sites that are explained: intervals of an assembly, or the sequences of a FASTA."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from grover.commands.options import Regions
from grover.commands.regions import Chunk, Inputs, Surroundings, open_inputs
from grover.commands.session import Session
from grover.commands.skipped import OK, TOO_LONG
from grover.genome.bases import N
from grover.interpretation.answers import FineTuned
from grover.interpretation.cutting import cut
from grover.interpretation.sites import Site
from grover.interpretation.vcf import NON_ACGT

AT_ONCE = 16  # inputs of a batch


@dataclass(frozen=True)
class Batch:
    """Some inputs: the `rows` of a chunk, and the sites of those with status ok, whose `example` is the number of the input."""

    rows: pd.DataFrame
    sites: list[Site]


def open_sites(asked: Regions, here: Session, context: int) -> Inputs:
    """Open the inputs. `--strands both` gives one site per input, whose answers are the mean of both strands."""
    one_row = replace(asked, strands="plus") if asked.strands == "both" else asked
    return open_inputs(one_row, here, Surroundings(context))


def batches(chunks: Iterator[Chunk], model: FineTuned, label: int, stranded: bool) -> Iterator[Batch]:
    """Yield the inputs a few at a time. One with other letters than A, C, G and T, or longer than the model reads, has no site.

    label: of the class that is explained. stranded: whether sites are read on one strand.
    """
    first = 0
    for chunk in chunks:
        rows, sites = chunk.rows.copy(), {}
        place_of_status = rows.columns.get_loc("status")
        for place, stretch, begin, end in zip(chunk.places, chunk.stretches, chunk.first, chunk.last, strict=True):
            row = rows.iloc[place]
            codes = stretch[begin:end]
            strand = str(row["read_strand"]) if stranded else "."
            where = str(row["chrom"]), int(row["start"]), int(row["end"]), strand
            site = Site(first + int(place), label, codes, stretch[:begin], stretch[end:], (), *where)
            if (codes == N).any():
                rows.iloc[place, place_of_status] = NON_ACGT
            elif _longest(site, model) > model.longest:
                rows.iloc[place, place_of_status] = TOO_LONG
            else:
                sites[int(place)] = site
        for begin in range(0, len(rows), AT_ONCE):
            part = range(begin, min(begin + AT_ONCE, len(rows)))
            numbered = rows.iloc[part.start : part.stop].assign(input=first + np.array(part))
            yield Batch(numbered.reset_index(drop=True), [sites[place] for place in part if place in sites])
        first += len(rows)


def skipped_rows(batch: Batch) -> pd.DataFrame:
    """Return the rows of the inputs that have no site."""
    return batch.rows[batch.rows["status"] != OK]


def _longest(site: Site, model: FineTuned) -> int:
    """Tokens of a site, on both strands where the answer is the mean of both."""
    strands = [site, site.reversed()] if model.both else [site]
    return max(len(cut(each, each.codes, model.vocabulary).tokens) for each in strands)
