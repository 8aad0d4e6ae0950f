"""`grover new`: a configuration of the workflow for an assembly, checked, with its plan."""

import subprocess
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from grover.assembly_setup.values import Wish
from grover.runtime.errors import InputError

TABLE = "resources/defaults.tsv"  # is in the folder of the workflow, and not in an installed package


class Device(StrEnum):
    """Where the networks run."""

    CPU = "cpu"
    CUDA = "cuda"


class Precision(StrEnum):
    """Number format of the networks; `auto` is bf16 on a GPU and on CPUs that compute it fast."""

    AUTO = "auto"
    FP32 = "fp32"
    BF16 = "bf16"


def new(
    assembly: Annotated[
        str,
        typer.Argument(
            help="accession of NCBI, ensembl:SPECIES, ucsc:NAME, a FASTA or 2bit, or a folder with the files",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="configuration to write; its name is that of the run",
            show_default="config/NAME.yaml",
        ),
    ] = None,
    genes: Annotated[Path | None, typer.Option(help="GFF3 or GTF of this machine", exists=True, dir_okay=False)] = None,
    device: Annotated[Device, typer.Option(help="where the networks run")] = Device.CPU,
    hours: Annotated[
        float, typer.Option(help="time to the report, half of it for pretraining", min=0.1, max=1000)
    ] = 2.0,
    cores: Annotated[int, typer.Option(help="cores; 0: those of this machine", min=0)] = 0,
    precision: Annotated[
        Precision,
        typer.Option(help="number format; bf16 is faster on GPUs, and on CPUs with AMX or AVX512-BF16 alone"),
    ] = Precision.AUTO,
    gpu: Annotated[str, typer.Option(help="type of the GPU, a row of resources/gpus.tsv", show_default="A100")] = "",
    mirror: Annotated[
        list[str] | None,
        typer.Option(help="SITE=ADDRESS in place of a site: ncbi, ensembl, ensemblgenomes or ucsc; may be repeated"),
    ] = None,
    workflow: Annotated[
        Path | None,
        typer.Option(help="folder of the workflow", exists=True, file_okay=False, show_default="that of grover"),
    ] = None,
    plan: Annotated[bool, typer.Option(help="dry-run the workflow with it and print what it will take")] = True,
    force: Annotated[bool, typer.Option("--force", help="replace files that are there")] = False,
) -> None:
    """Write a configuration of the workflow for an ASSEMBLY: sources with checksums, contig aliases, folds, vocabulary, network.

    Example: grover new GCF_000005845.2 --hours 1 -o ecoli-k12.yaml

    Example: grover new genome.fa.gz --genes genes.gff3.gz --hours 4
    """
    from grover.assembly_setup.servers import Servers, with_mirrors
    from grover.assembly_setup.setup import check_output, find_assembly, write_new
    from grover.runtime.files import key_values
    from grover.runtime.machine import cores as available_cores

    root = _installation(workflow)
    servers = Servers(with_mirrors(dict(key_values(mirror, "--mirror"))))
    wish = Wish(device.value, hours, cores or available_cores(), precision.value, gpu=gpu)
    if output:
        check_output(_place(output, "", root), force)
    found, synonyms = find_assembly(
        assembly, genes, servers, lambda run: check_output(_place(output, run, root), force)
    )
    path = _place(output, found.run, root)
    words = ["grover", *sys.argv[1:]] if sys.argv[1:2] == ["new"] else ["grover", "new", assembly]
    written = write_new(found, synonyms, wish, path, root, words, force)
    print("\n".join(written.lines))
    print(f"written: {', '.join(map(str, [written.path, *written.beside]))}", flush=True)
    if plan:
        _plan(path, wish, root)


def _place(output: Path | None, run: str, root: Path) -> Path:
    """The path of the configuration; absolute away from the root, where the run starts and relative paths name other files."""
    folder = Path("config") if Path("config").is_dir() else Path()
    path = output or folder / f"{run}.yaml"
    return path if Path.cwd() == root.resolve() else path.absolute()


def _installation(given: Path | None) -> Path:
    """The folder of the workflow: the one given, the one that has this package, or the working directory."""
    places = [given] if given else [Path(__file__).resolve().parents[2], Path.cwd()]
    for place in places:
        if (place / TABLE).is_file():
            return place
    raise InputError(
        f"{places[-1]} is not the folder of the workflow ({TABLE} is missing); name it with --workflow FOLDER"
    )


def _plan(path: Path, wish: Wish, root: Path) -> None:
    """Print the plan of the configuration by a dry run of the workflow, which checks it once more."""
    command = [sys.executable, root / "workflow/scripts/plan.py", "--configfile", path]
    command += ["--cores", wish.cores, "--hours", wish.hours]
    if subprocess.run(list(map(str, command))).returncode:
        raise InputError(
            f"{path} is written, but its dry run failed for the reason above; correct it there, or use --no-plan"
        )
