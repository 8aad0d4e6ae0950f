"""Minutes to the report for two small genomes with the smallest configurations: `run`, `sources` and `device: cpu`.

One genome is 12 Mb of hg19 (chr17 to 7.7 Mb and chr22 from 16.05 to 20.45 Mb) with repeats, genes, CTCF peaks and motif. It is cut out of
the folder of config/hg19-local.yaml. The other is E. coli, FASTA and GFF3 as NCBI gives them. The files are written to --folder. Without
--run only the plan of each run is printed, in seconds.

  python bench/small_genomes.py --data $DATA                                        # inputs and plans
  python bench/small_genomes.py --data $DATA --run --record small-genomes           # both runs, on a machine without other work
"""

import argparse
import csv
import gzip
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import support
import yaml

from grover.genome.fasta import read_contigs

ROOT = Path(__file__).resolve().parent.parent
PARTS = {"chr17": (0, 7_700_000), "chr22": (16_050_000, 20_450_000)}
BACTERIUM = "bacteria/GCF_000005845.2_ASM584v2_genomic"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with hg19/ and bacteria/; without it nothing is done")
    parser.add_argument("--folder", type=Path, default=Path("small-genomes"), help="folder for inputs and results")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--run", action="store_true", help="run both to their reports")
    parser.add_argument("--only", choices=["ecoli", "hg19-12mb"], help="one of the two")
    options = support.arguments(parser)
    if options.data is None:
        print("--data names the folder with the two genomes")
        return support.finish({"runs": {}}, [], options.record)
    data, folder = options.data.resolve(), options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    files = {"ecoli": bacterium(data), "hg19-12mb": cut_human(data / "hg19", folder)}
    results = {}
    for run in [options.only] if options.only else files:
        raw = {
            "run": run,
            "device": "cpu",
            "sources": {key: {"url": str(path)} for key, path in files[run].items()},
        }
        configuration = folder / f"{run}.yaml"
        configuration.write_text(yaml.safe_dump(raw, sort_keys=False))
        if options.run:
            results[run] = measured(configuration, folder, options.cores)
        else:
            start([ROOT / "workflow/scripts/plan.py"], configuration, folder, options.cores)
    return support.finish({"cores": options.cores, "runs": results}, [], options.record)


def bacterium(data: Path) -> dict[str, Path]:
    """The files of E. coli."""
    return {"genome": data / f"{BACTERIUM}.fna.gz", "genes": data / f"{BACTERIUM}.gff.gz"}


def cut_human(data: Path, folder: Path) -> dict[str, Path]:
    """Write the files of the 12 Mb, in the coordinates of hg19, and return them by source."""
    names = {
        "genome": "part.fa.gz",
        "repeats": "rmsk.txt.gz",
        "genes": "genes.gtf.gz",
        "ctcf_peaks": "ctcf.narrowPeak.gz",
    }
    files = {key: folder / name for key, name in names.items()}
    with gzip.open(files["genome"], "wb", 1) as stream:
        for name, sequence in read_contigs(data / "genome/hg19.partial.fa.gz"):
            if name in PARTS:
                start, end = PARTS[name]
                stream.write(b">" + name.encode() + b"\n" + b"N" * start + bytes(sequence[start:end]) + b"\n")
    write(files["repeats"], within(data / "repeats/rmsk.partial.txt.gz", 5))
    write(files["ctcf_peaks"], within(data / "ctcf/GM12878.CTCF.narrowPeak.gz", 0))
    write(files["genes"], exons(data / "genes/canonical_splice.hg19.tsv.gz"))
    return files | {"motifs": data / "motifs/CTCF.MA0139.1.meme"}


def within(path: Path, chrom: int) -> Iterator[str]:
    """Lines of a table whose interval is in the parts; `chrom` is the column, followed by start and end."""
    with gzip.open(path, "rt") as lines:
        for line in lines:
            cells = line.split("\t")
            if cells[chrom] in PARTS and inside(cells[chrom], int(cells[chrom + 1]), int(cells[chrom + 2])):
                yield line


def exons(path: Path) -> Iterator[str]:
    """Rows gene, transcript and exon of a GTF, from a table of transcripts with donors and acceptors (1-based)."""
    with gzip.open(path, "rt") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            first, last = int(row["tx_start"]), int(row["tx_end"])
            if row["chrom"] not in PARTS or not inside(row["chrom"], first - 1, last):
                continue
            ends, starts = ([int(text) for text in row[key].split(",") if text] for key in ("donors", "acceptors"))
            if row["strand"] == "-":
                ends, starts = starts, ends
            spans = [("gene", first, last), ("transcript", first, last)]
            spans += [("exon", *span) for span in zip([first, *starts], [*ends, last], strict=True)]
            for feature, start, end in spans:
                place = f"{row['chrom']}\tcut\t{feature}\t{start}\t{end}\t.\t{row['strand']}\t."
                name = f'gene_id "{row["gene"]}";'
                yield f"{place}\t{name}" + (f' transcript_id "{row["gene"]}";\n' if feature != "gene" else "\n")


def inside(chrom: str, start: int, end: int) -> bool:
    """Whether an interval is in the part of its chromosome."""
    return PARTS[chrom][0] <= start and end <= PARTS[chrom][1]


def write(path: Path, lines: Iterator[str]) -> None:
    """Write lines as a gzip file."""
    with gzip.open(path, "wt") as stream:
        stream.writelines(lines)


def start(command: list[object], configuration: Path, folder: Path, cores: int) -> None:
    """Start a command of the workflow in the folder, and end with it where it fails."""
    words = [sys.executable, *command, "--configfile", configuration, "--cores", cores]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    if subprocess.run(list(map(str, words)), cwd=folder, env=environment).returncode:
        sys.exit(f"{' '.join(map(str, words))} failed")


def measured(configuration: Path, folder: Path, cores: int) -> dict[str, object]:
    """Run to the report; minutes in all, and minutes of the jobs of each rule that takes longest."""
    began = time.perf_counter()
    start(["-m", "snakemake", "--snakefile", ROOT / "Snakefile"], configuration, folder, cores)
    minutes = (time.perf_counter() - began) / 60
    rules: dict[str, float] = {}
    for path in (folder / "results" / configuration.stem / "benchmark").glob("*.tsv"):
        rule = path.stem.partition(".")[0]
        rules[rule] = rules.get(rule, 0.0) + float(path.read_text().splitlines()[1].split("\t")[0]) / 60
    longest = sorted(rules.items(), key=lambda item: -item[1])
    for rule, spent in longest:
        print(f"  {rule:<24}{spent:8.1f} min")
    print(f"{configuration.stem}: {minutes:.1f} minutes to the report", flush=True)
    return {"minutes": round(minutes, 1), "rules": {rule: round(spent, 2) for rule, spent in longest}}


if __name__ == "__main__":
    main()
