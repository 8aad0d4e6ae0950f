"""The reproduction dossier: verdicts follow the interval, and the published scores are complete."""

import json
import runpy
from pathlib import Path

import pandas as pd
import pytest

from grover.report.parts import Results
from grover.report.published import LENGTHS
from grover.report.reproduction import (
    COMPATIBLE,
    NOT_REPRODUCED,
    NOT_RUN,
    REPRODUCED,
    dossier,
    page,
    read_context,
    read_published,
    score,
    summary,
)
from grover.report.sections import reproduction as shown
from grover.runtime.errors import InputError

ROOT = Path(__file__).parents[3]
FAKE = runpy.run_path(str(ROOT / "tests/fakes/benchmarks.py"))
CONTEXT = FAKE["CONTEXT"] | {"vocabulary": "bpe-600", "maximum_train": 500, "command": "make it"}
NEXT_KMER = FAKE["NEXT_KMER"]


@pytest.fixture(scope="module")
def published():
    return read_published(ROOT / "resources/published.tsv")


def benchmarks(low, high, model="chosen", task="mine", n_train=500):
    """Scores of one model on one task, with rows that must not be read."""
    row = {"task": task, "model": model, "kind": "model", "part": "all", "seed": None, "n_train": n_train, "n_test": 90}
    row |= {"mcc": (low + high) / 2, "mcc_low": low, "mcc_high": high}
    wrong = {"mcc": 0.1, "mcc_low": 0.0, "mcc_high": 1.0}
    return pd.DataFrame([row, row | wrong | {"seed": 1}, row | wrong | {"part": "clean"}]).astype({"seed": "Int64"})


def card(published="CTCF", task="mine"):
    inputs = {
        "peaks": {"file": "K562.narrowPeak.gz"},
        "memes": {"file": "MA0139.1.meme"},
        "sequence": {"file": "x.npy"},
    }
    return {
        "task": task,
        "sites": ["peaks"],
        "options": {"motifs": "memes"} | ({"published": published} if published else {}),
        "negatives": "unbound",
        "length": 201,
        "counts": {"train": {"unbound": 500, "bound": 300}},
        "checksums": {"inputs": inputs},
    }


def of(table, task, model):
    return table[(table["task"] == task) & (table["model"] == model)]


def test_every_published_score_has_source_metric_and_a_number(published):
    table = published.set_index(["task", "model", "metric"])["value"]
    assert table["Prom300", "GROVER", "MCC"] == "99.6" and table["CTCF", "DNABERT-2", "MCC"] == "59"
    assert table["Masked tokens", "6-mer model", "perplexity"] == "1472" and table.index.is_unique
    assert table["Next-6-mer", "NT", "accuracy"] == "<=0.4"
    assert (published["source"] != "").all() and set(published["certainty"]) <= {"A", "B", "C", ""}
    assert published.loc[published["source"].str.contains("10.1038/s42256-024-00872-0"), "certainty"].eq("B").all()


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.55, 0.65, REPRODUCED),
        (0.54, 0.66, REPRODUCED),
        (0.54, 0.67, COMPATIBLE),
        (0.1, 0.95, COMPATIBLE),
        (0.5, 0.59, NOT_REPRODUCED),
        (0.61, 0.7, NOT_REPRODUCED),
        (0.1, 0.59, NOT_REPRODUCED),
    ],
)
def test_a_score_is_reproduced_only_where_a_narrow_interval_holds_the_published_one(published, low, high, verdict):
    row = of(dossier(published, benchmarks(low, high), [card()], NEXT_KMER, {}, CONTEXT), "CTCF", "GROVER").iloc[0]
    assert row["verdict"] == verdict and row["ours"] == pytest.approx(50 * (low + high)) and row["our_task"] == "mine"
    assert row["why"].startswith(
        "500 of 800 (`finetuning.maximum_train`) training and 90 test examples; sequences of 201"
    )
    assert row["why"].endswith("negatives: unbound; read from K562.narrowPeak.gz, MA0139.1.meme")


def test_models_that_were_not_run_and_tasks_without_the_option_are_named_so(published):
    table = dossier(published, benchmarks(0.5, 0.7), [card(None)], NEXT_KMER, {}, CONTEXT)
    assert (table["verdict"] == NOT_RUN).all() and len(table) == len(published)
    assert summary(table) == ["None of the published scores has a counterpart in this run."]
    table = dossier(published, benchmarks(0.5, 0.7), [card()], NEXT_KMER, {}, CONTEXT)
    assert (of(table, "CTCF", "DNABERT-2")["verdict"] == NOT_RUN).all()


