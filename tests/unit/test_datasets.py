"""Bound labels against bedtools, windows against plain strings, folds and leaks against hand-made examples."""

import numpy as np
import pandas as pd
import pybedtools
import pytest

from grover import datasets
from grover.errors import InputError
from grover.genome import Genome, encode

LENGTH = 20


def letters(rng, size: int) -> str:
    return "".join(rng.choice(list("ACGT"), size))


def opposite(sequence: str) -> str:
    return sequence[::-1].translate(str.maketrans("ACGT", "TGCA"))


def genome_of(folder, contigs: dict[str, str]) -> Genome:
    """A genome of contigs written as letters with N between their segments."""
    codes, rows = [], []
    for chrom, text in contigs.items():
        start = 0
        for piece in text.split("N"):
            if piece:
                rows.append(f"{chrom}\t{start}\t{start + len(piece)}\ts{len(rows)}\n")
                codes.append(encode(piece))
            start += len(piece) + 1
    np.save(folder / "sequence.npy", np.concatenate(codes))
    (folder / "segments.bed").write_text("".join(rows))
    return Genome(folder / "sequence.npy", folder / "segments.bed")


def folds_of(chrom: str, borders: list[int], names: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"chrom": chrom, "start": borders[:-1], "end": borders[1:], "fold": names})


def sites_of(chrom: str, starts, strands="+", labels=0, width: int = 6) -> pd.DataFrame:
    starts = np.asarray(starts)
    table = pd.DataFrame({"chrom": chrom, "start": starts, "end": starts + width, "strand": strands, "score": 1.0})
    return table.assign(label=labels, dropped="")


def test_bound_labels_are_those_of_bedtools():
    rng = np.random.default_rng(0)
    start = rng.integers(0, 50_000, 400)
    hits = pd.DataFrame({"chrom": rng.choice(["chr1", "chr2"], 400), "start": start, "end": start + 19})
    start = rng.integers(0, 50_000, 60)
    peaks = pd.DataFrame({"chrom": rng.choice(["chr1", "chr3"], 60), "start": start, "end": start + 200})
    middle = pd.DataFrame(
        {"chrom": hits["chrom"], "start": hits["start"] + 9, "end": hits["start"] + 10, "row": hits.index}
    )
    bound = pybedtools.BedTool.from_dataframe(middle).intersect(pybedtools.BedTool.from_dataframe(peaks), u=True)
    expected = np.isin(hits.index, [int(interval.name) for interval in bound])
    labels = datasets.motif_bound(hits, peaks)["label"]
    np.testing.assert_array_equal(labels, expected)
    assert 0 < expected.sum() < len(expected)


def test_summits_and_accessible_chromatin():
    peaks = pd.DataFrame({"chrom": "chr1", "start": [100], "end": [400], "summit": [50]})  # summit at 150
    accessible = pd.DataFrame({"chrom": ["chr1"], "start": [500], "end": [600]})
    hits = pd.DataFrame({"chrom": "chr1", "start": [150, 166, 179, 180, 550, 700]})
    hits["end"] = hits["start"] + 1
    sites = datasets.motif_bound(hits, peaks, accessible, summit=29)
    assert sites["label"].tolist() == [1, 1, 1, 0, 0, 0]
    far, closed = "in a peak, far from its summit", "unbound and not accessible"
    assert sites["dropped"].tolist() == ["", "", "", far, "", closed]


def test_windows_follow_the_strand_and_keep_to_segments_and_folds(tmp_path):
    rng = np.random.default_rng(1)
    chromosome = letters(rng, 300) + "N" * 10 + letters(rng, 300)
    genome = genome_of(tmp_path, {"chr1": chromosome})
    folds = folds_of("chr1", [0, 200, 220, 400, 610], ["train", "gap", "valid", "test"])
    starts = [50, 60, 3, 296, 290, 190, 205, 230, 396, 420, 496, 599]
    strands = list("+-+-+-+-+-+-")
    sites = sites_of("chr1", starts, strands, [0, 1] * 6)
    table, card = datasets.assemble(sites, genome, folds, LENGTH, minimum=0)
    expected = []
    for start, strand in zip(starts, strands, strict=True):
        left = start - 7  # (20 - 6) / 2 bases each side
        window = chromosome[max(left, 0) : left + LENGTH]
        fold = "train" if left + LENGTH <= 200 else "valid" if 220 <= left < left + LENGTH <= 400 else "test"
        if len(window) == LENGTH and "N" not in window and start not in (190, 205, 396):
            expected.append((window if strand == "+" else opposite(window), left, fold))
    assert list(table[["sequence", "start", "fold"]].itertuples(index=False, name=None)) == expected
    assert card["dropped"] == {"beyond its segment": 4, "in the gap between folds or across two": 3}
    assert card["examples"] + sum(card["dropped"].values()) == card["sites"] == 12
    gc = np.mean([(row[0].count("G") + row[0].count("C")) / LENGTH for row in expected])
    shares = table["label"].map(lambda label: card["gc"][str(label)]["mean"])
    assert shares.mean() == pytest.approx(gc)


