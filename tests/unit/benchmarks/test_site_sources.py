"""Sites of several tasks are read once."""

import pandas as pd

from grover.benchmarks.site_sources import SiteSources
from grover.intervals.contigs import Contigs


def test_tasks_of_the_same_sites_read_the_file_once(tmp_path):
    path = tmp_path / "peaks.narrowPeak"
    path.write_text("".join(f"chr1\t{at}\t{at + 10}\tx\t1\t.\t1\t1\t1\t5\n" for at in (0, 50, 200)))
    segments = pd.DataFrame({"chrom": ["chr1"], "start": [0], "end": [100]})
    sources = SiteSources({"peaks": path}, {}, Contigs({"chr1": 1_000}, {}), segments)
    first = sources.sites("peaks", "motif-bound", {})
    assert (first.rows, len(first.inside)) == (3, 2)
    summits = sources.sites("peaks", "tfbs", {})
    path.unlink()
    assert sources.sites("peaks", "motif-bound", {}) is first
    assert sources.sites("peaks", "motif-bound", {"summit": "20"}) is summits  # as `tfbs` reads them
