"""Build the labelled sequences of one benchmark."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import pandas as pd
from typer import Option

from grover.benchmarks.builders import Surroundings, make_windows
from grover.benchmarks.datasets import COLUMNS, Limit, assemble, call_of, check_counts, count, limit_dataset, transfer
from grover.benchmarks.derived_negatives import deriver
from grover.benchmarks.matched_negatives import Background
from grover.benchmarks.ready_sets import read_labelled
from grover.benchmarks.site_sources import BLACKLIST, REPEATS, SiteSources
from grover.benchmarks.start_codons import BEFORE_CODON
from grover.config.benchmark_table import BUILDERS, DERIVED, check_task
from grover.config.options import Seed
from grover.config.sections.benchmarks import DatasetBuilding
from grover.genome.assembly import Genome
from grover.genome.contig_table import read_contig_table
from grover.genome.folds import read_folds
from grover.intervals.formats import read_bed
from grover.runtime.cli import READ, Input, Output, Renames, Sources, main
from grover.runtime.errors import InputError
from grover.runtime.files import checksum, key_values, source_files, write_json, write_table
from grover.tokenization.vocabulary import Vocabulary

ANNOTATION = (BLACKLIST, REPEATS)  # sources that negatives genomic-matched go by


def build_dataset(
    sequence: Input,
    segments: Input,
    contigs: Input,
    folds: Input,
    dataset: Output,
    built: Output,
    task: Annotated[str, Option(help="name of the benchmark")],
    builder: Annotated[str, Option(help="kind of benchmark")],
    source: Sources,
    sites: Annotated[list[str], Option(help="key of a source of sites or sequences; repeat the option in order")],
    negatives: Annotated[str, Option(help="where negatives come from; . where the sites hold them")],
    building: DatasetBuilding,
    seed: Seed,
    rename: Renames = [],  # noqa: B006
    option: Annotated[list[str], Option(help="KEY=VALUE, a setting of the builder; repeat the option for each")] = [],  # noqa: B006
    hits: Annotated[Path | None, READ, Option(help="matches of the motif, from scan_motif", exists=True)] = None,
    vocabulary: Annotated[
        Path | None, READ, Option(help="tokenizer.json whose tokens are shuffled", exists=True)
    ] = None,
    softmask: Annotated[
        Path | None, READ, Option(help="BED of repeats, where no source `repeats` is given", exists=True)
    ] = None,
    transfer_to: Annotated[
        Path | None,
        READ,
        Option("--transfer", help="dataset of another run that is tested on", exists=True, show_default=False),
    ] = None,
    length: Annotated[int, Option(help="bases of a window; 0 for ready sequences")] = 0,
    maximum: Annotated[
        int,
        Option(
            help="largest number of examples per fold and label, for promscan and motif-bound in the shares of the labels; 0: all"
        ),
    ] = 0,
) -> None:
    """Write the table of sequences with label and fold, and what was found and dropped.

    Of the sources that are given (--source KEY=FILE) `blacklist` and `repeats` are read for negatives genomic-matched, and the one
    that the option `accessible` names.
    """
    files, renames, options = (
        source_files(source),
        dict(key_values(rename, "--rename")),
        dict(key_values(option, "--option")),
    )
    check_task(builder, negatives, options, f"task {task}")
    for key in [*sites, *([options["accessible"]] if negatives == "accessible" else [])]:
        if key not in files:
            raise InputError(f"task {task}: source {key} is not given; add --source {key}=FILE")
    shuffled = Vocabulary.load(vocabulary.parent) if vocabulary and negatives.startswith("token-shuffle") else None

    like, marks = {}, {}
    if builder == "csv":
        if length:
            raise InputError(f"task {task}: csv takes sequences as they are; write . as their length")
        columns = {name: options[name] for name in ("sequence", "label") if name in options}
        ready, labels = read_labelled([files[key] for key in sites], **columns)
        table, found = limit_dataset(ready, maximum, seed)
    else:
        genome, known, fold_table = Genome(sequence, segments), read_contig_table(contigs), read_folds(folds)

        read_from = SiteSources(files, renames, known, genome.segments)
        placed = read_from.sites(sites[0], builder, options)
        read_from.check_number(sites[0], placed, building.minimum)
        given = placed.inside
        matches = pd.read_parquet(hits) if hits else None
        if matches is not None:
            options = {key: matches.attrs[key] for key in ("motif", "threshold") if key in matches.attrs} | options
        accessible = read_from.read(options["accessible"], "bed").inside if negatives == "accessible" else None
        windows, labels = make_windows(
            builder,
            given,
            length,
            options,
            Surroundings(genome, matches, accessible),
            derived=negatives in DERIVED,
            seed=seed,
        )
        marks = windows.attrs
        derive = None
        if negatives in DERIVED:
            masked = read_bed(softmask) if softmask else None
            masked = read_from.read(REPEATS, "repeats").inside if REPEATS in files else masked
            blacklist = read_from.read(BLACKLIST, "bed").inside if BLACKLIST in files else None
            if negatives == "genomic-matched":
                mask = "none" if masked is None or masked.empty else "soft mask"
                like = {"blacklist": "none", "repeats": mask} | {
                    key: files[key].name for key in ANNOTATION if key in files
                }
            exclude = pd.concat([rows[["chrom", "start", "end"]] for rows in (given, windows)], ignore_index=True)
            background = Background(genome, fold_table, exclude, masked, blacklist)
            derive = deriver(negatives, background, shuffled, context=building.context, seed=seed)
        # where its builder takes a threshold from fold valid, that one label is rare is part of the task
        rare = BUILDERS[builder].call == "valid"
        most = Limit(maximum, seed, proportional=rare)
        table, found = assemble(windows, genome, fold_table, context=building.context, most=most, negatives=derive)

    if transfer_to:
        run = options.get("transfer", transfer_to.parent.name).split("/")[0]
        other = pd.read_parquet(transfer_to)
        if other.attrs.get(BEFORE_CODON) != marks.get(BEFORE_CODON):
            raise InputError(
                f"task {task}: its windows begin {marks.get(BEFORE_CODON)} bases before the codon, those of run {run} "
                f"{other.attrs.get(BEFORE_CODON)}; give both the same option upstream"
            )
        table, left = transfer(table, labels, other, run)
        found["dropped"] = dict(Counter(found["dropped"]) + Counter(left))
    counts = count(table, labels)
    check_counts(counts, building.minimum)

    call = call_of(counts, BUILDERS[builder].call)
    table = table[COLUMNS]
    table.attrs = {"task": task, "labels": list(labels), "call": call, **marks}
    write_table(dataset, table)
    read: dict[str, Path | None] = {
        "sequence": sequence,
        "segments": segments,
        "folds": folds,
        **files,
        "hits": hits,
        "vocabulary": vocabulary if shuffled else None,
        "softmask": softmask,
        "transfer": transfer_to,
    }
    inputs = {name: {"file": path.name, "sha256": checksum(path)} for name, path in read.items() if path}
    summary = {
        "task": task,
        "builder": builder,
        "sites": sites,
        "negatives": negatives,
        **like,
        "length": length,
        "options": options,
        "labels": list(labels),
        "call": call,
        "examples": len(table),
        "counts": counts,
        **found,
        "context": building.context,
        "vocabulary": shuffled.name if shuffled else "",
        "checksums": {"dataset": checksum(dataset), "inputs": inputs},
    }
    write_json(built, summary)


if __name__ == "__main__":
    main(build_dataset)
