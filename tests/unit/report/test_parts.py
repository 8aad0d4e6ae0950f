"""Where sections find artefacts: tables whose names of contigs look like missing values, numbers or quoted texts."""

import pytest

from grover.genome.aliases import Synonyms
from grover.genome.contig_table import row, with_aliases, write_contig_table
from grover.report.parts import CONTIGS, Results
from grover.report.sections import genome


@pytest.mark.parametrize("names", [["NA", "chr2"], ["1", "2"], ['"chr1', 'chr2"']])
def test_names_of_contigs_stay_texts(tmp_path, names):
    (tmp_path / "genome").mkdir()
    counts = {"kept": 90, "segments": 1, "not_acgt": 10}
    rows = {name: row(name, 100, "kept", counts) for name in names}
    write_contig_table(tmp_path / CONTIGS, with_aliases(rows, Synonyms(), {}))
    (tmp_path / "genome/segments.bed").write_text("".join(f"{name}\t0\t90\ts{n}\n" for n, name in enumerate(names)))
    (tmp_path / "genome/folds.bed").write_text("".join(f"{name}\t0\t100\ttrain\n" for name in names))
    results = Results(tmp_path, [tmp_path / name for name in genome.NEEDS])
    assert results.table(CONTIGS)["contig"].tolist() == names
    assert results.table("genome/folds.bed")["chrom"].tolist() == names
    section = genome.section(results)
    assert section.findings == ["180 bases in 2 segments of 2 contigs are used, 90.0% of the bases of these contigs."]
