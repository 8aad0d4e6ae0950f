"""The planted rule of the demo genome, if the demo has been run (`make run`): context is needed, and a network learns it."""

from pathlib import Path

import pandas as pd
import pytest

pytestmark = pytest.mark.workflow
SCORES = Path(__file__).resolve().parents[2] / "results/demo/benchmarks.parquet"


@pytest.mark.skipif(not SCORES.is_file(), reason="results/demo is not there; make run first")
def test_the_matrix_is_at_chance_and_the_network_reads_the_context():
    auroc = pd.read_parquet(SCORES).set_index(["task", "model"])["auroc"]
    assert 0.4 < auroc["ctcf", "pwm"] < 0.6
    assert auroc["ctcf", "tfidf-forest"] < 0.85
    assert auroc["ctcf", "chosen-twin"] > 0.9
    assert auroc["ctcf", "chosen"] > 0.9
