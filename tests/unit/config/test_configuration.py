"""Every mistake in a configuration is one sentence that names file, key, expectation and remedy."""

from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from grover.config.configuration import SIZES, complete, read_rows
from grover.runtime.errors import InputError

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = ROOT / "config/schemas/config.schema.yaml"
CONFIGURATIONS = sorted((ROOT / "config").glob("*.yaml"))
LAID_OVER = {"benchmarks-local.yaml": "hg19-local.yaml"}
SMALLEST = {"run": "x", "sources": {"genome": {"url": "genome.fa"}}}


def completed(**changes) -> dict:
    return complete(deepcopy(SMALLEST) | changes, SCHEMA, "my.yaml")


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=lambda path: path.name)
def test_shipped_configurations_are_valid(path):
    config = yaml.safe_load(path.read_text())
    if path.name in LAID_OVER:
        below = yaml.safe_load((path.parent / LAID_OVER[path.name]).read_text())
        config = below | {key: below[key] | part for key, part in config.items()}
    complete(config | {"data": "somewhere"}, SCHEMA, path.name)


def test_the_production_configuration_shows_every_default():
    shown = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    expected = completed()
    for section, value in expected.items():
        # production insists on a GPU; what its sources are is no default
        if section in ("run", "sources", "device"):
            continue
        if section == "pretraining":  # four numbers follow from `size`
            value = {key: number for key, number in value.items() if key not in SIZES["base"]}
        if section == "embeddings":
            value = value | {"assembly": "hg19"}
        assert shown[section] == value, section


def test_the_schema_is_a_schema():
    from jsonschema import Draft202012Validator

    Draft202012Validator.check_schema(yaml.safe_load(SCHEMA.read_text()))


def test_defaults_are_filled_in_at_every_level():
    config = completed(pretraining={"layers": 2})
    assert (config["pretraining"]["layers"], config["pretraining"]["hidden"]) == (2, 768)
    assert config["sources"]["genome"]["confirmed"] is True


def test_vocabularies_from_outside_and_studied_ones():
    outside = {"dnabert2": "there/tokenizer.json"}
    names = {"candidates": ["bpe-600", "dnabert2"], "studied": ["overlap-6", "dnabert2", "char", "kmer-7"]}
    assert completed(vocabulary={"outside": outside} | names)["vocabulary"]["outside"] == outside
    with pytest.raises(InputError, match=r"dnabert is none of .* \(dnabert2\)"):
        completed(vocabulary={"outside": outside, "studied": ["dnabert"]})


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"vocabulery": {}}, r"my.yaml: unknown key `vocabulery`; did you mean `vocabulary`\?"),
        (
            {"pretraining": {"learningrate": 1}},
            r"unknown key `pretraining.learningrate`; did you mean `learning_rate`\?",
        ),
        ({"pretraining": {"steps": "many"}}, "`pretraining.steps` is 'many', but a whole number was expected"),
        ({"device": "gpu"}, "`device` is 'gpu', but one of 'auto', 'cpu', 'cuda' was expected"),
        ({"sources": {}}, "key `sources.genome` is missing"),
        ({"sources": {"genome": {"simulated": "genome.fa.gz"}}}, "needs a `simulate` section"),
        ({"sources": {"genome": {"file": "genome.fa.gz"}}}, "--config data=FOLDER"),
        ({"sources": {"genome": {"note": "?"}}}, "needs one of `url`, `file`, `simulated`"),
        ({"corpus": {"longest": 600}}, "`corpus.longest` is 600 tokens, which with CLS and SEP does not fit"),
        ({"pretraining": {"heads": 5}}, "must be a multiple"),
        ({"pretraining": {"heads": 1, "start": "neighbours"}}, "set 2 heads or more"),
        ({"vocabulary": {"candidates": ["bpe-700"]}}, "needs `vocabulary.cycles` of at least 700"),
        (
            {"vocabulary": {"studied": ["bpe-700"]}},
            "`vocabulary.studied`: bpe-700 needs `vocabulary.cycles` of at least 700",
        ),
        (
            {"vocabulary": {"candidates": ["kmer-8"]}},
            "`vocabulary.candidates`: kmer-8 is none of bpe-CYCLES, kmer-1 to",
        ),
        (
            {"vocabulary": {"studied": ["overlap-2"]}},
            r"overlap-2 is none of .* the names in `vocabulary.outside` \(none\)",
        ),
        (
            {"vocabulary": {"candidates": ["bpe-600", "overlap-4", "overlap-6"]}, "pretraining": {"mask_span": 5}},
            "`pretraining.mask_span` is 5, but the words of overlap-6 beside a hidden one spell .* set it to 0, .* or to 6 at least",
        ),
        (
            {"vocabulary": {"candidates": ["bpe-600", "overlap-4"]}, "pretraining": {"mask_keep": 0.1}},
            "`pretraining.mask_keep` is 0.1, but neighbours are hidden together, as overlap-4 needs, .* set it to 0",
        ),
        ({"pretraining": {"mask_keep": 0.1, "mask_span": 2}}, "hidden together, as `pretraining.mask_span` asks"),
        (
            {
                "vocabulary": {"candidates": ["overlap-3", "overlap-4"], "studied": ["char"]},
                "selection": {"method": "sweep", "rule": "bits-per-base"},
            },
            "`selection.rule` bits-per-base compares none of the candidates, .* set it to mean-rank",
        ),
        (
            {"vocabulary": {"candidates": ["overlap-6"], "studied": ["overlap-5"]}},
            "all vocabularies overlap, .* add another, such as bpe-600, to `vocabulary.studied`",
        ),
        (
            {"vocabulary": {"studied": ["overlap-5"]}, "atlas": {"vocabulary": "overlap-5"}},
            "`atlas.vocabulary` overlap-5 overlaps, so that its tokens cut nothing; describe another",
        ),
        ({"vocabulary": {"outside": {"chosen": "t.json"}}}, "`vocabulary.outside.chosen`: .* choose another"),
        ({"vocabulary": {"outside": {"DNABERT-2": "t.json"}}}, "`vocabulary.outside`: 'DNABERT-2' does not match"),
        ({"vocabulary": {"outside": {"other": 2}}}, "`vocabulary.outside.other` is 2, but a text was expected"),
        ({"selection": {"vocabulary": "char"}}, "none of `vocabulary.candidates`"),
        ({"atlas": {"vocabulary": "char"}}, "`atlas.vocabulary` char is none of the vocabularies of the run"),
        ({"folds": {"method": "contigs"}}, "`folds.valid` must be a list of contigs"),
        ({"folds": {"test": "chr1"}}, "a share above 0 and at most 0.5, or a list of contigs"),
    ],
)
def test_one_sentence(changes, sentence):
    with pytest.raises(InputError, match=sentence) as error:
        completed(**changes)
    assert "\n" not in str(error.value)