def test_a_wide_interval_is_counted_by_itself(published):
    scores = pd.concat([benchmarks(0.4, 0.8, task="wide"), benchmarks(0.55, 0.65, task="narrow")])
    table = dossier(published, scores, [card(task="wide"), card(task="narrow")], NEXT_KMER, {}, CONTEXT)
    absent = len(published) - 1
    assert summary(table)[0] == (
        "Of 2 comparisons with published scores 1 is reproduced, 1 is compatible, but uncertain, 0 are not."
    )
    assert summary(table)[1] == f"{absent} further published scores have no counterpart in this run."
    assert "CTCF (wide), MCC: GROVER 60 %, here 60.0 (40.0 to 80.0) %: compatible, but uncertain." in page(
        table, "small"
    )
    # in the unit of the score: a width of 0.4 points is narrow, one of 0.4 MCC is not
    plain = published.assign(unit="", value="0.6")
    verdicts = dossier(plain, scores, [card(task="wide"), card(task="narrow")], NEXT_KMER, {}, CONTEXT).query(
        "model == 'GROVER'"
    )
    verdicts = verdicts[verdicts["task"] == "CTCF"]
    assert verdicts["verdict"].tolist() == [COMPATIBLE, REPRODUCED]


def test_external_models_are_known_by_their_names_and_two_tasks_may_stand_beside_one(published):
    scores = pd.concat([benchmarks(0.5, 0.54, "nt-v2-50m", task) for task in ("one", "two")])
    rows = of(
        dossier(published, scores, [card("PromScan", "one"), card("PromScan", "two")], NEXT_KMER, {}, CONTEXT),
        "PromScan",
        "NT",
    )
    assert rows["our_task"].tolist() == ["one", "two"] and (rows["verdict"] == REPRODUCED).all()
    scores = benchmarks(0.7, 0.8, "kmer-4")
    table = dossier(published, scores, [card("Prom300")], NEXT_KMER, {}, CONTEXT)
    assert of(table, "Prom300", "4-mer model")["our_model"].item() == "kmer-4"


def test_next_words_and_masked_tokens_stand_beside_the_paper(published):
    rows = [("bpe-600", "model", 0.019), ("kmer-4", "model", 0.003), ("tfidf-forest", "baseline", 0.02)]
    next_kmer = pd.DataFrame(rows, columns=["vocabulary", "kind", "accuracy"]).assign(k=6, n=4000, seeds=3)
    next_kmer = next_kmer.assign(low=next_kmer["accuracy"] - 0.001, high=next_kmer["accuracy"] + 0.001)
    part = {"model": {"top1": 0.21, "topk": 0.6, "perplexity": 200.0}, "masked_tokens": 900}
    metrics = {"bpe-600": {"split": "region", "splits": {"region": part}, "top": 50, "mask_ratio": 0.1}}
    table = dossier(published, benchmarks(0, 0.1), [], next_kmer, metrics, CONTEXT)
    verdicts = table[table["task"] == "Next-6-mer"].set_index("model")["verdict"].to_dict()
    assert verdicts == {
        "GROVER": REPRODUCED,
        "TF-IDF": NOT_REPRODUCED,
        "DNABERT-2": NOT_RUN,
        "NT": NOT_RUN,
        "k-mer models": REPRODUCED,
    }
    masked = table[table["task"] == "Masked tokens"].set_index(["model", "metric"])
    # no interval, so that even the same value is not called reproduced
    assert (
        masked.loc[("GROVER", "top-1"), "ours"] == 21 and masked.loc[("GROVER", "top-1"), "verdict"] == NOT_REPRODUCED
    )
    assert masked.loc[("GROVER", "top-60"), "verdict"] == NOT_RUN  # ours was scored at 50
    assert masked.loc[("4-mer model", "perplexity"), "verdict"] == NOT_RUN


def test_the_page_says_how_it_was_made_and_holds_every_score(published):
    table = dossier(published, benchmarks(0.5, 0.59), [card()], NEXT_KMER, {}, CONTEXT)
    text = page(table, "small")
    assert (
        "Generated by `make it`" in text
        and "| GROVER | MCC, % | 60 | mine | chosen | 54.5 (50.0 to 59.0) | not reproduced |" in text
    )
    assert text.count("\n| ") == 1 + 1  # the header and the one score that has a counterpart
    assert "CTCF (mine), MCC: GROVER 60 %, here 54.5 (50.0 to 59.0) %: not reproduced." in text


