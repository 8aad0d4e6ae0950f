"""The lesson on scoring a VCF gives what it shows, with the chromosome of the data kit in place of the download."""

import os
import re
import subprocess
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[3] / "docs/tutorials/score-a-vcf.md").read_text()


@pytest.mark.data
@pytest.mark.skipif("GROVER_DATA" not in os.environ, reason="GROVER_DATA is not set")
def test_the_variants_that_the_lesson_writes_have_the_scores_that_it_shows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (written,) = [block for block in re.findall(r"```bash\n(.*?)```", PAGE, re.S) if "printf" in block]
    subprocess.run(["bash", "-ec", written], check=True)
    Path("chr22.fa.gz").symlink_to(Path(os.environ["GROVER_DATA"], "hg19/genome/hg19.partial.fa.gz").resolve())
    head, _, *rows = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("|")]
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    names: dict = {}
    exec(code, names)
    alleles = names["alleles"].set_index("id")
    assert list(alleles.index) == [row[0] for row in rows]
    for name, *values in rows:
        for column, value in zip(head[1:], values, strict=True):
            found = alleles.loc[name, column]
            assert f"{found:.2f}" == value if column.startswith("llr") else str(found) == value
