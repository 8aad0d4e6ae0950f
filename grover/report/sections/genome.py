"""Section of the report: the genome."""

from grover.report.figures import genome as figures
from grover.report.parts import CONTIGS, Picture, Results, Section, Table, bases, count, formatted

TITLE = "Genome"
NEEDS = (CONTIGS, "genome/segments.bed", "genome/folds.bed")
INPUTS = "genome/inputs.tsv"


def section(results: Results) -> Section:
    contigs, segments, folds = (results.table(name) for name in NEEDS)
    chosen = contigs[contigs["status"].isin(["kept", "empty"])].sort_values("kept", ascending=False, kind="stable")
    left_out = contigs[contigs["status"].isin(["excluded", "not included"])]
    kept, total = int(chosen["kept"].sum()), int(chosen["length"].sum())
    sizes = (folds["end"] - folds["start"]).groupby(folds["name"]).sum()
    finding = (
        f"{kept:,} bases in {len(segments):,} segments of {(chosen['kept'] > 0).sum()} contigs are used, "
        f"{kept / total:.1%} of the bases of these contigs."
    )
    intro = (
        f"{finding} The rest is N or another ambiguity code ({bases(chosen['not_acgt'].sum())}), lies in segments below the "
        f"minimum length ({bases(chosen['too_short'].sum())}) or outside the regions asked for "
        f"({bases(chosen['outside_regions'].sum())}). {count(len(left_out), 'further contig')} stayed out. Lower-case "
        "bases count as upper-case ones; tokens and windows never cross the end of a segment."
    )
    held_out = "; ".join(f"{name} {bases(sizes[name])}" for name in ("train", "valid", "test", "gap") if name in sizes)
    parts: list = [
        intro,
        Picture(
            "genome_contigs",
            figures.contigs(chosen, segments),
            "What was kept of each contig (left) and how long the segments without N are (right). Long bars of grey "
            "are stretches that no stage sees.",
            NEEDS[0],
        ),
        Picture(
            "genome_folds",
            figures.folds(folds),
            f"The folds along the contigs ({held_out}). They are made once; corpus, selection, benchmarks and probes "
            "all read these. With the region split no pretraining window touches a test block.",
            NEEDS[2],
        ),
        Table(
            formatted(chosen.head(figures.MOST_CONTIGS).drop(columns=["status", "aliases"])),
            f"The {min(len(chosen), figures.MOST_CONTIGS)} contigs with most bases kept, in bases.",
            NEEDS[0],
        ),
    ]
    if INPUTS in results.names:
        inputs = results.table(INPUTS)
        parts.append(Table(formatted(inputs), "The sources read, and how much of each lies in the segments.", INPUTS))
    return Section("genome", TITLE, parts, [finding])
