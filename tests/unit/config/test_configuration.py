"""Every mistake in a configuration is one sentence that names file, key, expectation and remedy; all are reported together."""

from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from grover.config.configuration import Configuration, complete, section_of
from grover.config.fields import Section, ordered_fields
from grover.config.renamed import RENAMED
from grover.config.sections.benchmarks import Limits
from grover.config.sections.pretraining import SIZES, Architecture, Choice, Masking
from grover.config.sections.run import Randomness
from grover.runtime.errors import InputError

ROOT = Path(__file__).resolve().parents[3]
CONFIGURATIONS = sorted((ROOT / "config").glob("*.yaml"))
LAID_OVER = {"benchmarks-local.yaml": "hg19-local.yaml"}
SMALLEST = {"run": "x", "sources": {"genome": {"url": "genome.fa"}}}


def completed(**changes) -> Configuration:
    return complete(deepcopy(SMALLEST) | changes, "my.yaml")


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=lambda path: path.name)
def test_shipped_configurations_are_valid(path):
    config = yaml.safe_load(path.read_text())
    if path.name in LAID_OVER:
        below = yaml.safe_load((path.parent / LAID_OVER[path.name]).read_text())
        config = below | {key: below[key] | part for key, part in config.items()}
    complete(config | {"data": "somewhere"}, path.name)


def test_what_the_production_configuration_shows_are_the_defaults():
    shown = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    expected = Configuration.model_validate(SMALLEST).model_dump(exclude={"run", "sources", "simulate"})
    # production needs a GPU and is of hg19; four numbers follow from `size`
    expected["device"], expected["embeddings"]["assembly"] = "cuda", "hg19"
    expected["selection"]["vocabulary"] = "bpe-600"
    for number in SIZES["base"]:
        del expected["pretraining"][number]
    for name in ("run", "sources"):
        del shown[name]
    assert shown.keys() <= expected.keys() and len(shown) > 15
    for name, values in shown.items():
        found = {key: expected[name][key] for key in values} if isinstance(values, dict) else expected[name]
        assert values == found, name


def test_the_production_configuration_has_the_order_of_the_reference():
    shown = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    for name, field in ordered_fields(Configuration).items():
        if isinstance(field.default, Section):
            keys = [key for key in ordered_fields(type(field.default)) if key in shown.get(name, {})]
            assert list(shown.get(name, {})) == keys, name


def test_defaults_are_filled_in_at_every_level():
    config = completed(pretraining={"layers": 2})
    assert (config.pretraining.layers, config.pretraining.hidden) == (2, 768)
    assert config.sources["genome"].confirmed is True
    assert (
        completed(pretraining={"size": "tiny", "heads": 8}).pretraining.model_dump().items()
        >= (SIZES["tiny"] | {"heads": 8}).items()
    )


def test_paths_have_their_variables_and_no_slash_at_the_end(monkeypatch):
    monkeypatch.setenv("SCRATCH", "/scratch/my lab's")
    monkeypatch.setenv("HOME", "/home/me")
    config = completed(
        results="${SCRATCH}/results/",
        downloads="./downloads//all/",
        data="~/data",
        sources={"genome": {"url": "~/a$$b.fa"}, "peaks": {"url": "https://x.org/$HOME/p.bed"}},
        vocabulary={"outside": {"dnabert2": "$SCRATCH/tokenizer.json"}, "candidates": ["dnabert2"]},
        benchmarks={"table": "~/tasks.tsv"},
    )
    assert (config.results, config.downloads, config.data) == (
        "/scratch/my lab's/results",
        "downloads/all",
        "/home/me/data",
    )
    assert [source.url for source in config.sources.values()] == ["/home/me/a$b.fa", "https://x.org/$HOME/p.bed"]
    assert config.vocabulary.outside["dnabert2"] == "/scratch/my lab's/tokenizer.json"
    assert config.benchmarks.table == "/home/me/tasks.tsv" and config.embeddings.tracks == "config/tracks.tsv"


def test_a_variable_cannot_bring_braces_into_a_path(monkeypatch):
    monkeypatch.setenv("GROVER_TEST", "a{b}")
    with pytest.raises(InputError, match=r"`data` is '\$GROVER_TEST', but a path without braces was expected"):
        completed(data="$GROVER_TEST")


