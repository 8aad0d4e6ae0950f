"""Rehearse the workflow at the size of a real genome: seconds and memory of each rule beside what it asks for.

An assembly of 3.1 Gb with 24 chromosomes and 3,000 scaffolds is simulated from blocks of a real genome (`bench/scale_data.py`). It has
5.5 million repeats, a GTF of 3.5 million rows, 90,000 peaks and 10 million variants. The rules of the workflow then run one after the other
on two cores, by their own commands. The network is tiny: memory and time of everything else follow the genome.

  python bench/scale.py --scale 1 --fasta hg19.partial.fa.gz --keep FOLDER --record scale-full  # 3.1 Gb
  python bench/scale.py --scale 0.02 --fasta hg19.partial.fa.gz --record scale-50th
  python bench/scale.py --extrapolate bench/results/scale-50th.json ...                    # to 3.1 and 17 Gb

A folder given by `--keep` goes on where a killed rehearsal stopped. `--only STAGE` runs stages whose names begin so, and what they need.

`peak_mb` is the largest resident memory of a process of the job, `own_mb` the largest part of it that is no file (sampled). `asked_mb`
and `asked_minutes` are what the rule asks for at its first attempt. Pages of a memory-mapped file are resident as long as memory is free.
On a busy machine only `cpu_seconds` says what a stage takes.
"""

import argparse
import ast
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import scale_data
import support
import yaml

ROOT = Path(__file__).resolve().parent.parent
RUN = "scale"
VOCABULARY = "bpe-600"
TASKS = ["prom300-shuffle", "prom300-matched", "promscan", "ctcf", "splice"]
CONFIGURATION = {
    "run": RUN,
    "seed": 1,
    "device": "cpu",
    "defaults": "paper",
    "vocabulary": {"candidates": [VOCABULARY]},
    # two steps of a tiny network: what is measured of a training is how it reads the genome
    "pretraining": {"size": "nano", "steps": 2, "batch": 4},
    "benchmarks": {"models": [VOCABULARY], "minimum": 1},
    "embeddings": {"models": [VOCABULARY], "shifts": 20},
}
# what is made by each stage, in the order in which they run; the name of a stage is that of its benchmark file
STAGES = {
    "encode_genome": "genome/sequence.npy",
    "make_folds": "genome/folds.bed",
    "check_sources": "genome/inputs.tsv",
    "train_bpe": "vocabulary/merges.tsv",
    f"build_vocabulary.{VOCABULARY}": f"vocabulary/{VOCABULARY}/tokenizer.json",
    f"tokenise_genome.{VOCABULARY}": f"tokens/{VOCABULARY}/tokens.npy",
    f"make_windows.{VOCABULARY}": f"corpus/{VOCABULARY}/windows.parquet",
    "tokenise_null_genome.5": "atlas/markov-5/tokens.npy",
    "describe_tokens.observed": "atlas/observed/summary.json",
    "describe_tokens.markov-5": "atlas/markov-5/summary.json",
    "measure_stability": "atlas/stability.parquet",
    "check_device": "models/device.json",
    f"pretrain.{VOCABULARY}": f"models/{VOCABULARY}/model.safetensors",
    f"list_trained_on.{VOCABULARY}": f"models/{VOCABULARY}/trained_on.bed",
    "scan_motif.ctcf": "benchmarks/ctcf/hits.parquet",
    **{f"build_dataset.{task}": f"benchmarks/{task}/dataset.parquet" for task in TASKS},
    **{f"audit_dataset.{task}": f"benchmarks/{task}/passed.txt" for task in TASKS},
    "read_variants": "interpretation/variants/alleles.parquet",
    "choose_regions": "embeddings/regions.parquet",
    "annotate_regions": "embeddings/annotation.parquet",
    f"embed.{VOCABULARY}.0": f"embeddings/{VOCABULARY}/shards/0.parquet",
    f"enrich_tokens.{VOCABULARY}": f"embeddings/{VOCABULARY}/enrichment.parquet",
}
GENOMES = {"3.1 Gb": 1.0, "17 Gb (wheat)": 17 / 3.1}  # that is extrapolated to, in scales


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fasta", type=Path, help="real genome that blocks are taken from; absent: random sequence")
    parser.add_argument("--scale", type=float, default=0.004, help="share of 3.1 Gb and of the rows of the tables")
    parser.add_argument("--only", default="", metavar="STAGE", help=f"of {', '.join(STAGES)}")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="for all files; a later call goes on there")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--extrapolate", type=Path, nargs="+", metavar="JSON", help="results of several scales")
    options = support.arguments(parser)
    if options.extrapolate:
        return extrapolate([json.loads(path.read_text()) for path in options.extrapolate])
    with tempfile.TemporaryDirectory(prefix="grover-bench-") as temporary:
        folder = (options.keep or Path(temporary)).resolve()
        simulated = simulate(folder, options.scale, options.fasta)
        stages = run(folder, [stage for stage in STAGES if stage.startswith(options.only)], options.cores)
        for stage, found in stages.items():
            print(stage, json.dumps(found), flush=True)
        used = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    support.finish(
        {
            "scale": options.scale,
            "bases": round(scale_data.BASES * options.scale),
            "ours": round(sum(found["seconds"] for found in stages.values()), 1),
            "unit": "seconds of all stages one after the other",
            "simulation_seconds": simulated,
            "peak_mb": max(found["peak_mb"] for found in stages.values()),
            "disk_mb": used // 1_000_000,
            "load": round(os.getloadavg()[0], 1),
            "over": [stage for stage, found in stages.items() if over(found)],
            "stages": stages,
        },
        ["numpy", "pandas", "pyarrow", "numba", "torch", "snakemake"],
        options.record,
    )