def test_overlapping_words_may_be_pretrained():
    config = completed(vocabulary={"candidates": ["overlap-6"], "studied": ["bpe-600"]})
    assert config["selection"]["vocabulary"] == "overlap-6" and config["pretraining"]["mask_span"] == 0
    for span in (6, 12):
        completed(vocabulary={"candidates": ["bpe-600", "overlap-6"]}, pretraining={"mask_span": span})
    # byte pairs and words that only lie side by side hide nothing of one another
    completed(pretraining={"mask_keep": 0.1})


def test_one_candidate_chooses_itself_and_one_merge_more_is_there_on_both_strands():
    config = completed(vocabulary={"candidates": ["bpe-601"], "strands": "both"})
    assert config["selection"]["vocabulary"] == "bpe-601"
    with pytest.raises(InputError, match="bpe-601 needs `vocabulary.cycles` of at least 601"):
        completed(vocabulary={"candidates": ["bpe-601"]})


def test_a_table_names_line_and_column(tmp_path):
    path = tmp_path / "tracks.tsv"
    columns = {"track": "[a-z]+", "source": "[a-z]+"}
    path.write_text("# comment\ntrack\tsource\ngenes\tgenes\n")
    assert read_rows(path, columns) == [{"track": "genes", "source": "genes"}]
    path.write_text("track\tsource\ngenes\tGENES\n")
    with pytest.raises(InputError, match="tracks.tsv, line 2: source is 'GENES'"):
        read_rows(path, columns)
    path.write_text("track\tsource\ngenes\n")
    with pytest.raises(InputError, match=r"line 2: 2 columns were expected \(.*\), between tabs, found 1"):
        read_rows(path, columns)
    path.write_text("name\tsource\n")
    with pytest.raises(InputError, match="header must be track source"):
        read_rows(path, columns)


@pytest.mark.parametrize(
    ("benchmarks", "words"),
    [
        ({"models": ["bpe-77"]}, ["benchmarks.models", "bpe-77", "bpe-600"]),
        ({"external_models": {"gc": {"model": "x"}}}, ["benchmarks.external_models.gc", "choose another"]),
        ({"kmers": [6, 2]}, ["benchmarks.kmers", "shortest first"]),
        ({"external_models": {"nt": {"adapter": "auto"}}}, ["benchmarks.external_models.nt.model", "missing"]),
    ],
)
def test_predictors_that_cannot_be_are_refused(benchmarks, words):
    with pytest.raises(InputError) as error:
        completed(benchmarks=benchmarks)
    assert all(word in str(error.value) for word in words)
