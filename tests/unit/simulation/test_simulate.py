"""The simulated genome against its own truth, read back from the files with independent readers."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyfaidx
import pysam
import pytest
from memelite.io import read_meme
from sklearn.metrics import roc_auc_score

from grover.runtime.errors import InputError
from grover.simulation.simulate import simulate

SCRIPT = Path(__file__).parents[3] / "workflow/scripts/simulate_genome.py"
FILES = {
    "genome": "genome.fa.gz",
    "repeats": "rmsk.txt.gz",
    "peaks": "ctcf.narrowPeak.gz",
    "motifs": "motifs.meme",
    "genes": "genes.gtf.gz",
    "tss": "tss.bed.gz",
    "islands": "cpg_islands.bed.gz",
    "states": "chromatin_states.bed.gz",
    "replication": "replication_timing.bedgraph.gz",
    "variants": "variants.vcf.gz",
    "noise": "noise.bed.gz",
    "truth": "truth.json",
}
GTF = "chrom source feature start end score strand frame attributes"
COMPLEMENT = str.maketrans("ACGTNacgtn", "TGCANtgcan")


def run(folder: Path, bases: int, seed: int) -> Path:
    options = [item for name, file in FILES.items() for item in (f"--{name}", folder / file)]
    command = [sys.executable, SCRIPT, *options, "--bases", bases, "--contigs", 3, "--seed", seed]
    subprocess.run(list(map(str, command)), check=True)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return run(tmp_path_factory.mktemp("simulated"), 500_000, 7)


@pytest.fixture(scope="module")
def genome(folder):
    return {record.name: str(record) for record in pyfaidx.Fasta(str(folder / FILES["genome"]))}


@pytest.fixture(scope="module")
def truth(folder):
    return json.loads((folder / FILES["truth"]).read_text())


def rows(folder, name, columns):
    return pd.read_csv(folder / FILES[name], sep="\t", header=None, names=columns.split())


def along(genome, chrom, start, end, strand):
    """Upper-case sequence of an interval in the direction of its strand."""
    sequence = genome[chrom][start:end].upper()
    return sequence if strand == "+" else sequence.translate(COMPLEMENT)[::-1]


def cpg_ratio(sequence):
    """Observed against expected CpG."""
    return sequence.count("CG") * len(sequence) / (sequence.count("C") * sequence.count("G"))


def test_contigs_add_up_and_hold_gaps(genome, truth):
    assert list(genome) == ["chr1", "chr2", "chr3", "chrUn_demo1", "chrM"]
    assert {name: len(sequence) for name, sequence in genome.items()} == {
        contig["name"]: contig["length"] for contig in truth["contigs"]
    }
    assert sum(len(genome[name]) for name in ("chr1", "chr2", "chr3")) == pytest.approx(500_000, abs=3)
    for name in ("chr1", "chr2", "chr3"):
        runs = [match.span() for match in re.finditer("N+", genome[name])]
        assert runs[0][0] == 0 and runs[-1][1] == len(genome[name])
        assert len(runs) >= 6 and set(genome[name].upper()) == set("ACGTN")
        assert min(start - end for (_, end), (start, _) in zip(runs, runs[1:], strict=False)) == 12


def test_repeats_are_lower_case_and_nothing_else_is(folder, genome, truth):
    columns = "bin score div del ins chrom start end left strand name class family from to rest id"
    repeats = rows(folder, "repeats", columns)
    masked = {name: np.zeros(len(sequence), dtype=bool) for name, sequence in genome.items()}
    for repeat in repeats.itertuples():
        masked[repeat.chrom][repeat.start : repeat.end] = True
    for name, sequence in genome.items():
        lower = np.array([base.islower() for base in sequence])
        assert (lower == masked[name]).all()
    assert 0.3 < np.concatenate(list(masked.values())).mean() < 0.42
    assert {"SINE", "LINE", "LTR", "DNA", "Satellite", "Simple_repeat"} == set(repeats["class"])
    assert set(repeats.strand) == {"+", "-"}
    lengths = repeats.chrom.map({name: len(sequence) for name, sequence in genome.items()})
    assert (repeats.left == repeats.end - lengths).all()
    interspersed = repeats[repeats["class"].isin(["SINE", "LINE", "LTR", "DNA"])]
    full = interspersed.name.map({family["name"]: len(family["consensus"]) for family in truth["families"]})
    plus = interspersed.strand == "+"
    assert (interspersed["from"].where(plus, interspersed.rest) >= 1).all()
    assert (interspersed.rest.where(plus, interspersed["from"]) == interspersed.to - full).all()


def test_repeat_copies_follow_their_consensus_on_their_strand(genome, truth):
    consensus = {family["name"]: family["consensus"] for family in truth["families"]}
    checked = 0
    for repeat in truth["repeats"]:
        if repeat["name"] == "AluDemoY" and repeat["deletions"] == repeat["insertions"] == 0:
            copy = along(genome, repeat["chrom"], repeat["start"], repeat["end"], repeat["strand"])
            part = consensus["AluDemoY"][repeat["consensus_start"] : repeat["consensus_end"]]
            assert sum(a != b for a, b in zip(copy, part, strict=False)) == repeat["substitutions"]
            assert copy[len(part) :].count("A") > 0.7 * (len(copy) - len(part))
            checked += 1
    assert checked > 2


def test_introns_of_both_strands_run_from_gt_to_ag(folder, genome):
    genes = rows(folder, "genes", GTF)
    exons = genes[genes.feature == "exon"]
    transcript = exons.attributes.str.extract('transcript_id "([^"]+)"')[0]
    introns = {"+": 0, "-": 0}
    for _, own in exons.groupby(transcript):
        own = own.sort_values("start")
        for left, right in zip(own.end, own.start[1:], strict=False):
            intron = along(genome, own.chrom.iloc[0], left, right - 1, own.strand.iloc[0])
            assert intron[:2] == "GT" and intron[-2:] == "AG"
            introns[own.strand.iloc[0]] += 1
        numbers = own.attributes.str.extract(r"exon_number (\d+)")[0].astype(int).tolist()
        assert numbers == sorted(numbers, reverse=own.strand.iloc[0] == "-")
    assert min(introns.values()) > 10


def test_starts_of_transcription_are_the_first_bases_of_the_genes(folder):
    genes = rows(folder, "genes", GTF).query("feature == 'gene'")
    expected = set(zip(genes.chrom, genes.start.where(genes.strand == "+", genes.end), genes.strand, strict=True))
    tss = rows(folder, "tss", "chrom start end name score strand")
    assert set(zip(tss.chrom, tss.end, tss.strand, strict=True)) == expected
    assert (tss.end == tss.start + 1).all()


def test_cpg_is_depleted_outside_islands_and_kept_inside(folder, genome):
    islands = rows(folder, "islands", "chrom start end")
    inside = "".join(genome[row.chrom][row.start : row.end].upper() for row in islands.itertuples())
    outside = re.sub("[acgtN]+", "", genome["chr1"])
    assert cpg_ratio(outside) < 0.45 < 0.75 < cpg_ratio(inside)
    tss = rows(folder, "tss", "chrom start end name score strand")
    pairs = tss.merge(islands, on="chrom", suffixes=("", "_island"))
    covered = pairs[(pairs.start_island <= pairs.start) & (pairs.end_island > pairs.start)].name.nunique()
    assert 0.4 < covered / len(tss) < 1


def test_the_matrix_alone_tells_nothing_and_the_planted_rule_tells_all(folder, genome, truth):
    probabilities = np.array(truth["motif"]["matrix"])
    bound, score, oracle = [], [], []
    peaks = rows(folder, "peaks", "chrom start end name score strand signal p q peak")
    partner = truth["partner"]["consensus"]
    for site in truth["sites"]:
        instance = along(genome, site["chrom"], site["start"], site["end"], site["strand"])
        codes_of_instance = ["ACGT".index(base) for base in instance]
        score.append(np.log2(probabilities[np.arange(len(codes_of_instance)), codes_of_instance]).sum())
        reach = truth["partner"]["max_distance"]
        right = (site["end"], site["end"] + reach) if site["strand"] == "+" else (site["start"] - reach, site["start"])
        context = along(genome, site["chrom"], *right, site["strand"])
        places = [context[i : i + len(partner)] for i in range(len(context) - len(partner) + 1)]
        oracle.append(min(sum(a != b for a, b in zip(place, partner, strict=True)) for place in places) <= 2)
        middle = (site["start"] + site["end"]) // 2
        bound.append(((peaks.chrom == site["chrom"]) & (peaks.start <= middle) & (peaks.end > middle)).any())
    assert bound == [site["bound"] for site in truth["sites"]]
    assert 0.42 < np.mean(bound) < 0.58
    assert 0.43 < roc_auc_score(bound, score) < 0.57
    assert roc_auc_score(bound, oracle) > 0.9
    assert len({site["partner"] for site in truth["sites"]}) == 4
    summits = peaks.start + peaks.peak
    assert (summits < peaks.end).all() and (peaks.end - peaks.start).between(150, 400).all()


def test_sites_are_apart_from_repeats_and_from_one_another(genome, truth):
    ends = {}
    for site in truth["sites"]:
        middle = (site["start"] + site["end"]) // 2
        assert genome[site["chrom"]][middle - 80 : middle + 80].isupper()
        assert "N" not in genome[site["chrom"]][middle - 80 : middle + 80]
        assert middle - ends.get(site["chrom"], -1000) >= 300
        ends[site["chrom"]] = middle


def test_motif_file_opens_in_an_independent_reader(folder, truth):
    ((name, matrix),) = read_meme(str(folder / FILES["motifs"])).items()
    assert name.startswith("DEMO0001.1")
    assert np.allclose(np.asarray(matrix).T, truth["motif"]["matrix"], atol=1e-4)


def test_planted_elements_read_as_their_consensus(genome, truth):
    """The sense strand is read from the genome with pyfaidx; GT, AG and the 2 bases beside them are certain."""
    donors, acceptors = (
        [
            along(genome, s["chrom"], s["start"], s["end"], s["strand"])
            for s in truth["splice_sites"]
            if s["kind"] == kind
        ]
        for kind in ("DONOR", "ACCEPTOR")
    )
    assert len(donors) == len(acceptors) == len(truth["exons"]) - len(truth["genes"])
    assert {site[3:5] for site in donors} == {"GT"} and {site[12:14] for site in acceptors} == {"AG"}
    ends = {(e["chrom"], e["end"] if e["strand"] == "+" else e["start"]) for e in truth["exons"]}
    exon = truth["elements"]["DONOR"]["exon_bases"]
    sites = [site for site in truth["splice_sites"] if site["kind"] == "DONOR"]
    assert {(s["chrom"], s["start"] + exon if s["strand"] == "+" else s["end"] - exon) for s in sites} <= ends
    for name, key in (("TATA", "tata_boxes"), ("ENHANCER", "enhancer_boxes")):
        matrix = np.array(truth["elements"][name]["matrix"])
        boxes = [along(genome, b["chrom"], b["start"], b["end"], b["strand"]) for b in truth[key]]
        likely = [np.mean([matrix[i]["ACGT".index(base)] for i, base in enumerate(box)]) for box in boxes]
        assert np.mean(likely) > 0.7 * matrix.max(axis=1).mean() and set(map(len, boxes)) == {len(matrix)}
    assert len(truth["tata_boxes"]) == sum(not gene["cpg_island"] for gene in truth["genes"])


def test_partner_copies_lie_where_the_truth_says(genome, truth):
    partner = truth["partner"]["consensus"]
    for site in truth["sites"]:
        if site["partner"] == "none":
            assert (site["partner_start"], site["partner_end"], site["partner_strand"]) == (-1, -1, ".")
            continue
        copy = along(genome, site["chrom"], site["partner_start"], site["partner_end"], site["partner_strand"])
        assert sum(a != b for a, b in zip(copy, partner, strict=True)) <= 3
        after = site["partner_start"] - site["end"] if site["strand"] == "+" else site["start"] - site["partner_end"]
        before = site["start"] - site["partner_end"] if site["strand"] == "+" else site["partner_start"] - site["end"]
        assert (before if site["partner"] == "left" else after) == site["distance"]
        assert (site["partner_strand"] == site["strand"]) == (site["partner"] != "reversed")


def test_variants_change_the_partner_its_decoys_and_the_motif(folder, genome, truth):
    """Each variant of the VCF, read by pysam, changes the base that its kind names, from the base of the consensus to another."""
    probabilities = np.array(truth["motif"]["matrix"])
    motif = "".join("ACGT"[base] for base in probabilities.argmax(axis=1))
    partner, bases = truth["partner"]["consensus"], dict.fromkeys(("partner", "decoy", "motif"), 0)
    changes = {"partner": [], "decoy": []}
    records = list(pysam.VariantFile(str(folder / FILES["variants"])))
    assert len(records) == len(truth["variants"]) == len({(r.chrom, r.pos) for r in records})
    for record, planted in zip(records, truth["variants"], strict=True):
        kind, site = record.info["KIND"], truth["sites"][planted["site"]]
        bases[kind] += 1
        assert (record.chrom, record.pos - 1, record.ref) == (planted["chrom"], planted["start"], planted["reference"])
        assert genome[record.chrom][record.pos - 1] == record.ref and record.alts == (planted["alternative"],)
        assert (record.info["EFFECT"] == "break") == (kind == "partner") and planted["kind"] == kind
        assert site["partner"] in (("left", "reversed") if kind == "decoy" else ("right",))
        start, end, strand = (
            (site["start"], site["end"], site["strand"])
            if kind == "motif"
            else (site["partner_start"], site["partner_end"], site["partner_strand"])
        )
        offset = record.pos - 1 - start if strand == "+" else end - record.pos
        sense = [base if strand == "+" else base.translate(COMPLEMENT) for base in (record.ref, *record.alts)]
        assert offset == planted["offset"] and sense[0] == (motif if kind == "motif" else partner)[offset] != sense[1]
        if kind == "motif":
            assert probabilities[offset].max() > 0.9
        else:
            changes[kind].append((offset, sense[1]))
    assert set(changes["decoy"]) <= set(changes["partner"])
    right, decoys = (sum(s["partner"] in kinds for s in truth["sites"]) for kinds in (["right"], ["left", "reversed"]))
    assert bases["partner"] == bases["motif"] // 2 == 2 * right and 2.3 * decoys < bases["decoy"] <= 3 * decoys


def test_states_cover_the_contigs_and_timing_follows_gc(folder, genome):
    states = rows(folder, "states", "chrom start end name")
    for name, own in states.groupby("chrom"):
        assert own.start.iloc[0] == 0 and own.end.iloc[-1] == len(genome[name])
        assert (own.start.to_numpy()[1:] == own.end.to_numpy()[:-1]).all()
    assert len(set(states.name)) == 8
    tss = states[states.name.isin(["TssA", "TssBiv"])]
    inside = "".join(genome[row.chrom][row.start : row.end].upper() for row in tss.itertuples())
    assert cpg_ratio(inside) > 0.5
    timing = rows(folder, "replication", "chrom start end value")
    sequences = [genome[row.chrom][row.start : row.end].upper() for row in timing.itertuples()]
    gc = pd.Series([(sequence.count("G") + sequence.count("C")) / len(sequence) for sequence in sequences])
    assert timing.value.corr(gc, method="spearman") > 0.5


def test_tables_are_sorted_by_contig_and_start(folder, genome):
    order = {name: number for number, name in enumerate(genome)}
    columns = {"repeats": (5, 6), "genes": (0, 3), "peaks": (0, 1), "tss": (0, 1), "islands": (0, 1), "noise": (0, 1)}
    for name, (chrom, start) in columns.items():
        table = pd.read_csv(folder / FILES[name], sep="\t", header=None)
        keys = list(zip(table[chrom].map(order), table[start], strict=True))
        if name == "genes":
            keys = [key for key, feature in zip(keys, table[2], strict=True) if feature == "gene"]
        assert keys == sorted(keys)


def test_same_seed_same_bytes(tmp_path):
    first, again = (run(tmp_path / name, 300_000, 3) for name in ("first", "again"))
    for file in FILES.values():
        assert (first / file).read_bytes() == (again / file).read_bytes()


def test_another_seed_gives_another_genome():
    first, other = (simulate(bases=60_000, contigs=3, seed=seed).codes for seed in (3, 4))
    assert len(first) == len(other) and (first != other).mean() > 0.5


def test_too_small_a_genome_is_refused():
    with pytest.raises(InputError, match="at least 20,000 bases per contig"):
        simulate(bases=50_000, contigs=5, seed=1)