def test_vocabularies_from_outside_and_studied_ones():
    outside = {"dnabert2": "there/tokenizer.json"}
    names = {"candidates": ["bpe-600", "dnabert2"], "studied": ["overlap-6", "dnabert2", "char", "kmer-7"]}
    assert completed(vocabulary={"outside": outside} | names).vocabulary.outside == outside
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
        (
            {"vocabulary": {"candidates": ["bpe-600", "char"]}, "selection": {"context": 600}},
            "`selection.context` is 600 bases, which are 600 tokens of char and with CLS and SEP do not fit",
        ),
        (
            {"vocabulary": {"candidates": ["kmer-2"]}, "evaluation": {"span_bases": 1_100}},
            "`evaluation.span_bases` is 1100 bases, which are 550 tokens of kmer-2 and with CLS and SEP do not fit",
        ),
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
            "`pretraining.mask_span` is 5, but the neighbours of a masked k-mer of overlap-6 .* set it to 0, .* or to 6 at least",
        ),
        (
            {"vocabulary": {"candidates": ["bpe-600", "overlap-4"]}, "pretraining": {"mask_keep": 0.1}},
            "`pretraining.mask_keep` is 0.1, but neighbours are masked together, as overlap-4 needs, .* set it to 0",
        ),
        ({"pretraining": {"mask_keep": 0.1, "mask_span": 2}}, "masked together, as `pretraining.mask_span` asks"),
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
            "`atlas.vocabulary` overlap-5 overlaps, so that its tokens do not segment the genome; describe another",
        ),
        ({"vocabulary": {"outside": {"chosen": "t.json"}}}, "`vocabulary.outside.chosen`: .* choose another"),
        # the part before the dash of other names
        ({"vocabulary": {"outside": {"kmer": "t.json"}}}, "`vocabulary.outside.kmer`: .* choose another"),
        ({"vocabulary": {"outside": {"DNABERT-2": "t.json"}}}, "`vocabulary.outside`: 'DNABERT-2' does not match"),
        ({"vocabulary": {"outside": {"other": 2}}}, "`vocabulary.outside.other` is 2, but a text was expected"),
        ({"selection": {"vocabulary": "char"}}, "none of `vocabulary.candidates`"),
        (
            {"selection": {"method": "sweep", "vocabulary": "bpe-600"}},
            "`selection.vocabulary` is bpe-600, but `selection.method: sweep` takes the candidate with the best scores",
        ),
        ({"atlas": {"vocabulary": "char"}}, "`atlas.vocabulary` char is none of the vocabularies of the run"),
        ({"folds": {"method": "contigs", "test": ["chr1"]}}, "`folds.valid` must be a list of contigs"),
        ({"folds": {"test": "chr1"}}, "a share above 0 and at most 0.5, or a list of contigs"),
    ],
)
def test_one_sentence(changes, sentence):
    with pytest.raises(InputError, match=sentence) as error:
        completed(**changes)
    assert "\n" not in str(error.value)


def test_overlapping_k_mers_may_be_pretrained():
    config = completed(vocabulary={"candidates": ["overlap-6"], "studied": ["bpe-600"]})
    assert config.selection.vocabulary == "overlap-6" and config.pretraining.mask_span == 0
    for span in (6, 12):
        completed(vocabulary={"candidates": ["bpe-600", "overlap-6"]}, pretraining={"mask_span": span})
    # tokens that do not overlap contain no bases of one another
    completed(pretraining={"mask_keep": 0.1})


def test_one_candidate_chooses_itself_and_one_merge_more_is_there_on_both_strands():
    config = completed(vocabulary={"candidates": ["bpe-601"], "strands": "both"})
    assert config.selection.vocabulary == "bpe-601"
    with pytest.raises(InputError, match="bpe-601 needs `vocabulary.cycles` of at least 601"):
        completed(vocabulary={"candidates": ["bpe-601"]})


@pytest.mark.parametrize(
    ("benchmarks", "words"),
    [
        ({"models": ["bpe-77"]}, ["benchmarks.models", "bpe-77", "bpe-600"]),
        ({"external_models": {"gc": {"model": "x"}}}, ["benchmarks.external_models.gc", "choose another"]),
        ({"kmers": [6, 2]}, ["benchmarks.kmers", "shortest first"]),
        ({"kmers": [2, 3, 4]}, ["benchmarks.kmers", "has 3 entries", "at most 2"]),
        ({"baselines": ["gc", "gc"]}, ["benchmarks.baselines", "a list that names gc only once"]),
        ({"external_models": {"nt": {"model": ""}}}, ["benchmarks.external_models.nt.model", "is '', but a text"]),
        ({"external_models": {"nt": {"adapter": "auto"}}}, ["benchmarks.external_models.nt.model", "missing"]),
    ],
)
def test_a_comparison_that_cannot_be_is_refused(benchmarks, words):
    with pytest.raises(InputError) as error:
        completed(benchmarks=benchmarks)
    assert all(word in str(error.value) for word in words)


