"""The smallest configuration of a bacterium: defaults are chosen and said, and what it cannot have is left out and said."""

import pytest
import yaml

pytestmark = pytest.mark.workflow

GENES = """##gff-version 3
chr1\tRefSeq\tgene\t101\t400\t.\t+\t.\tID=gene-b0001;Name=thrL;locus_tag=b0001
chr1\tRefSeq\tCDS\t101\t400\t.\t+\t0\tID=cds-NP_1.1;Parent=gene-b0001;locus_tag=b0001
"""


def test_a_bacterium_is_planned_with_five_lines(installation):
    (installation.work / "genome.fa").write_text(">chr1\n" + "ACGTTGCATTAGGCATCA" * 5000 + "\n")
    (installation.work / "genes.gff").write_text(GENES)
    sources = {"genome": {"url": "genome.fa"}, "genes": {"url": "genes.gff"}}
    config = {"run": "small", "device": "cpu", "sources": sources}
    (installation.root / "config/own.yaml").write_text(yaml.safe_dump(config))
    done = installation.snakemake("--dry-run", config="config/own.yaml")
    assert done.returncode == 0, done.stdout
    said = "defaults for 0.1 Mb (the size of the file genome.fa) on the CPU"
    assert done.stdout.partition("rule ")[0].count(said) == 1
    assert "pretraining.size nano, pretraining.steps 4,000" in done.stdout
    assert "task donors is left out: genes.gff has 0 gaps between exons" in done.stdout
    assert "track repeat_class is left out: `sources` has no repeats" in done.stdout
    assert "rule probe_track:" in done.stdout and "rule finetune:" not in done.stdout
    assert "contains double" not in done.stdout


@pytest.mark.parametrize(("compare", "scored"), [(False, 1), (True, 2)])
def test_under_a_fixed_choice_the_chosen_vocabulary_is_scored_alone_unless_asked(installation, compare, scored):
    config = yaml.safe_load((installation.root / "config/test.yaml").read_text())
    config["selection"] |= {"method": "fixed", "vocabulary": "kmer-3", "compare": compare}
    (installation.root / "config/own.yaml").write_text(yaml.safe_dump(config))
    done = installation.snakemake("--dry-run", "models", "selection", config="config/own.yaml")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("rule next_kmer:") == scored and done.stdout.count("rule pretrain:") == 2
