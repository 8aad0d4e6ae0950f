"""What the job of each rule asks for: memory and time limit as functions of the genome, its annotation and the examples of a task.

The numbers are in `resources/requests.tsv`. A job asks for its base and for `MEMORY` or `TIME` times what its data take by measurement. All
sizes are known before the first job: from finished files, else from the sources, else as hg19 has them per base. Nothing heavy is imported.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from grover.config.configuration import Configuration
from grover.config.files import file_name, installed, local_path
from grover.config.tables import numbered_lines, read_table
from grover.planning.costs import TRAIN_SHARE, TRAININGS, WORK, Run, expected_examples, regions, weights
from grover.planning.plan import Job, Machine, choose_machine, network_seconds
from grover.planning.runs import read_run
from grover.runtime.errors import InputError

MEMORY, TIME = 1.5, 4.0  # times what was measured, for other machines, busy file systems and data that are less regular
TRAINING = 3.0  # times what the plan expects of a network
RESUMES = "pretraining"  # kind of cost of jobs that come back by themselves at their time limit
ROUNDED = 100  # MB
# bytes of a row of annotation, compressed and plain, by a part of the file's name; the fewest that public files have
BYTES_PER_ROW = {".gtf": (14, 300), ".gff": (14, 150), ".vcf": (40, 70), "": (25, 40)}
GENES = (".gtf", ".gff")
PACKED, NO_ROWS = (".gz", ".bgz", ".xz"), (".bw", ".bigwig")
# of hg19, where files are not here yet: rows of GENCODE, of RepeatMasker and all others together, and of ClinVar
PER_BASE = {"genes": 1.1e-3, "rows": 2.5e-3, "variants": 1.3e-3}
CONTIGS = 20_000
LARGEST_CONTIG = 1_000_000_000  # wheat has 850 million; or the whole genome, where that is smaller
VARIANT_SOURCE = "variants"
TABLE, BASE = "resources/requests.tsv", "-"


@dataclass(frozen=True)
class Need:
    """MB and minutes without data, and per unit of each size; the kind of `grover.planning.costs` that the job is, empty for none."""

    mb: float
    minutes: float
    cost: str
    per: dict[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Sizes:
    """What jobs grow with.

    gigabases: kept bases, in 1e9; largest: of the longest contig; learnt: that byte pairs are learnt from, on both strands where they are.
    contigs: in thousands. genes, rows, variants: rows of GTF and GFF3, of other annotation and of variants, in millions. copies:
    megabases whose copies are looked for. regions: that are embedded, in thousands. parameters: of the largest network, in millions.
    processes: of a pretraining on CPUs beside the first.

    Sizes of a task, in 100,000, are no fields: examples, and of these `fitted`, that a baseline learns from with any seed or predicts.
    """

    gigabases: float
    largest: float
    learnt: float
    contigs: float
    genes: float
    rows: float
    variants: float
    copies: float
    regions: float
    parameters: float
    processes: int = 0


class Requests:
    """The requests of all jobs of a run. machine: on which networks are expected to run."""

    def __init__(self, needs: dict[str, Need], run: Run, sizes: Sizes, machine: Machine):
        self.needs, self.run, self.sizes, self.machine = needs, run, sizes, machine

    def megabytes(self, rule: str, task: str = "") -> int:
        """Return the memory that a job of a rule asks for; `task`: the task that it is of."""
        wanted = self.needs[rule].mb + MEMORY * sum(mb * size for (mb, _), size in self._grown(rule, task))
        return math.ceil(wanted / ROUNDED) * ROUNDED

    def minutes(self, rule: str, task: str = "", key: str = "", gpus: int = 0) -> int:
        """Return the time limit; `key`: the wildcards of the job, as in the name of its benchmark file."""
        row = self.needs[rule]
        wanted = row.minutes + TIME * sum(minutes * size for (_, minutes), size in self._grown(rule, task))
        if row.cost in WORK and row.cost != RESUMES:
            threads = 1 if row.cost in TRAININGS else self.run.settings.threads
            job = Job(rule, key or self.run.chosen, row.cost, threads, gpus=gpus)
            wanted = max(wanted, TRAINING * network_seconds(job, self.run, self.machine) / 60)
        return math.ceil(wanted)

    def _grown(self, rule: str, task: str) -> Iterator[tuple[tuple[float, float], float]]:
        for name, amounts in self.needs[rule].per.items():
            if name in ("examples", "fitted"):  # in 100,000
                examples = expected_examples(self.run, self.run.tasks[task])
                if name == "fitted":
                    most = self.run.settings.benchmarks.maximum_train * self.run.settings.finetuning.seeds
                    examples = min(TRAIN_SHARE * examples, most or math.inf) + (1 - TRAIN_SHARE) * examples
                yield amounts, examples / 1e5
            else:
                yield amounts, getattr(self.sizes, name)


def read_needs(installation: Path) -> dict[str, Need]:
    """Read the table: what a job of each rule needs."""
    needs: dict[str, Need] = {}
    for row in read_table(installation / TABLE):
        amounts = float(row["mb"]), float(row["minutes"])
        if row["size"] == BASE:
            needs[row["rule"]] = Need(*amounts, row["cost"].strip(BASE))
        else:
            needs[row["rule"]].per[row["size"]] = amounts
    return needs


def read_requests(needs: dict[str, Need], settings: Configuration, installation: Path) -> Requests:
    """Return the requests of a run. Networks are expected on `threads` cores or a GPU of `budget.gpu`, wherever the run is started."""
    run, _ = read_run(settings, installation)
    machine = choose_machine(settings, settings.threads, 0, settings.budget.gpu, installation)
    return Requests(needs, run, read_sizes(run, installation), machine)


def read_sizes(run: Run, installation: Path) -> Sizes:
    """Return the sizes of a run, by its finished genome, else by its sources."""
    settings, bases = run.settings, run.bases
    table = Path(settings.results, settings.run, "genome/contigs.tsv")
    if table.is_file():
        kept = [int(row["length"]) for row in read_table(table) if row["status"] == "kept"]
        contigs, largest = len(kept), max(kept, default=0)
    else:
        lengths = _lengths(settings, installation)
        contigs, largest = len(lengths) or CONTIGS, max(lengths, default=min(bases, LARGEST_CONTIG))
    both = 2 if settings.vocabulary.strands == "both" else 1
    return Sizes(
        gigabases=bases / 1e9,
        largest=largest / 1e9,
        learnt=both * settings.vocabulary.sample * bases / 1e9,
        contigs=contigs / 1e3,
        **{kind: rows / 1e6 for kind, rows in _rows(settings, bases, installation).items()},
        copies=bases / 1e6 if settings.folds.copies else 0.0,
        regions=regions(run) / 1e3,
        parameters=max(weights(run, name) for name in settings.vocabulary.candidates) / 1e6,
        processes=0 if settings.device == "cuda" else settings.threads - 1,
    )


def _lengths(settings: Configuration, installation: Path) -> list[int]:
    """Lengths of contigs that are not encoded yet, by `genome.sizes` or the index beside the FASTA; none without these."""
    listed = [installed(settings.genome.sizes, installation)] if settings.genome.sizes else []
    if "genome" in settings.sources:
        listed.append(Path(f"{_here(settings, 'genome', installation)}.fai"))
    for path in listed:
        if path.is_file():
            columns = [line.split() for _, line in numbered_lines(path)]
            return [int(row[1]) for row in columns if len(row) > 1 and row[1].isdigit()]
    return []


def _rows(settings: Configuration, bases: int, installation: Path) -> dict[str, float]:
    """Rows of the annotation by kind, by the sizes of files; where one is not here yet, at least as many as hg19 has per base."""
    rows = dict.fromkeys(PER_BASE, 0.0)
    for key in settings.sources:
        if key in ("genome", "regions"):
            continue
        path = _here(settings, key, installation)
        name = path.name.lower()
        form = next(form for form in BYTES_PER_ROW if form in name)
        kind = "variants" if key == VARIANT_SOURCE else "genes" if form in GENES else "rows"
        if not path.is_file():
            rows[kind] = max(rows[kind], PER_BASE[kind] * bases)
        elif not name.endswith(NO_ROWS):
            rows[kind] += path.stat().st_size // BYTES_PER_ROW[form][path.suffix not in PACKED]
    return rows


def _here(settings: Configuration, key: str, installation: Path) -> Path:
    """Where the file of a source is, or will be."""
    source = settings.sources[key]
    if source.simulated:
        return Path(settings.results, settings.run, "simulated", source.simulated)
    try:
        place = local_path(key, source, settings.data, installation)
    except InputError:  # the workflow says so when it looks for its sources
        place = None
    return Path(place) if place else Path(settings.downloads, key, file_name(source, None))
