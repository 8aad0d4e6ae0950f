"""The file that says what a model was trained on."""

from hashlib import sha256

import pandas as pd

from grover.intervals.overlaps import share_covered
from grover.pretraining import trained_on
from grover.pretraining.trained_on import read_trained_on, with_checksums
from tests.fakes.assembly import assembly, random_bases


def test_contigs_keep_their_names_and_regions_the_share_that_was_seen(tmp_path):
    path = tmp_path / "trained_on.bed"
    path.write_text("1\t10\t20\n1\t30\t40\nNA\t0\t5\n")
    regions = pd.DataFrame({"chrom": ["1", "1", "2", "NA"], "start": [15, 0, 15, 0], "end": [35, 10, 35, 10]})
    assert share_covered(regions, read_trained_on(path)).tolist() == [0.5, 0, 0, 0.5]


def test_a_checksum_is_that_of_the_bases_in_upper_case(tmp_path, monkeypatch):
    text = random_bases(0, 60)
    genome = assembly(tmp_path, [("a", 5, text[:30]), ("b", 0, text[30:])])
    intervals = pd.DataFrame({"chrom": ["a", "b", "a"], "start": [5, 3, 10], "end": [35, 21, 11]})
    bases = [text[:30], text[33:51], text[5]]
    for at_once in (trained_on.AT_ONCE, 7):
        monkeypatch.setattr(trained_on, "AT_ONCE", at_once)
        found = with_checksums(intervals, genome)
        assert found["checksum"].tolist() == [sha256(each.encode()).hexdigest()[:16] for each in bases]
    found.to_csv(tmp_path / "trained_on.bed", sep="\t", header=False, index=False)
    pd.testing.assert_frame_equal(read_trained_on(tmp_path / "trained_on.bed"), found)
