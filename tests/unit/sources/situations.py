"""Files as users bring them: read by the check of all sources, and by the script of the stage that uses them.

A kind says where a file is named in the configuration; `outcomes` gives the sentence of the check and that of the script, None where
the file is taken.
"""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pandas as pd

from grover.annotation.tracks import read_tracks
from grover.config.benchmark_table import Task
from grover.config.sections.benchmarks import DatasetBuilding
from grover.config.sections.embeddings import CategoryOverlap
from grover.config.sections.interpretation import VariantReading
from grover.genome.contig_table import read_contig_table
from grover.runtime.errors import InputError
from grover.sources.check import Readings, check_sources
from grover.tokenization.vocabulary import Vocabulary
from tests.fakes.assembly import assembly, random_bases

ROOT = Path(__file__).resolve().parents[3]
BASES = {"chr1": random_bases(0, 2_000), "chr2": random_bases(1, 500)}
PEAKS = "".join(f"chr1\t{start}\t{start + 100}\t.\t0\t.\t1\t-1\t1\t50\n" for start in range(200, 1_000, 200))
MOTIF = "g0"
TRACKS = {
    "gtf": "category gene_name",
    "tss": "presence -",
    "bed": "presence -",
    "narrowPeak": "quantity signal",
    "bedgraph": "quantity -",
    "table": "quantity mark",
}


class Situations:
    """A folder with an encoded assembly (chr1, chr2) with folds."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.genome = assembly(folder / "genome", [(chrom, 0, text) for chrom, text in BASES.items()])
        self.contigs = folder / "contigs.tsv"
        rows = [f"{chrom}\t{len(text)}\t0\t0\t0\t0\t0\tkept\t\n" for chrom, text in BASES.items()]
        header = "contig\tlength\tkept\tsegments\tnot_acgt\ttoo_short\toutside_regions\tstatus\taliases\n"
        self.contigs.write_text(header + "".join(rows))
        self.folds = folder / "folds.bed"
        self.folds.write_text("".join(f"{chrom}\t0\t{len(text)}\ttest\n" for chrom, text in BASES.items()))
        self.peaks = folder / "peaks"
        self.peaks.write_text(PEAKS)
        self.scripts: dict[str, ModuleType] = {}

    def outcomes(self, kind: str, path: Path) -> tuple[str | None, str | None]:
        """Return the messages of the check and the script for a file; any other error than an `InputError` is raised."""
        check = said(lambda: check_sources(self._readings(kind, path), self.genome, read_contig_table(self.contigs)))
        return check, said(lambda: getattr(self, f"_use_{kind}", self._use_track)(path, kind))

    def _readings(self, kind: str, path: Path) -> Readings:
        if kind == "vcf":
            return Readings({"variants": path})
        if kind == "tokenizer":
            return Readings({}, outside={"other": path})
        if kind == "csv":
            return Readings({"s": path}, tasks={"t": Task("t", "csv", ("s",), ".", 0, 0, {})})
        if kind == "meme":
            options = {"motifs": "s", "motif": MOTIF}
            task = Task("t", "motif-bound", ("peaks",), "unbound", 50, 0, options)
            return Readings({"s": path, "peaks": self.peaks}, tasks={"t": task})
        return Readings({"s": path}, tracks=read_tracks(self._track_table(kind)))

    def _track_table(self, kind: str) -> Path:
        path = self.folder / f"{kind}.tracks.tsv"
        path.write_text(f"track\tsource\tformat\tkind\tcolumn\nt\ts\t{kind}\t" + "\t".join(TRACKS[kind].split()) + "\n")
        return path

    def _genome_files(self) -> dict[str, Path]:
        return {"sequence": self.folder / "genome/sequence.npy", "segments": self.folder / "genome/segments.bed"}

    def _script(self, name: str) -> Callable:
        if name not in self.scripts:
            specification = importlib.util.spec_from_file_location(name, ROOT / f"workflow/scripts/{name}.py")
            self.scripts[name] = importlib.util.module_from_spec(specification)
            specification.loader.exec_module(self.scripts[name])
        return getattr(self.scripts[name], name)

    def _use_vcf(self, path: Path, kind: str) -> None:
        table = self.folder / "alleles.parquet"
        self._script("read_variants")(
            variants=path,
            contigs=self.contigs,
            folds=self.folds,
            table=table,
            counts=self.folder / "alleles.json",
            reading=VariantReading(),
            effect_field="EFFECT",
            seed=0,
            **self._genome_files(),
        )
        assert (pd.read_parquet(table)["status"] == "ok").any()

    def _use_meme(self, path: Path, kind: str) -> None:
        self._script("scan_motif")(
            motifs=path, motif=MOTIF, threshold=0.01, output=self.folder / "hits.parquet", **self._genome_files()
        )

    def _use_tokenizer(self, path: Path, kind: str) -> None:
        made = self.folder / "vocabulary/tokenizer.json"
        self._script("build_vocabulary")(
            tokenizer=made, name="other", strands="forward", ranks=self.folder / "merges.tsv", outside=path
        )
        Vocabulary.load(made.parent)

    def _use_csv(self, path: Path, kind: str) -> None:
        dataset = self.folder / "dataset.parquet"
        self._script("build_dataset")(
            contigs=self.contigs,
            folds=self.contigs,
            dataset=dataset,
            built=self.folder / "built.json",
            task="t",
            builder="csv",
            source=[f"s={path}"],
            sites=["s"],
            negatives=".",
            building=DatasetBuilding(minimum=1),
            seed=0,
            **self._genome_files(),
        )
        assert len(pd.read_parquet(dataset))

    def _use_track(self, path: Path, kind: str) -> None:
        regions = self.folder / "regions.parquet"
        self.genome.segments[["chrom", "start", "end"]].to_parquet(regions)
        self._script("annotate_regions")(
            regions=regions,
            tracks=self._track_table(kind),
            contigs=self.contigs,
            output=self.folder / "annotation.parquet",
            overlap=CategoryOverlap(),
            source=[f"s={path}"],
        )


def said(function: Callable[[], object]) -> str | None:
    """The sentence with which a function refuses its input, None where it takes it."""
    try:
        function()
    except InputError as error:
        return str(error)
    return None