@pytest.mark.parametrize("length", [20, 21])
@pytest.mark.parametrize("width", [5, 6])
def test_the_site_stands_at_one_place_on_both_strands(tmp_path, length, width):
    motif = "GATTCA"[:width]
    text = "C" * 50 + motif + "C" * 50 + opposite(motif) + "C" * 50
    genome = genome_of(tmp_path, {"chr1": text})
    sites = sites_of("chr1", [50, 100 + width], ["+", "-"], [0, 1], width)
    table, _ = datasets.assemble(sites, genome, folds_of("chr1", [0, len(text)], ["train"]), length, minimum=0)
    assert [sequence.find(motif) for sequence in table["sequence"]] == [(length - width) // 2] * 2


def test_no_sequence_is_in_two_folds_on_either_strand(tmp_path):
    rng = np.random.default_rng(2)
    first, second, third = (letters(rng, LENGTH) for _ in range(3))
    # train holds all three, one of them twice; valid the second backwards; test the first, and the second as it is
    pieces = [first, second, third, third, opposite(second), letters(rng, LENGTH), first, second]
    genome = genome_of(tmp_path, {"chr1": "".join(pieces)})
    folds = folds_of("chr1", [0, 80, 120, 160], ["train", "valid", "test"])
    sites = sites_of("chr1", 7 + LENGTH * np.arange(8))
    table, card = datasets.assemble(sites, genome, folds, LENGTH, minimum=0)
    assert table[["start", "fold"]].to_numpy().tolist() == [
        [40, "train"],
        [60, "train"],
        [100, "valid"],
        [120, "test"],
        [140, "test"],
    ]
    assert card["duplicates"] == {"within_folds": 1, "across_folds_same_strand": 2, "across_folds_either_strand": 3}
    assert card["dropped"] == {"its sequence is in another fold too": 3}


def many(tmp_path):
    genome = genome_of(tmp_path, {"chr1": letters(np.random.default_rng(3), 9000)})
    folds = folds_of("chr1", [0, 3000, 6000, 9000], ["train", "valid", "test"])
    starts = 10 + 25 * np.arange(350)
    return sites_of("chr1", starts, labels=(np.arange(350) % 5 == 0).astype(int)), genome, folds


def test_maximum_and_balance_draw_by_the_seed(tmp_path):
    sites, genome, folds = many(tmp_path)
    everything, whole = datasets.assemble(sites, genome, folds, LENGTH)
    few, card = datasets.assemble(sites, genome, folds, LENGTH, maximum=30)
    for fold, by_label in whole["counts"].items():
        assert card["counts"][fold] == {label: min(number, 30) for label, number in by_label.items()}
        assert max(by_label.values()) > 30
    equal, card = datasets.assemble(sites, genome, folds, LENGTH, maximum=30, balance=True)
    assert all(len(set(by_label.values())) == 1 for by_label in card["counts"].values())
    assert set(equal["start"]) < set(few["start"]) < set(everything["start"])
    again, _ = datasets.assemble(sites, genome, folds, LENGTH, maximum=30)
    other, _ = datasets.assemble(sites, genome, folds, LENGTH, maximum=30, seed=1)
    pd.testing.assert_frame_equal(few, again)
    assert set(other["start"]) != set(few["start"])


def test_too_few_examples_and_too_short_windows_are_refused(tmp_path):
    sites, genome, folds = many(tmp_path)
    with pytest.raises(InputError, match="fold train holds 24 bound examples but at least 50 are needed"):
        datasets.assemble(sites, genome, folds, LENGTH, labels=("unbound", "bound"), minimum=50)
    with pytest.raises(InputError, match="windows of 5 nt are shorter than their sites of 6"):
        datasets.assemble(sites, genome, folds, 5)
    with pytest.raises(InputError, match="no match in the genome"):
        datasets.motif_bound(sites.head(0), folds)


def test_overlap_between_folds_is_refused():
    windows = pd.DataFrame({"chrom": "chr1", "start": [0, 30, 45, 100], "fold": ["train", "train", "test", "test"]})
    windows["end"] = windows["start"] + 20
    with pytest.raises(InputError, match=r"chr1:30 \(train\) and 45 \(test\) overlap"):
        datasets.check_separation(windows)
    datasets.check_separation(windows.assign(chrom=["chr1", "chr1", "chr2", "chr2"]))


def test_builders_name_what_they_lack():
    assert datasets.choose_builder("motif-bound", ["hits", "peaks", "accessible"]).labels == ("unbound", "bound")
    with pytest.raises(InputError, match="unknown benchmark builder 'motif'; choose one of motif-bound"):
        datasets.choose_builder("motif", [])
    with pytest.raises(InputError, match="needs --peaks"):
        datasets.choose_builder("motif-bound", ["hits"])
    with pytest.raises(InputError, match="no use for --genes"):
        datasets.choose_builder("motif-bound", ["hits", "peaks", "genes"])


def test_blocks_number_stretches_of_contigs():
    table = pd.DataFrame({"chrom": ["chr1", "chr1", "chr1", "chr2"], "start": [0, 85, 95, 0]})
    assert datasets.blocks(table.assign(end=table["start"] + 20), 100).tolist() == [0, 0, 1, 2]