def test_windows_of_base_tracks_need_tokens_between_their_contexts():
    small = {
        "pretraining": {"positions": 64},
        "corpus": {"longest": 62},
        "embeddings": {"window_tokens": 62, "context": 8},
    }
    with pytest.raises(InputError, match="`interpretation.track_context` is 31 tokens at both ends of a window of 62"):
        completed(interpretation={"tracks": "test", "track_context": 31}, **small)
    completed(interpretation={"track_context": 31}, **small)  # no tracks


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"seed": "3"}, "`seed` is '3', but a whole number was expected"),
        ({"seed": True}, "`seed` is True, but a whole number was expected"),
        ({"seed": 1.0}, "`seed` is 1.0, but a whole number was expected"),
        ({"results": 2}, "`results` is 2, but a text was expected"),
        ({"pretraining": {"dropout": True}}, "`pretraining.dropout` is True, but a number was expected"),
        ({"pretraining": {"dropout": 2}}, "`pretraining.dropout` is 2, but a number at most 0.9 was expected"),
        ({"pretraining": {"learning_rate": 0}}, "is 0, but a number above 0 was expected"),
        ({"pretraining": None}, "`pretraining` is None, but a mapping was expected"),
        ({"embeddings": {"layers": [0, "last"]}}, "`embeddings.layers.1` is 'last', but a whole number was expected"),
        ({"freeze": ["train"]}, "`freeze.0` is 'train', but one of 'pretrain', 'next_kmer', .* was expected"),
        ({"sources": {"genome": {"url": "x", "md5": "0"}}}, r"`sources.genome.md5` is '0', which does not match \^\["),
        ({"folds": {"test": 0.6}}, "`folds.test` is 0.6, but a share above 0"),
        ({"folds": {"test": []}}, "or a list of contigs, was expected"),
    ],
)
def test_types_are_not_converted(changes, sentence):
    with pytest.raises(InputError, match=sentence):
        completed(**changes)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({None: 3}, "the top level has the key None, but a text was expected; correct it or put it in quotes"),
        ({"pretraining": {True: 3}}, "`pretraining` has the key True, but a text was expected"),
        ({"benchmarks": {"external_models": {3: {"model": "x"}}}}, "`benchmarks.external_models` has the key 3, but"),
        ({"pretraining": {"learning_rate": "1e-7"}}, "was expected; write 0.0000001, without quotes, in a file"),
        (
            {"pretraining": {"steps": "1e3"}},
            "was expected; write 1000, without quotes, in a file given to --configfile",
        ),
        ({"pretraining": {"steps": "2.5"}}, "`pretraining.steps` is '2.5', but a whole number was expected$"),
        ({"pretraining": {"dropout": "1e999999999999"}}, "but a number was expected$"),
        ({"embeddings": {"states": "True"}}, "but true or false was expected; write true, without quotes"),
        ({"pretraining": {"learning_rate": float("nan")}}, "is nan, but a finite number was expected"),
        ({"seed": 2**31}, "`seed` is 2147483648, but a number at most 2147483647 was expected"),
        ({"results": ""}, "`results` is '', which does not match"),
        (
            {"results": "$GROVER_NO_SUCH/x"},
            r"`results` is '\$GROVER_NO_SUCH/x', but a path whose variables are set \(\$GROVER_NO_SUCH",
        ),
        ({"data": "${GROVER_NO_SUCH}"}, "`data` is .*, but a path whose variables are set"),
        ({"downloads": "~no_such_user/x"}, "`downloads` is .*, but a path in the home folder of a user who exists"),
        ({"downloads": "{run}"}, "`downloads` is '{run}', which does not match"),
        ({"sources": {"genome": {"url": ""}}}, "`sources.genome.url` is '', which does not match"),
    ],
)
def test_what_yaml_reads_otherwise_than_meant_and_what_ends_in_a_wrong_place_is_refused(changes, sentence):
    with pytest.raises(InputError, match=sentence) as error:
        complete(SMALLEST | changes, "my.yaml")
    assert "\n" not in str(error.value)


