"""`grover export`: a UCSC track hub and IGV sessions from bigWigs and the sequences that they belong to."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from grover.commands.assemblies import Assembly, open_assembly
from grover.commands.locus import parse_locus
from grover.commands.options import Computation
from grover.commands.session import session
from grover.genome.twobit_writer import write_twobit
from grover.interpretation.hub import ASSEMBLY, IMPORTANCE, REGIONS, Hub, hub_texts
from grover.interpretation.track_views import WINDOW, importance_stretches
from grover.intervals.bigwig_writer import write_bigwig
from grover.intervals.contigs import some_of
from grover.runtime.errors import InputError
from grover.runtime.failures import PARTIAL
from grover.runtime.files import key_values, write_text

ENDINGS = (".bw", ".bigwig")


@dataclass(frozen=True)
class Asked:
    """What a hub contains.

    Its name, the name of the model, the address of who publishes it; the locus that is shown at first (None: the first with a value);
    tables of importance as NAME=FILE.
    """

    name: str
    model: str
    email: str
    locus: str | None
    importance: list[str]


def run(tracks: Path, fasta: str, output: Path, force: bool, asked: Asked) -> None:
    """Run the subcommand."""
    if output.exists() and not force:
        raise InputError(f"{output} exists; add --force to replace it, or give another name")
    if not tracks.is_dir():
        raise InputError(f"{tracks} is no folder; give one with bigWigs, as `grover tracks` writes it")
    files = sorted(path for path in tracks.iterdir() if path.suffix.lower() in ENDINGS)
    if not files and not asked.importance:
        raise InputError(f"{tracks}: no bigWig there; give a folder with files that end with {' or '.join(ENDINGS)}")
    if output.exists() and output.samefile(tracks):
        raise InputError(f"{output}: the hub cannot replace the folder of its bigWigs; give another folder")
    with session(Computation(device="cpu", quiet=True)) as here:
        assembly = open_assembly(fasta, here)
        lengths = {contig: assembly.contigs.lengths[contig] for contig in sorted(assembly.genome.chroms)}
        first = [_check(path, assembly, lengths) for path in files]
        hub = output.with_name(f"{PARTIAL}{output.name}")
        shutil.rmtree(hub, ignore_errors=True)
        hub.mkdir(parents=True)
        for path in files:
            shutil.copyfile(path, hub / f"{path.stem}.bw")
        names = [path.stem for path in files]
        for task, table in key_values(asked.importance, "--importance"):
            stretches = importance_stretches(_importance(Path(table)))
            if not stretches:
                raise InputError(
                    f"{table}: no base with in-silico mutagenesis and coordinates; make it with --method ism"
                )
            if unknown := sorted({chrom for chrom, _, _ in stretches} - {*lengths}):
                raise InputError(
                    f"{table} has values on {unknown[0]}, which {assembly.name} does not have; give its sequences"
                )
            names.append(IMPORTANCE + task)
            write_bigwig(hub / f"{IMPORTANCE}{task}.bw", lengths, stretches)
            first.append((stretches[0][0], stretches[0][1]))
        regions = (tracks / REGIONS).is_file()
        if regions:
            shutil.copyfile(tracks / REGIONS, hub / REGIONS)
        write_twobit(hub / ASSEMBLY, assembly.genome, lengths)
        place = parse_locus(asked.locus, lengths) if asked.locus else (first[0][0], first[0][1], first[0][1] + WINDOW)
        said = Hub(asked.name, asked.name, asked.model, asked.email, tuple(names), place, regions)
        for file, text in hub_texts(said).items():
            write_text(hub / file, text)
        shutil.rmtree(output, ignore_errors=True)
        hub.replace(output)


def _check(path: Path, assembly: Assembly, lengths: dict[str, int]) -> tuple[str, int]:
    """Return contig and coordinate of the first value of a bigWig. Raises InputError where it belongs to other sequences or has none."""
    import pybigtools

    try:
        with open(path, "rb") as stream:
            reader = pybigtools.open(stream)
            theirs = dict(reader.chroms())
            wrong = [name for name, length in theirs.items() if lengths.get(name) != length]
            if wrong:
                has = (
                    f"has it with {lengths[wrong[0]]:,} bases"
                    if wrong[0] in lengths
                    else f"has no such contig, but {some_of(lengths)}"
                )
                raise InputError(
                    f"{path} has {wrong[0]} with {theirs[wrong[0]]:,} bases, {assembly.name} {has}; give the sequences that it "
                    "belongs to"
                )
            for name in sorted(theirs):
                for start, _, _ in reader.records(name):
                    return name, int(start)
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(f"{path}: no bigWig ({error}); make it anew") from None
    raise InputError(f"{path}: a bigWig without values; leave it out")


def _importance(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise InputError(f"--importance: {path} does not exist; correct the path")
    table = pd.read_parquet(path)
    if missing := sorted({"method", "chrom", "pos", "importance"} - {*table}):
        raise InputError(f"{path} has no column {missing[0]}; give a Parquet file of `grover importance`")
    return table[table["importance"].notna()]
