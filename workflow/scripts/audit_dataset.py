"""Audit the dataset of one benchmark: leaks between its folds, overlap with pretraining, labels that give themselves away."""

from pathlib import Path
from typing import Annotated

import pandas as pd
from typer import Option

from grover.benchmarks.leakage import audit as find_leaks
from grover.benchmarks.leakage import check_limits, check_positions, longest_tokens, training_intervals
from grover.config.options import Seed
from grover.config.sections.benchmarks import Benchmarks, Limits
from grover.config.sections.genome import Corpus
from grover.config.sections.pretraining import Architecture
from grover.genome.assembly import Genome
from grover.genome.contig_table import read_contig_table
from grover.intervals.contigs import Contigs, check
from grover.intervals.formats import read_bed
from grover.intervals.sites import read_masked
from grover.runtime.cli import READ, Input, Output, main
from grover.runtime.errors import InputError
from grover.runtime.files import checksum, folder, write_json, write_table, write_text
from grover.runtime.json_files import read_json
from grover.runtime.provenance import known_checksum
from grover.runtime.settings import Setting
from grover.tokenization.genome_tokens import TokenisedGenome
from grover.tokenization.vocabulary import Vocabulary


def audit_dataset(
    dataset: Input,
    built: Input,
    windows: Input,
    tokens: Input,
    index: Input,
    vocabulary: Input,
    sequence: Input,
    segments: Input,
    contigs: Input,
    audit: Output,
    card: Output,
    passed: Output,
    split: Annotated[str, Setting(Corpus, "split")],
    positions: Annotated[int, Setting(Architecture, "positions")],
    similarity: Annotated[float, Setting(Benchmarks, "similarity")],
    limits: Limits,
    seed: Seed,
    repeats: Annotated[
        Path | None, READ, Option(help="repeats, a BED or the RepeatMasker table of UCSC", exists=True)
    ] = None,
    repeats_rename: Annotated[str, Option(help="map contig names of the repeats: add-chr, strip-chr or nothing")] = "",
    softmask: Annotated[
        Path | None,
        READ,
        Option(help="soft mask of the genome, taken for repeats where none are given", exists=True),
    ] = None,
) -> None:
    """Write AUDIT (Parquet: example, leak, nearest, pretraining) and CARD (JSON: BUILT and what the audit found).

    Where the audit is within its limits, write PASSED, too, the checksum of the dataset. Beyond them the card is `card.refused.json`
    beside CARD."""
    table, known = pd.read_parquet(dataset), read_json(built)
    sha256 = checksum(dataset)
    if known.get("checksums", {}).get("dataset", sha256) != sha256:
        raise InputError(f"{built} describes another dataset than {dataset}; build the two together")
    tokenizer = Vocabulary.load(folder(vocabulary))
    longest = longest_tokens(table, tokenizer)
    check_positions(known["task"], longest, tokenizer.name, positions)
    genome = Genome(sequence, segments)
    tokenised = TokenisedGenome(tokens, index, tokenizer)
    seen = training_intervals(pd.read_parquet(windows, columns=["first", "length", split]), split, tokenised, genome)
    examples, found = find_leaks(
        table,
        known["labels"],
        genome,
        seen,
        _repeats(read_contig_table(contigs), repeats, repeats_rename, softmask),
        similarity,
        seed,
    )
    read = {"windows": windows, "repeats": repeats or softmask}
    inputs = {name: {"file": path.name, "sha256": known_checksum(path)} for name, path in read.items() if path}
    sums = known.get("checksums", {})
    summary = {
        **known,
        **found,
        "longest_tokens": longest,
        "checksums": {**sums, "dataset": sha256, "inputs": {**sums.get("inputs", {}), **inputs}},
        "limits": limits.model_dump(),
    }
    refused = card.with_name(f"{card.stem}.refused{card.suffix}")
    try:
        check_limits(summary, limits.model_dump())
    except InputError as error:
        write_json(refused, summary)
        raise InputError(f"{error}; all numbers stand in {refused}") from None
    refused.unlink(missing_ok=True)
    write_table(audit, examples)
    write_json(card, summary)
    write_text(passed, f"{sha256}\n")


def _repeats(contigs: Contigs, repeats: Path | None, rename: str, softmask: Path | None) -> pd.DataFrame | None:
    """Intervals of repeats; None without any, as of a genome all in lower case."""
    if repeats:
        return check(read_masked(repeats, contigs.names(rename)), contigs.lengths, repeats)
    table = read_bed(softmask) if softmask else None
    return table if table is not None and len(table) else None


if __name__ == "__main__":
    main(audit_dataset)