def simulate(folder: Path, scale: float, fasta: Path | None) -> float:
    """Write the files where they are not there yet, and the configuration; return the seconds, also those of an earlier call."""
    done = folder / "simulated.json"
    if not done.is_file():
        started = time.perf_counter()
        words = [*(["--fasta", fasta] if fasta else []), "--scale", scale]
        # apart, so that its memory is not counted as that of the stages
        subprocess.run(
            [sys.executable, ROOT / "bench/scale_data.py", folder / "data", *map(str, words)],
            check=True,
        )
        done.write_text(json.dumps({"scale": scale, "seconds": round(time.perf_counter() - started, 1)}))
    made = json.loads(done.read_text())
    if made["scale"] != scale:
        sys.exit(f"{folder} holds a rehearsal at scale {made['scale']}, not {scale}; give another folder")
    (folder / "config.yaml").write_text(yaml.safe_dump(configuration(folder)))
    return made["seconds"]


def configuration(folder: Path) -> dict:
    """The configuration of the rehearsal, with the tables of tasks and tracks that the project ships."""
    sources = {key: {"file": name} for key, name in scale_data.NAMES.items()}
    return CONFIGURATION | {
        "results": str(folder / "results"),
        "data": str(folder / "data"),
        "threads": 2,
        "sources": sources,
    }


def run(folder: Path, stages: list[str], cores: int) -> dict[str, dict]:
    """Make the files of these stages and what they need, a job at a time; return what each took and what its rule asked for."""
    measured = folder / "measured"
    measured.mkdir(exist_ok=True)
    python = f"{sys.executable} {ROOT / 'bench/measured.py'} {measured}"
    rules = {stage.partition(".")[0] for stage in STAGES}
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--configfile", "config.yaml"]
    command += ["--cores", cores, "--benchmark-extended", "--resources", "alone=1", "--set-resources"]
    command += [f"{rule}:{setting}" for rule in sorted(rules) for setting in (f"python={python}", "alone=1")]
    results = folder / "results" / RUN
    command += ["--", *(results / STAGES[stage] for stage in stages)]
    if subprocess.run([*map(str, command)], cwd=folder, stdout=sys.stderr).returncode:
        sys.exit("a stage failed")
    found = {}
    for stage in stages:
        with open(results / f"benchmark/{stage}.tsv", newline="") as stream:
            (row,) = csv.DictReader(stream, delimiter="\t")
        asked = ast.literal_eval(row["resources"])
        took = json.loads((measured / f"{stage}.json").read_text())
        found[stage] = took | {"asked_mb": asked["mem_mb"], "asked_minutes": asked["runtime"]}
    return found


def over(found: dict) -> bool:
    """Whether a stage took more than its rule asked for."""
    return found["own_mb"] > found["asked_mb"] or found["seconds"] > 60 * found["asked_minutes"]


def extrapolate(results: list[dict]) -> None:
    """Print, for each stage, straight lines of seconds and memory over the scale, and what they give for whole genomes.

    `power`: by which power of the scale the part that grows does so between the two largest; above 1 the lines say too little.
    """
    results = sorted(results, key=lambda result: result["scale"])
    scales = np.array([result["scale"] for result in results])
    print("\t".join(["stage", "what", *map(str, scales), "base", "per 3.1 Gb", "power", *GENOMES]))
    for stage in results[-1]["stages"]:
        for what in ("cpu_seconds", "own_mb", "peak_mb"):
            values = np.array([result["stages"][stage][what] for result in results])
            slope, base = np.polyfit(scales, values, 1)
            grown = np.maximum(values[-2:] - values[0] * (len(values) > 2), 0.1)
            over = (
                np.log(grown[1] / grown[0]) / np.log((scales[-1] - scales[0]) / (scales[-2] - scales[0]))
                if len(values) > 2
                else np.nan
            )
            numbers = [base, slope, over, *(base + slope * scale for scale in GENOMES.values())]
            print("\t".join([stage, what, *map(str, values), *(f"{number:.1f}" for number in numbers)]))


if __name__ == "__main__":
    main()
