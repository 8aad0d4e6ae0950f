"""Checksums of files and listings of them, beside the commands that print them."""

import random
import subprocess

import pytest

from grover.config.files import checksum_options
from grover.config.sections.run import Source
from grover.runtime.errors import InputError
from grover.sources.checksums import digest, find_listed, read_digest, read_listing
from grover.sources.contents import Contents
from grover.sources.download import fetch

NCBI = f"{'a' * 32}  ./GCF_1.1_X_genomic.fna.gz\n{'b' * 32}  ./annotation_hashes.txt\n"
ENSEMBL = "2317 1204 Yeast.R64.dna_sm.toplevel.fa.gz\n05231    12 README\n"
UCSC = f"{'c' * 32}  hg38.fa.gz\n\n{'d' * 64} *hg38.2bit\n"


@pytest.mark.parametrize("size", [0, 1, 1023, 1024, 1025, 5_000_000])
def test_sum_is_that_of_the_command(tmp_path, size):
    path = tmp_path / "file"
    path.write_bytes(random.Random(size).randbytes(size))
    printed = subprocess.run(["sum", path], capture_output=True, text=True, check=True).stdout.split()[:2]
    assert digest(path, "sum") == " ".join(printed)
    assert Contents(tmp_path / "kept.json").digest(path, "sum") == " ".join(printed)


def test_the_listings_of_three_sites():
    assert read_listing(NCBI)["GCF_1.1_X_genomic.fna.gz"] == ("md5", "a" * 32)
    assert read_listing(ENSEMBL) == {
        "Yeast.R64.dna_sm.toplevel.fa.gz": ("sum", "02317 1204"),
        "README": ("sum", "05231 12"),
    }
    assert read_listing(UCSC) == {"hg38.fa.gz": ("md5", "c" * 32), "hg38.2bit": ("sha256", "d" * 64)}
    assert find_listed(f"{'e' * 32}\n", "any", "here") == ("md5", "e" * 32)
    assert read_listing("<html>\n404 Not Found\n</html>\n") == {}


def test_a_source_is_verified_by_sum(tmp_path):
    path, output = tmp_path / "genome.fa", tmp_path / "out/genome.fa"
    path.write_text(">1\nACGT\n")
    right = digest(path, "sum")
    fetch(str(path), output, sum=right)
    (tmp_path / "CHECKSUMS").write_text(f"{right} genome.fa\n")
    fetch(str(path), output, checksum_url=str(tmp_path / "CHECKSUMS"))
    assert output.resolve() == path
    with pytest.raises(InputError, match=f"has sum {right}, but 00001 1 was expected"):
        fetch(str(path), output, sum="1 1")
    assert checksum_options(Source(url="x", sum=right), "") == f"--sum '{right}'"


@pytest.mark.parametrize("value", ["", "12", "123456 1", "ab 1", "1 2 3"])
def test_what_is_no_sum_is_refused(value):
    with pytest.raises(InputError, match="give its two numbers"):
        read_digest("sum", value)
