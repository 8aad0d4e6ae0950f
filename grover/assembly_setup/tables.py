"""Tables of tasks and tracks that suit the genes of an assembly: those of the workflow, or of coding sequences where introns are few."""

from pathlib import Path

from grover.assembly_setup.described import Genes
from grover.assembly_setup.genes import INTRONS
from grover.assembly_setup.values import ORIGIN, Configured, beside, count
from grover.benchmarks.introns import needed_sites
from grover.config.files import installed
from grover.config.tables import numbered_lines
from grover.planning.defaults import complete_for_genome
from grover.runtime.text import open_text

TASKS, CODING_TASKS = "config/benchmarks.tsv", "config/ecoli.benchmarks.tsv"
TRACKS, CODING_TRACKS = "config/tracks.tsv", "config/ecoli.tracks.tsv"
TRACKS_HEAD = (
    "# Written by grover new; docs/reference/tracks.md explains the columns, docs/how-to/add-a-track.md adds a row."
)
ENOUGH_CODING = 1_000  # rows CDS for the task of start codons
FEW_INTRONS = (
    2_000  # up to which coding sequences of mostly one piece give more examples than splice sites, as in yeast
)
BESIDE_GENES = ("repeats", "promoters")  # sources that such a genome may have
ENOUGH_ROWS = 20  # of a feature for a track


def add_tasks(chosen: Configured, genes: Genes, output: Path, installation: Path) -> None:
    """Where the genes have few introns, take start codons beside splice sites, or in their place, before the workflow has the file."""
    settings, _ = complete_for_genome(chosen.raw, ORIGIN, installation)
    needed = needed_sites(settings)
    spliced, starts = genes.introns >= needed, genes.coding >= ENOUGH_CODING and genes.introns < FEW_INTRONS
    more = " or more" if genes.introns >= INTRONS else ""
    found = f"{count(genes.introns, 'intron')}{more} and {count(genes.coding, 'row')} CDS"
    chosen.lines.append(f"tasks: {_named(spliced, starts)}; the genes have {found}")
    if not (spliced or starts):
        chosen.lines.append(f"note: splice sites need about {needed} introns (`benchmarks.minimum` in each fold)")
    if spliced and not starts:
        return
    table = beside(output, "benchmarks.tsv")
    chosen.beside[table] = (
        _text(TASKS, installation) if spliced else without_splice_sites(installed(TASKS, installation))
    )
    if starts:
        chosen.beside[table] += "".join(f"{line}\n" for line in _rows(CODING_TASKS, installation)[1:])
    chosen.raw["benchmarks"] = {"table": table}
    change = [*([] if spliced else ["without splice sites"]), *(["with start codons"] if starts else [])]
    chosen.comments["benchmarks.table"] = f"{TASKS} {' and '.join(change)}: the genes have {found}"


def add_tracks(chosen: Configured, genes: Genes, output: Path, installation: Path) -> None:
    """Where the genes have few introns, take tracks of coding sequences, RNA genes and mobile elements, as far as there are such rows."""
    if genes.introns >= FEW_INTRONS or genes.coding < ENOUGH_CODING:
        return
    others = [line for line in _rows(TRACKS, installation) if line.split("\t")[1] in ("source", *BESIDE_GENES)]
    rows = [line for line in _rows(CODING_TRACKS, installation)[1:] if _has(genes, line)]
    names = [line.split("\t")[0] for line in rows]
    table = beside(output, "tracks.tsv")
    chosen.beside[table] = "".join(f"{line}\n" for line in [TRACKS_HEAD, *others, *rows])
    chosen.raw["embeddings"] = chosen.raw.get("embeddings", {}) | {"tracks": table}
    chosen.comments["embeddings.tracks"] = f"{TRACKS} with features of these genes: {', '.join(names)}"
    chosen.lines.append(f"tracks of the genes: {', '.join(names)}")


def without_splice_sites(table: Path) -> str:
    """Return the text of a table of tasks without those of splice sites."""
    with open_text(table) as stream:
        return "".join(line for line in stream if line.startswith("#") or line.split("\t")[1:2] != ["splice"])


def _named(spliced: bool, starts: bool) -> str:
    names = [*(["donors, acceptors, splice"] if spliced else []), *(["start-codon"] if starts else [])]
    return ", ".join(names) or "none of the genes"


def _has(genes: Genes, row: str) -> bool:
    """Whether the genes have enough rows for a track, by the value of its column `where`."""
    feature = row.split("\t")[-1].partition("=")[2]
    return genes.features.get(feature, 0) >= ENOUGH_ROWS


def _rows(table: str, installation: Path) -> list[str]:
    """The lines of a table of the workflow without comments, the header first."""
    return [line for _, line in numbered_lines(installed(table, installation))]


def _text(table: str, installation: Path) -> str:
    with open_text(installed(table, installation)) as stream:
        return stream.read()
