"""DNABERT's words through the stages of pretraining: one more candidate of a finished run."""

import json

import pytest

from tests.workflow.test_reruns import changed, setting

pytestmark = pytest.mark.workflow


def test_overlapping_words_are_pretrained_in_spans_and_scored(finished):
    config = finished.root / "config/test.yaml"
    with changed(config, setting("vocabulary", "candidates", ["bpe-60", "kmer-3", "overlap-3"])):
        done = finished.snakemake("results/test/models/overlap-3/README.md")
    assert done.returncode == 0, done.stdout
    assert "models/bpe-60/model.safetensors" not in done.stdout  # the others' models are not trained again
    metrics = json.loads((finished.work / "results/test/models/overlap-3/metrics.json").read_text())
    assert (metrics["kind"], metrics["mask_span"]) == ("overlap", 3)
    # a word shares its bases with others, so that bits per base have no meaning
    assert metrics["common_spans"] is None and metrics["splits"]["region"]["model"]["bits_per_base"] is None
    identity = next(finished.work.glob("results/test/checkpoints/overlap-3-*/identity.json"))
    assert json.loads(identity.read_text())["masking"]["span"] == 3
