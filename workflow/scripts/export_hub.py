"""Write bigWigs of base tracks, a UCSC track hub with the run's assembly, and IGV sessions."""

from pathlib import Path
from typing import Annotated

import pandas as pd
from typer import Option

from grover.config.options import Seed
from grover.config.sections.interpretation import TrackHub
from grover.genome.assembly import Genome
from grover.genome.contig_table import read_contig_table
from grover.genome.twobit_writer import write_twobit
from grover.interpretation.hub import ASSEMBLY, IMPORTANCE, REGIONS, Hub, hub_texts
from grover.interpretation.track_files import write_bigwigs
from grover.interpretation.track_values import by_run
from grover.interpretation.track_views import best_window, importance_stretches, scored_regions
from grover.intervals.bigwig_writer import write_bigbed, write_bigwig
from grover.runtime.cli import READ_BY_KEY, Input, Inputs, Output, main
from grover.runtime.files import key_values, write_table, write_text
from grover.statistics.blocks import number_blocks


def export_hub(
    values: Inputs,
    accuracy: Inputs,
    sequence: Input,
    segments: Input,
    contigs: Input,
    hub: Annotated[Path, Option(help="folder to write: bigWigs, assembly, hub.txt, igv.xml, igv.json")],
    table: Output,
    locus: Output,
    regions: Output,
    name: Annotated[str, Option(help="name of the run")],
    model: Annotated[str, Option(help="name of the model")],
    about: TrackHub,
    seed: Seed,
    importance: Annotated[
        list[str] | None,
        READ_BY_KEY,
        Option(help="file to read: importance of bases of a task, as TASK=FILE; repeat", show_default=False),
    ] = None,
) -> None:
    """Write HUB from the VALUES of all shards in their order, and three files for the report.

    TABLE (TSV) has accuracy by length of the masked runs; LOCUS (Parquet) has the values of the 100 bases that the model predicts best;
    REGIONS (BED) has the regions with values."""
    genome, known = Genome(sequence, segments), read_contig_table(contigs)
    lengths = {contig: known.lengths[contig] for contig in sorted(genome.chroms)}
    tracks = write_bigwigs(hub, lengths, values)
    for task, path in key_values(importance, "--importance"):
        stretches = importance_stretches(pd.read_parquet(path))
        if stretches:
            tracks.append(IMPORTANCE + task)
            write_bigwig(hub / f"{IMPORTANCE}{task}.bw", lengths, stretches)
    scored = scored_regions(values)
    write_bigbed(hub / REGIONS, lengths, scored.itertuples(index=False))
    write_text(regions, scored.to_csv(sep="\t", header=False, index=False))
    write_twobit(hub / ASSEMBLY, genome, lengths)

    shown = best_window(values, genome)
    place = (str(shown["chrom"].iloc[0]), int(shown["pos"].iloc[0]), int(shown["pos"].iloc[-1]) + 1)
    for file, text in hub_texts(Hub(name, name, model, about.hub_email, tuple(tracks), place)).items():
        write_text(hub / file, text)
    sums = pd.concat([pd.read_parquet(path) for path in accuracy], ignore_index=True)
    write_table(table, by_run(sums.assign(block=number_blocks(sums["place"].to_numpy())), seed))
    write_table(locus, shown)


if __name__ == "__main__":
    main(export_hub)
