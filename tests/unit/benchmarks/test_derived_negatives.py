"""Negatives made of positives: what they share with them and where they stand, against plain strings and counts."""

import json
import runpy
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grover.benchmarks import datasets
from grover.benchmarks.derived_negatives import deriver
from grover.benchmarks.matched_negatives import Background
from grover.benchmarks.tokenise import read_tokens
from grover.config.benchmark_table import DERIVED
from grover.config.sections.benchmarks import DatasetBuilding
from grover.genome.assembly import Genome
from grover.genome.bases import decode
from grover.genome.folds import read_folds
from grover.intervals.overlaps import overlaps
from grover.runtime.errors import InputError
from grover.tokenization.vocabulary import Vocabulary

LENGTH, CONTEXT = 60, 20
SCRIPT = Path(__file__).parents[3] / "workflow/scripts/build_dataset.py"
command = runpy.run_path(str(SCRIPT))["build_dataset"]


def build_dataset(minimum: int = 5, context: int = 0, negatives: str = ".", **given) -> None:
    """Run the function behind the script with settings of its own."""
    building = DatasetBuilding(minimum=minimum, context=context)
    command(**given, negatives=negatives, building=building, seed=0)


def opposite(sequence: str) -> str:
    return sequence[::-1].translate(str.maketrans("ACGT", "TGCA"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("genome")
    codes = np.random.default_rng(5).integers(0, 4, 30_000).astype(np.uint8)
    np.save(folder / "sequence.npy", codes)
    (folder / "segments.bed").write_text("chr1\t0\t20000\ts0\nchr1\t20010\t30010\ts1\n")
    (folder / "contigs.tsv").write_text("contig\tlength\tstatus\taliases\nchr1\t30010\tkept\t\n")
    (folder / "folds.bed").write_text(
        "chr1\t0\t11900\ttrain\nchr1\t11900\t12100\tgap\nchr1\t12100\t20005\tvalid\nchr1\t20005\t30010\ttest\n"
    )
    Vocabulary.from_kmers("kmer-4", 4).save(folder / "kmer-4")
    rows = [f"chr1\t{start}\t{start + 1}\t.\t0\t{'+-'[start % 2]}\n" for start in range(40, 30_000, 397)]
    (folder / "tss.bed").write_text("".join(rows))
    return folder


@pytest.fixture(scope="module")
def genome(folder) -> Genome:
    return Genome(folder / "sequence.npy", folder / "segments.bed")


def made(kind: str, folder: Path, genome: Genome, seed: int = 1, **settings) -> tuple[pd.DataFrame, dict]:
    """A dataset of windows on both strands with the negatives of this kind."""
    starts = np.arange(10, 29_000, 397)
    windows = pd.DataFrame(
        {"chrom": "chr1", "start": starts, "end": starts + LENGTH, "strand": np.resize(["+", "-", "."], len(starts))}
    )
    windows = windows.assign(label=1, score=np.nan, dropped="")
    folds = read_folds(folder / "folds.bed")
    vocabulary = settings.pop("vocabulary", Vocabulary.from_kmers("kmer-4", 4))
    derive = deriver(kind, Background(genome, folds, windows, **settings), vocabulary, context=CONTEXT, seed=seed)
    return datasets.assemble(windows, genome, folds, context=CONTEXT, negatives=derive)


@pytest.mark.parametrize("kind", DERIVED)
def test_each_positive_has_a_negative_in_its_fold(kind, folder, genome):
    table, found = made(kind, folder, genome)
    assert len(table) > 100 and table.columns.tolist() == datasets.COLUMNS
    counts = datasets.count(table, ("negative", "positive"))
    assert all(by_label["negative"] == by_label["positive"] > 10 for by_label in counts.values())
    assert found["sites_found"] == 74
    again, other = made(kind, folder, genome)[0], made(kind, folder, genome, seed=2)[0]
    pd.testing.assert_frame_equal(table, again)
    assert table["sequence"].tolist() != other["sequence"].tolist()
    positives, negatives = (table[table["label"] == label].reset_index(drop=True) for label in (1, 0))
    places = ["chrom", "start", "end", "strand", "fold"]
    if kind == "genomic-matched":
        assert not overlaps(negatives, positives).any()
    else:
        pd.testing.assert_frame_equal(positives[places], negatives[places])
        assert (positives["before"] == negatives["before"]).all() and (positives["after"] == negatives["after"]).all()
        for one, other in zip(positives["sequence"], negatives["sequence"], strict=True):
            assert Counter(one) == Counter(other) and one != other
    for row in (table if kind == "genomic-matched" else positives).itertuples():
        text = decode(genome.fetch(row.chrom, row.start, row.end))
        assert row.sequence == (opposite(text) if row.strand == "-" else text)


def test_token_shuffles_have_the_tokens_of_the_genome_in_another_order(folder, genome):
    table, _ = made("token-shuffle", folder, genome)
    recut, _ = made("token-shuffle-retokenised", folder, genome)
    assert table["sequence"].tolist() == recut["sequence"].tolist()
    assert set(recut["pieces"]) == {""} and set(table["before"] + table["after"] + recut["before"]) == {""}
    positives, negatives = (table[table["label"] == label]["pieces"].tolist() for label in (1, 0))
    assert [Counter(row.split()) for row in positives] == [Counter(row.split()) for row in negatives]
    assert all("".join(row.pieces.split()) == row.sequence for row in table.itertuples())
    # k-mers of four are cut in the phase of the context, so that up to three bases at both ends are lost
    assert LENGTH - 6 <= table["sequence"].str.len().min() < LENGTH
    vocabulary = Vocabulary.from_kmers("kmer-4", 4)
    read = [" ".join(vocabulary.tokens[token] for token in row) for row in read_tokens(table, vocabulary)]
    assert read == table["pieces"].tolist()


def test_dinucleotide_shuffles_keep_every_dinucleotide(folder, genome):
    table, _ = made("dinucleotide-shuffle", folder, genome)
    pairs = [Counter(text[i : i + 2] for i in range(LENGTH - 1)) for text in table["sequence"]]
    assert pairs[: len(pairs) // 2] == pairs[len(pairs) // 2 :]


def test_nothing_of_the_matched_stands_on_the_blacklist(folder, genome):
    blacklist = pd.DataFrame({"chrom": "chr1", "start": [3_000, 25_000], "end": [5_000, 26_000]})
    table, found = made("genomic-matched", folder, genome, blacklist=blacklist)
    assert not overlaps(table, blacklist).any() and found["dropped"]["on the blacklist"] == 8


def test_a_shuffle_that_changes_nothing_leaves_with_its_positive(folder, genome, tmp_path):
    codes = np.array(genome.codes)
    codes[0:200] = 0
    np.save(tmp_path / "sequence.npy", codes)
    poor = Genome(tmp_path / "sequence.npy", folder / "segments.bed")
    for kind in ("token-shuffle", "dinucleotide-shuffle"):
        table, found = made(kind, folder, poor)
        assert found["dropped"]["its shuffle is the same"] == 1 and table["start"].min() > 200
        assert table["label"].mean() == 0.5


def test_shuffles_of_tokens_need_tokens_side_by_side(folder, genome):
    with pytest.raises(InputError, match="negatives token-shuffle are made of tokens; give --vocabulary"):
        made("token-shuffle", folder, genome, vocabulary=None)
    with pytest.raises(InputError, match="the tokens of the vocabulary words overlap and cannot be shuffled"):
        made("token-shuffle", folder, genome, vocabulary=Vocabulary.from_overlapping_kmers("words", 4))


def test_the_command_writes_the_dataset_and_what_became_of_the_sites(folder, tmp_path):
    settings = {
        name.split(".")[0]: folder / name for name in ("sequence.npy", "segments.bed", "contigs.tsv", "folds.bed")
    }
    settings |= {
        "dataset": tmp_path / "dataset.parquet",
        "built": tmp_path / "built.json",
        "task": "mine",
        "context": 20,
    }
    settings |= {
        "builder": "prom300",
        "sites": ["tss"],
        "source": [f"tss={folder / 'tss.bed'}"],
        "length": 50,
        "minimum": 5,
    }
    vocabulary = folder / "kmer-4/tokenizer.json"
    build_dataset(**settings, negatives="token-shuffle", vocabulary=vocabulary, option=["upstream=30"])
    table, built = pd.read_parquet(tmp_path / "dataset.parquet"), json.loads((tmp_path / "built.json").read_text())
    assert table.attrs == {"task": "mine", "labels": ["no promoter", "promoter"], "call": "half"}
    assert built["examples"] == len(table) == 2 * (built["sites_found"] - sum(built["dropped"].values()))
    assert built["vocabulary"] == "kmer-4" and built["options"] == {"upstream": "30"} and built["sites"] == ["tss"]
    assert set(built["checksums"]["inputs"]) == {"sequence", "segments", "folds", "tss", "vocabulary"}
    for change, sentence in (
        ({"negatives": "unused"}, "negatives 'unused' do not go with prom300"),
        (
            {"negatives": "genomic-matched", "sites": ["other"]},
            "task mine: source other is not given; add --source other=FILE",
        ),
        (
            {"negatives": "genomic-matched", "minimum": 80},
            "tss.bed: 76 intervals of it lie in the genome but at least 80",
        ),
        ({"negatives": "genomic-matched", "length": 0}, "the builder prom300 needs the number of bases of a window"),
    ):
        with pytest.raises(InputError, match=sentence):
            build_dataset(**settings | change)


def test_the_command_says_by_what_annotation_negatives_of_the_genome_are_like_their_positives(folder, tmp_path):
    names = ("sequence.npy", "segments.bed", "contigs.tsv", "folds.bed")
    settings = {name.split(".")[0]: folder / name for name in names}
    settings |= {"dataset": tmp_path / "dataset.parquet", "built": tmp_path / "built.json", "task": "mine"}
    settings |= {"builder": "prom300", "sites": ["tss"], "length": 50, "minimum": 5, "option": ["upstream=30"]}
    (tmp_path / "none.bed").write_text("")
    (tmp_path / "mask.bed").write_text("chr1\t0\t900\n")
    own = [f"tss={folder / 'tss.bed'}"]
    both = [f"repeats={tmp_path / 'mask.bed'}", f"blacklist={tmp_path / 'mask.bed'}"]
    for sources, softmask, blacklist, repeats in (
        (own, None, "none", "none"),
        (own, "none.bed", "none", "none"),
        (own, "mask.bed", "none", "soft mask"),
        (own + both, "none.bed", "mask.bed", "mask.bed"),
    ):
        mask = tmp_path / softmask if softmask else None
        build_dataset(**settings, source=sources, negatives="genomic-matched", softmask=mask)
        built = json.loads((tmp_path / "built.json").read_text())
        assert (built["blacklist"], built["repeats"]) == (blacklist, repeats)
    build_dataset(**settings, source=own, negatives="dinucleotide-shuffle")
    assert not {"blacklist", "repeats"} & set(json.loads((tmp_path / "built.json").read_text()))


@pytest.mark.parametrize(("every", "call"), [(3, "valid"), (2, "half")])
def test_the_command_takes_a_threshold_from_fold_valid_where_a_label_is_rare(folder, tmp_path, every, call):
    names = ("sequence.npy", "segments.bed", "contigs.tsv", "folds.bed")
    settings = {name.split(".")[0]: folder / name for name in names}
    settings |= {"dataset": tmp_path / "dataset.parquet", "built": tmp_path / "built.json", "task": "mine"}
    places = [(start, "rare" if row % every == 0 else "usual") for row, start in enumerate(range(40, 29_000, 97))]
    (tmp_path / "regions.bed").write_text("".join(f"chr1\t{start}\t{start + 50}\t{name}\n" for start, name in places))
    regions = {"builder": "regions", "sites": ["regions"], "source": [f"regions={tmp_path / 'regions.bed'}"]}
    build_dataset(**settings, **regions, length=50)
    built = json.loads((tmp_path / "built.json").read_text())
    assert built["call"] == call == pd.read_parquet(tmp_path / "dataset.parquet").attrs["call"]
