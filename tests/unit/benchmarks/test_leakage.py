"""A planted leak of each kind is found, numbers are those of brute force, and limits stop in one sentence."""

import importlib.util
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from grover.benchmarks.leakage import audit as audit_folds
from grover.benchmarks.leakage import balance, check_limits, pretrained_share, telling, training_intervals
from grover.config.sections.benchmarks import Limits
from grover.genome.assembly import Genome
from grover.genome.bases import decode, encode, reverse_complement
from grover.runtime.errors import InputError
from grover.runtime.files import checksum
from grover.tokenization.genome_tokens import TokenisedGenome, tokenise
from grover.tokenization.vocabulary import Vocabulary

SCRIPT = Path(__file__).parents[3] / "workflow/scripts/audit_dataset.py"
FOLDS = ("train", "valid", "test")
LABELS = ["no", "yes"]
LENGTH = 100


def audit(*given, repeats: pd.DataFrame | None = None) -> tuple[pd.DataFrame, dict]:
    """Audit with near-duplicates from half of the k-mers on."""
    return audit_folds(*given, repeats, similarity=0.5, seed=0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Two contigs of random bases, c1 in two segments, and their tokens of two bases."""
    folder = tmp_path_factory.mktemp("genome")
    codes = np.random.default_rng(0).integers(4, size=30_000).astype(np.uint8)
    np.save(folder / "sequence.npy", codes)
    (folder / "segments.bed").write_text("c1\t0\t10000\ts0\nc1\t11000\t21000\ts1\nc2\t500\t10500\ts2\n")
    vocabulary = Vocabulary.from_kmers("kmer-2", 2)
    vocabulary.save(folder / "vocabulary")
    bounds = np.array([0, 10_000, 20_000, 30_000])
    tokenise(codes, bounds, vocabulary, folder / "tokens.npy", folder / "index.npy")
    return folder


@pytest.fixture(scope="module")
def genome(folder) -> Genome:
    return Genome(folder / "sequence.npy", folder / "segments.bed")


@pytest.fixture
def dataset(genome) -> pd.DataFrame:
    """Ten examples of each label in each fold, every 150 bases of c1, without any leak."""
    starts = np.arange(60) * 150
    rows = {
        "sequence": [decode(genome.fetch("c1", start, start + LENGTH)) for start in starts],
        "label": np.arange(60) % 2,
        "chrom": "c1",
        "start": starts,
        "end": starts + LENGTH,
        "strand": "+",
        "fold": np.repeat(FOLDS, 20),
        "score": np.nan,
    }
    return pd.DataFrame(rows)


def intervals(*rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["chrom", "start", "end"])


NOWHERE = intervals(("c2", 9000, 9100))


def opposite(sequence: str) -> str:
    return decode(reverse_complement(encode(sequence)))


def without_interval(dataset: pd.DataFrame) -> pd.DataFrame:
    return dataset.assign(chrom="", start=-1, end=-1, strand=".")


def test_a_clean_dataset_is_clean(dataset, genome):
    examples, card = audit(dataset, LABELS, genome, NOWHERE)
    assert (examples["leak"] == "").all() and (examples["example"] == np.arange(60)).all()
    assert examples["nearest"].isna().tolist() == [True] * 20 + [False] * 40
    assert (examples["nearest"][20:] < 0.2).all() and (examples["pretraining"] == 0).all()
    assert card["clean"] == card["counts"] == {fold: {"no": 10, "yes": 10} for fold in FOLDS}
    assert card["pretraining"] == {"known": True, "share_of_test_bases": 0, "how": "intervals"}
    check_limits({"task": "clean", **card}, {"duplicates": 0, "near_duplicates": 0, "overlaps": 0})


def test_a_planted_leak_of_each_kind_is_found(dataset, genome):
    dataset = dataset.assign(chrom=dataset["chrom"].where(dataset.index != 46, "c2"))
    sequence, start = dataset["sequence"].to_list(), dataset["start"].to_list()
    sequence[20] = sequence[3]  # valid as train
    sequence[40] = opposite(sequence[5])  # test as train, on the other strand
    sequence[41] = sequence[30]  # test as valid
    sequence[42] = sequence[6][2:] + "AC"  # a shift by two bases
    sequence[43] = sequence[31][2:] + "AC"  # of an example of fold valid, which nothing was trained on
    start[44] = start[7] + LENGTH - 1  # one common base with train
    start[45] = start[32] - LENGTH + 1  # and with valid
    start[46] = 600  # on c2
    dataset = dataset.assign(sequence=sequence, start=start, end=np.array(start) + LENGTH)
    examples, card = audit(dataset, LABELS, genome, intervals(("c2", 500, 651), ("c1", 0, 3000)))
    found = examples["leak"]
    expected = {20: "duplicate", 40: "duplicate", 41: "duplicate", 42: "near-duplicate", 44: "overlap", 45: "overlap"}
    expected |= {46: "pretraining"}
    assert found[found != ""].to_dict() == expected
    assert examples["nearest"][[20, 40]].tolist() == [1, 1] and examples["nearest"][42] > 0.7
    assert examples["pretraining"][[0, 20, 46]].tolist() == [1, 0, pytest.approx(0.51)]
    assert card["duplicates"] == {
        "within": {"train": 0, "valid": 0, "test": 0},
        "across": {
            "train-valid": {"same_strand": 1, "either_strand": 1, "sequences": 1},
            "train-test": {"same_strand": 0, "either_strand": 1, "sequences": 0},
            "valid-test": {"same_strand": 1, "either_strand": 1, "sequences": 1},
        },
    }
    assert card["near_duplicates"] == {"similarity": 0.5, "k": 11, "train-valid": 1, "train-test": 2}
    assert card["overlaps"] == {"train-valid": 0, "train-test": 1, "valid-test": 1}
    assert card["pretraining"]["share_of_test_bases"] == pytest.approx((0.51 + 0.0 + 1) / 20)
    assert card["clean"]["train"] == {"no": 10, "yes": 10}
    assert sum(card["clean"]["valid"].values()) == 19 and sum(card["clean"]["test"].values()) == 14


def test_leaks_are_those_of_brute_force(genome):
    """Windows thrown at random on a short stretch, some of them read along the other strand, compared pair by pair."""
    rng = np.random.default_rng(9)
    starts = np.concatenate([rng.integers(0, 9900, 150), rng.integers(0, 30, 50) * 300])
    forward = [decode(genome.fetch("c1", start, start + LENGTH)) for start in starts]
    turned = rng.random(200) < 0.5
    table = pd.DataFrame({"chrom": "c1", "start": starts, "end": starts + LENGTH, "label": rng.integers(2, size=200)})
    table["sequence"] = [opposite(text) if turn else text for text, turn in zip(forward, turned, strict=True)]
    table["fold"] = rng.choice(FOLDS, 200)
    _, card = audit(table, LABELS, genome, NOWHERE)
    rows = list(table.itertuples())
    for pair, found in card["overlaps"].items():
        first, second = ([row for row in rows if row.fold == fold] for fold in pair.split("-"))
        shared = [any(abs(row.start - other.start) < LENGTH for other in first) for row in second]
        same = [any(row.sequence == other.sequence for other in first) for row in second]
        either = [any(row.sequence in (other.sequence, opposite(other.sequence)) for other in first) for row in second]
        assert found == sum(shared) > 0
        counts = card["duplicates"]["across"][pair]
        assert (counts["same_strand"], counts["either_strand"]) == (sum(same), sum(either))
        assert sum(either) > sum(same)


def test_the_first_reason_that_holds_is_given(dataset, genome):
    dataset.loc[50, ["sequence", "start", "end"]] = dataset.loc[0, ["sequence", "start", "end"]]
    examples, _ = audit(dataset, LABELS, genome, intervals(("c1", 0, 20_000)))
    assert examples["leak"][50] == "duplicate"
    assert set(examples["leak"][40:]) == {"duplicate", "pretraining"}


def test_repeated_examples_are_counted_within_their_fold(dataset, genome):
    sequence = dataset["sequence"].to_list()
    sequence[1], sequence[2], sequence[41] = sequence[0], opposite(sequence[0]), sequence[40]
    sequence[50] = sequence[51] = sequence[0]
    _, card = audit(dataset.assign(sequence=sequence), LABELS, genome, NOWHERE)
    assert card["duplicates"]["within"] == {"train": 2, "valid": 0, "test": 2}
    # two examples, of one sequence
    assert card["duplicates"]["across"]["train-test"] == {"same_strand": 2, "either_strand": 2, "sequences": 1}


def test_a_shuffle_on_the_interval_of_its_positive_is_no_leak(dataset, genome):
    shuffled = dataset.assign(label=0, sequence=[text[::-1] for text in dataset["sequence"]])
    both = pd.concat([dataset.assign(label=1), shuffled], ignore_index=True)
    examples, card = audit(both, LABELS, genome, NOWHERE)
    assert (examples["leak"] == "").all() and sum(card["overlaps"].values()) == 0


def test_sequences_without_an_interval_are_searched_in_the_genome(dataset, genome):
    loose = without_interval(dataset)
    sequence = loose["sequence"].to_list()
    sequence[40], sequence[41] = opposite(sequence[40]), "ACGT" * 25
    sequence[42] = sequence[42][:50] + "N" + sequence[42][51:]
    loose["sequence"] = sequence
    seen = intervals(("c1", 6000, 6060), ("c1", 6450, 7000))
    share, how = pretrained_share(loose, genome, seen)
    assert how == "search"
    assert share[[39, 40, 41, 43]].tolist() == [0, 0.6, 0, 1] and np.isnan(share[42])
    examples, card = audit(loose, LABELS, genome, seen)
    assert examples["leak"][40] == "pretraining" and sum(card["overlaps"].values()) == 0
    assert card["pretraining"]["known"] and card["balance"]["no"]["repeats"] is None


def test_intervals_of_another_assembly_do_not_meet_this_genome(dataset, genome):
    """A transfer set has the contigs of another run by another name; its sequences are searched."""
    other = dataset["fold"] == "test"
    moved = dataset.assign(chrom=dataset["chrom"].where(~other, "other:c1"), start=100, end=200)
    _, card = audit(moved, LABELS, genome, intervals(("c1", 0, 6100)))
    assert card["overlaps"] == {"train-valid": 20, "train-test": 0, "valid-test": 0}
    assert card["pretraining"] == {"known": True, "share_of_test_bases": pytest.approx(1 / 20), "how": "search"}


def test_a_sequence_in_two_places_takes_the_one_that_was_seen(tmp_path):
    codes = np.random.default_rng(1).integers(4, size=2000).astype(np.uint8)
    codes[1500:1600] = reverse_complement(codes[200:300])
    np.save(tmp_path / "s.npy", codes)
    (tmp_path / "s.bed").write_text("c1\t1000\t3000\ts0\n")
    row = {"sequence": [decode(codes[200:300])], "chrom": "", "start": -1, "end": -1, "fold": "test"}
    share, _ = pretrained_share(
        pd.DataFrame(row), Genome(tmp_path / "s.npy", tmp_path / "s.bed"), intervals(("c1", 2500, 2600))
    )
    assert share.tolist() == [1]


def test_training_intervals_are_the_bases_of_training_windows(folder, genome):
    tokenised = TokenisedGenome(folder / "tokens.npy", folder / "index.npy", Vocabulary.load(folder / "vocabulary"))
    # tokens of two bases, 5,000 a segment; the third window touches the second across the border of segments
    windows = pd.DataFrame({"segment": [0, 0, 1, 2, 2], "first": [0, 4900, 5000, 10_000, 10_050]})
    windows["length"] = np.array([50, 100, 100, 100, 100], np.int16)
    windows["region"], windows["random"] = ["train"] * 5, ["test", "test", "train", "train", "gap"]
    found = training_intervals(windows, "region", tokenised, genome)
    expected = [("c1", 0, 100), ("c1", 9800, 10_000), ("c1", 11_000, 11_200), ("c2", 500, 800)]
    assert list(found.itertuples(index=False, name=None)) == expected
    assert len(training_intervals(windows, "random", tokenised, genome)) == 2
    with pytest.raises(InputError, match="no column 'chromosome'"):
        training_intervals(windows, "chromosome", tokenised, genome)


@pytest.mark.parametrize("classes", [2, 3])
def test_telling_is_scikit_learns_auroc_in_the_better_direction(classes):
    rng = np.random.default_rng(classes)
    label = rng.integers(classes, size=200)
    gc = [min(0.9, 0.6 - 0.1 * one) for one in label]
    length = 50 + rng.integers(10, size=200)
    draw = [
        rng.choice(list("ATGC"), size, p=[(1 - p) / 2] * 2 + [p / 2] * 2) for size, p in zip(length, gc, strict=True)
    ]
    table = pd.DataFrame({"sequence": ["".join(drawn) for drawn in draw], "label": label})
    repeats = np.where(rng.random(200) < 0.1, np.nan, rng.random(200).round(1))
    numbers = {"gc": [sum(drawn.count(c) for c in "GC") / len(drawn) for drawn in table["sequence"]]}
    numbers |= {"length": length, "repeats": repeats}
    found = telling(table, repeats)
    for name, values in numbers.items():
        known = ~np.isnan(values)
        areas = [roc_auc_score(label[known] == one, np.asarray(values)[known]) for one in range(classes)]
        assert found[name] == pytest.approx(max(max(area, 1 - area) for area in areas))
    assert found["gc"] > 0.7


def test_telling_says_nothing_without_numbers_or_labels():
    table = pd.DataFrame({"sequence": ["ACGT", "AAAA"], "label": [0, 1]})
    assert telling(table, np.full(2, np.nan)) == {"gc": 1, "repeats": None, "length": 0.5}
    assert telling(table.assign(label=1), np.zeros(2)) == {"gc": None, "repeats": None, "length": None}


def test_balance_by_hand(genome):
    table = pd.DataFrame({"sequence": ["GGAA", "GGGGNN", "AATT", "NN"], "label": [0, 0, 1, 1]})
    found = balance(table, LABELS, np.array([0, 1, np.nan, np.nan]))
    assert found["no"] == {"gc": 0.75, "gc_sd": 0.25, "repeats": 0.5, "length": 5}
    assert found["yes"] == {"gc": 0, "gc_sd": 0, "repeats": None, "length": 3}


def test_repeats_are_counted_by_interval(dataset, genome):
    repeats = intervals(("c1", 0, 50), ("c1", 40, 75), ("c2", 0, 100))
    _, card = audit(dataset, LABELS, genome, NOWHERE, repeats=repeats)
    assert card["balance"]["no"]["repeats"] == pytest.approx(0.75 / 30)
    assert card["balance"]["yes"]["repeats"] == 0 and card["telling"]["repeats"] == pytest.approx(0.5 + 0.5 / 30)
    elsewhere = audit(dataset, LABELS, genome, NOWHERE, repeats=intervals(("c2", 0, 100)))[1]
    assert elsewhere["balance"]["no"]["repeats"] is None


CARD = {
    "task": "ctcf",
    "counts": {"train": {"no": 50, "yes": 50}, "valid": {"no": 10, "yes": 10}, "test": {"no": 20, "yes": 20}},
    "duplicates": {"across": {"train-test": {"same_strand": 1, "either_strand": 4}}},
    "near_duplicates": {"similarity": 0.5, "train-test": 20},
    "overlaps": {"train-valid": 1, "train-test": 0, "valid-test": 2},
}


@pytest.mark.parametrize(
    "limits, message",
    [
        ((0.1, 0.5, 0.05), None),
        (
            (0.05, 0.5, 0.05),
            r"^task ctcf: 4 of the 40 examples of fold test \(10.0%\) are in fold train too.*limit is 5.0%",
        ),
        (
            (0.1, 0.2, 0.05),
            r"^task ctcf: 20 of the 40 examples of fold test \(50.0%\) share 50% of their k-mers .* 20.0%",
        ),
        ((0.1, 0.5, 0), r"1 of the 20 examples of fold valid .*train.*0.0%; 2 of the 40 examples of fold test .*valid"),
    ],
)
def test_limits_name_task_number_and_limit(limits, message):
    limits = dict(zip(("duplicates", "near_duplicates", "overlaps"), limits, strict=True))
    if message is None:
        check_limits(CARD, limits)
    else:
        with pytest.raises(InputError, match=message):
            check_limits(CARD, limits)


def run(folder: Path, dataset: pd.DataFrame, built: dict, **options) -> None:
    dataset.to_parquet(folder / "dataset.parquet", index=False)
    (folder / "built.json").write_text(json.dumps(built))
    genome = folder.parent
    paths = {name: genome / f"{name}.npy" for name in ("tokens", "index", "sequence")}
    paths |= {"vocabulary": genome / "vocabulary/tokenizer.json", "segments": genome / "segments.bed"}
    paths["contigs"] = genome / "contigs.tsv"
    paths["contigs"].write_text("contig\tlength\tstatus\taliases\nc1\t100000\tkept\t\nc2\t100000\tkept\t\n")
    paths |= {name: folder / f"{name}.parquet" for name in ("dataset", "windows", "audit")}
    paths |= {"built": folder / "built.json", "card": folder / "card.json", "passed": folder / "passed.txt"}
    command = importlib.util.spec_from_file_location("audit_dataset", SCRIPT)
    module = importlib.util.module_from_spec(command)
    command.loader.exec_module(module)
    settings = {"split": "region", "positions": 512, "similarity": 0.5, "seed": 0}
    limits = Limits(duplicates=0.05, near_duplicates=0.15, overlaps=0)
    module.audit_dataset(**paths, **settings | {"limits": limits} | options)


def test_the_command_passes_a_clean_dataset_and_refuses_one_that_leaks(folder, dataset):
    place = folder / "benchmark"
    place.mkdir()
    windows = {"segment": [0], "first": [0], "length": np.array([1000], np.int16), "region": ["train"]}
    pd.DataFrame(windows).to_parquet(place / "windows.parquet")
    built = {"task": "mine", "labels": LABELS, "checksums": {"inputs": {"peaks": {"file": "p", "sha256": "0"}}}}

    leaking = dataset.assign(sequence=[*dataset["sequence"][:55], *dataset["sequence"][:5]])
    message = r"^task mine: 5 of the 20 examples of fold test \(25.0%\).*; all numbers stand in .*/card.refused.json$"
    with pytest.raises(InputError, match=message):
        run(place, leaking, built)
    assert json.loads((place / "card.refused.json").read_text())["near_duplicates"]["train-test"] == 5
    assert not any((place / name).exists() for name in ("card.json", "passed.txt", "audit.parquet"))

    (folder / "softmask.bed").write_text("c1\t0\t50\n")
    run(place, dataset, built, softmask=folder / "softmask.bed")
    card = json.loads((place / "card.json").read_text())
    assert card["labels"] == LABELS and card["limits"] == {"duplicates": 0.05, "near_duplicates": 0.15, "overlaps": 0}
    assert card["balance"]["no"]["repeats"] == 0.5 / 30
    assert card["checksums"]["dataset"] == checksum(place / "dataset.parquet")
    assert list(card["checksums"]["inputs"]) == ["peaks", "windows", "repeats"]
    assert (place / "passed.txt").read_text() == f"{card['checksums']['dataset']}\n"
    assert not (place / "card.refused.json").exists()
    examples = pd.read_parquet(place / "audit.parquet")
    types = {"example": "int64", "leak": "str", "nearest": "float32", "pretraining": "float32"}
    assert {name: str(kind) for name, kind in examples.dtypes.items()} == types

    with pytest.raises(InputError, match="describes another dataset"):
        run(place, dataset, {**built, "checksums": {"dataset": "another"}})


def test_repeats_of_another_style_of_contig_names_are_refused(folder, dataset):
    place = folder / "renamed"
    place.mkdir()
    windows = {"segment": [0], "first": [0], "length": np.array([1000], np.int16), "region": ["train"]}
    pd.DataFrame(windows).to_parquet(place / "windows.parquet")
    row = ["1", "0", "0", "0", "0", "chr9", "10", "60", "0", "+", "L1", "LINE", "L1", "0", "0", "0", "1"]
    (place / "rmsk.txt").write_text("\t".join(row) + "\n")
    with pytest.raises(InputError, match="none of which the assembly has"):
        run(place, dataset, {"task": "mine", "labels": LABELS}, repeats=place / "rmsk.txt")


@pytest.mark.parametrize("name", ["repeats.bed", "rmsk.txt"])
def test_repeats_are_a_bed_or_the_table_of_ucsc(folder, dataset, name):
    place = folder / name.partition(".")[0]
    place.mkdir()
    windows = {"segment": [0], "first": [0], "length": np.array([1000], np.int16), "region": ["train"]}
    pd.DataFrame(windows).to_parquet(place / "windows.parquet")
    row = ["1", "0", "0", "0", "0", "c1", "0", "50", "0", "+", "L1", "LINE", "L1", "0", "0", "0", "1"]
    (place / name).write_text("c1\t0\t50\n" if name.endswith("bed") else "\t".join(row) + "\n")
    run(place, dataset, {"task": "mine", "labels": LABELS}, repeats=place / name)
    card = json.loads((place / "card.json").read_text())
    assert card["balance"]["no"]["repeats"] == 0.5 / 30 and card["balance"]["yes"]["repeats"] == 0


def test_an_example_longer_than_the_positions_stops_before_anything_is_computed(folder, dataset):
    place = folder / "long"
    place.mkdir()
    (place / "windows.parquet").write_text("never read")
    table = dataset.assign(before="", after="")
    table.loc[7, "before"] = "A" * 40  # around the sequence and so not in it
    built = {"task": "mine", "labels": LABELS}
    # 100 bases in k-mers of two, and one at both ends
    message = (
        r"^task mine: its longest example is 52 tokens of vocabulary with the special ones at both ends, but the model has 51 "
        r"positions; give the task a shorter length, or raise pretraining.positions and corpus.longest$"
    )
    with pytest.raises(InputError, match=message):
        run(place, table, built, positions=51)
    assert sorted(path.name for path in place.iterdir()) == ["built.json", "dataset.parquet", "windows.parquet"]
    windows = {"segment": [0], "first": [0], "length": np.array([1000], np.int16), "region": ["train"]}
    pd.DataFrame(windows).to_parquet(place / "windows.parquet")
    run(place, table, built, positions=52)
    assert json.loads((place / "card.json").read_text())["longest_tokens"] == 52


@pytest.mark.skipif("GROVER_DATA" not in os.environ, reason="GROVER_DATA is not set")
@pytest.mark.parametrize(
    "task, valid, test",
    [("prom_core_all", 54, 42), ("tf/0", 1, 0), ("tf/1", 0, 1), ("tf/2", 19, 0)],
)
def test_the_published_splits_of_gue_share_sequences(task, valid, test, genome):
    folder = Path(os.environ["GROVER_DATA"]) / "gue" / task
    parts = {"train": "train", "dev": "valid", "test": "test"}
    parts = [pd.read_csv(folder / f"{name}.csv.gz").assign(fold=fold) for name, fold in parts.items()]
    dataset = without_interval(pd.concat(parts, ignore_index=True))
    examples, card = audit(dataset, LABELS, genome, NOWHERE)
    across = card["duplicates"]["across"]
    assert (across["train-valid"]["sequences"], across["train-test"]["sequences"]) == (valid, test)
    leaking = (examples["leak"] == "duplicate") & (dataset["fold"] == "test")
    twice = dataset["sequence"].isin(set(dataset["sequence"][dataset["fold"] != "test"]))
    assert leaking[twice & (dataset["fold"] == "test")].all()
    assert (
        examples["nearest"][leaking & dataset["sequence"].isin(set(dataset["sequence"][dataset["fold"] == "train"]))]
        == 1
    ).all()
