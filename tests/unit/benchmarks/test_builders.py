"""Bound labels against bedtools, windows around sites against plain strings, splice sites of hand-made genes, and the sites of the
folder GROVER_DATA."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pybedtools
import pytest

from grover.benchmarks import builders
from grover.config.benchmark_table import BUILDERS
from grover.genome.assembly import Genome
from grover.genome.bases import encode
from grover.intervals.formats import read_bed
from grover.intervals.overlaps import inside, overlaps
from grover.intervals.sites import read_masked, read_peaks, read_tss
from grover.runtime.errors import InputError


def random_bases(rng, size: int) -> str:
    return "".join(rng.choice(list("ACGT"), size))


def opposite(sequence: str) -> str:
    return sequence[::-1].translate(str.maketrans("ACGT", "TGCA"))


def genome_of(folder, text: str) -> Genome:
    """A genome of one contig `chr1` of one segment."""
    np.save(folder / "sequence.npy", encode(text))
    (folder / "segments.bed").write_text(f"chr1\t0\t{len(text)}\ts0\n")
    return Genome(folder / "sequence.npy", folder / "segments.bed")


def read(text: str, windows: pd.DataFrame) -> list[str]:
    """The sequence of each window along its strand."""
    cut = [(text[row.start : row.end], row.strand) for row in windows.itertuples()]
    return [opposite(part) if strand == "-" else part for part, strand in cut]


def starts_of(places: list[int], strands: list[str]) -> pd.DataFrame:
    table = pd.DataFrame({"chrom": "chr1", "start": places, "strand": strands})
    return table.assign(end=table["start"] + 1)


def test_promoters_hold_their_start_behind_the_bases_upstream():
    text = "c" * 400 + "A" + "g" * 400 + "T" + "c" * 400
    windows, labels = builders.prom300(starts_of([400, 801], ["+", "-"]), 300)
    found = [part.upper() if strand == "+" else part for part, strand in zip(read(text, windows), "+-", strict=True)]
    assert [part[249] for part in found] == ["A", "A"] and {len(part) for part in found} == {300}
    assert windows["start"].tolist() == [151, 751]  # -249..+50
    assert labels == ("no promoter", "promoter") and set(windows["label"]) == {1}
    assert builders.prom300(starts_of([400], ["+"]), 70, upstream=10)[0]["start"].tolist() == [390]
    with pytest.raises(InputError, match="windows of 200 bases do not reach the start 249 bases downstream"):
        builders.prom300(starts_of([400], ["+"]), 200)


def test_a_scan_goes_once_over_neighbouring_starts():
    tss = starts_of([5_000, 7_000, 40_000, 200], list("+-+-"))
    windows, _ = builders.promscan(tss, 101, reach=1_000, step=50)
    stretches = [(0, 1_201), (4_000, 8_001), (39_000, 41_001)]
    begins = [windows.loc[windows["start"] >= first, "start"].min() for first, _ in stretches]
    assert all(first <= begin < first + 50 for begin, (first, _) in zip(begins, stretches, strict=True))
    expected = [
        start for begin, (_, last) in zip(begins, stretches, strict=True) for start in range(begin, last - 100, 50)
    ]
    assert windows["start"].tolist() == expected and (windows["end"] - windows["start"]).unique().tolist() == [101]
    inside = [any(start <= place < start + 101 for place in tss["start"]) for start in expected]
    assert windows["label"].tolist() == inside and 0 < sum(inside) < len(inside)
    with pytest.raises(InputError, match="windows of 101 bases do not fit into 20 bases on both sides"):
        builders.promscan(tss, 101, reach=20)
    alone, _ = builders.promscan(tss[2:3], 1_001)
    assert len(alone) in (30, 31) and alone["label"].sum() in (3, 4)
    # windows as long as the stretch have one place
    assert builders.promscan(tss[2:3], 2_001, reach=1_000)[0]["start"].tolist() == [39_000]


def test_starts_stand_anywhere_in_the_windows_of_a_scan():
    tss = starts_of(list(10_000 + 20_000 * np.arange(3_000)), ["+"] * 3_000)
    windows, _ = builders.promscan(tss, 1_001, seed=1)
    hit = windows[windows["label"] == 1]
    place = tss["start"].to_numpy()[(hit["start"] + 500) // 20_000] - hit["start"].to_numpy()
    assert place.min() >= 0 and place.max() <= 1_000
    # of 20 parts of the window; the 3 or 4 windows of a start depend on each other, so that the spread is below Poisson's
    counts = np.histogram(place, 20, (0, 1_001))[0]
    assert counts.min() > 0.8 * counts.mean() and counts.max() < 1.2 * counts.mean()
    again, other = (
        builders.make_windows("promscan", tss, 1_001, {}, builders.Surroundings(None), seed=seed)[0] for seed in (1, 2)
    )
    assert again.equals(windows) and not other.equals(windows)


def test_bound_labels_are_those_of_bedtools():
    rng = np.random.default_rng(0)
    start = rng.integers(0, 50_000, 400)
    hits = pd.DataFrame({"chrom": rng.choice(["chr1", "chr2"], 400), "start": start, "end": start + 19, "strand": "+"})
    start = rng.integers(0, 50_000, 60)
    peaks = pd.DataFrame({"chrom": rng.choice(["chr1", "chr3"], 60), "start": start, "end": start + 200})
    middle = pd.DataFrame(
        {"chrom": hits["chrom"], "start": hits["start"] + 9, "end": hits["start"] + 10, "row": hits.index}
    )
    bound = pybedtools.BedTool.from_dataframe(middle).intersect(pybedtools.BedTool.from_dataframe(peaks), u=True)
    expected = np.isin(hits.index, [int(interval.name) for interval in bound])
    labels = builders.motif_bound(hits, peaks, 100)[0]["label"]
    np.testing.assert_array_equal(labels, expected)
    assert 0 < expected.sum() < len(expected)


def test_summits_and_accessible_chromatin():
    peaks = pd.DataFrame({"chrom": "chr1", "start": [100], "end": [400], "summit": [50]})  # summit at 150
    states = pd.DataFrame({"chrom": "chr1", "start": [500, 690], "end": [600, 720], "name": ["E1", "E2"]})
    hits = pd.DataFrame({"chrom": "chr1", "start": [150, 166, 179, 180, 550, 700], "strand": "+"})
    hits["end"] = hits["start"] + 1
    accessible = builders.of_states(states, ["E1"])
    sites, _ = builders.motif_bound(hits, peaks, 20, accessible, summit=29)
    assert sites["label"].tolist() == [1, 1, 1, 0, 0, 0]
    far, closed = "in a peak, far from its summit", "unbound and not accessible"
    assert sites["dropped"].tolist() == ["", "", "", far, "", closed]
    assert builders.motif_bound(hits, peaks, 20, states, 29)[0]["dropped"].tolist()[-1] == ""
    with pytest.raises(InputError, match="no interval in the genome has the name 'E3' .* names are E1, E2"):
        builders.of_states(states, ["E1", "E3"])
    with pytest.raises(InputError, match="no match in the genome"):
        builders.motif_bound(hits.head(0), peaks, 20)
    with pytest.raises(InputError, match="windows of 5 nt are shorter than their sites of 6"):
        builders.motif_bound(hits.assign(end=hits["start"] + 6), peaks, 5)


@pytest.mark.parametrize("length", [20, 21])
@pytest.mark.parametrize("width", [5, 6])
def test_a_motif_stands_at_one_place_on_both_strands(length, width):
    motif = "GATTCA"[:width]
    text = "C" * 50 + motif + "C" * 50 + opposite(motif) + "C" * 50
    hits = pd.DataFrame({"chrom": "chr1", "start": [50, 100 + width], "strand": ["+", "-"], "score": 9.0})
    peaks = pd.DataFrame({"chrom": "chr1", "start": [40], "end": [70]})
    windows, _ = builders.motif_bound(hits.assign(end=hits["start"] + width), peaks, length)
    assert [part.find(motif) for part in read(text, windows)] == [(length - width) // 2] * 2
    assert windows["label"].tolist() == [1, 0] and windows["score"].tolist() == [9, 9]


def test_summits_stand_in_the_middle():
    peaks = pd.DataFrame({"chrom": "chr1", "start": [100, 500], "end": [300, 600], "summit": [20, 70], "strand": "."})
    for length in (100, 101):
        windows, _ = builders.tfbs(peaks, length)
        assert windows[["start", "end", "strand"]].to_numpy().tolist() == [
            [70, 70 + length, "."],
            [520, 520 + length, "."],
        ]


def test_regions_are_labelled_by_their_names():
    bed = pd.DataFrame({"chrom": "chr1", "start": [100, 0, 300], "end": [200, 10, 301], "name": ["b", "c", "a"]})
    windows, labels = builders.regions(bed, 40)
    assert labels == ("a", "b", "c") and windows["label"].tolist() == [1, 2, 0]
    assert windows["start"].tolist() == [130, -15, 280]
    windows, labels = builders.regions(bed, 40, ["c", "b"])
    assert labels == ("c", "b") and windows["label"].tolist() == [1, 0]
    windows, labels = builders.regions(bed, 40, ["b"], derived=True)
    assert labels == ("background", "region") and windows["start"].tolist() == [130]
    assert len(builders.regions(bed.drop(columns="name"), 40, derived=True)[0]) == 3
    with pytest.raises(
        InputError, match="no region in the genome has the name 'd' given in `labels`; names are a, b, c"
    ):
        builders.regions(bed, 40, ["a", "d"])
    with pytest.raises(InputError, match="the BED of the regions has no names"):
        builders.regions(bed.drop(columns="name"), 40)
    with pytest.raises(InputError, match="have 1 different names, but 2 to 50 labels are expected"):
        builders.regions(bed[:1], 40)


# Splice sites


def gene_on(strand: str) -> tuple[str, pd.DataFrame]:
    """A chromosome with a gene of two introns, one of which begins with GC; the gene lies at 100..1500 on its strand."""
    rng = np.random.default_rng(4)
    text = list(random_bases(rng, 1600))
    text[400:402], text[698:700], text[900:902], text[1198:1200] = "GT", "AG", "GC", "AG"
    text = "".join(text)
    introns = np.array([[400, 700], [900, 1200]])
    if strand == "-":
        text, introns = opposite(text), 1600 - introns[:, ::-1]
    table = pd.DataFrame(introns, columns=["start", "end"]).assign(chrom="chr1", strand=strand, gene="G")
    return text, table.assign(gene_start=100, gene_end=1500)


@pytest.mark.parametrize("strand", ["+", "-"])
@pytest.mark.parametrize("length", [400, 41])
def test_splice_sites_and_what_looks_like_them(tmp_path, strand, length):
    text, junctions = gene_on(strand)
    genome, half = genome_of(tmp_path, text), length // 2
    windows, labels = builders.splice(junctions, genome, length, "both")
    assert labels == ("acceptor", "donor", "neither")
    left = windows["dropped"] != ""
    assert windows[left]["dropped"].tolist() == ["no GT or AG at the border"] and windows[left]["label"].tolist() == [1]
    kept = windows[~left]
    place = kept["start"] + half if strand == "+" else len(text) - (kept["end"] - half)  # along the strand
    assert place[kept["label"] == 1].tolist() == [400]
    assert sorted(place[kept["label"] == 0]) == [700, 1200]
    free = place[kept["label"] == 2]
    assert len(free) in (1, 2) and not set(free) & {400, 700, 900, 1200} and free.between(100, 1500).all()
    along = text if strand == "+" else opposite(text)
    donors, acceptors = ([along[at + 0 : at + 2] == "GT" for at in place], [along[at - 2 : at] == "AG" for at in place])
    assert all(np.array(donors)[kept["label"] == 1]) and all(np.array(acceptors)[kept["label"] == 0])
    assert all(np.array(donors)[kept["label"] == 2] | np.array(acceptors)[kept["label"] == 2])
    if length == 400 and strand == "+":
        assert [
            read(text, kept[kept["label"] == label])[0][slice(*at)] for label, at in ((1, (200, 202)), (0, (198, 200)))
        ] == ["GT", "AG"]


@pytest.mark.parametrize("kind", ["donor", "acceptor"])
def test_one_kind_of_splice_site_has_as_many_negatives(tmp_path, kind):
    text, junctions = gene_on("+")
    genome = genome_of(tmp_path, text)
    windows, labels = builders.splice(junctions, genome, 40, kind)
    kept = windows[windows["dropped"] == ""]
    assert labels == ("neither", kind) and kept["label"].value_counts().nunique() == 1
    pair = {"donor": slice(20, 22), "acceptor": slice(18, 20)}[kind]
    assert {part[pair] for part in read(text, kept)} == {"GT" if kind == "donor" else "AG"}
    again, other = (builders.splice(junctions, genome, 40, kind, seed)[0] for seed in (0, 1))
    assert again.equals(windows) and not other.equals(windows)


# What a task may say


def test_every_builder_of_the_table_but_csv_makes_windows(tmp_path):
    text, junctions = gene_on("+")
    genome = genome_of(tmp_path, text)
    peaks = pd.DataFrame({"chrom": "chr1", "start": [100], "end": [300], "summit": [20], "strand": "+", "name": "x"})
    hits = starts_of([200], ["+"]).assign(score=1.0)
    coding = hits.assign(feature="CDS", phase=0, opens=True, end=500)
    sites = {"tss": hits, "narrowPeak": peaks, "splice": junctions, "bed": peaks, "coding": coding}
    for name, builder in BUILDERS.items():
        if name == "csv":
            with pytest.raises(InputError, match="csv makes no windows"):
                builders.make_windows(name, peaks, 300, {}, builders.Surroundings(genome))
            continue
        table, labels = builders.make_windows(
            name, sites[builder.format], 300, {}, builders.Surroundings(genome, hits), derived=True
        )
        assert {*("chrom", "start", "end", "strand", "label", "score", "dropped")} <= set(table)
        assert ((table["end"] - table["start"]) == 300).all() and len(labels) > table["label"].max()
    with pytest.raises(InputError, match="motif-bound needs --hits"):
        builders.make_windows("motif-bound", peaks, 300, {}, builders.Surroundings(genome))


# Readers of sites


def test_starts_of_epdnew_are_where_its_thick_part_begins(tmp_path):
    path = tmp_path / "epd.bed"
    path.write_text(
        "chr1 894625 894685 KLHL17_1 900 + 894674 894685\nchr1 100 160 X_1 900 - 100 111\nchr1 5 6 Y 0 - 5 6\n"
    )
    assert read_tss(path)[["start", "end", "strand"]].to_numpy().tolist() == [
        [894674, 894675, "+"],
        [110, 111, "-"],
        [5, 6, "-"],
    ]
    for row in (
        "chr1 0 60 a 0 + 0 60",
        "chr1 0 60 a 0 - 49 60",
        "chr1 0 60 a 0 + 20 40",
        "chr1 0 60 a 0 +",
        "chr1 0 1 a 0 .",
    ):
        path.write_text(f"# two columns\nchr1 5 6 Y 0 - 5 6\n{row}\n")
        with pytest.raises(InputError, match="epd.bed, line (2|3): "):
            read_tss(path)


def test_rows_commented_out_are_no_sites(tmp_path):
    """Comments with as many columns as the rows are not counted, and the line that is named is that of the file."""
    path, row = tmp_path / "sites", "chr1\t{}\t{}\ta\t0\t+\n"
    text = "#" + row.format(1, 9) + row.format(10, 11) + "#" + row.format(5, 9) + row.format(20, 21)
    path.write_text(text)
    assert read_tss(path)["start"].tolist() == read_masked(path)["start"].tolist() == [10, 20]
    path.write_text(text + row.format(30, 60))
    with pytest.raises(InputError, match=r"sites, line 5: expected a BED6 row of one base .* \(chr1 30 60 a 0 \+\)"):
        read_tss(path)
    peak = "chr1\t100\t200\t.\t0\t.\t1\t-1\t1\t{}\n"
    path.write_text("#" + peak.format(1) + peak.format(7) + "#" + peak.format(1) + peak.format(-1))
    with pytest.raises(InputError, match="sites, line 4: the summit of this peak"):
        read_peaks(path, summits=True)


def test_a_peak_file_without_summits_is_refused(tmp_path):
    path, row = tmp_path / "peaks", "chr1\t100\t200\t.\t0\t.\t1\t-1\t1\t{}\n"
    path.write_text(row.format(7) + "#\n" + row.format(-1))
    assert read_peaks(path)["summit"].tolist() == [7, 50]
    with pytest.raises(InputError, match=r"peaks, line 3: the summit of this peak \(column 10\) is not called"):
        read_peaks(path, summits=True)
    path.write_text("chr1\t100\t200\t.\t0\t.\t1\t-1\t1\n")
    with pytest.raises(InputError, match="a summit for each peak is needed but the file has 9 columns"):
        read_peaks(path, summits=True)
    path.write_text(row.format(7))
    assert read_peaks(path, summits=True).equals(read_peaks(path))


def test_repeats_are_a_bed_or_the_table_of_ucsc(tmp_path):
    path = tmp_path / "repeats"
    path.write_text("chr1\t5\t9\n")
    assert read_masked(path).to_numpy().tolist() == [["chr1", 5, 9]]
    path.write_text("607\t1\t1\t1\t1\tchr1\t10\t20\t-1\t+\tAluY\tSINE\tAlu\t1\t9\t0\t1\n")
    assert read_masked(path)[["chrom", "start", "end"]].to_numpy().tolist() == [["chr1", 10, 20]]


@pytest.mark.skipif("GROVER_DATA" not in os.environ, reason="GROVER_DATA is not set")
def test_the_data_holds_the_sites_that_its_readme_counts():
    data = Path(os.environ["GROVER_DATA"]) / "hg19"
    sequence = read_bed(data / "genome/regions.bed")
    assert overlaps(read_tss(data / "genes/epdnew.hg19.bed.gz"), sequence).sum() == 662
    for name, number in (("GM12878.CTCF", 672), ("K562.CTCF", 1_028), ("GM12878.RAD21", 515)):
        windows, _ = builders.tfbs(read_peaks(data / f"ctcf/{name}.narrowPeak.gz", summits=True), 1)
        assert abs(inside(windows, sequence).sum() - number) <= 1