def test_a_long_value_is_cut():
    with pytest.raises(InputError, match="`device` is 'a{99}[.]{3}, but one of") as error:
        completed(device="a" * 10_000)
    assert len(str(error.value)) < 200


def test_a_whole_number_is_a_number():
    assert completed(vocabulary={"sample": 1}).vocabulary.sample == 1


def test_all_mistakes_are_reported_together():
    raw = {
        "vocabulery": {},
        "pretraining": {"steps": "many", "heads": 5, "mask_share": 0.2},
        "sources": {"genome": {"file": "genome.fa"}},
    }
    with pytest.raises(InputError) as error:
        complete(raw, "my.yaml")
    first, *lines = str(error.value).splitlines()
    assert first == "my.yaml: 6 mistakes" and len(lines) == 6
    for words in (
        "key `run` is missing",
        "unknown key `vocabulery`; did you mean `vocabulary`?",
        "`pretraining.steps` is 'many'",
        "`pretraining.mask_share` is now `pretraining.mask_ratio`",
        "must be a multiple of `pretraining.heads` (5)",
        "`sources.genome` has only `file`",
    ):
        assert sum(words in line for line in lines) == 1, words
    assert "mask_share" in raw["pretraining"]


@pytest.mark.parametrize(
    "changes",
    [
        {"pretraining": {"size": "huge", "heads": 5}},  # what the state is depends on the size
        {"simulate": {"contigs": 3}, "sources": {"genome": {"simulated": "genome.fa.gz"}}},
        {"folds": {"method": "contig", "test": ["chr1"]}},
        {"vocabulary": {"candidates": ["kmer-9", 3]}},
    ],
)
def test_no_contradiction_with_a_mistaken_key_is_reported(changes):
    with pytest.raises(InputError) as error:
        completed(**changes)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_an_old_key_is_refused_with_its_new_name(old, new):
    section, key = old.split(".")
    with pytest.raises(InputError, match=f"`{old}` is now `{new}`; rename it"):
        completed(**{section: {key: 1}})
    names = ordered_fields(type(getattr(completed(), section)))
    assert key not in names and new.removeprefix(f"{section}.") in names


def test_zero_stands_for_the_value_of_another_key():
    config = completed(pretraining={"mask_ratio": 0.15}, corpus={"longest": 100})
    assert (config.evaluation.mask_ratio, config.evaluation.span_bases) == (0.15, 200)
    config = completed(vocabulary={"candidates": ["bpe-600", "char"]}, evaluation={"mask_ratio": 0.3})
    assert (config.evaluation.mask_ratio, config.evaluation.span_bases) == (0.3, 510)
    assert completed(embeddings={"layers": [2, 0]}).embeddings.layers == [0, 2]


def test_what_a_run_writes_of_its_configuration_is_a_configuration():
    for method, taken in (("fixed", "bpe-600"), ("sweep", "")):
        config = completed(selection={"method": method})
        assert config.selection.vocabulary == taken
        assert complete(config.model_dump(mode="json", exclude_none=True), "config.json") == config


def test_each_group_belongs_to_one_section():
    assert (section_of(Masking), section_of(Choice), section_of(Limits)) == (
        "pretraining",
        "selection",
        "benchmarks.limits",
    )
    assert section_of(Randomness) == "" and section_of(Architecture) == "pretraining"
    groups = [Configuration]
    for section in groups:
        groups += [base for base in section.__bases__ if issubclass(base, Section) and base is not Section]
        groups += [type(field.default) for field in section.model_fields.values() if isinstance(field.default, Section)]
    assert len(groups) > 50
    for group in groups:
        assert section_of(group) is not None
    with pytest.raises(LookupError, match="belongs to"):
        section_of(Section)


def test_no_two_groups_of_a_section_have_the_same_key():
    for section in [
        Configuration,
        *(type(f.default) for f in ordered_fields(Configuration).values() if isinstance(f.default, Section)),
    ]:
        keys = [
            key
            for kind in section.__mro__
            if issubclass(kind, Section)
            for key in kind.__dict__.get("__annotations__", {})
        ]
        assert len(keys) == len(set(keys)), section