def test_a_run_on_another_genome_is_compared_with_nothing_and_says_so_in_one_sentence(published, tmp_path):
    sentence = "Published values do not apply."
    context = CONTEXT | {"inapplicable": sentence}
    table = dossier(published, benchmarks(0.59, 0.61), [card()], NEXT_KMER, {}, context)
    assert (table["verdict"] == NOT_RUN).all() and summary(table) == [sentence]
    assert page(table, "yeast") == (
        f"# Published scores and ours\n\nGenerated by `make it`; nothing here is written by hand. {sentence}\n"
    )
    table.to_parquet(tmp_path / "reproduction.parquet")
    section = shown.section(Results(tmp_path, [tmp_path / "reproduction.parquet"]))
    assert section.parts == [sentence] and not section.findings


def test_grover_is_compared_with_its_own_vocabulary_only(published):
    table = dossier(published, benchmarks(0.59, 0.61), [card()], NEXT_KMER, {}, CONTEXT | {"vocabulary": "bpe-200"})
    assert (table["verdict"] == NOT_RUN).all()
    assert "Vocabulary: scores of GROVER are compared with models of bpe-600 only." in table.attrs["differences"]
    forest = benchmarks(0.25, 0.27, model="tfidf-forest")
    table = dossier(published, forest, [card()], NEXT_KMER, {}, CONTEXT | {"vocabulary": "bpe-200"})
    assert of(table, "CTCF", "TF-IDF")["verdict"].item() == REPRODUCED


def test_a_value_has_as_many_digits_as_it_bears():
    assert score(97.04, 90, 100, "%") == "97.0 (90.0 to 100.0) %" and score(0.3, float("nan"), 1, "%") == "0.300 %"
    assert score(float("nan"), 0, 1, "%") == "–"


def test_a_published_score_that_is_no_number_is_one_sentence(tmp_path, published):
    table = tmp_path / "published.tsv"
    published.assign(value="much").to_csv(table, sep="\t", index=False)
    with pytest.raises(InputError, match="line 2: value is 'much', but a number was expected"):
        read_published(table)
    published.drop(columns="unit").to_csv(table, sep="\t", index=False)
    with pytest.raises(InputError, match="the header must be task model metric value unit"):
        read_published(table)


def test_the_command_writes_table_and_page(tmp_path):
    FAKE["write"](tmp_path)
    config = {
        "run": "demo",
        "sources": {"genome": {"file": "hg19/part.fa.gz"}},
        "selection": {"vocabulary": ""},
        "vocabulary": {"candidates": ["bpe-600"]},
        "corpus": {"split": "region"},
        "folds": {"method": "blocks", "block": 50_000, "gap": 1_000},
        "finetuning": {"maximum_train": 2000},
    }
    model = {"num_hidden_layers": 2, "hidden_size": 64}
    contigs = pd.DataFrame({"length": [*LENGTHS, 100], "kept": [2_800_000_000, 1, 1, 1, 0]})
    contigs.to_csv(tmp_path / "contigs.tsv", sep="\t", index=False)
    scores = {"model": {"top1": 0.21, "topk": 0.6, "perplexity": 200.0}, "masked_tokens": 900}
    metrics = {
        "parameters": 9,
        "training_tokens": 8,
        "split": "region",
        "splits": {"region": scores},
        "top": 50,
        "mask_ratio": 0.1,
    }
    assert read_context(config, "x", "kmer-4", model, {"kmer-4": metrics}, contigs)["vocabulary"] == "kmer-4"
    for name, content in (("config", config), ("model", model), ("metrics", metrics)):
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    NEXT_KMER.to_parquet(tmp_path / "next_kmer.parquet")
    runpy.run_path(str(ROOT / "workflow/scripts/write_reproduction.py"))["write_reproduction"](
        benchmarks=tmp_path / "benchmarks.parquet",
        published=ROOT / "resources/published.tsv",
        config=tmp_path / "config.json",
        table=tmp_path / "out/reproduction.parquet",
        page_=tmp_path / "out/reproduction.md",
        command="snakemake --cores 2",
        cards=sorted(tmp_path.glob("benchmarks/*/card.json")),
        next_kmer=tmp_path / "next_kmer.parquet",
        model_metrics=[f"bpe-600={tmp_path / 'metrics.json'}"],
        model_config=tmp_path / "model.json",
        contigs=tmp_path / "contigs.tsv",
    )
    table = pd.read_parquet(tmp_path / "out/reproduction.parquet")
    assert (table["verdict"] == REPRODUCED).sum() == 1 and "2 layers x 64" in table.attrs["differences"][0]
    assert "blocks of 50,000 bases with gaps of 1,000" in (tmp_path / "out/reproduction.md").read_text()
