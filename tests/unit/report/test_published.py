"""Published values stand beside those of a run on the whole of hg19, in its vocabulary, and nowhere else."""

import numpy as np
import pandas as pd
import pytest

from grover.report.parts import Results
from grover.report.published import beside_published, inapplicable
from grover.report.sections.atlas import NUMBERS, numbers_table
from grover.report.sections.tokens import effects_table

# hg19: four chromosomes that tell it from other assemblies, and the rest together
LENGTHS = [249_250_621, 81_195_210, 63_025_520, 51_304_566, 2_600_000_000]
KEPT = [225_280_621, 77_795_210, 59_505_520, 34_894_545, 2_460_000_000]


def contigs(lengths, kept) -> pd.DataFrame:
    return pd.DataFrame({"contig": [f"c{i}" for i in range(len(kept))], "length": lengths, "kept": kept})


@pytest.mark.parametrize(
    ("lengths", "kept", "bases"),
    [
        ([4_641_652], [4_641_652], "4,641,652"),
        (LENGTHS[:4], [9_516_492, 7_600_000, 3_265_000, 5_699_979], "26,081,471"),  # a part of hg19
        ([248_956_422, *LENGTHS[1:]], KEPT, "2,857,475,896"),  # chr1 of hg38
        (LENGTHS, [0, *KEPT[1:]], "2,632,195,275"),  # without chr1
    ],
)
def test_values_of_the_human_genome_do_not_apply_to_another_or_to_a_part(lengths, kept, bases):
    assert inapplicable(contigs(lengths, kept)) == (
        f"Published values are of the whole of hg19 (about 2.9 Gb) and do not apply to this run of {bases} bases; none is compared."
    )


def test_they_apply_to_hg19_under_any_names_in_the_vocabulary_of_the_paper(tmp_path):
    table = contigs(LENGTHS, KEPT)
    assert inapplicable(table) == ""
    path = tmp_path / "genome/contigs.tsv"
    path.parent.mkdir()
    table.to_csv(path, sep="\t", index=False)
    results = Results(tmp_path, [path])
    assert beside_published(results, "bpe-600") and not beside_published(results, "bpe-300")
    assert not beside_published(Results(tmp_path, []), "bpe-600")


def test_the_column_of_the_paper_is_there_only_where_it_applies():
    summary = {key: ["A"] if "longest" in key else {} if key == "lone_bases" else 1 for _, key, _ in NUMBERS}
    summaries = {"observed": summary | {"published": {"mean_length": "4.07"}}}
    assert list(numbers_table(summaries, paper=False).columns) == ["number", "genome"]
    table = numbers_table(summaries, paper=True)
    assert table.iloc[0].tolist() == ["bases per token", "4.07", "1.00"]


def test_correlations_stand_beside_published_ones_only_where_there_are_any():
    row = {"source": "layer 1", "component": "PC1", "property": "gc", "spearman": 0.9, "low": 0.8, "high": 0.95}
    known = pd.DataFrame([row | {"published": -0.96}])
    best = {"layer 1": known.set_index("property")}
    assert effects_table(best, known, ["layer 1"])["paper"].tolist() == ["PC1 -0.96"]
    assert "paper" not in effects_table(best, known.assign(published=np.nan), ["layer 1"])
