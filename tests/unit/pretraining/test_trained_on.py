"""The file that says what a model was trained on."""

import pandas as pd

from grover.intervals.overlaps import share_covered
from grover.pretraining.trained_on import read_trained_on


def test_contigs_keep_their_names_and_regions_the_share_that_was_seen(tmp_path):
    path = tmp_path / "trained_on.bed"
    path.write_text("1\t10\t20\n1\t30\t40\nNA\t0\t5\n")
    regions = pd.DataFrame({"chrom": ["1", "1", "2", "NA"], "start": [15, 0, 15, 0], "end": [35, 10, 35, 10]})
    assert share_covered(regions, read_trained_on(path)).tolist() == [0.5, 0, 0, 0.5]
