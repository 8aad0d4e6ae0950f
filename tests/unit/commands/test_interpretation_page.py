"""The examples of docs/how-to/command-interpretation.md, run on tiny models."""

import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd

from tests.fakes.interpreting import CONTIGS, grover, world

PAGE = (Path(__file__).parents[3] / "docs/how-to/command-interpretation.md").read_text()
WRITTEN = [
    "scored.vcf.gz",
    "scored.vcf.gz.tbi",
    "logits.tsv",
    "bases.parquet",
    "logos.svg",
    "motifs/motifs.meme",
    "map.npz",
    "map.svg",
    "hub/hub.txt",
]


def test_its_commands(tmp_path, monkeypatch):
    folder = world(tmp_path / "world")
    for name, model in (("models/chosen", "pretrained"), ("finetuning/ctcf/chosen", "bound")):
        link = tmp_path / "results/demo" / name
        link.parent.mkdir(parents=True)
        link.symlink_to(folder / model)
    (tmp_path / "results/demo/benchmarks/ctcf").mkdir(parents=True)
    (tmp_path / "results/demo/benchmarks/ctcf/dataset.parquet").symlink_to(folder / "dataset.parquet")
    (tmp_path / "genome.fa").symlink_to(folder / "genome.fa")
    base = CONTIGS["chr1"][599]
    (tmp_path / "variants.vcf").write_text(
        f"#CHROM\tPOS\tID\tREF\tALT\nchr1\t600\t.\t{base}\t{'A' if base != 'A' else 'C'}\n"
    )
    (tmp_path / "loci.bed").write_text("chr1\t100\t140\n")
    (tmp_path / "sites.bed").write_text("chr1\t100\t130\ta\t0\t+\nchr1\t200\t230\tb\t0\t-\n")
    for name, first in (("bound", 20), ("unbound", 50)):
        (tmp_path / f"{name}.bed").write_text(
            "".join(f"chr1\t{start}\t{start + 30}\tx\t0\t{'+-'[start % 2]}\n" for start in range(first, 1340, 107))
        )
    monkeypatch.chdir(tmp_path)
    for line in re.search(r"```bash\n(.*?)```", PAGE, re.DOTALL)[1].splitlines():
        command = shlex.split(line)[1:]
        quick = {"importance": ["--null-examples", "1"], "motifs": ["--examples", "3"], "map": ["--shuffles", "1"]}
        grover(*command, *quick.get(command[0], []), *(["--device", "cpu"] if command[0] != "export" else []))
    assert all(Path(name).stat().st_size for name in WRITTEN)
    names: dict = {}
    exec(re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1], names)
    assert names["alleles"][["llr", "delta_logit"]].notna().all(axis=None)
    assert names["tracks"]["pos"].tolist() == [*range(100, 140)] and names["tracks"].notna().all(axis=None)
    written = np.load("map.npz")
    assert written["model"].shape == names["found"].arrays["model"].shape == (60, 60)
    np.testing.assert_allclose(names["found"].arrays["model"], written["model"], atol=1e-5)
    bases = pd.read_parquet("bases.parquet")
    np.testing.assert_allclose(names["bases"]["importance"], bases["importance"], atol=1e-5)
    assert len(names["motifs"].motifs) == len(names["motifs"].table)
