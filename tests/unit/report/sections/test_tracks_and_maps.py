"""Sections of the report on base tracks and dependency maps on sequence that the model was trained on."""

import numpy as np
import pandas as pd
import pytest

from grover.report.parts import Results
from grover.report.sections import base_tracks, maps
from tests.fakes import base_tracks as fake_tracks
from tests.fakes.results import write


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    return Results(folder, write(folder))


def test_tracks_name_the_share_of_their_bases_that_the_model_was_trained_on(results):
    text = base_tracks.section(results).parts[0]
    assert "25.0% of these bases are in sequence that the model was trained on. The model predicts" in text


def test_the_row_of_tracks_is_that_of_their_runs_and_not_the_shortest_run(tmp_path):
    files = fake_tracks.write(tmp_path, np.random.default_rng(0))
    table = Results(tmp_path, files).table(base_tracks.RUNS)
    plus = table[table["strands"] == "plus"]
    first = plus[plus["run"] == 4]  # as `by_run` writes tracks of runs of four tokens on one strand
    rest = plus[plus["run"] != 4]
    assert base_tracks._main(pd.concat([first, rest]))["run"] == 4
    assert base_tracks._main(table)["strands"] == "both"


def test_maps_count_the_loci_that_the_model_was_trained_on(results):
    assert "Loci that overlap sequence that the model was trained on: 1 of 2." in maps.section(results).parts[1]
