"""What concerns the run as a whole: folders, seed, device, sources, report, budget."""

from typing import Literal

from grover.config.fields import Distinct, Place, Section, setting

# rules whose outputs take long to make
Freezable = Literal["pretrain", "next_kmer", "finetune", "finetune_external", "embed", "embed_external"]


# a path that rules may contain: braces would be wildcards, but for those of a variable
PATH = r"^([^{}]|\$\{\w+\})+$"


class Folders(Section):
    """Where the run is written and where its input files are."""

    run: str = setting(
        ..., "Name of the run; its artefacts are written to RESULTS/RUN/.", pattern="^[A-Za-z0-9][A-Za-z0-9._-]*$"
    )
    results: Place = setting("results", "Folder of all runs.", pattern=PATH)
    downloads: Place = setting("results/downloads", "Folder of downloaded sources, shared by all runs.", pattern=PATH)
    data: Place = setting(
        "", "Folder with the files of the sources, for sites without network: DATA/FILE replaces the address."
    )
    freeze: Distinct[Freezable] = setting([], "Rules whose finished outputs are kept when only their code changed.")
    freeze_release: str = setting(
        "", "Release whose finished outputs of all these rules are kept, such as v0.2.", pattern=r"^(v\d+(\.\d+)*)?$"
    )


class Randomness(Section):
    """The seed of random choices."""

    seed: int = setting(1, "Seed of every random choice.", ge=0, le=2**31 - 1)


class Device(Section):
    """Hardware and number format of the network."""

    device: Literal["auto", "cpu", "cuda"] = setting(
        "auto", "Device of the network; `cuda` fails at once without a GPU, and `auto` takes a GPU if there is one."
    )
    precision: Literal["auto", "fp32", "bf16"] = setting(
        "auto",
        "Number format of the network; `auto` is bf16 on a GPU and for trainings on CPUs with AMX or AVX512-BF16, else fp32.",
    )


class Processes(Section):
    """Nodes and processes of a pretraining."""

    gpus: int = setting(
        1,
        "GPUs per node that a pretraining asks for; with device `cpu` a number of processes, where 1 means one per core.",
        ge=1,
        le=64,
    )
    nodes: int = setting(1, "Nodes that a pretraining asks for.", ge=1, le=512)


class Notification(Section):
    """Who hears how a run ended."""

    notify: str = setting(
        "",
        "Shell command that gets the outcome of each start as JSON on its standard input; empty: none.",
    )


class Source(Section):
    """An input file: an address, a path, or a file of the simulated genome."""

    simulated: str | None = setting(None, "Name of a file of the simulated genome.", pattern=r"^[A-Za-z0-9._-]+$")
    url: Place | None = setting(None, "An https, http, ftp or file address, or a path.", pattern=PATH)
    file: Place | None = setting(None, "Path below the folder `data`.", pattern=PATH)
    md5: str | None = setting(None, "MD5 of the file.", pattern="^[0-9a-f]{32}$")
    sha256: str | None = setting(None, "SHA-256 of the file.", pattern="^[0-9a-f]{64}$")
    sum: str | None = setting(
        None, "What the command `sum` prints of the file, as in Ensembl's CHECKSUMS.", pattern="^[0-9]{5} [0-9]+$"
    )
    checksum_url: Place | None = setting(None, "Address of a checksum file that names this file.")
    file_sha256: str | None = setting(
        None,
        "SHA-256 of `file` where that is another copy than the one at `url`, for which the other checksums are.",
        pattern="^[0-9a-f]{64}$",
    )
    confirmed: bool = setting(
        True, "Whether address and checksum were confirmed in public sources when the entry was written."
    )
    note: str | None = setting(None, "Remark on the origin of the file.")
    rename: Literal["", "add-chr", "strip-chr"] = setting(
        "", "How chromosome names are changed into those of the assembly; empty: not at all."
    )
    minimum: int = setting(1, "Rows required in the kept sequence; for motifs, in the file.", ge=0)


class Report(Section):
    """The HTML report."""

    title: str = setting("", "Title of the report; empty: `GROVER: ` and the name of the run.")
    palette: Literal["okabe-ito", "tol-bright"] = setting(
        "okabe-ito", "Colours of the figures; both palettes suit colour-blind readers."
    )


class Budget(Section):
    """The most that one start of the workflow may take, by the estimate of `make plan`; 0: no limit."""

    gpu_hours: float = setting(0, "GPU hours, summed over the GPUs of each job.", unit="hours", ge=0)
    cpu_hours: float = setting(0, "Core hours of the jobs without a GPU.", unit="hours", ge=0)
    disk_gb: float = setting(0, "Size of the results.", unit="GB", ge=0)
    gpu: str = setting("A100", "GPU type that the estimate is made for, a row of resources/gpus.tsv.")
