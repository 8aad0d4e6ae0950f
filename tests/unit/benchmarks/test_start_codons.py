"""Start codons and their strata against a plain reading of every codon."""

import numpy as np
import pandas as pd
import pytest

from grover.benchmarks.builders import Surroundings, make_windows
from grover.benchmarks.datasets import assemble
from grover.benchmarks.start_codons import BEFORE_CODON, STRATA, find_start_codons, open_frames
from grover.genome.assembly import Genome
from grover.genome.bases import encode
from grover.runtime.errors import InputError

SIZE = 3_000
CODONS = ("ATG", "GTG", "TTG")
# start, end, strand, feature, phase, opens: two overlapping genes, one on each strand, one in two pieces, and a gene without product
ROWS = [
    (300, 600, "+", "CDS", 0, True),
    (590, 890, "+", "CDS", 0, True),
    (900, 1_200, "-", "CDS", 0, True),
    (1_300, 1_400, "+", "CDS", 0, True),
    (1_450, 1_551, "+", "CDS", 2, False),
    (1_300, 1_551, "+", "gene", 0, False),
    (2_000, 2_300, "+", "gene", 0, False),
]
GENES = pd.DataFrame(ROWS, columns=["start", "end", "strand", "feature", "phase", "opens"]).assign(chrom="chr1")


def opposite(text: str) -> str:
    return text[::-1].translate(str.maketrans("ACGT", "TGCA"))


@pytest.fixture(scope="module")
def genome(tmp_path_factory) -> Genome:
    folder = tmp_path_factory.mktemp("genome")
    text = "".join(np.random.default_rng(1).choice(list("ACGT"), SIZE))
    for start, codon in ((300, "ATG"), (590, "ATG"), (1_197, opposite("GTG")), (1_300, "CTG")):
        text = text[:start] + codon + text[start + 3 :]
    np.save(folder / "sequence.npy", encode(text))
    (folder / "segments.bed").write_text(f"chr1\t0\t{SIZE}\ts0\n")
    return Genome(folder / "sequence.npy", folder / "segments.bed")


def text_of(genome: Genome) -> str:
    return "".join(np.array(list("ACGT"))[genome.codes])


def stratum_of(start: int, strand: str) -> str:
    """The stratum of the codon at three bases of strand + from `start` on, read off the rows one by one."""
    inside = [False] * 3
    for first, end, of, feature, phase, _ in ROWS:
        if feature != "CDS":
            continue
        offset = start - first - phase if of == "+" else end - phase - start - 3
        if of == strand and offset >= 0 and offset % 3 == 0 and first <= start and start + 3 <= end:
            return "in-frame"
        inside = [known or first <= start + i < end for i, known in enumerate(inside)]
    if all(inside):
        return "out-of-frame"
    touches = any(start < end and start + 3 > first for first, end, *_ in ROWS)
    return "" if touches else "intergenic"


def test_strata_are_those_of_a_plain_reading(genome):
    sites, text = find_start_codons(GENES, genome), text_of(genome)
    starts = sites[sites["label"] == 1]
    assert sorted(zip(starts["border"], starts["strand"], starts["dropped"], strict=True)) == [
        (300, "+", ""),
        (590, "+", ""),
        (1_200, "-", ""),
        (1_300, "+", "no ATG, GTG or TTG at the start"),
    ]
    others = sites[sites["label"] == 0]
    for row in others.itertuples():
        start = row.border if row.strand == "+" else row.border - 3
        codon = text[start : start + 3] if row.strand == "+" else opposite(text[start : start + 3])
        assert codon in CODONS and stratum_of(start, row.strand) == row.stratum
    # two starts ATG and one GTG, so many of each codon in each stratum
    assert others.groupby("stratum").size().to_dict() == dict.fromkeys(STRATA, 3)
    assert others["strand"].nunique() == 2


def test_where_there_are_few_all_are_taken(genome):
    text = text_of(genome)
    starts = [place for place in range(2_300, SIZE - 9) if text[place : place + 3] == "ATG"]
    many = pd.concat([GENES, *[GENES.iloc[:1].assign(start=place, end=place + 9) for place in starts]])
    plain = [
        place
        for place in range(2_300)
        if text[place : place + 3] == "ATG" and place not in (300, 590) and stratum_of(place, "+") == "in-frame"
    ]
    sites = find_start_codons(many, genome)
    found = sites[(sites["stratum"] == "in-frame") & (sites["strand"] == "+") & (sites["border"] < 2_300)]["border"]
    assert [place for place in found if text[place : place + 3] == "ATG"] == plain and len(plain) < len(starts)


def test_open_frames_end_at_a_stop_an_unknown_base_or_the_end():
    text = "ATGAAATAAATGNCCATGAC"
    assert open_frames(encode(text), np.array([0, 9, 15, 1, 4])).tolist() == [2, 1, 1, 0, 2]
    rng = np.random.default_rng(0)
    text = "".join(rng.choice(list("ACGT"), 500))
    plain = []
    for place in range(498):
        codons = [text[i : i + 3] for i in range(place, 498, 3)]
        plain.append(next((i for i, codon in enumerate(codons) if codon in ("TAA", "TAG", "TGA")), len(codons)))
    assert open_frames(encode(text), np.arange(498)).tolist() == plain


def test_windows_hold_their_codon_behind_the_bases_upstream(genome):
    windows, labels = make_windows("start-codon", GENES, 100, {"upstream": "20"}, Surroundings(genome))
    assert labels == ("other codon", "start codon") and windows.attrs == {BEFORE_CODON: 20}
    folds = pd.DataFrame({"chrom": ["chr1"], "start": [0], "end": [SIZE], "fold": ["train"]})
    table, found = assemble(windows, genome, folds)
    assert set(table["sequence"].str[20:23]) <= set(CODONS) and found["dropped"]["no ATG, GTG or TTG at the start"] == 1
    assert set(table.loc[table["label"] == 1, "stratum"]) == {""}
    again, other = (make_windows("start-codon", GENES, 100, {}, Surroundings(genome), seed=seed)[0] for seed in (0, 1))
    assert again["score"].notna().all() and not again.equals(other)
    with pytest.raises(InputError, match="windows of 62 bases do not reach the end of the codon 60 bases downstream"):
        make_windows("start-codon", GENES, 62, {}, Surroundings(genome))


def test_a_window_across_the_origin_is_left_out(genome):
    genes = GENES.iloc[:1].assign(start=30, end=90)
    text = text_of(genome)
    genes["start"] = text.index("ATG", 5)
    genes["end"] = genes["start"] + 60
    windows, _ = make_windows("start-codon", genes, 100, {"upstream": "59"}, Surroundings(genome))
    folds = pd.DataFrame({"chrom": ["chr1"], "start": [0], "end": [SIZE], "fold": ["train"]})
    table, found = assemble(windows, genome, folds)
    assert (table["start"] >= 0).all() and found["dropped"]["beyond its segment"] >= (genes["start"] < 59).sum()
