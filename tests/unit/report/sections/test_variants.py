"""Sentences on variants follow the numbers, and nothing is said of effects that the data do not carry."""

import json

import numpy as np
import pandas as pd

from grover.report.parts import Folded, Picture, Results
from grover.report.sections.variants import section
from tests.fakes.variants import write


def made(folder, judged=True):
    files = write(folder, np.random.default_rng(0), judged)
    return section(Results(folder, files)), files


def sentences(found) -> str:
    texts = [part for part in found.parts if isinstance(part, str)]
    return " ".join([*texts, *(line for part in found.parts if isinstance(part, list) for line in part)])


def test_figures_come_with_one_finding_each(tmp_path):
    found, files = made(tmp_path)
    assert [part.name for part in found.parts if isinstance(part, Picture)] == [
        "variants_confounding",
        "variants_separation",
        "variants_labels",
    ]
    metrics = pd.read_parquet(files[0])
    row = metrics[(metrics["score"] == "delta_logit") & (metrics["stratum"] == "all")].iloc[0]
    text = sentences(found)
    assert (
        f"delta logit separates {row['positive']:,} with EFFECT break from {row['negative']:,} with EFFECT neutral"
        in text
    )
    assert f"AUROC {row['auroc']:.3f} ({row['auroc_low']:.3f} to {row['auroc_high']:.3f})" in text
    assert "llr does not separate" in text and "llr is confounded with the tokenization" in text
    assert "20 symbolic" in text and found.findings
    (folded,) = [part for part in found.parts if isinstance(part, Folded)]
    assert len(folded.parts) == 5


def test_the_tokenization_is_judged_over_random_substitutions(tmp_path):
    """Those of a file may have been chosen where an effect and a change of tokens coincide."""
    _, files = made(tmp_path)
    (path,) = [path for path in files if path.stem == "variant_confounding"]
    table = pd.read_parquet(path)
    for random, scored, words in ((0.1, 0.5, "is not confounded"), (-0.3, 0.0, "is confounded")):
        table.assign(partial=np.where(table["variants"] == "random", random, scored)).to_parquet(path)
        text = sentences(section(Results(tmp_path, files)))
        assert f"llr {words} with the tokenization" in text and "(600 random substitutions of fold train)" in text


def test_without_positives_in_fold_test_there_are_counts_and_a_picture(tmp_path):
    found, files = made(tmp_path, judged=False)
    text = sentences(found)
    assert "fold test has 0 and 0 of them" in text and "AUROC is not computed with fewer than 10" in text
    assert [part.name for part in found.parts if isinstance(part, Picture)] == [
        "variants_confounding",
        "variants_places",
    ]
    summary = json.loads(files[-1].read_text())
    files[-1].write_text(
        json.dumps(
            summary
            | {
                "judged": {"positive": 24, "negative": 500},
                "positives_from": 861_001,
                "positives_to": 982_001,
                "blocks": 2,
            }
        )
    )
    assert "within 121 kb in 2 blocks of 100,000 bases, fewer than 3" in sentences(section(Results(tmp_path, files)))


def test_without_labels_nothing_is_compared(tmp_path):
    _, files = made(tmp_path, judged=False)
    files[-1].write_text(json.dumps(json.loads(files[-1].read_text()) | {"labelled": {}}))
    assert "have no known effects (INFO EFFECT)" in sentences(section(Results(tmp_path, files)))


def test_differences_of_scores_are_corrected_for_their_number(tmp_path):
    _, files = made(tmp_path)
    (path,) = [path for path in files if path.name == "variant_effects.json"]
    summary = json.loads(path.read_text())
    # the first alone would be established: its p-value is 0.04, and 0.08 of two
    pairs = [("markov_5", 0.1, 0.0046, 0.1954), ("unigram", 0.0, -0.1, 0.1)]
    summary["differences"] = [
        {"score": "llr", "comparator": name, "auroc": value, "low": low, "high": high}
        for name, value, low, high in pairs
    ]
    path.write_text(json.dumps(summary))
    text = sentences(section(Results(tmp_path, files)))
    assert "llr does not differ measurably from Markov chain, order 5: +0.100 AUROC" in text
    assert "Holm p = 0.08 over 2 pairs" in text


def test_records_beyond_the_maximum_are_named(tmp_path):
    _, files = made(tmp_path)
    counts = tmp_path / "interpretation/variants.json"
    counts.write_text(json.dumps({"records": 16181, "beyond_maximum": 12181}))
    text = sentences(section(Results(tmp_path, [*files, counts])))
    assert "Of 16,181 records of the file 4,000 were scored" in text and "12,181 were left out" in text
