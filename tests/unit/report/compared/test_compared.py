"""The comparison of runs: what differs, differences on equal examples, and a sentence where nothing can be compared."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import matthews_corrcoef
from typer.testing import CliRunner

from grover.commands.application import application
from grover.report.compared import learning, probes, settings, sites, tasks
from grover.report.compared.page import compare
from grover.report.compared.runs import names_of, open_runs
from grover.report.parts import SAME, WORSE, Table
from grover.runtime.errors import InputError
from tests.fakes.compared_runs import TASKS, write


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return write(tmp_path_factory.mktemp("runs"))


@pytest.fixture
def changed(folders, tmp_path):
    """A copy of the second run that a test may change."""
    return shutil.copytree(folders[1], tmp_path / "c")


def test_only_what_differs_is_listed_with_the_values_of_all_runs():
    texts = {
        "a": settings.flat({"x": {"y": 1, "z": [1, "two"]}, "w": {}}),
        "b": settings.flat({"x": {"y": 2, "z": [1, "two"]}}),
    }
    table = settings.differing(texts)
    assert table.to_dict("records") == [{"key": "x.y", "a": "1", "b": "2"}, {"key": "w", "a": "{}", "b": "–"}]
    assert texts["a"]["x.z"] == "[1, two]"


def test_long_values_that_differ_at_their_end_are_listed():
    names = [f"scaffold_{number}" for number in range(60)]
    table = settings.differing({"a": settings.flat({"k": names}), "b": settings.flat({"k": [*names[:-1], "other"]})})
    assert table["key"].tolist() == ["k"] and len(table["a"][0]) == settings.LONGEST


def test_runs_that_differ_in_a_setting_and_in_the_genome_say_so(folders, changed):
    configuration = json.loads((changed / "config.json").read_text())
    (changed / "config.json").write_text(json.dumps(configuration | {"finetuning": {"seeds": 3}}))
    np.save(changed / "genome/sequence.npy", np.ones(1000, np.uint8))
    found = settings.section(open_runs([folders[0], changed]))
    keys, files = [part.frame for part in found.parts if isinstance(part, Table)]
    assert keys.to_numpy().tolist() == [["finetuning.seeds", "2", "3"]]
    assert files["file"].tolist() == ["genome/sequence.npy"] and files["a"][0] != files["c"][0]
    assert "1 key of the configuration (finetuning.seeds)" in found.findings[0]


def test_differences_are_those_of_the_stored_predictions(folders):
    runs = open_runs(list(folders))
    table = tasks.compare(runs).differences["b"].set_index("task")
    assert set(table.index) == set(TASKS)
    for task in TASKS:
        means = []
        for folder in folders:
            rows = pd.read_parquet(folder / f"finetuning/{task}/chosen/predictions.parquet").query("fold == 'test'")
            each = [matthews_corrcoef(one["label"], one["probability"] >= 0.5) for _, one in rows.groupby("seed")]
            means.append(np.mean(each))
        assert table["difference"][task] == pytest.approx(means[0] - means[1])
        assert table["low"][task] < table["difference"][task] < table["high"][task] < 0
    assert (table["verdict"] == WORSE).all() and (table["n"] == 120).all() and (table["seeds"] == 2).all()


def test_a_run_does_not_differ_from_its_copy(folders, tmp_path):
    runs = open_runs([folders[0], shutil.copytree(folders[0], tmp_path / "copy")])
    found = tasks.compare(runs)
    assert (found.differences["copy"]["verdict"] == SAME).all() and (found.differences["copy"]["difference"] == 0).all()
    said = learning.section(runs, learning.learnt(runs)).findings
    assert said == [
        "a does not differ measurably from copy: +0.000 nats per masked token (95\u00a0%\u00a0interval +0.000\u00a0to\u00a0+0.000)."
    ]
    assert "no difference is established" in probes.section(runs, probes.compare(runs)).findings[0]


def test_test_examples_may_have_other_numbers_but_not_other_bases(folders, changed):
    first, second = (f"benchmarks/{task}/dataset.parquet" for task in TASKS)
    dataset, predictions = (
        pd.read_parquet(changed / first),
        changed / f"finetuning/{TASKS[0]}/chosen/predictions.parquet",
    )
    fewer = dataset.iloc[4:].reset_index(drop=True)  # four examples of fold train less
    fewer.attrs = dataset.attrs
    fewer.to_parquet(changed / first)
    table = pd.read_parquet(predictions)
    table.assign(example=table["example"] - 4).to_parquet(predictions, index=False)
    other = pd.read_parquet(changed / second)
    other.loc[other["fold"] == "test", "sequence"] = "AAAA"
    other.to_parquet(changed / second)
    whole, part = (tasks.compare(open_runs([folders[0], folder])) for folder in (folders[1], changed))
    assert part.differences["c"]["task"].tolist() == [TASKS[0]]
    expected = whole.differences["b"].set_index("task").loc[TASKS[0]]
    assert part.differences["c"].iloc[0][["difference", "low", "high"]].tolist() == pytest.approx(
        expected[["difference", "low", "high"]].tolist()
    )
    assert f"a and c did not score the same test examples of {TASKS[1]}: no difference is computed." in part.notes
    assert any(note.startswith("c has no stored predictions of prom300-shuffle, ") for note in part.notes)


def test_masked_tokens_compare_by_loss_then_by_bits_and_not_across_genomes(folders, changed):
    def said(*places) -> str:
        first, other = learning.learnt(open_runs(list(places)))
        return learning.sentence(first, other)

    losses = [pd.read_parquet(folder / "models/bpe-300/masked_tokens.parquet") for folder in folders]
    mean = [table.loc[table["split"] == "region", "nats_model"].mean() for table in losses]
    assert said(*folders).startswith(f"a underperforms b by {mean[0] - mean[1]:.3f} nats per masked token")
    (changed / "models/bpe-300/tokenizer.json").write_text('{"other": 1}')
    assert "By bits per base, since their masked tokens differ, no difference between a and c is established" in said(
        folders[0], changed
    )
    (changed / "genome/folds.bed").write_text("chr1\t0\t10\ttest\n")
    assert said(folders[0], changed) == "a and c are not comparable on masked tokens: their held-out regions differ."
    np.save(changed / "genome/sequence.npy", np.ones(1000, np.uint8))
    assert said(folders[0], changed) == "a and c are not comparable on masked tokens: their genomes differ."


def test_probes_and_variants_have_verdicts_only_on_equal_regions_and_variants(folders, changed):
    runs = open_runs([folders[0], changed])
    table = pd.read_parquet(changed / "embeddings/probes.parquet")
    table[["value", "low", "high"]] += 1.0
    table.to_parquet(changed / "embeddings/probes.parquet")
    assert (probes.compare(open_runs([folders[0], changed])).differences["c"]["verdict"] == WORSE).all()
    assert "of a outperforms that of c on 0 of" in sites.variant_section(runs).findings[0]
    path = changed / "interpretation/variants.parquet"
    alleles = pd.read_parquet(path)
    alleles.assign(llr=1.0, alt=alleles["alt"].where(alleles["label"] >= 0, "G")).to_parquet(path)
    assert "of a outperforms" in sites.variant_section([runs[0], *open_runs([changed])]).findings[0]
    alleles.assign(alt="G").to_parquet(path)  # as many of each label, but others
    [said] = sites.variant_section(open_runs([folders[0], changed])).findings
    assert said == "a and c are not comparable on variants: they judged other variants."
    annotation = pd.read_parquet(changed / "embeddings/annotation.parquet")
    first = next(name for name in annotation if name in set(table["track"]))
    annotation.assign(**{first: annotation[first].to_numpy()[::-1]}).to_parquet(
        changed / "embeddings/annotation.parquet"
    )
    found = probes.compare(open_runs([folders[0], changed]))
    assert first not in set(found.differences["c"]["track"]) and len(found.differences["c"])
    assert found.notes == [f"a and c have other annotation of {first}, which is not compared."]
    regions = pd.read_parquet(changed / "embeddings/regions.parquet")
    regions.assign(start=regions["start"] + 1).to_parquet(changed / "embeddings/regions.parquet")
    found = probes.compare(open_runs([folders[0], changed]))
    assert found.differences == {} and found.notes == ["a and c are not comparable on tracks: their regions differ."]


def test_a_run_that_lacks_stages_has_one_sentence_for_each(folders, changed):
    for name in ("models", "interpretation", "embeddings"):
        shutil.rmtree(changed / name)
    (changed / "benchmarks.parquet").unlink()
    page = compare(open_runs([folders[0], changed]))
    for sentence in ("scored pretrained model", "scored benchmark", "probed track", "motifs", "judged variants"):
        assert f"c has no {sentence}." in page
    assert "No two runs scored the same test examples of a task." in page


def test_the_command(folders, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def typed(*words):
        return CliRunner().invoke(application, ["report", *map(str, words)])

    assert typed(folders[0]).output == f"{folders[0] / 'report.html'}\n"
    assert typed(folders[0], "--compare", folders[1]).output == "written: a-compared.html\n"
    page = (tmp_path / "a-compared.html").read_text()
    assert page.startswith("<!doctype html>") and page.count("<svg") >= 8 and WORSE in page
    for words, message in (
        (
            [tmp_path],
            f"error: {tmp_path} is no finished run: it has no config.json and no report.html; name the folder of a run",
        ),
        ([folders[0], "--compare", tmp_path / "no"], "no is no finished run"),
        ([folders[0], "--compare", folders[0]], "is named twice; name each run once"),
        ([folders[0], "-o", "x.html"], "needs --compare RUN"),
    ):
        done = typed(*words)
        assert done.exit_code == 1 and message in done.output and done.output.count("\n") == 1


def test_runs_of_one_name_are_told_apart_by_their_folders(tmp_path):
    assert names_of([tmp_path / "x/demo", tmp_path / "y/demo"]) == ["x/demo", "y/demo"]
    with pytest.raises(InputError, match="at most 5"):
        open_runs([tmp_path] * 6)


def test_a_dollar_sign_in_the_name_of_a_run_begins_no_formula(folders, tmp_path):
    named = shutil.copytree(folders[1], tmp_path / "x$\\foo$y")
    page = compare(open_runs([named, folders[0]]))
    assert "x$\\foo$y" in page


def test_the_first_screen_warns_where_one_of_several_runs_scored_other_examples(folders, tmp_path):
    runs = [
        shutil.copytree(folder, tmp_path / name) for folder, name in zip((*folders, folders[1]), "abc", strict=True)
    ]
    for run in runs:  # the tasks whose predictions are stored
        table = pd.read_parquet(run / "benchmarks.parquet")
        table[table["task"].isin(TASKS)].to_parquet(run / "benchmarks.parquet")
    for task in TASKS:
        path = runs[2] / f"benchmarks/{task}/dataset.parquet"
        pd.read_parquet(path).assign(sequence="TTTT").to_parquet(path)
    warning = "Where test examples differ, runs are not comparable"
    assert warning not in compare(open_runs(runs[:2]))
    assert warning in compare(open_runs(runs))
